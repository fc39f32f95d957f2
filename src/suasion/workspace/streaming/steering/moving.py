"""At fixed times, what is left of shared money is divided anew, by what it brought so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor, log10
from typing import Any

import numpy as np

from suasion.allocation import placement as declared
from suasion.learning import steering
from suasion.ledger import Ledger, Tables, log
from suasion.stats import Estimate
from suasion.workspace.funds import MOVED, SharedBudget, check_parts, divided
from suasion.workspace.streaming.lessons import HOUR
from suasion.workspace.streaming.steering.facts import Seen, seen_of
from suasion.workspace.streaming.steering.raised import figure


@dataclass(frozen=True)
class Moved:
    """How money was divided anew.

    Parameters
    ----------
    budget : str
    number : int
    left : float
    before, after : dict of str to float
        Shares of what is left, by placement.
    gains : dict of str to Estimate or None
        What each brought for a unit of money.
    reason : str
    """

    budget: str
    number: int
    left: float
    before: dict[str, float]
    after: dict[str, float]
    gains: dict[str, Estimate | None]
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """What the log says of it."""
        gains = {name: one and figure(one) for name, one in self.gains.items()}
        said = {
            name: getattr(self, name) for name in ("budget", "number", "left", "before", "after", "reason")
        }
        return {**said, "gains": gains}


def move(
    ledger: Ledger,
    tables: Tables,
    budget: SharedBudget,
    placements: Mapping[str, declared.Placement],
    now: datetime,
) -> Moved | None:
    """Divide what is left, if it is time to; the log has one row for each time, whoever is killed or second.

    Parameters
    ----------
    ledger : Ledger
    tables : Tables
    budget : SharedBudget
    placements : mapping of str to Placement
        As declared.
    now : datetime

    Returns
    -------
    Moved or None
        None where it is not time.

    Raises
    ------
    CampaignError
        A part is no placement that can share money.
    """
    number, before = budget.number(now.timestamp()), divided(ledger, budget)
    moment = budget.moment(number)
    if number <= before.number or not budget.terms.since < moment < budget.terms.until:
        return None
    check_parts(budget, placements)
    seen = {name: seen_of(tables, placements[name], by_all=True) for name in budget.parts}
    spent = sum(spent_in(one, budget.terms.since, moment) for one in seen.values())
    left = published(max(budget.terms.amount - spent, 0.0))
    gains = {
        name: gain_of(placements[name], seen_of(tables, placements[name]), budget.terms.since, moment)
        for name in budget.parts
    }
    made = steering.move(before.shares, budget.least, gains)
    moved = Moved(budget.name, number, left, before.shares, made.shares, gains, made.reason)
    return moved if _append(ledger, budget, moved, now) else None


def published(money: float) -> float:
    """Money as the log tells it: no more than there is, to three digits, by which nobody can count persons.

    What that leaves is there again at the next division.

    Examples
    --------
    >>> published(947.85), published(0.0)
    (947.0, 0.0)
    """
    if money <= 0:
        return 0.0
    unit = 10.0 ** (floor(log10(money)) - 2)
    return round(floor(money / unit) * unit, 12)


def spent_in(seen: Seen, since: float, until: float) -> float:
    """What the exposures cost that we were told of from one time to another."""
    rows = (seen.told_at >= since) & (seen.told_at < until)
    return float(seen.costs[rows].sum())


def gain_of(placement: declared.Placement, seen: Seen, since: float, until: float) -> Estimate | None:
    """What a placement brought for a unit of money, by exposures whose horizon had passed at a time."""
    over = np.maximum(seen.told_at, seen.at + placement.horizon_hours * HOUR) <= until
    known = seen.only((seen.told_at >= since) & over)
    treated = known.shown > 0
    chances = np.where(treated, 1 - known.holdouts, known.chances)
    return steering.gained(treated, chances, known.rewards, known.costs)


def _append(ledger: Ledger, budget: SharedBudget, moved: Moved, now: datetime) -> bool:
    with ledger.writing() as connection:
        newest = log.newest(connection, MOVED, budget.record)
        said = {} if newest is None else newest.content
        if said.get("of") == budget.divides and said["number"] >= moved.number:
            return False
        due = datetime.fromtimestamp(budget.moment(moved.number), UTC).isoformat()
        content = {**moved.as_dict(), "of": budget.divides, "due": due}
        log.append(connection, MOVED, budget.record, content, now)
    return True
