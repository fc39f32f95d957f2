"""The published tables as they stood at one moment; a table may be in several pieces."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from suasion.errors import OrderError
from suasion.lake import load, load_about, rows_about, without
from suasion.ledger.database import TableVersion

ADDED = "+"
"""Between the name of a table and the number of what was added to it."""
PERSON = "person"


@dataclass(frozen=True)
class Tables:
    """The published tables as they stood at one moment.

    Parameters
    ----------
    lake : Path
        Folder of the files.
    versions : dict of str to TableVersion
    erasing : frozenset of int
        Erased persons whose rows are still in the files: they are not read.
    told, wishes : pyarrow.Table or None
        What persons told us themselves: consents, and what they wish us to keep to.
    """

    lake: Path
    versions: dict[str, TableVersion]
    erasing: frozenset[int] = frozenset()
    told: pa.Table | None = None
    wishes: pa.Table | None = None

    def read(self, name: str, made_by: str, inputs: str | None = None) -> pa.Table:
        """Read a table with what was added to it, without the persons that are being erased.

        Parameters
        ----------
        name : str
        made_by : str
            The command that makes it, for the error message.
        inputs : str, optional
            What it must have been made from.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        OrderError
            The table does not exist yet, or was made from something else than `inputs`.
        """
        if name not in self.versions:
            found = "it was never made, or deleted since it held what somebody erased had taught"
            raise OrderError(f"table '{name}'", found, f"Run `suasion {made_by}` first.")
        version = self.versions[name]
        if inputs is not None and version.inputs != inputs:
            raise OrderError(
                f"table '{name}'",
                "people, rules or declarations have changed since it was made",
                f"Run `suasion {made_by}` again.",
            )
        return self.together(self.pieces(name))

    def pieces(self, name: str) -> list[str]:
        """A table, and what was added to it; each is a file of its own."""
        added = (one for one in sorted(self.versions) if one.startswith(f"{name}{ADDED}"))
        return [name, *(one for one in added if self.versions[one].stored.rows)]

    def together(self, pieces: Sequence[str]) -> pa.Table:
        """Some of the `pieces` of a table as one."""
        return joined([self.piece(one) for one in pieces])

    def piece(self, name: str) -> pa.Table:
        """One of `pieces` alone, without the persons that are being erased."""
        table = load(self.lake, self.versions[name].stored)
        return without(table, rows_about(table, self.erasing)) if self.erasing else table

    def about(self, name: str, persons: Collection[int]) -> pa.Table:
        """The rows of some persons in a published table, which may be large; none of who is being erased."""
        wanted = set(persons) - self.erasing
        stored = (self.versions[one].stored for one in self.pieces(name))
        return joined([load_about(self.lake, one, wanted) for one in stored])

    def only(self, persons: Collection[int]) -> Tables:
        """The same tables, of which only rows about some persons are read; whole, where it is about none."""
        said = self.told, self.wishes
        return _About(self.lake, self.versions, self.erasing, *said, persons=frozenset(persons))

    def names(self) -> list[str]:
        """All tables, sorted."""
        return sorted(name for name in self.versions if ADDED not in name)

    def version(self, *names: str) -> str:
        """The versions of these tables as one text; 0 where a table does not exist."""
        return " ".join(f"{name}@{self._version(name)}" for name in names)

    def _version(self, name: str) -> str:
        """Of the table, and of what was added to it, which has no lower one ever."""
        added = sum(v.version for one, v in self.versions.items() if one.startswith(f"{name}{ADDED}"))
        own = self.versions[name].version if name in self.versions else 0
        return f"{own}{ADDED}{added}" if added else f"{own}"


@dataclass(frozen=True)
class _About(Tables):
    """See `Tables.only`."""

    persons: frozenset[int] = frozenset()

    def piece(self, name: str) -> pa.Table:
        """See `Tables.piece`."""
        found = load_about(self.lake, self.versions[name].stored, self.persons - self.erasing)
        return found if PERSON in found.column_names else super().piece(name)


def joined(pieces: Sequence[pa.Table]) -> pa.Table:
    """The pieces of a table as one.

    Its notes are those of the first; of a number that several note, the largest counts.

    Examples
    --------
    >>> pieces = [pa.table({"x": [n]}).replace_schema_metadata({"last": str(n)}) for n in (2, 3)]
    >>> joined(pieces).schema.metadata
    {b'last': b'3'}
    """
    first, *others = pieces
    if not others:
        return first
    notes: dict[bytes, bytes] = dict(first.schema.metadata or {})
    for one in others:
        for name, value in (one.schema.metadata or {}).items():
            notes[name] = max(notes.get(name, b"0"), value, key=int) if value.isdigit() else value
    plain = [one.replace_schema_metadata(None) for one in pieces]
    return pa.concat_tables(plain, promote_options="default").replace_schema_metadata(notes or None)
