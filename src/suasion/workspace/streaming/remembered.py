"""What was read of who is known by what: a file never changes, so that none is read in every turn."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import stitch, told
from suasion.identity import stored as as_stored
from suasion.ledger import Tables
from suasion.workspace.streaming import parts

Ids = npt.NDArray[np.int64]
IDENTITIES, VISITORS = "identities", "visitors"
T = TypeVar("T")


@dataclass(frozen=True)
class Known:
    """Who is known by what, as one file says it.

    Parameters
    ----------
    name : str
        Of the table, or of what was added to it.
    links : pyarrow.Table
        Of `told.links_of`.
    persons : array of int64, shape (n,)
        Everybody in the file, sorted.
    last : int
        The largest number of a person that was ever given out, as far as the file says.
    """

    name: str
    links: pa.Table
    persons: Ids
    last: int

    @staticmethod
    def of(name: str, table: pa.Table, key: bytes) -> Known:
        """From the file's rows."""
        rows = as_stored(table)
        return Known(name, told.links_of(rows, key), _persons(rows), told.last_number(rows))


@dataclass(frozen=True)
class Visitors:
    """By which identifiers streams know persons, as one file says it.

    Parameters
    ----------
    name : str
    devices : pyarrow.Table
        Of anonymous identifiers.
    users : pyarrow.Table
        Of all others.
    """

    name: str
    devices: pa.Table
    users: pa.Table

    @staticmethod
    def of(name: str, table: pa.Table) -> Visitors:
        """From the file's rows."""
        is_device = table["since"].is_valid()
        return Visitors(name, table.filter(is_device), table.filter(pc.invert(is_device)))


@dataclass
class Remembered:
    """Of the files that are published now, or were in the turn before.

    Parameters
    ----------
    key : bytes
        The workspace's.
    """

    key: bytes = field(repr=False)
    _known: dict[str, Known] = field(default_factory=dict[str, Known], init=False)
    _visitors: dict[str, Visitors] = field(default_factory=dict[str, Visitors], init=False)
    _in_parts: dict[str, Ids] = field(default_factory=dict[str, Ids], init=False)

    def known(self, tables: Tables) -> list[Known]:
        """Who is known by what, file by file."""
        self._known = _kept(
            self._known, tables, IDENTITIES, lambda name, table: Known.of(name, table, self.key)
        )
        return [*self._known.values()]

    def visitors(self, tables: Tables) -> list[Visitors]:
        """By which identifiers streams know persons, file by file."""
        self._visitors = _kept(self._visitors, tables, VISITORS, Visitors.of)
        return [*self._visitors.values()]

    def persons_of(self, tables: Tables, wanted: Collection[stitch.Key]) -> dict[stitch.Key, int]:
        """The persons who have some identifiers; of several the one with the least number."""
        found = dict[stitch.Key, int]()
        for one in self.known(tables) if wanted else ():
            for key, person in told.persons_of(one.links, wanted).items():
                if person not in tables.erasing:
                    found[key] = min(person, found.get(key, person))
        return found

    def last(self, tables: Tables) -> int:
        """The largest number of a person that was ever given out."""
        return max((one.last for one in self.known(tables)), default=0)

    def everybody(self, tables: Tables) -> Ids:
        """Everybody of whom anything is known, in no order, and some of them twice."""
        found = np.concatenate([np.zeros(0, np.int64), *(one.persons for one in self.known(tables))])
        return found[~np.isin(found, [*tables.erasing])] if tables.erasing else found

    def is_in(self, tables: Tables, part: str, persons: Ids) -> bool:
        """Whether a part holds rows of any of these persons."""
        stored = tables.versions[part].stored
        if stored.rows >= parts.SMALL:
            return bool(tables.about(part, persons.tolist()).num_rows)
        if stored.file not in self._in_parts:
            self._in_parts[stored.file] = _persons(tables.piece(part)) if stored.rows else persons[:0]
        return bool(np.isin(persons, self._in_parts[stored.file], assume_unique=True).any())

    def forget(self, tables: Tables) -> None:
        """Forget parts that are no longer there."""
        files = {version.stored.file for version in tables.versions.values()}
        self._in_parts = {file: found for file, found in self._in_parts.items() if file in files}


def _kept(
    before: dict[str, T], tables: Tables, name: str, made: Callable[[str, pa.Table], T]
) -> dict[str, T]:
    """What was known before of the files that a table consists of now, and what it says of new ones."""
    if name not in tables.versions:
        return {}
    files = {tables.versions[one].stored.file: one for one in tables.pieces(name)}
    return {
        file: before[file] if file in before else made(one, tables.piece(one)) for file, one in files.items()
    }


def _persons(table: pa.Table) -> npt.NDArray[Any]:
    return np.unique(table["person"].to_numpy())
