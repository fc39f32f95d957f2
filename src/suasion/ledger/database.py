"""The ledger's database: SQLite in WAL mode, every commit on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, ExceptionContext, Row, create_engine, event, select
from sqlalchemy.pool import NullPool

from suasion.errors import BusyError, DamageError, SuasionError, WorkspaceError
from suasion.lake import StoredTable
from suasion.ledger.schema import table_versions

REVISION = "0003"
"""The newest revision under ``migrations/``."""

_OLDER = (None, "0001", "0002")
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
class TableVersion:
    """A version of a table.

    Parameters
    ----------
    version : int
        Counts from 1.
    stored : StoredTable
    inputs : str
        What it was made from: versions of tables, digests of declarations and rules.
    """

    version: int
    stored: StoredTable
    inputs: str


@dataclass(frozen=True)
class Ledger:
    """An open ledger.

    Parameters
    ----------
    path : Path
        The SQLite file.
    engine : sqlalchemy.Engine
    """

    path: Path
    engine: Engine

    def __post_init__(self) -> None:
        def told(context: ExceptionContext) -> SuasionError | None:
            return _told(self.path, context.original_exception)

        event.listen(self.engine, "handle_error", told, retval=True)

    @staticmethod
    def open(path: Path) -> Ledger:
        """Open a ledger, making its tables on first use.

        Parameters
        ----------
        path : Path

        Returns
        -------
        Ledger

        Raises
        ------
        DamageError
            The file is no ledger, or one of another version of suasion.
        BusyError
            Another process keeps it locked.
        WorkspaceError
            The disk is full, or it cannot be written.
        """
        engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
        event.listen(engine, "connect", _configure)
        ledger = Ledger(path, engine)
        with engine.connect() as connection:
            found = _revision(connection)
        if found != REVISION:
            _migrate(engine, path)
        return ledger

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection whose cursors of the driver, too, tell of damage as SQLAlchemy's do.

        Yields
        ------
        sqlalchemy.Connection

        Raises
        ------
        DamageError
            The file is not what was written.
        """
        with self.engine.connect() as connection:
            try:
                yield connection
            except sqlite3.Error as error:
                told = _told(self.path, error)
                if told is None:
                    raise
                raise told from error

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction that holds the write lock from its start: what it reads stays true until it ends.

        Yields
        ------
        sqlalchemy.Connection

        Raises
        ------
        BusyError
            Another process kept the lock for longer than ten seconds.
        DamageError
            The file is not what was written; nothing is changed.
        WorkspaceError
            The disk is full, or it cannot be written; nothing is changed.
        """
        with self.reading() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def current(self) -> dict[str, TableVersion]:
        """The newest version of every table, read in one transaction."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(table_versions).order_by(table_versions.c.version)).all()
        return {row.name: _version(row) for row in rows}


def _revision(connection: Connection) -> str | None:
    """What the file says of its schema; None for a new file."""
    tables = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    if "alembic_version" not in tables:
        return "unknown" if tables else None
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def _migrate(engine: Engine, path: Path) -> None:
    """Bring the schema to the newest revision, in one transaction."""
    config = Config()
    config.set_main_option("script_location", "suasion.ledger:migrations")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # another process may be about to do the same
        found = _revision(connection)
        if found not in (*_OLDER, REVISION):
            raise DamageError(str(path), f"ledger revision {found}", f"Use revision {REVISION}.")
        if found != REVISION:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)
            connection.commit()


def _told(path: Path, error: BaseException) -> SuasionError | None:
    """What an error of SQLite means to whoever keeps the file; None where it is none of these.

    Its own words may quote a cell; they are not repeated. See https://www.sqlite.org/rescode.html.
    """
    if not isinstance(error, sqlite3.DatabaseError):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    said = isinstance(error, sqlite3.OperationalError) and str(error).startswith(_SAID_OF_DAMAGE)
    if code in _DAMAGED or said or path.is_dir():
        found, todo = f"not a readable ledger ({type(error).__name__})", "Restore it from a backup."
        return DamageError(str(path), found, todo)
    if code is None:
        return None
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(str(path), "another process is writing to it", "Try again.")
    if code & 0xFF in _UNWRITABLE:
        todo = "Nothing that was acknowledged is lost: free space, or let it be written, and run again."
        return WorkspaceError(str(path), "the disk is full, or the file cannot be written", todo)
    return None


def _version(row: Row[Any]) -> TableVersion:
    return TableVersion(row.version, StoredTable(row.name, row.file, row.rows, row.size), row.inputs)


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
