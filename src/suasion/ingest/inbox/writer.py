"""The one thread of a process that writes to the inbox: all that waits goes into one commit."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suasion.errors import BusyError
from suasion.ingest.inbox.box import Place, Row
from suasion.ingest.inbox.seen import Flags, Seen, Words
from suasion.ingest.tracking import Dead, Parsed

_MOST_WAITING = 64 * 2**20
"""Bytes that may wait to be written, beyond which nothing more is taken."""
_MOST_AT_ONCE = 8 * 2**20
_MOST_REQUESTS = 512
"""Of one commit."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a request's events: newly stored, there before, and not usable."""

    new: int
    again: int
    dead: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for its commit."""

    stream: str
    parsed: Parsed
    received_at: float
    digests: bytes
    size: int
    done: Future[Stored] = field(default_factory=Future[Stored])


class Writer:
    """Takes requests, writes them in groups, and answers when they are on disk.

    Parameters
    ----------
    place : Place
        Where the inbox is.
    """

    def __init__(self, place: Place) -> None:
        self._name = place.name
        self._box = place.connect()
        self._seen = Seen()
        self._last = 0
        self._queue: deque[Waiting] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition(threading.Lock())
        self._streams: dict[str, Callable[[], Any]] = {}
        self._seen.add(_words(b""), 0.0)  # compiles now, not while somebody waits
        self._load()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def put(self, stream: str, parsed: Parsed, received_at: float) -> Future[Stored]:
        """See `Inbox.offer`."""
        size = sum(map(len, parsed.raws))
        waiting = Waiting(stream, parsed, received_at, self._digests(stream, parsed.ids), size)
        with self._changed:
            if self._closed:
                raise BusyError(self._name, "the inbox is closed", "Send it again.")
            if self._bytes + size > _MOST_WAITING:
                raise BusyError(self._name, "too much waits to be written", "Send it again later.")
            self._bytes += size
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.done

    def close(self) -> None:
        """Write what waits, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._box.close()

    def _digests(self, stream: str, ids: Sequence[str]) -> bytes:
        """Of each message 128 bits, which stand for stream and message id."""
        begun = self._streams.get(stream)
        if begun is None:
            begun = hashlib.blake2b(stream.encode() + b"\0", digest_size=16).copy
            self._streams[stream] = begun
        digests: list[bytes] = []
        for one in ids:
            digest = begun()
            digest.update(one.encode())
            digests.append(digest.digest())
        return b"".join(digests)

    def _run(self) -> None:
        while group := self._next():
            awaited = [one for one in group if one.done.set_running_or_notify_cancel()]
            try:
                stored = self._commit(awaited) if awaited else []
            except BaseException as error:  # whoever waits must hear of it, whatever it is
                self._last, self._seen = 0, Seen()
                for one in awaited:
                    one.done.set_exception(error)
                continue
            for one, said in zip(awaited, stored, strict=True):
                one.done.set_result(said)

    def _next(self) -> list[Waiting]:
        """What is written next, in the order in which it came; nothing at the end."""
        with self._changed:
            while not self._queue and not self._closed:
                self._changed.wait()
            group: list[Waiting] = []
            size = 0
            while self._queue and size < _MOST_AT_ONCE and len(group) < _MOST_REQUESTS:
                one = self._queue.popleft()
                size += one.size
                group.append(one)
            self._bytes -= size
            return group

    def _commit(self, group: list[Waiting]) -> list[Stored]:
        digests = _words(b"".join([one.digests for one in group]))
        newest = max(one.received_at for one in group)
        with self._box.writing():
            self._load()
            fresh = self._seen.add(digests, newest)
            fates = _fates(group, fresh)
            rows = [row for one, kept in fates if (row := _row(one, kept))]
            self._box.insert(rows, [_letter(one, dead) for one in group for dead in one.parsed.dead])
            if fresh.any():
                self._last = self._box.insert_seen(newest, digests[fresh].tobytes())
        return [_stored(one, kept) for one, kept in fates]

    def _load(self) -> None:
        """Know what other processes stored since, or all of the last day."""
        for position, at, digests in self._box.seen_after(self._last):
            self._seen.add(_words(digests), at)
            self._last = position


def _words(digests: bytes) -> Words:
    """Digests as numbers, in the same order of bytes on every machine."""
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


def _fates(group: list[Waiting], fresh: Flags) -> list[tuple[Waiting, Flags]]:
    """Each request and which of its events are new."""
    ends = np.cumsum([len(one.parsed.ids) for one in group])
    return list(zip(group, np.split(fresh, ends[:-1]), strict=True))


def _row(one: Waiting, kept: Flags) -> Row | None:
    """What is stored of a request, if any of it is new."""
    if not kept.any():
        return None
    head = one.parsed.head
    packed = one.parsed.packed(None if kept.all() else kept.tolist())
    return one.stream, one.received_at, head.type, head.sent_at, head.at, head.context, packed


def _letter(one: Waiting, dead: Dead) -> Row:
    return one.stream, one.received_at, dead.reason, dead.message_id


def _stored(one: Waiting, kept: Flags) -> Stored:
    new = int(kept.sum())
    return Stored(new, len(kept) - new, len(one.parsed.dead))
