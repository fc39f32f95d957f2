"""The ledger's database: SQLite in WAL mode, every commit on disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, Row, create_engine, event, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from suasion.errors import BusyError, DamageError
from suasion.lake import StoredTable
from suasion.ledger.schema import metadata, table_versions

SCHEMA_VERSION = 1


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
            with engine.begin() as connection:
                found = connection.execute(text("PRAGMA user_version")).scalar_one()
                if found not in (0, SCHEMA_VERSION):
                    raise DamageError(str(path), f"ledger version {found}", f"Use version {SCHEMA_VERSION}.")
                if found == 0:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")  # another process may open it first, too
                    metadata.create_all(connection)
                    connection.execute(text(f"PRAGMA user_version = {SCHEMA_VERSION:d}"))
        except DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise BusyError(str(path), "another process is writing to it", "Try again.") from error
            raise DamageError(
                str(path), f"not a readable ledger ({type(error.orig).__name__})", "Restore it."
            ) from error
        return Ledger(path, engine)

    def current(self) -> dict[str, TableVersion]:
        """The newest version of every table, read in one transaction."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(table_versions).order_by(table_versions.c.version)).all()
        return {row.name: _version(row) for row in rows}


def _version(row: Row[Any]) -> TableVersion:
    return TableVersion(row.version, StoredTable(row.name, row.file, row.rows, row.size), row.inputs)


def _configure(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
