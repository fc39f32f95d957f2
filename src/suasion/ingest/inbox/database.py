"""The inbox in the ledger's Postgres database: for servers on several machines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from suasion.errors import BusyError, SuasionError, WorkspaceError
from suasion.ingest.inbox.box import COLUMNS, Row
from suasion.ledger import Ledger

_VERSION = 1
_ROLE = 4
"""First key of the advisory lock of who writes to the inbox; the ledger has those before."""
_SCHEMA = "current_schema()::regnamespace::oid::int"
_LOCK = f"SELECT pg_advisory_xact_lock({_ROLE}, {_SCHEMA})"
_TABLES = (
    """CREATE TABLE IF NOT EXISTS inbox_batches (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL, received_at DOUBLE PRECISION NOT NULL,
    type TEXT, sent_at DOUBLE PRECISION, at DOUBLE PRECISION,
    context BYTEA NOT NULL, events BYTEA NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS inbox_seen (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL, digests BYTEA NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS inbox_dead (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL, received_at DOUBLE PRECISION NOT NULL, reason TEXT NOT NULL, message_id TEXT)""",
    "CREATE TABLE IF NOT EXISTS inbox_version (one INT PRIMARY KEY, version INT NOT NULL)",
    f"INSERT INTO inbox_version VALUES (1, {_VERSION}) ON CONFLICT DO NOTHING",
)
_READ = "SELECT version FROM inbox_version"


@dataclass(frozen=True)
class Database:
    """An inbox beside a ledger. Implements `Place`.

    Its tables are in the ledger's schema. Who writes holds an advisory lock until all is committed: so
    positions are in the order of commits, and who reads on from one misses nothing.

    Parameters
    ----------
    ledger : Ledger
        On Postgres.
    """

    ledger: Ledger

    @property
    def name(self) -> str:
        """The ledger's, as it has no other address."""
        return f"the inbox at {self.ledger.place.name}"

    def connect(self) -> DatabaseBox:
        """See `Place.connect`.

        Raises
        ------
        WorkspaceError, BusyError
            The server cannot be reached, or does not let it be used; or it is of a later version.
        """
        return DatabaseBox(self)


class DatabaseBox:
    """A connection to a database, made anew after it was lost. Implements `Box`."""

    def __init__(self, place: Database) -> None:
        self._place = place
        self._held: Any = None
        self._driver: Any = None
        with self._told():
            self._connected()

    @contextmanager
    def writing(self) -> Generator[None]:
        """See `Box.writing`."""
        with self._told(), self._connected().transaction():
            self._driver.execute(_LOCK)
            yield

    def mark(self) -> None:
        """See `Box.mark`."""
        self._driver.execute("UPDATE inbox_version SET version = version")

    def insert(self, batches: list[Row], dead: list[Row]) -> None:
        """See `Box.insert`."""
        with self._driver.cursor() as cursor:
            if batches:
                with cursor.copy(f"COPY inbox_batches ({COLUMNS}) FROM STDIN") as copy:
                    for row in batches:
                        copy.write_row([*map(_without_nul, row)])
            if dead:
                sql = (
                    "INSERT INTO inbox_dead (stream, received_at, reason, message_id) VALUES (%s, %s, %s, %s)"
                )
                cursor.executemany(sql, [tuple(map(_without_nul, row)) for row in dead])

    def insert_seen(self, at: float, digests: bytes) -> int:
        """See `Box.insert_seen`."""
        sql = "INSERT INTO inbox_seen (at, digests) VALUES (%s, %s) RETURNING position"
        return self._driver.execute(sql, (at, digests)).fetchone()[0]

    def seen_after(self, position: int) -> Iterable[tuple[int, float, bytes]]:
        """See `Box.seen_after`."""
        return self._rows(
            "SELECT position, at, digests FROM inbox_seen WHERE position > %s ORDER BY position", position
        )

    def batches(self, after: int, limit: int) -> list[Row]:
        """See `Box.batches`."""
        sql = f"SELECT position, {COLUMNS} FROM inbox_batches WHERE position > %s ORDER BY position LIMIT %s"
        return self._rows(sql, after, limit)

    def waiting(self) -> int:
        """See `Box.waiting`."""
        return self._rows("SELECT count(*) FROM inbox_batches")[0][0]

    def dead(self, limit: int) -> list[Row]:
        """See `Box.dead`."""
        columns = "stream, received_at, reason, message_id"
        return self._rows(f"SELECT {columns} FROM inbox_dead ORDER BY position DESC LIMIT %s", limit)

    def forget(self, until: int) -> bool:
        """See `Box.forget`."""
        self._driver.execute("DELETE FROM inbox_batches WHERE position <= %s", (until,))
        return False

    def prune(self, kept: float, most_dead: int) -> None:
        """See `Box.prune`."""
        newest = "(SELECT at FROM inbox_seen ORDER BY position DESC LIMIT 1)"
        self._driver.execute(f"DELETE FROM inbox_seen WHERE at < {newest} - %s", (kept,))
        last = "(SELECT max(position) FROM inbox_dead)"
        self._driver.execute(f"DELETE FROM inbox_dead WHERE position <= {last} - %s", (most_dead,))

    def cut(self, position: int, change: Callable[[bytes], bytes | None]) -> None:
        """See `Box.cut`."""
        execute = self._driver.execute
        row = execute("SELECT events FROM inbox_batches WHERE position = %s", (position,)).fetchone()
        left = None if row is None else change(bytes(row[0]))
        if left is not None:
            execute("UPDATE inbox_batches SET events = %s WHERE position = %s", (left, position))
        elif row is not None:
            execute("DELETE FROM inbox_batches WHERE position = %s", (position,))

    def settle(self) -> None:
        """Rebuild the table from its rows.

        Not within reach: the server's write-ahead log until it is recycled, its archives, its replicas'
        disks, and backups. See https://www.postgresql.org/docs/current/sql-vacuum.html.
        """
        with self._told():
            try:
                self._connected().execute("VACUUM (FULL) inbox_batches")
            except self._errors as error:
                if isinstance(self._place.ledger.place.told(error), BusyError):
                    found = "another process keeps it from being rewritten"
                    raise BusyError(self._place.name, found, "Erase again.") from None
                raise

    def close(self) -> None:
        """Let go of the connection."""
        if self._held is not None:
            self._held.close()

    def _rows(self, sql: str, *given: int) -> list[Any]:
        with self._told():
            return self._connected().execute(sql, given).fetchall()

    @property
    def _errors(self) -> type[Exception]:
        return self._place.ledger.engine.dialect.loaded_dbapi.Error

    @contextmanager
    def _told(self) -> Generator[None]:
        """Errors of the driver as ours; its own words may quote a cell."""
        try:
            yield
        except self._errors as error:
            found: SuasionError | None = self._place.ledger.place.told(error)
            if found is None:
                raise WorkspaceError(
                    self._place.name,
                    f"the server does not take it ({type(error).__name__})",
                    "Nothing that was acknowledged is lost: see what the server says.",
                ) from None
            raise found from None

    def _connected(self) -> Any:
        """The driver's connection; a new one where the server ended it."""
        if self._driver is None or self._driver.closed:
            self.close()
            self._held = self._place.ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._driver = self._held.connection.driver_connection
            self._prepare()
        return self._driver

    def _prepare(self) -> None:
        with self._driver.transaction():
            self._driver.execute(_LOCK)
            if self._driver.execute("SELECT to_regclass('inbox_version')").fetchone()[0] is None:
                for sql in _TABLES:
                    self._driver.execute(sql)
        (version,) = self._driver.execute(_READ).fetchone()
        if version > _VERSION:
            raise WorkspaceError(self._place.name, f"an inbox of version {version}", "Update suasion.")


def _without_nul(cell: Any) -> Any:
    """Postgres holds no NUL in a text."""
    return cell.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(cell, str) else cell
