"""Variants that a guardrail switched off, as the public log says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from suasion.learning import clock
from suasion.ledger import Ledger, log
from suasion.stats import proportion
from suasion.workspace.deciding.challenge import APPROVED

CLOSED = "closed"
"""Kind of a row of the log."""


@dataclass(frozen=True)
class Closed:
    """What the log says since the newest approval.

    Parameters
    ----------
    since : float
        When that was, seconds since 1970; 0 without one.
    arms : frozenset of str
        Switched off.
    """

    since: float
    arms: frozenset[str]


def closed_since(ledger: Ledger, record: str) -> Closed:
    """What guardrails switched off since a placement was approved last: then all is open again."""
    with ledger.reading() as connection:
        approved = log.newest(connection, APPROVED, record)
        rows = log.about(connection, CLOSED, record)
    since, position = (0.0, 0) if approved is None else (_seconds(approved.at), approved.position)
    return Closed(since, frozenset(row.content["variant"] for row in rows if row.position > position))


def said_of(closing: clock.Closing, since: float) -> dict[str, Any]:
    """What the log says of it.

    Examples
    --------
    >>> from suasion.allocation.policies import Guardrail
    >>> made = said_of(clock.Closing("bus", Guardrail("Unsubscribed", 0.01), 9, 120, 1_700_000_100.0), 0.0)
    >>> made["reason"]
    "9 of 120 persons shown 'bus' did what is feared, 'Unsubscribed': 7.5 (4.0 to 13.6) %, above 1 %"
    """
    rate, rail = proportion(closing.harms, closing.shown), closing.guardrail
    percent = f"{rate.scaled(100, 1)} %, above {100 * rail.limit:g} %"
    return {
        "variant": closing.arm,
        "event": rail.name,
        "rate": rate.as_dict(),
        "limit": rail.limit,
        "confidence": rail.confidence,
        "since": _spelled(since),
        "looked_at": _spelled(closing.at),
        "reason": (
            f"{closing.harms:,} of {closing.shown:,} persons shown '{closing.arm}' did what is feared, "
            f"'{rail.name}': {percent}"
        ),
    }


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _spelled(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
