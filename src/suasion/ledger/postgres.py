"""A ledger on a Postgres server: for senders and front ends on several machines."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from suasion.errors import BusyError, DamageError, MissingExtraError, SuasionError, WorkspaceError

_SETTINGS = {
    "synchronous_commit": "on",
    "lock_timeout": "10000",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "TimeZone": "UTC",
}
"""Whatever the server's defaults: a commit is on disk when it returns, nobody waits for a lock longer than
ten seconds, and no lock ends because its holder is busy elsewhere."""

_ROLES = {"writing": 1, "lock": 2, "sending": 3}
"""First keys of advisory locks; the second is the schema, so that each workspace has locks of its own."""
_SCHEMA = "current_schema()::regnamespace::oid::int"
_TAKE = text(f"SELECT pg_advisory_xact_lock(:role, {_SCHEMA})")
_TRY = text(f"SELECT pg_try_advisory_lock(:role, {_SCHEMA})")
_LEAVE = text(f"SELECT pg_advisory_unlock(:role, {_SCHEMA})")
_HOLDER = text("""
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = :role
    AND l.objid = current_schema()::regnamespace::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")

_BUSY = {"55P03", "40001", "40P01", "53300", "55006"}
_GONE = {"42P01", "42703", "3F000", "58P01"}
_UNREACHABLE = {"3D000", "25006", "42501"}


@dataclass(frozen=True)
class PostgresSchema:
    """A schema of a database. Implements `Place`.

    One workspace has one schema: that of the URL's ``options=-csearch_path=NAME``, or of the database. The
    write lock is an advisory lock of the transaction, which each writer takes first and sees, after it, all
    that was committed before. Locks belong to connections, so they need a direct one: no pooler that shares
    them among clients. They end with the connection; where the server or the network fails while a batch is
    handed over, the rest of that batch may still go out.

    Parameters
    ----------
    url : sqlalchemy.URL
    """

    url: URL

    @staticmethod
    def named(url: str) -> PostgresSchema:
        """The place that a URL names.

        Parameters
        ----------
        url : str
            ``postgresql://user@host/database``; a password that is not in it may be where libpq looks for it.

        Raises
        ------
        WorkspaceError
            It is no URL of Postgres.
        """
        scheme, _, _ = url.partition("://")
        todo = "Give a path, or postgresql://user@host/database."
        if scheme not in ("postgresql", "postgres"):
            raise WorkspaceError("the ledger's URL", f"a scheme '{scheme}'", todo)
        try:
            asked = make_url(url)
        except (ArgumentError, ValueError):
            raise WorkspaceError("the ledger's URL", "it cannot be read", todo) from None
        return PostgresSchema(asked.set(drivername="postgresql+psycopg"))

    @property
    def name(self) -> str:
        """The URL without its password and options."""
        return str(self.url.set(drivername="postgresql", password=None, query={}))

    def engine(self) -> Engine:
        """See `Place.engine`."""
        given = self.url.query.get("options", ())
        given = (given,) if isinstance(given, str) else given
        ours = (f"-c {name}={value}" for name, value in _SETTINGS.items())
        caller = f"{os.getpid()} on {socket.gethostname()}"
        asked = {"options": " ".join((*given, *ours)), "application_name": caller[:63]}
        try:
            # Read committed, and not what the server's default may be: what is read after the lock is taken
            # must be what was committed before.
            return create_engine(
                self.url,
                connect_args=asked,
                poolclass=NullPool,
                hide_parameters=True,
                isolation_level="READ COMMITTED",
            )
        except ModuleNotFoundError:
            todo = "Install suasion[postgres]."
            raise MissingExtraError(f"a ledger at {self.name}", "psycopg is not installed", todo) from None

    def read_one_moment(self, connection: Connection) -> None:
        """See `Place.read_one_moment`."""
        connection.execution_options(isolation_level="REPEATABLE READ")

    def mark(self, connection: Connection) -> Hashable:
        """Which transactions that write have begun and ended; others of the server count too."""
        return connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one()

    def take_lock(self, connection: Connection) -> None:
        """See `Place.take_lock`."""
        connection.execute(_TAKE, {"role": _ROLES["writing"]})

    @contextmanager
    def alone(self, engine: Engine, role: str, what: str) -> Generator[None]:
        """Hold an advisory lock of a connection of its own; see `Place.alone`."""
        asked = {"role": _ROLES[role]}
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.execute(_TRY, asked).scalar():
                holder = connection.execute(_HOLDER, asked).scalar() or "unknown"
                raise BusyError(what, f"process {holder} is at work on this workspace", "Wait until it ends.")
            try:
                yield
            finally:
                connection.execute(_LEAVE, asked)  # a server sees later that a connection is closed

    def overwrite_deleted(self, connection: Connection) -> None:
        """Nothing: the server keeps what is deleted until `rebuild`; see `Place.overwrite_deleted`."""

    def settle(self, engine: Engine) -> None:
        """Nothing, likewise; see `Place.settle`."""

    def rebuild(self, engine: Engine) -> None:
        """Rebuild all tables from their rows, and what the server knows of their values; see `Place.rebuild`.

        Not within reach: the server's write-ahead log until it is recycled, its archives, its replicas'
        disks, and backups. Their retention is the period for which what was deleted can be brought back.
        See https://www.postgresql.org/docs/current/sql-vacuum.html.
        """
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            quoted = map(engine.dialect.identifier_preparer.quote, inspect(connection).get_table_names())
            try:
                connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join(quoted)}")
            except BusyError:
                todo = "Erase again."
                raise BusyError(self.name, "another process keeps it from being rewritten", todo) from None

    def told(self, error: BaseException) -> SuasionError | None:
        """See `Place.told` and https://www.postgresql.org/docs/current/errcodes-appendix.html."""
        code = getattr(error, "sqlstate", None)
        if code is None:
            return self._unreachable(error)
        if code in _BUSY:
            return BusyError(self.name, "another process is writing to it", "Try again.")
        if code in _GONE or code.startswith("XX"):
            found, todo = f"not a readable ledger ({type(error).__name__})", "Restore it from a backup."
            return DamageError(self.name, found, todo)
        if code in _UNREACHABLE or code[:2] in ("08", "28", "53", "57", "58"):
            todo = "Nothing that was acknowledged is lost: see what the server needs, and run again."
            found = f"the server does not let it be used ({type(error).__name__})"
            return WorkspaceError(self.name, found, todo)
        return None

    def _unreachable(self, error: BaseException) -> SuasionError | None:
        """A server that is not there, or not any more, has no code."""
        if type(error).__name__ not in ("OperationalError", "ConnectionTimeout"):
            return None
        todo = "Nothing that was acknowledged is lost: start the server, or correct the URL."
        return WorkspaceError(self.name, "the server cannot be reached, or ended the connection", todo)
