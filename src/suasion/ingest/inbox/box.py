"""Where an inbox can be: what a file and a database must be able to do for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]
COLUMNS = "stream, received_at, type, sent_at, at, context, events"
"""Of the rows of requests."""


class Box(Protocol):
    """One connection to where an inbox is; of one thread at a time.

    Its commits are on disk when they return. Whoever writes sees all that was committed before, and positions
    grow in the order of commits.
    """

    def writing(self) -> AbstractContextManager[None]:
        """A transaction, of one writer at a time, that is whole or nothing; waits ten seconds at most."""
        ...

    def mark(self) -> None:
        """Write something that changes nothing: whoever can do so can store events."""
        ...

    def insert(self, batches: list[Row], dead: list[Row]) -> None:
        """Store requests, of `COLUMNS`, and what could not be used."""
        ...

    def insert_seen(self, at: float, digests: bytes) -> int:
        """Store the digests of a commit; their position."""
        ...

    def seen_after(self, position: int) -> Iterable[tuple[int, float, bytes]]:
        """Positions, times and digests of later commits."""
        ...

    def batches(self, after: int, limit: int) -> list[Row]:
        """Requests after a position, in order: the position, and `COLUMNS`."""
        ...

    def waiting(self) -> int:
        """How many requests are stored."""
        ...

    def dead(self, limit: int) -> list[Row]:
        """Stream, time, reason and message id of what could not be used, newest first."""
        ...

    def forget(self, until: int) -> bool:
        """Delete some requests up to a position; whether more may be left."""
        ...

    def prune(self, kept: float, most_dead: int) -> None:
        """Delete digests older than so many seconds before the newest, and all but the last dead letters."""
        ...

    def cut(self, position: int, change: Callable[[bytes], bytes | None]) -> None:
        """Replace the events of a request that is still there, or delete it where None is left."""
        ...

    def settle(self) -> None:
        """Leave no byte of what was cut within reach; BusyError where others are in the way."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Place(Protocol):
    """Where an inbox is."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    def connect(self) -> Box:
        """A connection; the tables are made where there are none."""
        ...
