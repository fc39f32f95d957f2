"""What is open to whom, summed up in one pass: for floors, for scales, and against bad numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from suasion.allocation.prices import People, in_blocks
from suasion.errors import CampaignError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Survey:
    """Sums over what is open; a share is one over the number of options open to the same unit.

    Parameters
    ----------
    among : array of uint32, shape (n,)
        Number of options open to a person's unit.
    shares : array of float, shape (2, cells, k)
        Sums of shares: first where the option costs nothing, then where it costs something.
    money : array of float, shape (k,)
        Sums of share times cost.
    value : array of float, shape (2, k)
        Sums of share times value.
    dearest, cheapest : array of float, shape (k,)
        Largest cost, and smallest above 0; 0 and infinite where there is none.
    open : array of int, shape (k,)
        People to whom the option is open.
    unknown : int
        People of whom no value is known.
    """

    among: npt.NDArray[np.uint32]
    shares: Floats
    money: Floats
    value: Floats
    dearest: Floats
    cheapest: Floats
    open: npt.NDArray[np.int64]
    unknown: int


def survey(people: People, shut: npt.NDArray[np.bool_], cells: int, *, floors: bool) -> Survey:
    """Look at everybody.

    Parameters
    ----------
    people : People
    shut : array of bool, shape (k,)
        Options closed to all.
    cells : int
        Rows of a price table.
    floors : bool
        Whether sums of shares are wanted; else they are 0.

    Raises
    ------
    CampaignError
        Values that are infinite.
    """
    n, k = people.values.shape
    among, arrays = np.zeros(n, np.uint32), (people.values, people.costs, people.closed, shut)

    def look(low: int, high: int) -> tuple[npt.NDArray[np.int64], Floats, Floats, Floats]:
        counts, ends = np.zeros(2, np.int64), (np.zeros(k), np.zeros(k), np.full(k, np.inf))
        _look(arrays, among, (counts, *ends), low, high)
        return counts, *ends

    counts, opened, dearest, cheapest = zip(*in_blocks(look, n), strict=True)
    infinite, unknown = np.sum(counts, axis=0).tolist()
    if infinite:
        raise CampaignError("values", f"{infinite:,} that are infinite", "Correct worth and effects.")
    if len(people.starts):
        sums = np.add.reduceat(among[people.order], people.starts[:-1], dtype=np.uint32)
        among[people.order] = np.repeat(sums, np.diff(people.starts))

    def add(low: int, high: int) -> tuple[Floats, Floats, Floats]:
        sums = np.zeros((2, cells, k)), np.zeros(k), np.zeros((2, k))
        _add((*arrays, people.cells), among, sums, low, high)
        return sums

    shares, money, value = zip(*in_blocks(add, n if floors else 0), strict=True)
    return Survey(
        among=among,
        shares=np.sum(shares, axis=0),
        money=np.sum(money, axis=0),
        value=np.sum(value, axis=0),
        dearest=np.max(dearest, axis=0),
        cheapest=np.min(cheapest, axis=0),
        open=np.sum(opened, axis=0).astype(np.int64),
        unknown=unknown,
    )


def check_costs(costs: npt.NDArray[np.floating]) -> None:
    """Refuse costs below 0, infinite or not a number."""
    if costs.size and not (float(costs.min()) >= 0 and float(costs.max()) < np.inf):
        raise CampaignError("costs", "a cost below 0 or not finite", "Correct the treatments' costs.")


@numba.njit(cache=True, nogil=True)
def _look(people, among, sums, low, high):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    values, costs, closed, shut = people
    counts, opened, dearest, cheapest = sums
    for i in range(low, high):
        number, known = 0, False
        for j in range(values.shape[1]):
            value = values[i, j]
            known |= not np.isnan(value)
            counts[0] += np.isinf(value)
            here = value >= 0 and not shut[j]
            if len(closed):
                here = here and not closed[i, j]
            number += here
            opened[j] += here
            if here and (len(costs) > 1 or opened[j] == 1):
                cost = costs[i if len(costs) > 1 else 0, j]
                dearest[j] = max(dearest[j], cost)
                if cost > 0:
                    cheapest[j] = min(cheapest[j], cost)
        among[i] = number
        counts[1] += not known


@numba.njit(cache=True, nogil=True)
def _add(people, among, sums, low, high):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    values, costs, closed, shut, cells = people
    shares, money, value = sums
    for i in range(low, high):
        share = 1.0 / max(among[i], 1)
        for j in range(values.shape[1]):
            if values[i, j] >= 0 and not shut[j] and not (len(closed) and closed[i, j]):
                cost = costs[i if len(costs) > 1 else 0, j]
                paid = 1 if cost > 0 else 0
                shares[paid, cells[i], j] += share
                money[j] += share * cost
                value[paid, j] += share * values[i, j]
