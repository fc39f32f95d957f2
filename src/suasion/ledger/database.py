"""The ledger: one database, whose commits are on disk before they are acknowledged."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, ExceptionContext, Row, event, inspect, select

from suasion.errors import DamageError, SuasionError, WorkspaceError
from suasion.lake import StoredTable
from suasion.ledger.changes import Changes
from suasion.ledger.journal import Journal
from suasion.ledger.place import Place
from suasion.ledger.postgres import PostgresSchema
from suasion.ledger.schema import table_versions
from suasion.ledger.sqlite import SqliteFile

REVISION = "0005"
"""The newest revision under ``migrations/``."""

_OLDER = (None, "0001", "0002", "0003", "0004")


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
    place : Place
        The database.
    engine : sqlalchemy.Engine
    journal : Journal, optional
        What must never be forgotten, in a file of its own.
    """

    place: Place
    engine: Engine
    journal: Journal | None = None

    def __post_init__(self) -> None:
        def told(context: ExceptionContext) -> SuasionError | None:
            return self.place.told(context.original_exception)

        event.listen(self.engine, "handle_error", told, retval=True)

    @staticmethod
    def open(where: Path | str, journal: Journal | None = None) -> Ledger:
        """Open a ledger, making its tables on first use.

        Parameters
        ----------
        where : Path or str
            A file of SQLite, or the URL of a Postgres database, ``postgresql://user@host/database``.
        journal : Journal, optional

        Returns
        -------
        Ledger

        Raises
        ------
        DamageError
            It is no ledger, or one of another version of suasion.
        BusyError
            Another process keeps it locked.
        WorkspaceError
            The disk is full, it cannot be written, or the server cannot be reached.
        MissingExtraError
            A URL of Postgres, and the extra ``postgres`` is not installed.
        """
        place = _place(where)
        ledger = Ledger(place, place.engine(), journal)
        with ledger.engine.connect() as connection:
            found = _revision(connection)
        if found != REVISION:
            _migrate(ledger)
        return ledger

    @contextmanager
    def _connected(self) -> Generator[Connection]:
        """A connection whose cursors of the driver, too, tell of errors as SQLAlchemy's do."""
        with self.engine.connect() as connection:
            try:
                yield connection
            except self.engine.dialect.loaded_dbapi.Error as error:
                told = self.place.told(error)
                if told is None:
                    raise
                raise told from error

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """A transaction that sees one moment, whatever is written meanwhile.

        Yields
        ------
        sqlalchemy.Connection

        Raises
        ------
        DamageError
            The ledger is not what was written.
        """
        with self._connected() as connection:
            self.place.read_one_moment(connection)
            yield connection

    def changes(self) -> Changes:
        """What tells whether anything was written since it was last asked."""
        return Changes(self.place, self.engine)

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
            The ledger is not what was written; nothing is changed.
        WorkspaceError
            The disk is full, or it cannot be written; nothing is changed.
        """
        with self._connected() as connection:
            self.place.take_lock(connection)
            yield connection
            connection.commit()

    def alone(self, role: str, what: str) -> AbstractContextManager[None]:
        """Be the one process in a role; it ends with the block, and with the process, however that ends.

        Parameters
        ----------
        role : {"lock", "sending"}
            A run, or a sender.
        what : str
            What needs it, for the error message.

        Raises
        ------
        BusyError
            Another process has the role.
        """
        return self.place.alone(self.engine, role, what)

    def current(self) -> dict[str, TableVersion]:
        """The newest version of every table, read in one transaction."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(table_versions).order_by(table_versions.c.version)).all()
        return {row.name: _version(row) for row in rows}


def _place(where: Path | str) -> Place:
    if isinstance(where, str) and "://" in where:
        return PostgresSchema.named(where)
    return SqliteFile(Path(where))


def _revision(connection: Connection) -> str | None:
    """What the database says of its schema; None for a new one."""
    look = inspect(connection)
    if look.default_schema_name is None:
        found, todo = "the schema that its URL names is not there", "Create it, or correct the URL."
        raise WorkspaceError("the ledger", found, todo)
    tables = look.get_table_names()
    if "alembic_version" not in tables:
        return "unknown" if tables else None
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())


def _migrate(ledger: Ledger) -> None:
    """Bring the schema to the newest revision, in one transaction."""
    config = Config()
    config.set_main_option("script_location", "suasion.ledger:migrations")
    with ledger.writing() as connection:  # another process may be about to do the same
        found = _revision(connection)
        if found not in (*_OLDER, REVISION):
            raise DamageError(ledger.place.name, f"ledger revision {found}", f"Use revision {REVISION}.")
        if found != REVISION:
            config.attributes["connection"] = connection
            command.upgrade(config, REVISION)


def _version(row: Row[Any]) -> TableVersion:
    return TableVersion(row.version, StoredTable(row.name, row.file, row.rows, row.size), row.inputs)
