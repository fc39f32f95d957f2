"""What other budgets would buy, and where to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation import Plan, plan
from suasion.ledger import Campaign
from suasion.measurement import policies
from suasion.measurement.units import money, number
from suasion.measurement.value import aipw_value, learned_gain
from suasion.scores import Scores
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]
BUDGETS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the campaign's budget at which the value of money is shown."""


@dataclass(frozen=True)
class BudgetPoint:
    """What a budget buys, against nobody treated.

    Parameters
    ----------
    budget, cost : float
        Money asked for, and expected to be spent.
    plan, by_lot : Estimate
        The gain a person, by plan and by lot.
    step : Estimate
        The gain a person over the budget before; over nobody, for the first.
    marginal : Estimate or None
        Money for one more outcome between the budget before and this one. None where the interval of
        `step` reaches 0: there is no such number.
    """

    budget: float
    cost: float
    plan: Estimate
    by_lot: Estimate
    step: Estimate
    marginal: Estimate | None


def budget_points(campaign: Campaign, scores: Scores, made: Plan, average: Floats) -> tuple[BudgetPoint, ...]:
    """Judge the same way to plan at other budgets, all other limits as they are.

    Parameters
    ----------
    campaign : Campaign
    scores : Scores
    made : Plan
        Over the persons of `scores`, in their order.
    average : array of float, shape (k,)
        Average effect of each treatment.

    Returns
    -------
    tuple of BudgetPoint
        By rising budget, up to the first that more money would not change.
    """
    outcome, people = campaign.outcome, len(scores.persons)
    base = before = policies.nobody(made)
    points, spent = list[BudgetPoint](), 0.0
    for multiple in BUDGETS if made.budget > 0 else ():
        other = _at(campaign, made, made.budget * multiple)
        chances = other.probabilities
        gain = learned_gain(scores, outcome, chances, base)
        lot = aipw_value(scores, outcome, policies.by_lot(other, average, campaign), base)
        step = learned_gain(scores, outcome, chances, before)
        marginal = _price((other.cost - spent) / people, step)
        points.append(BudgetPoint(other.budget, other.cost, gain, lot, step, marginal))
        before, spent = chances, other.cost
        if other.shadow_price == 0:
            break
    return tuple(points)


def _at(campaign: Campaign, made: Plan, budget: float) -> Plan:
    others = tuple(limit for limit in made.limits if limit.name != "budget")
    floors = (campaign.holdout, campaign.exploration)
    return plan(made.options, budget, *floors, limits=others, households=made.units)


def _price(cost: float, step: Estimate) -> Estimate | None:
    if step.low <= 0 or cost <= 0:
        return None
    low, value, high = (cost / end for end in (step.high, step.value, step.low))
    return Estimate(value, low, high, step.n, f"cost over {step.method}", step.level)


@dataclass(frozen=True)
class Advice:
    """How much money to spend.

    Parameters
    ----------
    points : tuple of BudgetPoint
    people : int
        For whom the campaign plans.
    stop : float or None
        The largest of the budgets whose last step is expected to be worth more than it costs. None where no
        worth is declared, or no step is.
    sentences : tuple of str
    """

    points: tuple[BudgetPoint, ...]
    people: int
    stop: float | None
    sentences: tuple[str, ...]


def advise(campaign: Campaign, points: tuple[BudgetPoint, ...], judged: int, people: int) -> Advice:
    """Say what budgets buy, and where to stop.

    Parameters
    ----------
    campaign : Campaign
    points : tuple of BudgetPoint
        Judged on the people of an experiment.
    judged, people : int
        How many these are, and for how many the campaign plans.

    Returns
    -------
    Advice
    """
    grown = people / max(judged, 1)
    stop = None
    for point, before in zip(points, (0.0, *(p.cost for p in points)), strict=False):
        paid = (point.cost - before) / max(judged, 1)
        if campaign.worth is None or point.step.value * campaign.worth < paid or paid <= 0:
            break
        stop = point.budget * grown
    return Advice(points, people, stop, tuple(_sentences(campaign, points, grown, people, stop)))


def _sentences(
    campaign: Campaign, points: tuple[BudgetPoint, ...], grown: float, people: int, stop: float | None
) -> list[str]:
    if not points:
        return ["A campaign without a budget has nothing to plan: declare one."]
    said = [
        f"{money(point.budget * grown)} buys {_extra(point.plan, people)} more of '{campaign.outcome}'"
        + ("." if point.marginal is None else f", the last at {number(point.marginal.value)} each.")
        for point in points
    ]
    if not any(point.plan.low > 0 for point in points):
        said.append("At no budget is it sure that anything changes: try with little, and measure.")
    if campaign.worth is None:
        said.append("Declare what one more is worth (worth = ...) to be told where to stop.")
    elif stop is None:
        said.append("Already the first step is not expected to be worth its cost: do not spend on this.")
    else:
        said.append(
            f"Beyond {money(stop)} the next step costs more than it is worth, at {campaign.worth:g} each."
        )
    return said


def _extra(gain: Estimate, people: int) -> str:
    return gain.times(people).scaled(digits=0 if abs(gain.value) * people >= 10 else 1)
