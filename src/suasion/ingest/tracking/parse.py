"""From the body of a request to its good events, and what was wrong with the others.

Routes, bodies and limits: https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ and
https://www.rudderstack.com/docs/api/http-api/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import Any

import msgspec
from msgspec import Raw, Struct

from suasion.errors import InputError
from suasion.ingest.tracking.event import Event, Head, events
from suasion.ingest.tracking.judge import TYPES, Dead, judge
from suasion.ingest.tracking.mend import whole
from suasion.ingest.tracking.wire import seconds

MOST_BODY = 4 * 2**20
"""Bytes of a body, uncompressed."""

_BATCHES = ("batch", "b")
_SINGLES = {kind: kind for kind in TYPES} | {kind[0]: kind for kind in TYPES}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request, read.

    Parameters
    ----------
    write_key : str, optional
        The key in the body, if there is one.
    head : Head
        What its events have in common.
    ids : list of str
        The message ids of the good events.
    raws : list of Raw
        The good events, JSON objects.
    received_at : float
        When it came, in seconds since 1970.
    dead : tuple of Dead
        What was wrong with the others.
    """

    write_key: str | None
    head: Head
    ids: list[str]
    raws: list[Raw]
    received_at: float
    dead: tuple[Dead, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """The good events."""
        return events(self.packed(), self.head, self.received_at)

    def packed(self, kept: Iterable[object] | None = None) -> bytes:
        """The good events as one JSON list: all, or those whose turn in `kept` is true."""
        raws = self.raws if kept is None else compress(self.raws, kept)
        return b"[" + b",".join(raws) + b"]"


class _Body(Struct, rename="camel", gc=False):
    write_key: Raw = Raw()
    sent_at: Raw = Raw()
    timestamp: Raw = Raw()
    context: Raw = Raw()


class _Batch(_Body, rename="camel", gc=False, kw_only=True):
    batch: list[Raw]


_read_batch = msgspec.json.Decoder(_Batch).decode
_read_body = msgspec.json.Decoder(_Body).decode


def parse(body: bytes, route: str, received_at: float) -> Parsed:
    """Read the body of a request.

    Parameters
    ----------
    body : bytes
        As it came, uncompressed; JSON whatever its content type.
    route : str
        The last part of the path: ``batch``, a type of events, or its first letter.
    received_at : float
        When it came, in seconds since 1970 by our clock.

    Returns
    -------
    Parsed
        An event without ``messageId`` gets one that is made from its content, so that it is the same again
        when it is sent again.

    Raises
    ------
    InputError
        Only where nothing of the body can be used: no such route, not UTF-8, not JSON, no object or no list
        of events in it, or longer than `MOST_BODY`. What is wrong with one event is told of it alone.

    Examples
    --------
    >>> good = b'{"type": "track", "event": "Seen", "userId": "u", "messageId": "m"}'
    >>> body = b'{"batch": [' + good + b', {"type": "?"}]}'
    >>> parsed = parse(body, "batch", 1000.0)
    >>> [event.name for event in parsed.events], [dead.reason for dead in parsed.dead]
    (['Seen'], ['no type that is known'])
    """
    kind = _SINGLES.get(route)
    if kind is None and route not in _BATCHES:
        raise InputError("route", "none that takes events", f"Known: {', '.join((*_BATCHES, *_SINGLES))}.")
    if len(body) > MOST_BODY:
        raise _refused(f"more than {MOST_BODY:,} bytes", "Send fewer events at once.")
    try:
        body.decode()
        read, body = _read(body, _read_batch if kind is None else _read_body)
    except UnicodeDecodeError:
        raise _refused("bytes that are not UTF-8", "Send JSON in UTF-8.") from None
    except RecursionError:
        raise _refused("JSON that is nested too deep", "Send flatter events.") from None
    except msgspec.MsgspecError as cause:
        raise _refused(f"not JSON as it is taken here ({cause})", "Send a JSON object.") from None
    suspect = b"\\" in body and rb"\u0000" in body  # the first alone is found fifty times as quickly
    if isinstance(read, _Batch):
        head = Head(None, _moment(read.sent_at), _moment(read.timestamp), _object(read.context))
        good = judge(read.batch, kind, suspect)
    else:
        head, good = Head(kind), judge([Raw(body)], kind, suspect)
    return Parsed(_text(read.write_key), head, good[0], good[1], received_at, good[2])


def _read(body: bytes, read: Callable[[bytes], _Body]) -> tuple[_Body, bytes]:
    """The body, read, and mended where it must be."""
    try:
        return read(body), body
    except msgspec.DecodeError:
        mended = whole(body)
        if mended == body:
            raise
        return read(mended), mended


def _refused(found: str, todo: str) -> InputError:
    return InputError("body", found, todo)


def _moment(raw: Raw) -> float | None:
    """Seconds since 1970; what is no time is none, since it stands for all the events."""
    return seconds(_value(raw, datetime))


def _text(raw: Raw) -> str | None:
    return _value(raw, str)


def _object(raw: Raw) -> bytes:
    return b"" if _value(raw, dict[str, Any]) is None else bytes(raw)


def _value(raw: Raw, kind: Any) -> Any:
    """The value, if it is there and of its kind."""
    try:
        return msgspec.json.decode(raw, type=kind | None) if raw else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
