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
from sqlalchemy import URL, Connection, Engine, Row, create_engine, event, select
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

from suasion.errors import BusyError, DamageError
from suasion.lake import StoredTable
from suasion.ledger.schema import table_versions

REVISION = "0001"
"""The newest revision under ``migrations/``."""


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
        """
        engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)
        event.listen(engine, "connect", _configure)
        try:
            with engine.connect() as connection:
                found = _revision(connection)
            if found != REVISION:
                _migrate(engine, path)
        except DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise _busy(path) from error
            raise DamageError(
                str(path), f"not a readable ledger ({type(error.orig).__name__})", "Restore it."
            ) from error
        return Ledger(path, engine)

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
        """
        with self.engine.connect() as connection:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                raise _busy(self.path) from error
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
        if found not in (None, REVISION):
            raise DamageError(str(path), f"ledger revision {found}", f"Use revision {REVISION}.")
        if found is None:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)
            connection.commit()


def _busy(path: Path) -> BusyError:
    return BusyError(str(path), "another process is writing to it", "Try again.")


def _version(row: Row[Any]) -> TableVersion:
    return TableVersion(row.version, StoredTable(row.name, row.file, row.rows, row.size), row.inputs)


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
