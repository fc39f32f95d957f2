"""A design and a result in plain words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from suasion.cli.geo.kept import Kept
from suasion.stats import Estimate

MOST_NAMES = 20


@dataclass(frozen=True)
class Found:
    """What a campaign in places brought.

    Parameters
    ----------
    effect : Estimate
        Per head, or per place where nobody gave the people of each, and period.
    total : Estimate
        Outcomes that would not have been.
    p_value : float
        Two-sided, of no effect anywhere.
    spent : float or None
        In treated places.
    per_spent : Estimate or None
        Outcomes for 1 spent; None where nothing was spent, or nothing can be said.
    per_thousand : Estimate or None
        Outcomes for 1,000 impressions.
    sentences, notes : tuple of str
        The result; what speaks against it.
    """

    effect: Estimate
    total: Estimate
    p_value: float
    spent: float | None
    per_spent: Estimate | None
    per_thousand: Estimate | None
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def of_design(kept: Kept) -> tuple[str, ...]:
    """Say what was drawn, and what it could find."""
    n, treated, outcome = len(kept.places), len(kept.treated), kept.columns.outcome
    of = "" if kept.usual == 0 else f", {abs(kept.detectable / kept.usual):.1%} of what is usual"
    named = ", ".join(kept.treated[:MOST_NAMES])
    more = f" and {treated - MOST_NAMES:,} more, all in the file" if treated > MOST_NAMES else ""
    return (
        f"Treat {treated:,} of {n:,} places, drawn among {kept.count:,} balanced assignments: {named}{more}.",
        f"Over {_many(kept.lasts, 'period')} it finds a change of {kept.detectable:.3g} '{outcome}' a "
        f"{_head(kept)} and period{of}, in 4 of 5 cases.",
    )


def of_result(found: Found, kept: Kept, periods: int) -> Found:
    """Say what a campaign brought, and for what money."""
    where = f"in {_many(len(kept.treated), 'place')} over {_many(periods, 'period')}"
    luck = f"p = {found.p_value:.2g}, against {kept.count:,} assignments that chance could have made"
    said = [f"{_changed(found.total, kept.columns.outcome)} {where} ({luck})."]
    if found.per_spent is not None:
        said.append(_back(found.per_spent, kept.columns.outcome, "1 spent"))
    if found.per_thousand is not None:
        said.append(_back(found.per_thousand, kept.columns.outcome, "1,000 impressions"))
    notes = list(found.notes)
    if periods != kept.lasts:
        planned = _many(kept.lasts, "period")
        notes.append(f"The design was for {planned}, these are {periods:,}: keep to what was planned.")
    return replace(found, sentences=tuple(said), notes=tuple(notes))


def _head(kept: Kept) -> str:
    return "place" if kept.columns.population is None else "head"


def _changed(total: Estimate, outcome: str) -> str:
    if not total.excludes_zero:
        value, interval = _shown(total)
        unsure = "It cannot be told yet whether the campaign changed anything"
        return f"{unsure}: {value} more '{outcome}' ({interval})"
    value, interval = _shown(total if total.value > 0 else total.times(-1))
    return f"The campaign {'added' if total.value > 0 else 'took away'} {value} '{outcome}' ({interval})"


def _back(per: Estimate, outcome: str, unit: str) -> str:
    value, interval = _shown(per.times(-1) if per.high < 0 else per)
    if per.high < 0:
        return f"For {unit}, {value} '{outcome}' were lost ({interval})."
    back = f"or {unit}, {value} '{outcome}' came back ({interval})."
    return f"F{back}" if per.low > 0 else f"Whether anything came back cannot be told yet: f{back}"


def _shown(estimate: Estimate) -> tuple[str, str]:
    """Value and interval, with as many digits as the interval has to tell."""
    width = estimate.high - estimate.low
    digits = next((digits for digits in range(6) if width * 10**digits >= 6), 6)
    value, interval = estimate.scaled(digits=digits).split(" ", 1)
    return value, interval[1:-1]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
