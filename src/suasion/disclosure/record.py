"""Put a campaign's record, and later its results, into the log."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from suasion.disclosure.counts import Figures
from suasion.disclosure.entry import Entry
from suasion.ledger import Campaign, Ledger, log
from suasion.stats import Estimate


def record(ledger: Ledger, entry: Entry, at: datetime) -> bool:
    """Append the record of a part of a campaign to the log, unless the newest one says the same.

    A record that was corrected keeps its id and gets the next version tag.

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
    """Append what a part of a campaign cost and changed, unless the newest result says the same.

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


def result_of(
    campaign: Campaign, part: str, told: Figures | None, currency: str, lift: Estimate | None
) -> dict[str, Any]:
    """What a part of a campaign cost and changed, as the log tells it: no count in it is exact.

    Parameters
    ----------
    campaign : Campaign
    part : str
    told : Figures or None
        As `counts.figures` makes them; None where there are none yet.
    currency : str
    lift : Estimate or None
        Effect of the plan on the outcome, per person of the plan; None where nothing can be said yet.

    Returns
    -------
    dict
        What JSON can hold.
    """
    figures = {} if told is None else asdict(told)
    sent = {} if told is None else {name: count.value or 0 for name, count in told.treatments.items()}
    everything = sum(sent.values()) or 1
    return {
        "part": part,
        "reach": figures.get("reach"),
        "spent": figures.get("spent"),
        "currency": currency,
        "treatments": figures.get("treatments", {}),
        "shares": {name: round(number / everything, 2) for name, number in sent.items()},
        "replies": figures.get("replies", {}),
        "outcome": campaign.outcome,
        "lift": None if lift is None else _rounded(lift),
        "analysis_digest": campaign.analysis.digest,
    }


def _rounded(lift: Estimate) -> dict[str, Any]:
    """A lift with two digits of its interval, rounded outwards, without the number of people.

    What is behind the comma would tell people apart who know all others.
    """
    half = (lift.high - lift.low) / 2
    if not (half > 0 and math.isfinite(half)):
        return {
            "value": lift.value,
            "low": lift.low,
            "high": lift.high,
            "level": lift.level,
            "method": lift.method,
        }
    digits = 1 - math.floor(math.log10(half))
    grain = 10.0**-digits
    low, high = math.floor(lift.low / grain) * grain, math.ceil(lift.high / grain) * grain
    value, low, high = (round(number, digits) for number in (lift.value, low, high))
    return {"value": value, "low": low, "high": high, "level": lift.level, "method": lift.method}


def _append(ledger: Ledger, kind: str, campaign: str, content: Mapping[str, Any], at: datetime) -> bool:
    with ledger.writing() as connection:
        # Nobody else writes while we hold the lock: what another connection reads is what there is.
        rows = (row for row in log.rows(ledger) if (row.kind, row.campaign) == (kind, campaign))
        said = [row for row in rows if row.content.get("part") == content.get("part")]
        tag, before = 1, None
        if said:
            newest = said[-1].content
            tag, before = newest.pop("version_tag", 1) + 1, said[-1].position
            newest.pop("supersedes", None)
            if log.canonical(newest) == log.canonical(content):
                return False
        log.append(connection, kind, campaign, {**content, "version_tag": tag, "supersedes": before}, at)
        return True
