"""Which events of a request can be used, and what is wrong with the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from suasion.ingest.tracking.wire import Checked, Id, text

MOST_EVENT = 32 * 2**10
"""Bytes of an event."""
TYPES = ("identify", "track", "page", "screen", "group", "alias")

_DEEPEST = 512
"""Objects within objects, so that whoever walks through an event gets to its end."""
_TOO_DEEP = f"nested deeper than {_DEEPEST}"
_LONGEST_ID = 1024
_SMALL = 1024
"""Bytes in which nothing can be too deep or too long."""
_NEEDED = {"track": "event", "group": "groupId", "alias": "previousId"}
_IDS = ("message_id", "user_id", "anonymous_id", "event", "name", "group_id", "previous_id")
_VARIES = ("messageId", "sentAt", "writeKey")
"""Keys that may be another when an event is sent again."""

_read = msgspec.json.Decoder(Checked).decode
_read_object = msgspec.json.Decoder(dict[str, Any]).decode
_read_raws = msgspec.json.Decoder(dict[str, Raw]).decode
_write = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that cannot be used, and why; the reason holds nothing that was in it."""

    reason: str
    message_id: str | None


def judge(batch: list[Raw], kind: str | None, suspect: bool) -> tuple[list[str], list[Raw], tuple[Dead, ...]]:
    """Tell the good events from the dead.

    Parameters
    ----------
    batch : list of Raw
        Each one JSON value.
    kind : str, optional
        The type of all, where the route says it.
    suspect : bool
        Whether there may be the character NUL in one of them.

    Returns
    -------
    list of str, list of Raw, tuple of Dead
        The message ids of the good, the good, and the others.
    """
    ids: list[str] = []
    raws: list[Raw] = []
    dead: list[Dead] = []
    for raw in batch:
        try:
            event = _read(raw)
            name = event.message_id
            fault = _fault(event, kind or event.type) or _misshapen(event, raw, suspect)
            if fault:
                dead.append(Dead(fault, _shown(name)))
                continue
            if name.__class__ is not str or not name:
                name, raw = _named(raw, name)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            dead.append(Dead(_reason(cause), _id_in(raw)))
            continue
        ids.append(name)  # pyright: ignore[reportArgumentType]
        raws.append(raw)
    return ids, raws, tuple(dead)


def _fault(event: Checked, kind: str | None) -> str | None:
    """What an event of its type lacks."""
    if kind == "track":
        lacks = event.event in (None, "")
    elif kind in TYPES:
        lacks = (kind == "group" and event.group_id in (None, "")) or (
            kind == "alias" and event.previous_id in (None, "")
        )
    else:
        return "no type that is known"
    if lacks:
        return f"{kind} without {_NEEDED[kind]}"
    if event.user_id in (None, "") and event.anonymous_id in (None, ""):
        return "neither userId nor anonymousId"
    return None


def _misshapen(event: Checked, raw: Raw, suspect: bool) -> str | None:
    """What is wrong with its size, its depth or its texts."""
    if len(raw) <= _SMALL and not suspect:
        return None
    if len(raw) > MOST_EVENT:
        return f"more than {MOST_EVENT:,} bytes"
    if _is_deep(event, raw):
        return _TOO_DEEP
    for name in _IDS:
        said = getattr(event, name)
        if isinstance(said, str) and (len(said) > _LONGEST_ID or "\0" in said):
            return f"{name} longer than {_LONGEST_ID} characters, or with NUL in it"
    return None


def _is_deep(event: Checked, raw: Raw) -> bool:
    """Whether lists and objects stand in each other too deep; counts brackets first, which is quick."""
    content = bytes(raw)
    if content.count(b"{") + content.count(b"[") <= _DEEPEST:
        return False
    level: list[Any] = [event.properties, event.traits, event.context]
    for _ in range(_DEEPEST):
        inside = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [value for values in inside for value in values]
        if not level:
            return False
    return True


def _named(raw: Raw, given: Id) -> tuple[str, Raw]:
    """A message id as text: the given number, or one made from the content, so that it is the same again."""
    content = _read_object(raw)
    name = text(given)
    if name is None:
        told = {key: value for key, value in content.items() if key not in _VARIES}
        name = "content-" + hashlib.blake2b(_write(told), digest_size=16).hexdigest()
    return name, Raw(msgspec.json.encode({**content, "messageId": name}))


def _reason(cause: Exception) -> str:
    if isinstance(cause, RecursionError):
        return _TOO_DEEP
    if isinstance(cause, msgspec.ValidationError):
        return str(cause)
    return "a text that is not UTF-8 or Unicode"


def _id_in(raw: Raw) -> str | None:
    """The message id of what is no event."""
    try:
        return _shown(msgspec.json.decode(_read_raws(raw)["messageId"], type=Id))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return None


def _shown(name: Id) -> str | None:
    return (text(name) or "")[:_LONGEST_ID] or None
