"""The result in words; the first sentence says what the reader must not miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suasion.allocation import Plan
from suasion.experiments import Design
from suasion.ledger import Campaign
from suasion.measurement.lift import Lift
from suasion.measurement.replay import Replay
from suasion.measurement.units import PER, Unit, digits, money, price
from suasion.scores import Findings, Ranking
from suasion.stats import Estimate

DUST = 1e-9
"""Probabilities that differ by less are the same."""
WIDE = 300
"""An interval as wide, per thousand people, is told without digits after the point."""


def sentences(
    campaign: Campaign,
    design: Design,
    made: Plan,
    judged: Replay,
    findings: Findings,
    currency: str,
    measured: Lift | None = None,
) -> tuple[str, ...]:
    """Say what a plan is worth, and first of all what it changed where that was measured.

    Parameters
    ----------
    campaign : Campaign
    design : Design
    made : Plan
    judged : Replay
    findings : Findings
        Of the design's treatments.
    currency : str
    measured : Lift, optional

    Returns
    -------
    tuple of str
    """
    outcome = campaign.outcome
    lot, propensity, nobody = (
        _against(judged, way, outcome) for way in ("by lot", "by propensity", "nobody")
    )
    ranked = dict(zip(design.names[1:], findings.rankings, strict=True))
    said = [_first(made, lot, outcome, ranked), *_alike(made, ranked)]
    if measured is not None:
        hoped = nobody.times(measured.people).scaled(digits=0)
        said = [
            changed(measured, outcome, currency),
            f"Expected of as many people, before anything was sent: {hoped} '{outcome}'.",
            *said,
        ]
    elif made.cost > 0:
        people = len(made.options.persons)
        bought = nobody.times(people)
        said.append(
            f"For {made.cost:,.0f} of {made.budget:,.0f} {currency} the plan is expected to add "
            f"{bought.scaled(digits=0)} '{outcome}' among {people:,} people, "
            "compared with treating nobody."
        )
    if made.cost > 0:
        said.append(f"{_versus(propensity)} ranking by propensity: {_per(propensity, outcome)}.")
    if made.shadow_price > 0 and campaign.worth is None:
        said.append(f"By the models, the next {currency} would add {made.shadow_price:.3f} '{outcome}'.")
    best = max(judged.effects, key=lambda name: judged.effects[name].value)
    said.append(
        f"On average '{best}' changes most of the {len(design.names) - 1} treatment(s): "
        f"{_per(judged.effects[best], outcome)} against '{design.names[0]}'."
    )
    if judged.refusal is not None:
        loss = judged.refusal.differences[outcome].times(-1)
        said.append(
            f"Refusing the messages that did not pass review costs {_per(loss, outcome)}; "
            "suasion holds to the refusal."
        )
    return tuple(said)


def changed(measured: Lift, outcome: str, currency: str) -> str:
    """Say what a sent plan changed, and what one more outcome cost.

    Parameters
    ----------
    measured : Lift
    outcome, currency : str

    Returns
    -------
    str

    Examples
    --------
    >>> effect, price = Estimate(0.025, 0.007, 0.043, 1240, ""), Estimate(2.0, 1.16, 7.15, 1240, "")
    >>> found = Lift(1240, 1240, 500, 52, effect, effect.times(1240), 62.0, price, 0.2, ())
    >>> changed(found, "came", "EUR")
    "The campaign added 31 'came' (9 to 53) among 1,240 people for 62 EUR: 2.00 EUR for each (1.16 to 7.15)."
    """
    if not measured.treated:
        return "The campaign treated nobody, and so changed nothing."
    unit = Unit(1, digits([measured.extra.high - measured.extra.low], 1, least=0))
    among = f"among {measured.people:,} people for {money(measured.spent)} {currency}"
    doubts = len(measured.warnings)
    care = f" Read it with care: {doubts} warning{'s' if doubts > 1 else ''}." if doubts else ""
    if not measured.extra.excludes_zero:
        found = replace(unit, signed=True).shown(measured.extra)
        return (
            "It cannot be told yet whether the campaign changed anything: "
            f"{found.value} '{outcome}' ({found.interval}) {among}.{care}"
        )
    verb = "added" if measured.extra.value > 0 else "took away"
    found = unit.shown(measured.extra if measured.extra.value > 0 else measured.extra.times(-1))
    each = ""
    if measured.cost_per_extra is not None:
        cost = price([measured.cost_per_extra.value]).shown(measured.cost_per_extra)
        each = f": {cost.value} {currency} for each ({cost.interval})"
    return f"The campaign {verb} {found.value} '{outcome}' ({found.interval}) {among}{each}.{care}"


def _against(judged: Replay, way: str, outcome: str) -> Estimate:
    return next(c.differences[outcome] for c in judged.comparisons if c.against == way)


def _first(made: Plan, lot: Estimate, outcome: str, ranked: Mapping[str, Ranking]) -> str:
    open_ = _permitted(made, ranked)
    if open_ and not any(ranking.ranks for ranking in open_.values()):
        reason = min(open_.values(), key=lambda ranking: ranking.p_value).reason
        return (
            f"These data do not tell whom a message helps more than others: {reason}. So {_instead(made)}."
            + _why_nobody(made)
        )
    if made.probabilities[:, 1:].sum() == 0:
        return "The plan treats nobody." + _why_nobody(made)
    if not lot.excludes_zero:
        return (
            "These data do not show that choosing people beats a lottery with the same money: the "
            f"difference is {_per(lot, outcome)}."
        )
    better = "more" if lot.value > 0 else "less"
    return (
        f"Choosing people by effect gains {better} than a lottery with the same money: {_per(lot, outcome)}."
    )


def _permitted(made: Plan, ranked: Mapping[str, Ranking]) -> dict[str, Ranking]:
    """Rankings of the treatments that may be chosen."""
    options = zip(made.options.treatments, made.options.permitted.tolist(), strict=True)
    return {name: ranked[name] for name, permitted in options if permitted}


def _why_nobody(made: Plan) -> str:
    return f" {made.notes[0]}" if made.notes and made.probabilities[:, 1:].sum() == 0 else ""


def _instead(made: Plan) -> str:
    """What a plan does that cannot rank people."""
    treated = made.probabilities[:, 1:]
    if treated.sum() == 0:
        return "the plan treats nobody"
    if np.ptp(treated, axis=0).max() > DUST:
        return "the plan begins with those who cost least"
    if made.shadow_price == 0:
        return "the plan treats everybody alike"
    return "the plan leaves to chance who is treated"


def _alike(made: Plan, ranked: Mapping[str, Ranking]) -> list[str]:
    """Where some treatments rank people, those that do not."""
    open_ = _permitted(made, ranked)
    if not any(ranking.ranks for ranking in open_.values()):
        return []
    return [
        f"The effect of '{name}' counts as the same for everybody: {ranking.reason}."
        for name, ranking in open_.items()
        if not ranking.ranks
    ]


def _versus(difference: Estimate) -> str:
    if not difference.excludes_zero:
        return "The plan cannot be told from"
    return "The plan beats" if difference.value > 0 else "The plan does worse than"


def _per(difference: Estimate, outcome: str) -> str:
    fine = PER * (difference.high - difference.low) < WIDE
    return f"{difference.scaled(PER, digits=int(fine))} '{outcome}' per {PER:,} people"
