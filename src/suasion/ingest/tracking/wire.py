"""An event as it comes over the wire; see https://segment.com/docs/connections/spec/common/."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Raw, Struct

Id = str | int | float | None


class Wire(Struct, rename="camel", gc=False):
    """The fields that all kinds of events may have."""

    type: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    event: Id = None
    name: Id = None
    group_id: Id = None
    previous_id: Id = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None


class Checked(Wire, rename="camel", gc=False):
    """Read to be checked: every text is decoded, every number is in range."""

    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class Kept(Wire, rename="camel", gc=False):
    """Read after it was checked: what is inside of its objects stays as it is."""

    properties: Raw = Raw()
    traits: Raw = Raw()
    context: Raw = Raw()


def text(given: Id) -> str | None:
    """An identifier as text; a number as JavaScript would write it, an empty one as none.

    Examples
    --------
    >>> text(7), text(7.0), text(7.5), text(""), text("7")
    ('7', '7', '7.5', None, '7')
    """
    if isinstance(given, str):
        return given or None
    if isinstance(given, float) and given.is_integer() and abs(given) < 2**53:
        given = int(given)
    return None if given is None else str(given)


def seconds(moment: datetime | None) -> float | None:
    """Seconds since 1970; a time without a zone is one of UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
