"""A probability for every option of every person, within limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation.floors import Floors, check_floors
from suasion.allocation.limits import Limit, Money
from suasion.allocation.make import Request, made
from suasion.allocation.options import Options
from suasion.allocation.told import Price, Words
from suasion.errors import CampaignError
from suasion.experiments import Totals

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
BUDGET = "budget"
"""What the limit of all money is called."""


@dataclass(frozen=True)
class Plan:
    """Probabilities for all options of all persons, kept as a few choices a person and their shares.

    Everybody has the floors; what they leave is shared out: with probability ``shares[t]`` of it a person
    gets ``choices[:, t]``. Shares are the same for all, so people who are exactly alike have the same
    probabilities.

    Parameters
    ----------
    options : Options
    choices : array of unsigned int, shape (n, K)
        0 is nothing.
    shares : array of float, shape (K,)
        They sum to 1.
    floors : Floors
    units : array of int64, shape (n,), or None
        The household of each person, where at most one of a household gets an option.
    limits : tuple of Money, Capacity, Parity
    totals : Totals
        What a draw must keep so that no limit is broken.
    prices : tuple of Price
        What each limit costs.
    bound, value : float
        What no plan with these floors within these limits exceeds, and what this one is expected to be worth.
    budget, cost : float
        Money asked for, and the expected cost of the plan.
    notes : tuple of str
        What the plan could not do as asked, in plain words.
    """

    options: Options
    choices: npt.NDArray[np.unsignedinteger]
    shares: Floats
    floors: Floors
    units: Ids | None
    limits: tuple[Limit, ...]
    totals: Totals
    prices: tuple[Price, ...]
    bound: float
    value: float
    budget: float
    cost: float
    notes: tuple[str, ...]

    def rows(self, rows: Ids | slice) -> Floats:
        """Probabilities of some people, nothing first; shape (rows, 1 + k)."""
        floors = self.floors.of(self.options, rows)
        chances = np.zeros((len(floors), 1 + floors.shape[1]))
        chances[:, 1:] = floors
        room = self.floors.room(self.options, self.units)
        left, each = room[rows] if len(room) > 1 else room, np.arange(len(floors))
        for t, share in enumerate(self.shares.tolist()):
            chances[each, self.choices[rows, t]] += left * share
        chances[:, 0] = np.clip(1 - chances[:, 1:].sum(axis=1), 0, 1)
        return chances

    @property
    def probabilities(self) -> Floats:
        """Probability of every option, nothing first; shape (n, 1 + k)."""
        return self.rows(slice(None))

    @property
    def gap(self) -> float:
        """How much more than this plan, as a share of the bound, any plan could be worth at most."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0

    @property
    def shadow_price(self) -> float:
        """What one more unit of money would add; 0 where the budget does not bind."""
        return next((price.value for price in self.prices if price.limit == BUDGET), 0.0)


def plan(
    options: Options,
    budget: float,
    holdout: float,
    exploration: float,
    *,
    limits: Sequence[Limit] = (),
    households: npt.NDArray[np.integer] | None = None,
    least_segment: int = 0,
    adapt: bool = True,
    words: Words | None = None,
) -> Plan:
    """Give each person the options worth most after the prices of limits.

    Maximizes the expected value of what people get, at most one option a person, within the budget and all
    other limits. Every person keeps at least `holdout` on nothing, and `exploration` is spread evenly over
    the options open to that person. Options of a value below 0 get probability 0. With `households`, a
    household is one as a person is else: at most one of it gets one option, and floors are the household's.

    The Lagrangian dual of the linear program is lowered by cutting planes; its mixture of price tables is
    the plan, its value a bound for every plan (Dantzig and Wolfe 1960, Operations Research 8:101). A
    little of each limit is kept back so that no draw can break it.

    Parameters
    ----------
    options : Options
    budget : float
        Money, 0 or more.
    holdout, exploration : float
        Probabilities; their sum is at most 1.
    limits : sequence of Money, Capacity, Parity
        Besides the budget.
    households : array of int, shape (n,), optional
        At most one option a household and round.
    least_segment : int
        An option is drawn for nobody or for at least so many people: those drawn for fewer are dropped, the
        rarest first.
    adapt : bool
        Lower exploration to what limits can pay for, and say so; else that is an error.
    words : Words, optional
        What money and value are called.

    Returns
    -------
    Plan

    Raises
    ------
    CampaignError
        A budget below 0 or not finite, floors above 1, costs below 0, limits that are none, or limits that
        no plan keeps together; the error names them.

    Examples
    --------
    >>> import numpy as np
    >>> effects = np.array([[0.3], [0.1], [-0.1]])
    >>> options = Options(np.arange(3), "none", ("mail",), effects, np.ones((3, 1)), np.array([True]))
    >>> best = plan(options, budget=1, holdout=0, exploration=0)
    >>> best.probabilities[:, 1].tolist()
    [1.0, 0.0, 0.0]
    >>> best.prices[0].sentence
    'One more unit of money for the budget would add 0.1 of value.'
    """
    request = _request(options, budget, holdout, exploration, tuple(limits))
    return _planned(
        replace(request, households=households, least_segment=least_segment, adapt=adapt), words or Words()
    )


def spread(
    options: Options, money: float, holdout: float, exploration: float
) -> tuple[Floats, float, tuple[str, ...]]:
    """The best use of money in expectation, which a draw may exceed.

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
    best = _planned(replace(_request(options, money, holdout, exploration), drawn=False), Words())
    return best.probabilities, best.shadow_price, best.notes


def _request(
    options: Options, budget: float, holdout: float, exploration: float, limits: tuple[Limit, ...] = ()
) -> Request:
    if not (math.isfinite(budget) and budget >= 0):
        raise CampaignError(f"budget {budget}", "not a sum of money", "Give 0 or more.")
    check_floors(holdout, exploration)
    money = Money(BUDGET, np.ones(len(options.treatments), np.bool_), budget)
    return Request(options, budget, (money, *limits), None, holdout, exploration)


def _planned(request: Request, words: Words) -> Plan:
    found = made(request, words)
    return Plan(
        options=request.options,
        choices=found.choices,
        shares=found.shares,
        floors=found.floors,
        units=request.units,
        limits=request.limits,
        totals=found.totals,
        prices=found.prices,
        bound=found.bound,
        value=found.value,
        budget=request.budget,
        cost=found.cost,
        notes=found.notes,
    )
