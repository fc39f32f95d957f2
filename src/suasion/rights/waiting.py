"""What one person did that nobody has read yet: it waits in the inbox of streams."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from suasion.ingest import tracking
from suasion.rights.holdings import Holdings
from suasion.rights.subject import Subject


def waiting_of(holdings: Holdings, who: Subject) -> list[dict[str, Any]]:
    """A person's events that wait, by stream and in the order in which they came.

    Only identifiers tell whose they are; those that are sealed do so with the workspace's key.

    Parameters
    ----------
    holdings : Holdings
    who : Subject

    Returns
    -------
    list of dict
        What JSON can hold.
    """
    if holdings.find_waiting is None:
        return []
    found = holdings.find_waiting(replace(who, contacts=frozenset()).known(holdings.key))
    return [{"stream": stream, **_told(event)} for stream, events in found.items() for event in events]


def erase_waiting(holdings: Holdings, who: Subject) -> None:
    """Delete a person's events that wait.

    The ledger must know already that the person is erased: what comes later is left out by whoever reads it.

    Parameters
    ----------
    holdings : Holdings
    who : Subject
        Without contact details that others have, too.

    Raises
    ------
    BusyError
        Another process keeps the inbox from being overwritten.
    """
    if holdings.erase_waiting is not None:
        holdings.erase_waiting(who.known(holdings.key))


def _told(event: tracking.Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "name": event.name,
        "at": datetime.fromtimestamp(event.at, UTC),
        "message_id": event.message_id,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "payload": msgspec.json.decode(event.payload),
        "context": msgspec.json.decode(event.context),
    }
