"""The inbox: offer what came, read what waits, forget what is done."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import msgspec

from suasion.errors import DamageError
from suasion.ingest.inbox.box import Place
from suasion.ingest.inbox.database import Database
from suasion.ingest.inbox.file import File
from suasion.ingest.inbox.seen import KEPT
from suasion.ingest.inbox.writer import Stored, Writer
from suasion.ingest.tracking import Event, Head, Parsed, events
from suasion.ledger import Ledger

_DEAD_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Batch:
    """The new events of one request.

    Parameters
    ----------
    position : int
        Greater than that of all that was stored before; never given twice.
    stream : str
        Where they came from.
    received_at : float
        When they came, in seconds since 1970.
    events : tuple of Event
        At least one.
    """

    position: int
    stream: str
    received_at: float
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be used: where from, when, why; of what was in it only its message id."""

    stream: str
    received_at: float
    reason: str
    message_id: str | None


class Inbox:
    """Events that are on disk and wait to be used; several processes may share the file, or the database.

    Examples
    --------
    >>> import tempfile
    >>> from suasion.ingest.tracking import parse
    >>> inbox = Inbox.open(Path(tempfile.mkdtemp()) / "inbox.db")
    >>> parsed = parse(b'{"event": "Seen", "userId": "u", "messageId": "m"}', "track", 1000.0)
    >>> inbox.offer("site", parsed, 1000.0).result()
    Stored(new=1, again=0, dead=0)
    >>> inbox.offer("site", parsed, 1001.0).result()
    Stored(new=0, again=1, dead=0)
    >>> [batch] = inbox.batches(after=0, limit=10)
    >>> batch.position, batch.stream, [event.name for event in batch.events]
    (1, 'site', ['Seen'])
    >>> inbox.forget(until=1)
    >>> inbox.batches(after=0, limit=10)
    []
    >>> inbox.close()
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._box = place.connect()
        self._turn = threading.Lock()
        self._writer: Writer | None = None

    @classmethod
    def open(cls, path: Path) -> Inbox:
        """Open the file, or make it where there is none.

        Raises
        ------
        DamageError
            It is no inbox.
        WorkspaceError
            It cannot be written, or is of a later version.
        """
        return cls(File(path))

    @classmethod
    def beside(cls, ledger: Ledger) -> Inbox:
        """Open an inbox in the Postgres database of a ledger, beside its tables, or make it there.

        Raises
        ------
        WorkspaceError
            The server cannot be reached, or it is of a later version.
        """
        return cls(Database(ledger))

    def offer(self, stream: str, parsed: Parsed, received_at: float) -> Future[Stored]:
        """Store the events of a request that were not stored before, and what was wrong with the others.

        Parameters
        ----------
        stream : str
            Where they came from; message ids are unique in it.
        parsed : Parsed
            What `parse` made of the request.
        received_at : float
            When it came, in seconds since 1970.

        Returns
        -------
        Future of Stored
            Done when all is on disk. It fails where the file cannot be written: then send nothing but an
            error, the events are not there.

        Raises
        ------
        BusyError
            Too much waits already, or the inbox is closed: nothing of the request was taken.
        """
        return (self._writer or self._started()).put(stream, parsed, received_at)

    def check(self) -> None:
        """Make sure that events can be stored; make ready to.

        Raises
        ------
        DamageError, WorkspaceError, BusyError
            They cannot.
        """
        self._started()
        with self._turn, self._box.writing():
            self._box.mark()

    def _started(self) -> Writer:
        with self._turn:
            if self._writer is None:
                self._writer = Writer(self.place)
            return self._writer

    def batches(self, after: int, limit: int) -> list[Batch]:
        """The first `limit` requests stored after a position, in the order in which they were stored.

        Raises
        ------
        DamageError
            The file is not what was written.
        """
        with self._turn:
            rows = self._box.batches(after, limit)
        return [self._batch(*row) for row in rows]

    def _batch(
        self,
        position: int,
        stream: str,
        received_at: float,
        kind: str | None,
        sent_at: float | None,
        at: float | None,
        context: bytes,
        packed: bytes,
    ) -> Batch:
        try:
            inside = events(packed, Head(kind, sent_at, at, context), received_at)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            found = f"batch {position} is not what was written"
            raise DamageError(self.place.name, found, "Restore it from a backup.") from None
        return Batch(position, stream, received_at, inside)

    def waiting(self) -> int:
        """How many requests are stored and not forgotten."""
        with self._turn:
            return self._box.waiting()

    def dead(self, limit: int) -> list[DeadLetter]:
        """The last events that could not be used, newest first."""
        with self._turn:
            return [DeadLetter(*row) for row in self._box.dead(limit)]

    def forget(self, until: int) -> None:
        """Delete the requests up to a position, overwriting them, and digests that nobody needs any more."""
        is_more = True
        while is_more:
            with self._turn, self._box.writing():
                is_more = self._box.forget(until)
                if not is_more:
                    self._box.prune(KEPT, _DEAD_KEPT)

    def close(self) -> None:
        """Write what waits, and close the file."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
            self._box.close()
