"""Put the values of a feature into groups large enough to compare arms in."""

from __future__ import annotations

import numpy as np

from suasion.scores.data import Floats, Ids

NUMBERS = 10
"""Most groups of a number."""
LEVELS = 50
"""Most groups of a category; the rarer ones share one."""


def grouped(values: Floats, categorical: bool, least: float, most: int) -> Ids:
    """The group of each person by one feature.

    Parameters
    ----------
    values : array of float, shape (n,)
        NaN, what is missing, is a group of its own if it is large enough.
    categorical : bool
    least : float
        Fewest people of a group. Numbers join their neighbors, the rarest categories one another.
    most : int
        Most groups.

    Returns
    -------
    array of int64, shape (n,)
        Numbered from 0. A value that very many have is a group of its own.

    Examples
    --------
    >>> import numpy as np
    >>> grouped(np.array([3, 1, 2, 1, np.nan, np.nan, 9, 9]), False, 2, 3).tolist()
    [1, 0, 1, 0, 3, 3, 2, 2]
    """
    known = ~np.isnan(values)
    levels, index, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    cut, limit = (_rarest_joined, LEVELS) if categorical else (_neighbors, NUMBERS)
    ids = cut(counts, least, min(most, limit))
    codes = np.full(len(values), ids.max(initial=-1) + 1)
    codes[known] = ids[index] if len(levels) else 0
    if 0 < (~known).sum() < least:
        codes[~known] = 0
    return np.unique(codes, return_inverse=True)[1]


def _rarest_joined(counts: Ids, least: float, most: int) -> Ids:
    """The most frequent levels by themselves, all others together."""
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    own = (rank < most - 1) & (counts >= least)
    return np.where(own, rank + 1, 0) if counts[~own].sum() >= least else np.where(own, rank, 0)


def _neighbors(counts: Ids, least: float, most: int) -> Ids:
    """Sorted values cut into about equal parts; what is too small joins the part before, or else after."""
    if not len(counts):
        return counts
    target = max(least, counts.sum() / most)
    cell, heavy = (np.cumsum(counts) - counts) // target, counts >= target
    new = (np.diff(cell, prepend=-1) > 0) | heavy | np.concatenate([[False], heavy[:-1]])
    parts = np.cumsum(new) - 1
    sizes = np.bincount(parts, counts)
    ids, size = np.zeros(len(sizes), np.int64), sizes[0]
    for part in range(1, len(sizes)):
        starts = size >= least and sizes[part] >= least
        size = sizes[part] if starts else size + sizes[part]
        ids[part] = ids[part - 1] + starts
    return ids[parts]
