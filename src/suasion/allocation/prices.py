"""What everybody takes at given prices: one pass over people, in numba."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]
Picks = npt.NDArray[np.unsignedinteger]
T = TypeVar("T")
BLOCK = 1 << 15
"""Units that one thread goes through at a time."""
BLOCKS = 64


@dataclass(frozen=True)
class People:
    """Everybody a plan is for, as arrays that a pass goes through.

    Parameters
    ----------
    values : array of float, shape (n, k)
        What is maximized; an option whose value is NaN or below 0 is closed.
    costs : array of float, shape (n, k) or (1, k)
        Money; one row where costs are the same for all.
    closed : array of bool, shape (n, k) or (0, k)
        Options closed to a person.
    cells : array of int32, shape (n,)
        The row of the price table that holds for a person.
    order, starts : array of int64, shapes (n,), (units + 1,); or (0,)
        People by unit, of which at most one gets an option; empty where each is a unit.
    """

    values: Numbers
    costs: Numbers
    closed: npt.NDArray[np.bool_]
    cells: npt.NDArray[np.int32]
    order: Ids
    starts: Ids

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.starts) - 1 if len(self.starts) else len(self.values)

    @property
    def personal(self) -> bool:
        """Whether costs differ between people."""
        return len(self.costs) > 1

    def sample(self, rows: Ids) -> People:
        """A copy of some rows; of people by unit, the units that are whole in them."""
        order, starts = self.order, self.starts
        if len(starts):
            inside = np.full(len(self.values), -1, np.int64)
            inside[rows] = np.arange(len(rows))
            sizes = np.diff(starts)
            whole = np.minimum.reduceat(inside[order], starts[:-1]) >= 0
            order = inside[order[np.repeat(whole, sizes)]]
            starts = np.concatenate([[0], np.cumsum(sizes[whole])])
        return People(
            np.ascontiguousarray(self.values[rows]),
            np.ascontiguousarray(self.costs[rows]) if self.personal else self.costs,
            np.ascontiguousarray(self.closed[rows]) if len(self.closed) else self.closed,
            self.cells[rows],
            order,
            starts,
        )


@dataclass(frozen=True)
class Taken:
    """What is taken from each of T price tables, weighted.

    Parameters
    ----------
    counts : array of float, shape (T, cells, k)
        People.
    spent : array of float, shape (T, k)
        Money.
    value : array of float, shape (T,)
    picks : tuple of T arrays of unsigned int, shape (n,)
        What each person takes, 0 for nothing; empty where that was not asked for.
    """

    counts: Floats
    spent: Floats
    value: Floats
    picks: tuple[Picks, ...] = ()

    def of(self, table: int) -> Taken:
        """What is taken from one table."""
        one = slice(table, table + 1)
        return Taken(self.counts[one], self.spent[one], self.value[one], self.picks[one])


def nothing(people: People, cells: int) -> Taken:
    """What is taken where nothing is for sale."""
    n, k = people.values.shape
    none = np.zeros(n, np.min_scalar_type(k))
    return Taken(np.zeros((1, cells, k)), np.zeros((1, k)), np.zeros(1), (none,))


def together(parts: Sequence[Taken]) -> Taken:
    """All tables of all parts."""
    return Taken(
        np.concatenate([part.counts for part in parts]),
        np.concatenate([part.spent for part in parts]),
        np.concatenate([part.value for part in parts]),
        tuple(picks for part in parts for picks in part.picks),
    )


def take(
    people: People,
    prices: Floats,
    rates: Floats,
    weights: Floats,
    worth: float = 1.0,
    *,
    told: bool = False,
) -> Taken:
    """Every unit takes the one option worth most after its price, if that is worth more than nothing.

    Of options worth the same it takes the cheapest. Sums are over fixed blocks of people in a fixed order,
    so that they are the same whatever the number of threads.

    Parameters
    ----------
    people : People
    prices : array of float, shape (T, cells, k)
        Price tables; infinite closes an option.
    rates : array of float, shape (T, k)
        Price of a unit of money, where costs are personal.
    weights : array of float, shape (n,) or (1,)
    worth : float
        What values are multiplied by; 0 looks at prices alone.
    told : bool
        Whether to tell what each person takes.

    Returns
    -------
    Taken
    """
    kind = people.values.dtype
    n, k = people.values.shape
    picks = np.empty((len(prices) if told else 0, n), np.min_scalar_type(k))
    tables = prices.astype(kind), rates.astype(kind), kind.type(worth)
    arrays = people.values, people.costs, people.closed, people.cells, people.order, people.starts

    def block(low: int, high: int) -> tuple[Floats, Floats, Floats]:
        sums = np.zeros(prices.shape), np.zeros(rates.shape), np.zeros(len(prices))
        _take(arrays, tables, weights, picks, sums, low, high)
        return sums

    parts = in_blocks(block, people.units)
    counts, spent, value = (sum(part[i] for part in parts) for i in range(3))
    if not people.personal:
        spent = np.asarray(counts).sum(axis=1) * people.costs
    return Taken(np.asarray(counts), np.asarray(spent), np.asarray(value), tuple(picks))


def in_blocks(work: Callable[[int, int], T], n: int) -> list[T]:
    """Do work on blocks of 0..n, in as many threads as there are processors; results in order."""
    edges = np.linspace(0, n, min(BLOCKS, n // BLOCK) + 2).astype(np.int64).tolist()
    if len(edges) == 2:
        return [work(0, n)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))


@numba.njit(cache=True)
def _beyond(values, costs, closed, i, worth, prices, rates, t, cell, beyond):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """What each option is worth to person i beyond its price; below all where it is closed."""
    for j in range(len(beyond)):
        value = values[i, j]
        beyond[j] = worth * value - prices[t, cell, j] if value >= 0 else -np.inf
    if len(costs) > 1:
        for j in range(len(beyond)):
            if costs[i, j] > 0:
                beyond[j] -= rates[t, j] * costs[i, j]
    if len(closed):
        for j in range(len(beyond)):
            if closed[i, j]:
                beyond[j] = -np.inf


@numba.njit(cache=True, fastmath={"nnan", "nsz"})
def _largest(beyond):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The largest of numbers none of which is NaN: so it is vectorized."""
    largest = beyond[0]
    for j in range(1, len(beyond)):
        largest = max(largest, beyond[j])
    return largest


@numba.njit(cache=True)
def _cheapest(beyond, largest, costs, row):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    best = -1
    for j in range(len(beyond)):
        if beyond[j] >= largest and (best < 0 or costs[row, j] < costs[row, best]):
            best = j
    return best


@numba.njit(cache=True, nogil=True)
def _take(people, tables, weights, picks, sums, low, high):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    values, costs, closed, cells, order, starts = people
    prices, rates, worth = tables
    counts, spent, value = sums
    beyond = np.empty(values.shape[1], values.dtype)
    personal, alone = len(costs) > 1, len(starts) == 0
    for unit in range(low, high):
        first, last = (unit, unit + 1) if alone else (starts[unit], starts[unit + 1])
        for t in range(len(prices)):
            who, what, most = -1, -1, 0.0
            for place in range(first, last):
                i = place if alone else order[place]
                _beyond(values, costs, closed, i, worth, prices, rates, t, cells[i], beyond)
                largest = _largest(beyond)
                if largest > most:
                    who, what, most = i, _cheapest(beyond, largest, costs, i if personal else 0), largest
                if len(picks):
                    picks[t, i] = 0
            if who >= 0:
                weight = weights[who if len(weights) > 1 else 0]
                counts[t, cells[who], what] += weight
                value[t] += weight * values[who, what]
                if personal:
                    spent[t, what] += weight * costs[who, what]
                if len(picks):
                    picks[t, who] = what + 1
