"""The best plan within limits: prices on a sample, then on everybody, then shares of price tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation.dual import Effort, Pool, keep, lower, mixture, settle
from suasion.allocation.prices import People, Taken, nothing, take, together
from suasion.allocation.rows import Rows

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
LARGE = 4_000_000
PART, LEAST = 30, 1_000_000
"""Of more than LARGE options, one in PART, or LEAST, are a sample whose prices are nearly everybody's."""
SMALL = 5_000
NEARER, NEAR, ROUGH = 1e-7, 1e-4, 2e-4
"""How close to the bound is enough: with one limit, with more than SMALL options, with more than LARGE."""
SETTLING = 20


@dataclass(frozen=True)
class Market:
    """All people, who take the best at given prices of the rows.

    Parameters
    ----------
    people : People
    rows : Rows
    shut : array of bool, shape (k,)
        Options closed to all.
    weights : array of float, shape (n,) or (1,)
        What probability each has left beyond floors.
    """

    people: People
    rows: Rows
    shut: Bools
    weights: Floats

    def __call__(self, prices: Floats, worth: float) -> Taken:
        """What is taken at row prices (T, M)."""
        return take(self.people, *self.tables(prices), self.weights, worth, told=True)

    def used(self, taken: Taken) -> tuple[Floats, Floats]:
        """What is used of each row (T, M), and its size were all that is added counted as positive."""
        totals, weights = self.rows.totals, self.rows.weights
        count = np.einsum("rgk,tgk->tr", totals.counts, taken.counts)
        found = count + taken.spent @ totals.money.T
        return found @ weights.T, np.abs(found) @ np.abs(weights).T

    def nothing(self) -> Taken:
        """What is taken where nothing is for sale."""
        return nothing(self.people, self.rows.totals.counts.shape[1])

    @property
    def rounding(self) -> float:
        """What a sum of prices may be wrong by, as a share of it."""
        return 4 * float(np.finfo(self.people.values.dtype).eps)

    def tables(self, prices: Floats) -> tuple[Floats, Floats]:
        """Price tables (T, cells, k), and prices of a unit of money (T, k); nothing is for sale at inf."""
        finite, counts, money = np.where(np.isfinite(prices), prices, 0.0), self.rows.counts, self.rows.money
        # Added up one after another, so that a table is the same to the last bit whichever others are asked.
        tables, rates = np.zeros((len(prices), *counts.shape[1:])), np.zeros((len(prices), money.shape[1]))
        for row in range(len(counts)):
            tables += finite[:, row, None, None] * counts[row]
            rates += finite[:, row, None] * money[row]
        if not self.people.personal:
            tables = tables + (rates * self.people.costs[0])[:, None, :]
        tables[~np.isfinite(prices).all(axis=1)] = np.inf
        tables[:, :, self.shut] = np.inf
        return tables, rates


@dataclass(frozen=True)
class Solved:
    """The best mixture found.

    Parameters
    ----------
    tables : array of float, shape (K, M)
        Prices of rows under which people choose.
    shares : array of float, shape (K,)
        How likely each table is for everybody.
    taken : Taken
        What they choose.
    prices : array of float, shape (M,)
    bound : float
        No plan within what was asked is worth more.
    scales : tuple of array of float, shape (M,), and float
        Of rows and of value.
    """

    tables: Floats
    shares: Floats
    taken: Taken
    prices: Floats
    bound: float
    scales: tuple[Floats, float] = (np.zeros(0), 1.0)


@dataclass(frozen=True)
class Begun:
    """Prices (T, M) to begin with, and scales of rows and value."""

    prices: Floats | None
    like: tuple[Floats, float] | None = None


def solve(
    market: Market, asked: Floats, most: Floats, start: Floats | None = None, *, rough: bool = False
) -> Solved | list[int]:
    """Maximize the value of what people take beyond floors.

    Parameters
    ----------
    market : Market
    asked : array of float, shape (M,)
        What is left of each row as it was asked for, for the bound.
    most : array of float, shape (M,)
        What is left of it for the plan, which is less.
    start : array of float, shape (T, M), optional
        Prices to begin with.
    rough : bool
        For a sample, from which not more is wanted than where to begin.

    Returns
    -------
    Solved, or list of int
        Rows that cannot be kept together.
    """
    if not len(most):
        taken = market(np.zeros((1, 0)), 1.0)
        return Solved(np.zeros((1, 0)), np.ones(1), taken, np.zeros(0), float(taken.value[0]))
    few = _sample(market.people) if start is None else None
    begun = Begun(start) if few is None else _begun(market, few, most)
    pool = Pool(market, np.maximum(np.abs(asked), np.abs(most)), begun.like)
    if begun.prices is not None:
        pool.ask(begun.prices[np.isfinite(begun.prices).all(axis=1)])
    effort = _effort(market, begun, rough=rough)
    lower(pool, asked, effort)
    lower(pool, most, effort)
    shares = mixture(pool, most, market.rows.resource)
    if shares is None:
        if conflict := keep(pool, most, effort.most):
            return conflict
        lower(pool, most, effort)
        shares = mixture(pool, most, market.rows.resource)
    if shares is None:
        return np.flatnonzero(most < 0).tolist()
    on, shares = np.flatnonzero(shares), shares[shares > 0]
    best = pool.prices[on], shares, together([pool.taken[table] for table in on])
    prices = pool.best(most)[1] if market.people.values.size > LARGE else settle(pool, most, SETTLING)
    return Solved(*best, prices, pool.best(asked)[0], (pool.scale, pool.top))


def _effort(market: Market, begun: Begun, *, rough: bool) -> Effort:
    radius = 1.0 if begun.prices is None else 0.05
    size, alone = market.people.values.size, len(market.rows.most) == 1
    if size <= SMALL or (alone and size <= LARGE):
        return Effort(radius=radius)
    near = NEARER if alone else ROUGH if size > LARGE or rough else NEAR
    return Effort(close=near, enough=near, radius=radius, everywhere=not rough)


def _sample(people: People) -> npt.NDArray[np.int64] | None:
    """Rows of a sample of many people, in their order; None where they are few."""
    n = len(people.values)
    if people.values.size <= LARGE:
        return None
    luck, part = np.random.default_rng(n), max(1 / PART, LEAST / people.values.size)
    if not len(people.starts):
        return np.flatnonzero(luck.random(n) < part)
    sizes = np.diff(people.starts)
    return np.sort(people.order[np.repeat(luck.random(len(sizes)) < part, sizes)])


def without(market: Market, solved: Solved, asked: Floats, rows: Bools) -> float:
    """The share of the bound that some rows cost: how much higher it is without them.

    Of many people, that of a sample.
    """
    if (chosen := _sample(market.people)) is not None:
        part = len(chosen) / len(market.people.values)
        market, asked = _of(market, chosen), part * asked
        again = solve(market, asked, asked, solved.tables, rough=True)
        if isinstance(again, list):
            return 0.0
        solved = again
    rest = market.rows.keep(~rows, np.zeros(market.rows.weights.shape[1], np.bool_))
    tables, sampled = solved.tables[:, ~rows], chosen is not None
    free = solve(replace(market, rows=rest), asked[~rows], asked[~rows], tables, rough=sampled)
    if isinstance(free, list) or free.bound <= 0:
        return 0.0
    return max(1 - solved.bound / free.bound, 0.0)


def _begun(market: Market, rows: npt.NDArray[np.int64], most: Floats) -> Begun:
    """Prices at which a sample of people would be shared out, and its best ones."""
    part = len(rows) / len(market.people.values)
    found = solve(_of(market, rows), part * most, part * most, rough=True)
    if isinstance(found, list):
        return Begun(None)
    scale, top = found.scales
    return Begun(np.vstack([found.tables, found.prices]), (scale / part, top / part))


def _of(market: Market, rows: npt.NDArray[np.int64]) -> Market:
    weights = market.weights[rows] if len(market.weights) > 1 else market.weights
    return replace(market, people=market.people.sample(rows), weights=weights)
