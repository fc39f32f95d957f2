"""Put a campaign's record, and later its results, into the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from suasion.disclosure.entry import Entry
from suasion.ledger import Ledger, log, sends
from suasion.stats import Estimate


def record(ledger: Ledger, entry: Entry, at: datetime) -> bool:
    """Append a campaign's record to the log, unless the newest one says the same.

    Parameters
    ----------
    ledger : Ledger
    entry : Entry
    at : datetime

    Returns
    -------
    bool
        Whether it was appended.
    """
    return _append(ledger, "campaign", entry.campaign, entry.as_dict(), at)


def record_result(ledger: Ledger, campaign: str, content: Mapping[str, Any], at: datetime) -> bool:
    """Append what a campaign cost and changed, unless the newest result says the same.

    Parameters
    ----------
    ledger : Ledger
    campaign : str
    content : mapping
        As `result_of` makes it.
    at : datetime

    Returns
    -------
    bool
        Whether it was appended.
    """
    return _append(ledger, "result", campaign, content, at)


def result_of(progress: sends.Progress, currency: str, outcome: str, lift: Estimate | None) -> dict[str, Any]:
    """What a campaign cost and changed, as the log tells it.

    Parameters
    ----------
    progress : Progress
    currency : str
    outcome : str
        What was hoped for.
    lift : Estimate or None
        Effect of the plan on the outcome, per person of the plan; None where nothing can be said yet.

    Returns
    -------
    dict
        What JSON can hold.
    """
    return {
        "spent": progress.spent,
        "currency": currency,
        "sends": progress.states,
        "failed": progress.reasons,
        "replies": progress.replies,
        "outcome": outcome,
        "lift": asdict(lift) if lift else None,
    }


def _append(ledger: Ledger, kind: str, campaign: str, content: Mapping[str, Any], at: datetime) -> bool:
    with ledger.writing() as connection:
        # Nobody else writes while we hold the lock: what another connection reads is what there is.
        said = [row.body for row in log.rows(ledger) if (row.kind, row.campaign) == (kind, campaign)]
        if said and said[-1] == log.canonical(content):
            return False
        log.append(connection, kind, campaign, content, at)
        return True
