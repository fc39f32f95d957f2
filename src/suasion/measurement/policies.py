"""What a plan is compared with: the same people, other ways to decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import Plan, spread
from suasion.ledger import Campaign
from suasion.scores import Scores

Floats = npt.NDArray[np.float64]
FREE = 1e-12
"""Stands for the cost of what costs nothing where effects are divided by costs."""


def nobody(made: Plan) -> Floats:
    """Probabilities of treating nobody; shape (n, 1 + k)."""
    return everybody(made, -1)


def everybody(made: Plan, treatment: int) -> Floats:
    """Probabilities of giving everybody one treatment, whatever it costs; -1 is nothing."""
    probabilities = np.zeros_like(made.probabilities)
    probabilities[:, treatment + 1] = 1
    return probabilities


def by_lot(made: Plan, average: Floats, campaign: Campaign) -> Floats:
    """The best that the plan's money buys without looking at people: all get the same probabilities.

    The mix of treatments is chosen as a plan would, with the same floors, on average effects and costs.

    Parameters
    ----------
    made : Plan
    average : array of float, shape (k,)
        Average effect of each treatment.
    campaign : Campaign
        For its floors.

    Returns
    -------
    array of float, shape (n, 1 + k)
        With the expected cost of the plan, or less where treating everybody costs less.
    """
    options = made.options
    same = np.ones((len(options.persons), 1))
    flat = replace(options, effects=same * average, costs=same * options.costs.mean(axis=0))
    return spread(flat, made.cost, campaign.holdout, campaign.exploration)[0]


def usual_response(scores: Scores, outcome: str) -> Floats:
    """Predicted outcome of each person under what the experiment gave; shape (n,)."""
    expected = scores.expected[outcome]
    return expected @ (np.bincount(scores.arms, minlength=expected.shape[1]) / len(scores.arms))


def by_propensity(made: Plan, response: Floats, average: Floats, campaign: Campaign) -> Floats:
    """Ranking as usual: those most likely to respond anyway come first, until the money is spent.

    They get the permitted treatment that changes most per unit of money on average; floors are those of
    the plan.

    Parameters
    ----------
    made : Plan
    response : array of float, shape (n,)
        As of `usual_response`.
    average : array of float, shape (k,)
        Average effect of each treatment.
    campaign : Campaign
        For its floors.

    Returns
    -------
    array of float, shape (n, 1 + k)
        With the expected cost of the plan, or less where treating everybody costs less.
    """
    options = made.options
    mean_costs = np.maximum(options.costs.mean(axis=0), FREE)
    best = int(np.argmax(np.where(options.permitted, average / mean_costs, -np.inf)))
    # The planner ranks by effect per cost: an "effect" of rank times cost makes it rank by response.
    rank = 1.0 + np.argsort(np.argsort(response, kind="stable"), kind="stable")
    effects = np.full_like(options.effects, -1.0)
    effects[:, best] = rank * np.maximum(options.costs[:, best], FREE)
    ranked = replace(options, effects=effects)
    return spread(ranked, made.cost, campaign.holdout, campaign.exploration)[0]


def without_refusal(made: Plan, campaign: Campaign) -> Floats:
    """What the same plan would be if every message had passed review.

    For the same money; where the plan could not use all of its budget, for the budget.
    """
    options = replace(made.options, permitted=np.ones_like(made.options.permitted))
    money = made.cost if made.shadow_price > 0 else made.budget
    return spread(options, money, campaign.holdout, campaign.exploration)[0]
