"""The result in words; the first sentence says what the reader must not miss."""

from __future__ import annotations

from suasion.allocation import Plan
from suasion.experiments import Design
from suasion.ledger import Campaign
from suasion.measurement.replay import Replay
from suasion.stats import Estimate

PER = 1000
"""Differences are told per this many people."""


def sentences(
    campaign: Campaign, design: Design, made: Plan, judged: Replay, currency: str
) -> tuple[str, ...]:
    """Say what a plan is worth.

    Parameters
    ----------
    campaign : Campaign
    design : Design
    made : Plan
    judged : Replay
    currency : str

    Returns
    -------
    tuple of str
    """
    outcome = campaign.outcome
    lot, propensity, nobody = (
        _against(judged, way, outcome) for way in ("by lot", "by propensity", "nobody")
    )
    said = [_first(made, lot, outcome)]
    if made.cost > 0:
        bought = nobody.times(judged.people)
        said.append(
            f"For {made.cost:,.0f} of {made.budget:,.0f} {currency} the plan is expected to add "
            f"{bought.scaled(digits=0)} '{outcome}' among {judged.people:,} people, "
            "compared with treating nobody."
        )
        said.append(f"{_versus(propensity)} ranking by propensity: {_per(propensity, outcome)}.")
    if made.shadow_price > 0:
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


def _against(judged: Replay, way: str, outcome: str) -> Estimate:
    return next(c.differences[outcome] for c in judged.comparisons if c.against == way)


def _first(made: Plan, lot: Estimate, outcome: str) -> str:
    if made.probabilities[:, 1:].sum() == 0:
        return "The plan treats nobody." + (f" {made.notes[0]}" if made.notes else "")
    if not lot.excludes_zero:
        return (
            "These data do not show that choosing people beats a lottery with the same money: the "
            f"difference is {_per(lot, outcome)}."
        )
    better = "more" if lot.value > 0 else "less"
    return (
        f"Choosing people by effect gains {better} than a lottery with the same money: {_per(lot, outcome)}."
    )


def _versus(difference: Estimate) -> str:
    if not difference.excludes_zero:
        return "The plan cannot be told from"
    return "The plan beats" if difference.value > 0 else "The plan does worse than"


def _per(difference: Estimate, outcome: str) -> str:
    return f"{difference.scaled(PER, digits=1)} '{outcome}' per {PER:,} people"
