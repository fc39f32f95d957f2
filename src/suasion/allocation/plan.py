"""A probability for every option of every person, within a budget on expected cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError

Floats = npt.NDArray[np.float64]
BISECTIONS = 200


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
        Expected effect of each treatment against nothing, in units of the outcome.
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
        """Which options may be chosen: permitted and not expected to harm; shape (n, k)."""
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

    The relaxed multiple-choice knapsack: at a price per unit of money each person takes the option with
    the largest effect net of its priced cost; the price is bisected until the budget is met, and the two
    solutions around it are mixed so that it is met exactly. By linear-programming duality no plan with
    the same floors and expected cost promises more (Sinha and Zoltners 1979, Operations Research 27:503).

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
    if min(holdout, exploration) < 0 or holdout + exploration > 1:
        raise CampaignError("floors", "holdout and exploration leave [0, 1]", "Lower one of them.")
    if not np.isfinite(options.costs).all() or options.costs.min(initial=0) < 0:
        raise CampaignError("costs", "a cost below 0 or not finite", "Correct the treatments' costs.")
    probabilities, price, notes = spread(options, _spendable(options, budget), holdout, exploration)
    cost = _cost(probabilities[:, 1:], options)
    if not options.open.any():
        notes = (*notes, "No option is both permitted and expected to help anybody: nobody is treated.")
    elif budget == 0 and cost == 0:
        notes = (*notes, "A budget of 0 buys nothing but options that cost nothing.")
    return Plan(options, probabilities, budget, cost, price, notes)


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
    floors, notes = _floors(options, money, exploration)
    room = np.where(options.open.any(axis=1), 1 - holdout - floors.sum(axis=1), 0.0)
    chosen, price = _knapsack(options, room, max(money - _cost(floors, options), 0.0))
    treated = floors + chosen
    return np.clip(np.column_stack([1 - treated.sum(axis=1), treated]), 0, 1), price, notes


def _spendable(options: Options, budget: float) -> float:
    """The expected cost at which no draw exceeds the budget.

    A draw differs from its expectation by at most one person's largest cost. Where all costs are the
    same, whole multiples of it are drawn exactly.
    """
    costs = options.costs[options.open]
    if not costs.size or float(np.where(options.open, options.costs, 0).max(axis=1).sum()) <= budget:
        return budget
    largest, smallest = float(costs.max()), float(costs.min())
    if largest == smallest:
        return math.floor(budget / largest * (1 + 1e-12)) * largest
    return max(0.0, budget - largest)


def _floors(options: Options, money: float, exploration: float) -> tuple[Floats, tuple[str, ...]]:
    """The exploration floor of every option, and what had to be said about it."""
    count = options.open.sum(axis=1, keepdims=True)
    floors = np.where(options.open, exploration / np.maximum(count, 1), 0.0)
    cost = _cost(floors, options)
    if cost <= money:
        return floors, ()
    share = money / cost
    note = f"The budget pays for {share:.0%} of the exploration floor; nothing is left to target with."
    return floors * share, (note,)


def _knapsack(options: Options, room: Floats, budget: float) -> tuple[Floats, float]:
    """Probabilities beyond the floors, and the price per unit of money at which they were chosen."""
    gain = np.where(options.open & (options.effects > 0), options.effects, -np.inf)
    best = _best(gain, options.costs, room, 0.0)
    if _cost(best, options) <= budget:
        return best, 0.0
    positive = np.isfinite(gain) & (options.costs > 0)
    low, high = 0.0, 2 * float((gain[positive] / options.costs[positive]).max())
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _cost(_best(gain, options.costs, room, middle), options) > budget:
            low = middle
        else:
            high = middle
    over, under = _best(gain, options.costs, room, low), _best(gain, options.costs, room, high)
    spent = _cost(under, options)
    share = (budget - spent) / (_cost(over, options) - spent)
    return under + share * (over - under), high


def _best(gain: Floats, costs: Floats, room: Floats, price: float) -> Floats:
    """Each person's room on the option with the largest priced gain, or nowhere if none is above 0."""
    net = np.where(np.isfinite(gain), gain - price * costs, -np.inf)
    choice = net.argmax(axis=1)
    rows = np.arange(len(net))
    chosen = np.zeros_like(costs)
    chosen[rows, choice] = np.where(net[rows, choice] > 0, room, 0.0)
    return chosen


def _cost(probabilities: Floats, options: Options) -> float:
    return float((probabilities * options.costs).sum())
