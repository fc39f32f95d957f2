"""A probability for every option of every person, within a budget on expected cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
DUST = 1 + 1e-12
"""Sums of money in another order may differ by this factor."""


@dataclass(frozen=True)
class Options:
    """What could be done for each person; nothing is always possible and not listed.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    control : str
        What nothing is called.
    treatments : tuple of str, length k
    effects : array of float, shape (n, k)
        Expected effect of each treatment against nothing, in units of the outcome; NaN where it is unknown.
    costs : array of float, shape (n, k)
        Expected cost, money.
    permitted : array of bool, shape (k,)
        Whether the treatment's message passed review under the rules.
    """

    persons: npt.NDArray[np.int64]
    control: str
    treatments: tuple[str, ...]
    effects: Floats
    costs: Floats
    permitted: npt.NDArray[np.bool_]

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """Which options may be chosen: permitted, known, and not expected to harm; shape (n, k)."""
        return self.permitted[None, :] & (self.effects >= 0)


@dataclass(frozen=True)
class Plan:
    """Probabilities for all options of all persons.

    Parameters
    ----------
    options : Options
    probabilities : array of float, shape (n, 1 + k)
        Column 0 is nothing.
    budget, cost : float
        Money asked for, and the expected cost of the plan.
    shadow_price : float
        Expected outcomes that one more unit of money would add; 0 where the budget does not bind.
    notes : tuple of str
        What the plan could not do as asked, in plain words.
    """

    options: Options
    probabilities: Floats
    budget: float
    cost: float
    shadow_price: float
    notes: tuple[str, ...]

    @property
    def all_costs(self) -> Floats:
        """Expected cost of every option, nothing first; shape (n, 1 + k)."""
        return np.column_stack([np.zeros(len(self.options.costs)), self.options.costs])


def plan(options: Options, budget: float, holdout: float, exploration: float) -> Plan:
    """Choose for each person the option with the largest effect that the budget can buy.

    The relaxed multiple-choice knapsack: each person climbs from option to dearer option, each step the
    one that gains most per unit of money; steps of all persons are bought in falling order of that gain,
    and those at the price where the money ends get the same share of it each. No plan with the same
    floors and expected cost promises more (Sinha and Zoltners 1979, Operations Research 27:503).

    Every person keeps at least `holdout` on nothing, and `exploration` is spread evenly over the options
    open to that person. Options with a negative expected effect get probability 0. A little of the budget
    is kept back so that no draw can exceed it.

    Parameters
    ----------
    options : Options
    budget : float
        Money, 0 or more.
    holdout, exploration : float
        Probabilities; their sum is at most 1.

    Returns
    -------
    Plan

    Raises
    ------
    CampaignError
        A budget below 0 or not finite, floors above 1, or costs below 0.

    Examples
    --------
    >>> import numpy as np
    >>> effects = np.array([[0.3], [0.1], [-0.1]])
    >>> options = Options(np.arange(3), "none", ("mail",), effects, np.ones((3, 1)), np.array([True]))
    >>> plan(options, budget=1, holdout=0, exploration=0).probabilities[:, 1].tolist()
    [1.0, 0.0, 0.0]
    """
    if not (math.isfinite(budget) and budget >= 0):
        raise CampaignError(f"budget {budget}", "not a sum of money", "Give 0 or more.")
    if not (holdout >= 0 and exploration >= 0 and holdout + exploration <= 1):
        raise CampaignError("floors", "holdout and exploration leave [0, 1]", "Lower one of them.")
    if not np.isfinite(options.costs).all() or options.costs.min(initial=0) < 0:
        raise CampaignError("costs", "a cost below 0 or not finite", "Correct the treatments' costs.")
    money = _spendable(options, budget)
    probabilities, price, notes = spread(options, money, holdout, exploration)
    if unknown := int(np.isnan(options.effects).all(axis=1).sum()):
        notes = (
            *notes,
            f"Of {unknown:,} people nothing is known: they are unlike those learned from, and get nothing.",
        )
    if not options.open.any():
        notes = (*notes, "No option is both permitted and expected to help anybody: nobody is treated.")
    elif money == 0 and (options.open & (options.costs > 0)).any():
        notes = (*notes, f"A budget of {budget:g} buys nothing but options that cost nothing.")
    return Plan(options, probabilities, budget, _cost(probabilities[:, 1:], options), price, notes)


def spread(
    options: Options, money: float, holdout: float, exploration: float
) -> tuple[Floats, float, tuple[str, ...]]:
    """The floors, and the best use of the rest of the money.

    Parameters
    ----------
    options : Options
    money : float
        Expected cost at most.
    holdout, exploration : float

    Returns
    -------
    array of float, shape (n, 1 + k)
        Probabilities, nothing first.
    float
        Shadow price: outcomes that one more unit of money would add.
    tuple of str
        What could not be done as asked.
    """
    floors, floor_price, notes = _floors(options, money, exploration)
    room = np.where(options.open.any(axis=1), np.maximum(1 - holdout - floors.sum(axis=1), 0), 0.0)
    chosen, price = _knapsack(options, room, money - _cost(floors, options))
    treated = floors + chosen
    probabilities = np.clip(np.column_stack([1 - treated.sum(axis=1), treated]), 0, 1)
    return probabilities, price if floor_price is None else floor_price, notes


def _spendable(options: Options, budget: float) -> float:
    """The expected cost at which no draw exceeds the budget.

    A draw differs from its expectation by at most one person's largest cost. Where all that costs
    anything costs the same, whole multiples of it are drawn exactly.
    """
    costs = options.costs[options.open & (options.costs > 0)]
    if not costs.size or float(np.where(options.open, options.costs, 0).max(axis=1).sum()) / DUST <= budget:
        return budget
    largest, smallest = float(costs.max()), float(costs.min())
    if largest == smallest:
        return math.floor(budget / largest * DUST) * largest
    return max(0.0, budget - largest)


def _floors(
    options: Options, money: float, exploration: float
) -> tuple[Floats, float | None, tuple[str, ...]]:
    """The exploration floor of every option; where money ends before it, the price there and a note."""
    count = options.open.sum(axis=1, keepdims=True)
    floors = np.where(options.open, exploration / np.maximum(count, 1), 0.0)
    cost = _cost(floors, options)
    if cost <= money:
        return floors, None, ()
    share = money / cost
    note = f"The budget pays for {share:.0%} of the exploration floor; nothing is left to target with."
    effects, paid = np.where(options.open, options.effects, 0), options.costs > 0
    instead = np.where(paid, 0, effects).max(axis=1, keepdims=True)
    price = float((np.where(paid, floors, 0) * (effects - instead)).sum() / cost)
    return np.where(paid, share * floors, floors), price, (note,)


def _knapsack(options: Options, room: Floats, budget: float) -> tuple[Floats, float]:
    """Probabilities beyond the floors, and the price per unit of money at which they were chosen."""
    costs = np.column_stack([np.zeros(len(room)), options.costs])
    gains = np.column_stack([np.zeros(len(room)), np.where(options.open, options.effects, -np.inf)])
    rows, path, slopes = np.arange(len(room)), *_climb(gains, costs)
    prices = np.array([room * (costs[rows, b] - costs[rows, a]) for a, b in pairwise(path)])
    price, share = _last_price(slopes.ravel(), prices.ravel(), budget)
    chosen = np.zeros_like(costs)
    chosen[rows, path[0]] = room
    for (before, after), slope in zip(pairwise(path), slopes, strict=True):
        moved = room * np.where(slope > price, 1.0, np.where(slope == price, share, 0.0))
        chosen[rows, before] -= moved
        chosen[rows, after] += moved
    return chosen[:, 1:], price


def _climb(gains: Floats, costs: Floats) -> tuple[list[Ids], Floats]:
    """Each person's way up the upper hull of (cost, gain): the options, and the slope of each step.

    Slopes of a person fall; a step of slope 0 stays where it is.
    """
    rows = np.arange(len(gains))
    path = [np.where(costs == 0, gains, -np.inf).argmax(axis=1)]
    slopes: list[Floats] = []
    for _ in range(gains.shape[1] - 1):
        here = path[-1]
        rise, run = gains - gains[rows, here, None], costs - costs[rows, here, None]
        with np.errstate(over="ignore"):  # a cost next to nothing may have a gain per cost beyond all bounds
            slope = np.divide(rise, run, out=np.zeros_like(rise), where=(rise > 0) & (run > 0))
        best = slope.argmax(axis=1)
        steepest = slope[rows, best]
        path.append(np.where(steepest > 0, best, here))
        slopes.append(np.minimum(steepest, slopes[-1]) if slopes else steepest)
    return path, np.array(slopes)


def _last_price(slopes: Floats, prices: Floats, budget: float) -> tuple[float, float]:
    """The slope of the steps at which the budget ends, and the share of them that it still buys."""
    slopes, prices = slopes[prices > 0], prices[prices > 0]
    order = np.argsort(-slopes)
    spent = np.cumsum(prices[order])
    if not spent.size or spent[-1] / DUST <= budget:
        return 0.0, 0.0
    price = slopes[order[np.searchsorted(spent, budget, side="right")]]
    left = budget - float(prices[slopes > price].sum())
    return float(price), min(max(left / float(prices[slopes == price].sum()), 0.0), 1.0)


def _cost(probabilities: Floats, options: Options) -> float:
    return float((probabilities * options.costs).sum())
