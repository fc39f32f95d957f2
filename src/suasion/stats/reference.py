"""The assignments that chance could have made: what a randomization test compares with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import comb, prod

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.influence import Ids

Bools = npt.NDArray[np.bool_]
MOST = 100_000
"""More assignments than these are drawn, not counted."""


@dataclass(frozen=True)
class Reference:
    """Assignments that were equally likely before one of them was made.

    Parameters
    ----------
    assignments : array of bool, shape (m, n)
        Which of n places each would have treated.
    exact : bool
        Whether these are all, the one that was made among them; else they were drawn afterwards from all.
    groups : array of int64, shape (n,), optional
        Pair or stratum of each place, where chance treated a fixed number in each.
    """

    assignments: Bools
    exact: bool
    groups: Ids | None = None


def every(treated: Bools, groups: Ids | None = None) -> Reference:
    """All assignments that treat as many places as were treated, in each group.

    Parameters
    ----------
    treated : array of bool, shape (n,)
    groups : array of int64, shape (n,), optional
        Pair or stratum of each place.

    Returns
    -------
    Reference

    Raises
    ------
    UndefinedError
        More than 100,000 assignments.

    Examples
    --------
    >>> every(np.array([True, False, True, False])).assignments.shape
    (6, 4)
    >>> every(np.array([True, False, True, False]), np.array([1, 1, 2, 2])).assignments.shape
    (4, 4)
    """
    count = number_of(treated, groups)
    if count > MOST:
        found = f"{count:,} assignments, more than {MOST:,}"
        raise UndefinedError("all assignments", found, "Draw some of them.")
    parts = _parts(treated, groups)
    blocks = [_combinations(len(part), int(treated[part].sum())) for part in parts]
    made = np.empty((count, len(treated)), np.bool_)
    made[:, np.concatenate(parts)] = reduce(_crossed, blocks)
    return Reference(made, True, groups)


def drawn(treated: Bools, count: int, rng: np.random.Generator, groups: Ids | None = None) -> Reference:
    """Some of all assignments that treat as many places as were treated, in each group.

    Parameters
    ----------
    treated : array of bool, shape (n,)
    count : int
        How many; no p-value is below 1 / (1 + count).
    rng : numpy.random.Generator
    groups : array of int64, shape (n,), optional
        Pair or stratum of each place.

    Returns
    -------
    Reference

    Examples
    --------
    >>> some = drawn(np.arange(30) < 9, 500, np.random.default_rng(0))
    >>> set(some.assignments.sum(axis=1).tolist())
    {9}
    """
    made = np.tile(treated, (count, 1))
    for part in _parts(treated, groups):
        made[:, part] = rng.permuted(made[:, part], axis=1)
    return Reference(made, False, groups)


def number_of(treated: Bools, groups: Ids | None = None) -> int:
    """How many assignments treat as many places as were treated, in each group."""
    return prod(comb(len(part), int(treated[part].sum())) for part in _parts(treated, groups))


def _parts(treated: Bools, groups: Ids | None) -> list[Ids]:
    if groups is None:
        return [np.arange(len(treated))]
    if groups.shape != treated.shape:
        found = f"groups of shape {groups.shape} for places of shape {treated.shape}"
        raise UndefinedError("assignments in groups", found, "Give one group a place.")
    return [np.flatnonzero(groups == group) for group in np.unique(groups)]


def _combinations(size: int, chosen: int) -> Bools:
    picks = np.array(list(combinations(range(size), chosen)), np.int64).reshape(-1, chosen)
    made = np.zeros((len(picks), size), np.bool_)
    np.put_along_axis(made, picks, True, axis=1)
    return made


def _crossed(left: Bools, right: Bools) -> Bools:
    """Each row of one beside each row of the other."""
    return np.hstack([np.repeat(left, len(right), axis=0), np.tile(right, (len(left), 1))])
