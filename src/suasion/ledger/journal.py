"""The journal: what must never be forgotten, in a file of its own beside the ledger.

Who opts out or is erased is written here, on disk, before it is acknowledged. A ledger that is put back from
an older backup is behind its journal: what is missing is done again before anything is sent; see `replay`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from suasion.errors import DamageError
from suasion.ledger.schema import journal as head_table

NAME = "suppressions.journal"
"""Of the file, in the workspace."""
BEGUN = "begun"
"""The first line: nothing is missing before it, or somebody answers for what is."""
WISH = "wish."
"""Before the kind of a wish, in the kind of a line."""
REFUSED = "refused"
"""Kind of a line about a consent that a person refused."""
_TAIL = 1 << 16
_SIZE = 16


@dataclass(frozen=True)
class Head:
    """The newest line that is in force: its number, 0 before the first, and its code."""

    n: int = 0
    mac: str = ""


@dataclass(frozen=True)
class Entry:
    """One line.

    Parameters
    ----------
    n : int
        Counts from 1.
    kind : str
        ``begun``; why persons were suppressed; or what they wished.
    persons : tuple of int
    hashes : tuple of str
        Keyed hashes of identifiers and contact details, hexadecimal.
    what : str
        The channel of a suppression; how many messages are wished; purpose and channel of a refusal.
    at : str
        ISO 8601, UTC.
    before : str
        The code of the line before.
    mac : str
        A code over all of this, which only the holder of the workspace's key can make.
    """

    n: int
    kind: str
    persons: tuple[int, ...]
    hashes: tuple[str, ...]
    what: str
    at: str
    before: str
    mac: str = ""

    @property
    def head(self) -> Head:
        """The state after this line."""
        return Head(self.n, self.mac)


@dataclass(frozen=True)
class Journal:
    """The file and the key of its codes.

    Parameters
    ----------
    path : Path
    key : bytes
        The workspace's.
    """

    path: Path
    key: bytes = field(repr=False)

    def entries(self) -> tuple[Entry, ...]:
        """All lines, each checked against the one before; none where there is no file.

        A line that was cut off while it was written was never acknowledged, and is left out.

        Raises
        ------
        DamageError
            A line was changed, removed or moved, or is of another workspace.
        """
        if not self.path.exists():
            return ()
        lines = self.path.read_bytes().split(b"\n")[:-1]
        found = tuple(self._read(line, place) for place, line in enumerate(lines, 1))
        for place, (one, two) in enumerate(pairwise(found), 2):
            if (two.n, two.before) != (one.n + 1, one.mac):
                raise self._damaged(place)
        return found

    def is_one(self) -> bool:
        """Whether there is a file that begins as a journal does, of whatever workspace."""
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            first = file.readline(_TAIL)
        try:
            said: Any = json.loads(first)
        except (ValueError, RecursionError):
            return False
        return isinstance(said, dict) and set(said) == set(Entry.__annotations__)

    def last(self) -> Entry | None:
        """The newest line, read without the others; None where there is none."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        if len(lines) > 1 or (lines and size <= _TAIL):
            return self._read(lines[-1], 0)
        return self.entries()[-1] if size else None

    def append(
        self,
        connection: Connection,
        kind: str,
        persons: Iterable[int],
        hashes: Iterable[bytes],
        what: str,
        at: datetime,
    ) -> None:
        """Write a line, on disk before the transaction that does what it says is committed.

        Killed in between, the line is there and the ledger is behind: it is done again, as it was asked for.
        The ledger counts it as its own only where both were at the same line before: one that is behind, or
        whose journal is gone, still takes what persons say, and sends nothing until it has caught up.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            In a transaction that holds the write lock.
        kind : str
        persons : iterable of int
        hashes : iterable of bytes
        what : str
        at : datetime
        """
        here, last = head_of(connection), self.last()
        there = last.head if last else Head()
        if last is None and here == Head():
            there = here = self.begin(connection, at, here)
        said = (kind, tuple(sorted(persons)), tuple(sorted(one.hex() for one in hashes)), what)
        made = self.made(here if last is None else there, *said, at)
        self._write([made])
        if here == there:
            set_head(connection, made.head)

    def begin(self, connection: Connection, at: datetime, after: Head) -> Head:
        """Begin the journal after a line of the ledger; returns where both are now."""
        made = self.made(after, BEGUN, (), (), "", at)
        self._write([made])
        set_head(connection, made.head)
        return made.head

    def replace(self, connection: Connection, said: Sequence[Entry], at: datetime) -> None:
        """Put another journal in the place of this one: a new beginning, and then what was said.

        Parameters
        ----------
        connection : sqlalchemy.Connection
            In a transaction that holds the write lock, and did what they say.
        said : sequence of Entry
        at : datetime
        """
        begun = self.made(head_of(connection), BEGUN, (), (), "", at)
        made = [begun]
        for one in said:
            if one.kind != BEGUN:
                when = datetime.fromisoformat(one.at)
                made.append(self.made(made[-1].head, one.kind, one.persons, one.hashes, one.what, when))
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        Journal(part, self.key)._write(made)
        part.replace(self.path)
        _sync(self.path.parent)
        set_head(connection, made[-1].head)

    def made(
        self,
        after: Head,
        kind: str,
        persons: tuple[int, ...],
        hashes: tuple[str, ...],
        what: str,
        at: datetime,
    ) -> Entry:
        """The line after another."""
        time = at.astimezone(UTC).isoformat()
        bare = Entry(after.n + 1, kind, persons, hashes, what, time, after.mac)
        return replace(bare, mac=self._code(bare))

    def _code(self, entry: Entry) -> str:
        content = json.dumps([*vars(entry).values()][:-1]).encode()
        return hashlib.blake2b(content, digest_size=_SIZE, key=self.key, person=b"journal").hexdigest()

    def _read(self, line: bytes, place: int) -> Entry:
        try:
            said: dict[str, Any] = json.loads(line)
            said |= {"persons": tuple(said["persons"]), "hashes": tuple(said["hashes"])}
            entry = Entry(**said)
            genuine = hmac.compare_digest(entry.mac, self._code(entry))
        except (ValueError, TypeError, KeyError, RecursionError):
            genuine, entry = False, None
        if entry is None or not genuine:
            raise self._damaged(place)
        return entry

    def _damaged(self, place: int) -> DamageError:
        where = f"line {place}" if place else "the last line"
        found = f"{where} is not what was written, or was written with another SUASION_KEY"
        todo = "Put a copy in its place by `suasion restore --journal FILE`."
        return DamageError(self.path.name, found, todo)

    def _write(self, made: Sequence[Entry]) -> None:
        """Append lines; on disk when this returns."""
        is_new = not self.path.exists()
        with self.path.open("ab") as file:
            size = file.tell()
            whole = size if is_new else _whole(self.path, size)
            if whole < size:
                file.truncate(whole)
            file.write(b"".join(json.dumps(vars(one)).encode() + b"\n" for one in made))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            _sync(self.path.parent)


def head_of(connection: Connection) -> Head:
    """The line up to which the ledger has done what the journal says."""
    row = connection.execute(select(head_table.c.n, head_table.c.mac)).first()
    return Head(row.n, row.mac) if row else Head()


def is_level(connection: Connection, journal: Journal) -> bool:
    """Whether the ledger has done all that the journal knows; where neither has begun, it has."""
    last = journal.last()
    return head_of(connection) == (Head() if last is None else last.head)


def set_head(connection: Connection, head: Head) -> None:
    """Say that the ledger has done what the journal says up to a line."""
    connection.execute(delete(head_table))
    connection.execute(insert(head_table).values(n=head.n, mac=head.mac))


def _whole(path: Path, size: int) -> int:
    """Bytes of the file up to the end of its last whole line."""
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        return max(0, size - _TAIL) + file.read().rfind(b"\n") + 1


def _sync(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
