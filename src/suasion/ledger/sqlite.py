"""A ledger in a file: SQLite in WAL mode, every commit on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from suasion.errors import BusyError, DamageError, SuasionError, WorkspaceError
from suasion.ledger.lock import locked

_TURN = 0.001
"""Seconds between two attempts at the write lock."""
_UNWRITABLE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)
_DAMAGED = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
)
_SAID_OF_DAMAGE = ("no such table", "no such column", "malformed JSON", "Could not decode to UTF-8")
"""Errors of damage whose code is any error's."""


@dataclass(frozen=True)
class SqliteFile:
    """A file, and beside it the locks of its processes. Implements `Place`.

    Parameters
    ----------
    path : Path
        On a disk of this machine: over a network its locks do not hold.
    """

    path: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    def engine(self) -> Engine:
        """See `Place.engine`."""
        url = URL.create("sqlite", database=str(self.path))
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        event.listen(engine, "connect", _configure)
        return engine

    def read_one_moment(self, connection: Connection) -> None:
        """See `Place.read_one_moment`."""
        connection.exec_driver_sql("BEGIN")

    def mark(self, connection: Connection) -> Hashable:
        """Which file it is, and its version; see https://www.sqlite.org/pragma.html#pragma_data_version."""
        version = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return version, self.path.stat().st_ino if self.path.exists() else None

    def take_lock(self, connection: Connection) -> None:
        """See `Place.take_lock`.

        SQLite itself would ask at longer and longer intervals, up to 100 ms, and hardly ever meet the moments
        at which a busy sender lets the lock go: an opt-out could wait for a second.
        """
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        end = time.monotonic() + patience / 1000
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                break
            except BusyError:
                if time.monotonic() >= end:
                    raise
                time.sleep(_TURN)
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")

    def alone(self, engine: Engine, role: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock file of the role; see `Place.alone`."""
        return locked(self.path.with_suffix(f".{role}"), what)

    def overwrite_deleted(self, connection: Connection) -> None:
        """See `Place.overwrite_deleted` and https://www.sqlite.org/pragma.html#pragma_secure_delete."""
        connection.exec_driver_sql("PRAGMA secure_delete = ON").all()

    def settle(self, engine: Engine) -> None:
        """Empty the write-ahead log; see `Place.settle`."""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 500").all()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    def rebuild(self, engine: Engine) -> None:
        """Rebuild the file from its rows, and empty its write-ahead log; see `Place.rebuild`.

        See https://www.sqlite.org/lang_vacuum.html and https://www.sqlite.org/pragma.html#pragma_wal_checkpoint.
        """
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                connection.exec_driver_sql("VACUUM")
                busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            except BusyError:
                busy = True
        if busy:
            raise BusyError(self.name, "another process keeps it from being rewritten", "Erase again.")

    def told(self, error: BaseException) -> SuasionError | None:
        """See `Place.told` and https://www.sqlite.org/rescode.html."""
        if not isinstance(error, sqlite3.DatabaseError):
            return None
        code = getattr(error, "sqlite_errorcode", None)
        said = isinstance(error, sqlite3.OperationalError) and str(error).startswith(_SAID_OF_DAMAGE)
        if code in _DAMAGED or said or self.path.is_dir():
            found, todo = f"not a readable ledger ({type(error).__name__})", "Restore it from a backup."
            return DamageError(self.name, found, todo)
        if code is None:
            return None
        if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return BusyError(self.name, "another process is writing to it", "Try again.")
        if code & 0xFF in _UNWRITABLE:
            todo = "Nothing that was acknowledged is lost: free space, or let it be written, and run again."
            return WorkspaceError(self.name, "the disk is full, or the file cannot be written", todo)
        return None


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
