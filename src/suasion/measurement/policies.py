"""What a plan is compared with: the same people, other ways to decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import Options, Plan, plan

Floats = npt.NDArray[np.float64]


def nobody(made: Plan) -> Floats:
    """Probabilities of treating nobody; shape (n, 1 + k)."""
    return everybody(made, -1)


def everybody(made: Plan, treatment: int) -> Floats:
    """Probabilities of giving everybody one treatment, whatever it costs; -1 is nothing."""
    probabilities = np.zeros_like(made.probabilities)
    probabilities[:, treatment + 1] = 1
    return probabilities


def by_lot(made: Plan, average: Floats) -> Floats:
    """The best that the plan's money buys without looking at people: all get the same probabilities.

    The mix of treatments is chosen as a plan would, on average effects and costs; it may treat the same
    people that the plan may, so that refusing a message or a person favors neither.

    Parameters
    ----------
    made : Plan
    average : array of float, shape (k,)
        Average effect of each treatment.

    Returns
    -------
    array of float, shape (n, 1 + k)
        With the expected cost of the plan, or less where treating everybody costs less.
    """
    options = made.options
    n = len(options.persons)
    mean_costs = options.costs.mean(axis=0)
    effects = np.tile(np.where(average > 0, average, -1.0), (n, 1))
    flat = Options(
        options.persons, options.treatments, effects, np.tile(mean_costs, (n, 1)), options.permitted
    )
    slack = float(mean_costs.max(initial=0))
    mix = plan(flat, made.cost + slack, 0.0, 0.0).probabilities.mean(axis=0)[1:]
    spent = n * float(mix @ mean_costs)
    mix = mix * min(1.0, made.cost / spent) if spent > 0 else mix
    return np.tile([1 - mix.sum(), *mix], (n, 1))


def by_propensity(made: Plan, response: Floats, average: Floats) -> Floats:
    """Ranking as usual: those most likely to respond anyway come first, until the money is spent.

    Parameters
    ----------
    made : Plan
    response : array of float, shape (n,)
        Predicted outcome of each person under what the experiment gave.
    average : array of float, shape (k,)
        Average effect of each treatment; the permitted one with the largest is given.

    Returns
    -------
    array of float, shape (n, 1 + k)
        With the expected cost of the plan.
    """
    options = made.options
    probabilities = np.zeros_like(made.probabilities)
    best = int(np.argmax(np.where(options.permitted, average, -np.inf)))
    order = np.argsort(-response, kind="stable")
    cost = options.costs[order, best]
    before = np.cumsum(cost) - cost
    share = np.clip((made.cost - before) / np.where(cost > 0, cost, 1), 0, 1)
    probabilities[order, best + 1] = np.where((cost > 0) | (before < made.cost), share, 0)
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(axis=1)
    return probabilities


def without_refusal(made: Plan, holdout: float, exploration: float) -> Plan:
    """The plan that the same rule would make if every message had passed review."""
    options = replace(made.options, permitted=np.ones_like(made.options.permitted))
    return plan(options, made.budget, holdout, exploration)
