"""An event: what somebody did, when by our clock, and what is known beside."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from suasion.ingest.tracking.wire import Kept, seconds, text

_NOTHING = Raw(b"{}")
_BATCH = msgspec.json.Decoder(list[Kept])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_HAS_TRAITS = ("identify", "group")


class Event(Struct, frozen=True, gc=False):
    """Something a person did.

    Parameters
    ----------
    type : str
        ``identify``, ``track``, ``page``, ``screen``, ``group`` or ``alias``.
    message_id : str
        Unique in its stream.
    user_id, anonymous_id : str, optional
        Who: one of them is there.
    name : str, optional
        Of the event, page or screen.
    at : float
        Seconds since 1970, corrected by how far the sender's clock was off; never before 1970, nor after
        `received_at`.
    original_at : float
        As the sender's clock said; `received_at` where it said nothing.
    sent_at : float, optional
        When it was sent, by the sender's clock.
    received_at : float
        When it came, by ours.
    payload : Raw
        A JSON object: properties, or of ``identify`` and ``group`` the traits. Its numbers are finite,
        integers of any size.
    context : Raw
        A JSON object: of the event, and under it that of its batch.
    group_id, previous_id : str, optional
        The group that the person is in; who the person was before (``alias``).
    """

    type: str
    message_id: str
    user_id: str | None
    anonymous_id: str | None
    name: str | None
    at: float
    original_at: float
    sent_at: float | None
    received_at: float
    payload: Raw = _NOTHING
    context: Raw = _NOTHING
    group_id: str | None = None
    previous_id: str | None = None


class Head(Struct, frozen=True, gc=False):
    """What the events of one request have in common.

    Parameters
    ----------
    type : str, optional
        Of all of them, where the route says it.
    sent_at, at : float, optional
        When they were sent, and happened, unless an event says otherwise.
    context : bytes
        A JSON object, or nothing.
    """

    type: str | None = None
    sent_at: float | None = None
    at: float | None = None
    context: bytes = b""


def events(batch: bytes, head: Head, received_at: float) -> tuple[Event, ...]:
    """The events of a JSON list that was checked before.

    Parameters
    ----------
    batch : bytes
        The list, of events that `parse` let pass.
    head : Head
        What they have in common.
    received_at : float
        When they came, in seconds since 1970.

    Examples
    --------
    >>> one = b'{"messageId":"m","userId":7,"event":"Seen","timestamp":"1970-01-01T00:00:10Z"}'
    >>> [seen] = events(b"[" + one + b"]", Head("track", sent_at=15.0), 1000.0)
    >>> seen.user_id, seen.original_at, seen.at
    ('7', 10.0, 995.0)
    """
    return tuple([_event(kept, head, received_at) for kept in _BATCH.decode(batch)])


def _event(kept: Kept, head: Head, received_at: float) -> Event:
    kind = head.type or kept.type or ""
    sent_at = head.sent_at if kept.sent_at is None else seconds(kept.sent_at)
    original = seconds(kept.timestamp or kept.original_timestamp)
    if original is None:
        original = received_at if head.at is None else head.at
    late = 0.0 if sent_at is None else received_at - sent_at
    return Event(
        kind,
        text(kept.message_id) or "",
        text(kept.user_id),
        text(kept.anonymous_id),
        text(kept.event if kind == "track" else kept.name),
        max(0.0, min(original + late, received_at)),
        original,
        sent_at,
        received_at,
        _payload(kind, kept),
        _merged(head.context, kept.context),
        text(kept.group_id),
        text(kept.previous_id),
    )


def _payload(kind: str, kept: Kept) -> Raw:
    """RudderStack's clients write the traits of ``identify`` nowhere but in the context."""
    if kind not in _HAS_TRAITS:
        return _object(kept.properties)
    if _said(kept.traits) or not _said(kept.context):
        return _object(kept.traits)
    return _object(_OBJECT.decode(kept.context).get("traits", _NOTHING))


def _merged(under: bytes, over: Raw) -> Raw:
    if not under:
        return _object(over)
    if not _said(over):
        return Raw(under)
    return Raw(msgspec.json.encode(_OBJECT.decode(under) | _OBJECT.decode(over)))


def _said(one: Raw) -> bool:
    return bytes(one) not in (b"", b"null")


def _object(one: Raw) -> Raw:
    """It, unless it is none."""
    return one if bytes(one).startswith(b"{") else _NOTHING
