"""One person's events that still wait in the inbox: what they are, and their erasure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import closing
from functools import partial
from itertools import compress

import msgspec
from msgspec import Raw

from suasion.ingest.inbox.inbox import Batch, Inbox
from suasion.ingest.tracking import Event

_AT_ONCE = 64
_read = msgspec.json.Decoder(list[Raw]).decode


def find(inbox: Inbox, stream: str, users: Container[object], anonymous: Container[object]) -> list[Event]:
    """A person's events in a stream.

    Parameters
    ----------
    inbox : Inbox
        Where they wait.
    stream : str
        Only events of this stream; in another one the same identifier may be somebody else's.
    users, anonymous : containers of str
        The person's ``userId`` and ``anonymousId``. An event with the ``userId`` of somebody else is theirs,
        though it comes from the same device.

    Returns
    -------
    list of Event
        In the order in which they were stored.
    """
    found = (batch.events for batch in _batches(inbox, stream))
    return [event for events in found for event in events if _is_of(event, users, anonymous)]


def erase(inbox: Inbox, stream: str, users: Container[object], anonymous: Container[object]) -> int:
    """Delete a person's events of a stream, and overwrite them in the file and in its log.

    Parameters
    ----------
    inbox, stream, users, anonymous
        As in `find`.

    Returns
    -------
    int
        How many events were deleted.

    Raises
    ------
    BusyError
        Another process keeps the file's log from being emptied: erase again.
    """
    gone = 0

    def without(batch: Batch, packed: bytes) -> bytes | None:
        nonlocal gone
        kept = [not _is_of(event, users, anonymous) for event in batch.events]
        gone += len(kept) - sum(kept)
        return b"[" + b",".join(compress(_read(packed), kept)) + b"]" if any(kept) else None

    with closing(inbox.place.connect()) as box:
        for batch in _batches(inbox, stream):
            if any(_is_of(event, users, anonymous) for event in batch.events):
                with box.writing():
                    box.cut(batch.position, partial(_once_more, inbox, batch.position, without))
        box.settle()
    return gone


def _once_more(
    inbox: Inbox, position: int, change: Callable[[Batch, bytes], bytes | None], packed: bytes
) -> bytes | None:
    """What is left of a batch as it is now: another process may have cut it meanwhile."""
    [batch] = inbox.batches(position - 1, 1)
    return change(batch, packed)


def _batches(inbox: Inbox, stream: str) -> Iterator[Batch]:
    last = 0
    while batches := inbox.batches(last, _AT_ONCE):
        yield from (batch for batch in batches if batch.stream == stream)
        last = batches[-1].position


def _is_of(event: Event, users: Container[object], anonymous: Container[object]) -> bool:
    if event.previous_id in users or event.previous_id in anonymous:
        return True
    return event.anonymous_id in anonymous if event.user_id is None else event.user_id in users
