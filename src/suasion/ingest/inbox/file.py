"""The inbox's file: SQLite in WAL mode, every commit on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from suasion.errors import BusyError, DamageError, SuasionError, WorkspaceError
from suasion.ingest.inbox.box import COLUMNS, Row

_VERSION = 1
_PAGE = 16_384
_LOG_PAGES = 8 * 2**20 // _PAGE
"""Pages of the write-ahead log from which on it is copied into the file."""
_PATIENCE, _TURN = 10.0, 0.001
"""Seconds to wait for another process that writes, and between two attempts."""
_SETTLING, _AGAIN = 5.0, 0.05
"""Seconds to wait until the log can be emptied, and between two attempts."""
_STATEMENTS = 256
_ROWS = 64
"""Of one statement: the fewer statements, the less often the thread must ask for the interpreter's lock."""
_FORGOTTEN_AT_ONCE = 32
"""Batches of one commit, so that those who write need not wait for long."""
_PRUNED_AT_ONCE = 1_000
_BATCH = f"INSERT INTO batches ({COLUMNS}) VALUES "
_DEAD = "INSERT INTO dead (stream, received_at, reason, message_id) VALUES (?, ?, ?, ?)"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL, received_at REAL NOT NULL,
    type TEXT, sent_at REAL, at REAL, context BLOB NOT NULL, events BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS seen (
    position INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, digests BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS dead (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL, received_at REAL NOT NULL, reason TEXT NOT NULL, message_id TEXT
) STRICT;
"""

_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_DAMAGED = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
)


@dataclass(frozen=True)
class File:
    """An inbox in a file. Implements `Place`.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def connect(self) -> FileBox:
        """A connection to the file, which is made where there is none.

        Raises
        ------
        DamageError, WorkspaceError, BusyError
            It is no inbox, is one of a later version, cannot be written, or stays locked.
        """
        return FileBox(self.path, _connect(self.path))


class FileBox:
    """A connection to a file. Implements `Box`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def writing(self) -> AbstractContextManager[None]:
        """See `Box.writing`."""
        return _writing(self._connection, self._path)

    def mark(self) -> None:
        """Write which version the file has: what every reader may find written again."""
        self._connection.execute(f"PRAGMA user_version = {_VERSION}").fetchall()

    def insert(self, batches: list[Row], dead: list[Row]) -> None:
        """See `Box.insert`."""
        for start in range(0, len(batches), _ROWS):
            part = batches[start : start + _ROWS]
            sql = _BATCH + ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(part))
            self._connection.execute(sql, [cell for row in part for cell in row])
        if dead:
            self._connection.executemany(_DEAD, dead)

    def insert_seen(self, at: float, digests: bytes) -> int:
        """See `Box.insert_seen`."""
        row = self._connection.execute("INSERT INTO seen (at, digests) VALUES (?, ?)", (at, digests))
        return row.lastrowid or 0

    def seen_after(self, position: int) -> Iterable[tuple[int, float, bytes]]:
        """See `Box.seen_after`."""
        sql = "SELECT position, at, digests FROM seen WHERE position > ? ORDER BY position"
        with _told(self._path):
            yield from self._connection.execute(sql, (position,))

    def batches(self, after: int, limit: int) -> list[Row]:
        """See `Box.batches`."""
        sql = f"SELECT position, {COLUMNS} FROM batches WHERE position > ? ORDER BY position LIMIT ?"
        return self._rows(sql, after, limit)

    def waiting(self) -> int:
        """See `Box.waiting`."""
        return self._rows("SELECT count(*) FROM batches")[0][0]

    def dead(self, limit: int) -> list[Row]:
        """See `Box.dead`."""
        sql = "SELECT stream, received_at, reason, message_id FROM dead ORDER BY position DESC LIMIT ?"
        return self._rows(sql, limit)

    def forget(self, until: int) -> bool:
        """See `Box.forget`."""
        sql = "SELECT max(position) FROM (SELECT position FROM batches ORDER BY position LIMIT ?)"
        (last,) = self._connection.execute(sql, (_FORGOTTEN_AT_ONCE,)).fetchone()
        last = min(last or 0, until)
        gone = self._connection.execute("DELETE FROM batches WHERE position <= ?", (last,)).rowcount
        return gone >= _FORGOTTEN_AT_ONCE

    def prune(self, kept: float, most_dead: int) -> None:
        """See `Box.prune`."""
        execute = self._connection.execute
        newest = execute("SELECT at FROM seen ORDER BY position DESC LIMIT 1").fetchone() or (0,)
        first = "SELECT position, at FROM seen ORDER BY position LIMIT ?"
        old = f"SELECT max(position) FROM ({first}) WHERE at < ?"
        execute(f"DELETE FROM seen WHERE position <= ({old})", (_PRUNED_AT_ONCE, newest[0] - kept))
        execute("DELETE FROM dead WHERE position <= (SELECT max(position) FROM dead) - ?", (most_dead,))

    def cut(self, position: int, change: Callable[[bytes], bytes | None]) -> None:
        """See `Box.cut`."""
        execute = self._connection.execute
        row = execute("SELECT events FROM batches WHERE position = ?", (position,)).fetchone()
        left = None if row is None else change(row[0])
        if left is not None:
            execute("UPDATE batches SET events = ? WHERE position = ?", (left, position))
        elif row is not None:
            execute("DELETE FROM batches WHERE position = ?", (position,))

    def settle(self) -> None:
        """Empty the write-ahead log, which holds what was there before."""
        end = time.monotonic() + _SETTLING
        while True:
            with _told(self._path):
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if not busy:
                return
            if time.monotonic() >= end:
                found = "another process keeps its log from being emptied"
                raise BusyError(str(self._path), found, "Erase again.")
            time.sleep(_AGAIN)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _rows(self, sql: str, *given: int) -> list[Row]:
        with _told(self._path):
            return self._connection.execute(sql, given).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to the file; it waits for no lock by itself, `_writing` does."""
    with _told(path):
        connection = sqlite3.connect(
            path,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        try:
            _prepare(connection, path)
            connection.execute("PRAGMA busy_timeout = 0").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE}")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}").fetchall()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise WorkspaceError(str(path), f"an inbox of version {version}", "Update suasion.")
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


@contextmanager
def _writing(connection: sqlite3.Connection, path: Path) -> Generator[None]:
    """A transaction that is whole and on disk, or nothing of it.

    SQLite itself asks for the write lock at longer and longer intervals, and hardly ever meets the moments at
    which a busy process lets it go.
    """
    with _told(path):
        _begin(connection)
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _begin(connection: sqlite3.Connection) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_TURN)


@contextmanager
def _told(path: Path) -> Generator[None]:
    """Errors of SQLite as ours; see https://www.sqlite.org/rescode.html."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meant(path, error) from None


def _meant(path: Path, error: sqlite3.Error) -> SuasionError:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(str(path), "another process is writing to it", "Try again.")
    if code is not None and code not in _DAMAGED and code & 0xFF in (*_FULL, sqlite3.SQLITE_IOERR):
        todo = "Nothing that was acknowledged is lost: free space, or let it be written."
        return WorkspaceError(str(path), "the disk is full, or the file cannot be written", todo)
    found = f"not a readable inbox ({type(error).__name__})"
    return DamageError(str(path), found, "Put it aside, or restore it from a backup.")
