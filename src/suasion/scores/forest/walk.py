"""Ask all trees about people: block by block, so that a tree and its people stay in the cache."""

from __future__ import annotations

import math

import numba
import numpy as np

from suasion.scores.forest.leaves import BLOCK, leaves
from suasion.scores.forest.moments import solve


@numba.njit(cache=True, nogil=True)
def walk(bins, roots, depths, feature, left, bits, values, k, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the effects of people (m, k): of the moments of their leaves, averaged over trees."""
    nodes, sums = np.empty(BLOCK, np.uint32), np.empty((BLOCK, values.shape[1]))
    none, lower = np.zeros(k), np.empty((k, k))
    for first in range(0, len(bins), BLOCK):
        last = min(first + BLOCK, len(bins))
        block = bins[first:last]
        for i in range(BLOCK):
            for m in range(values.shape[1]):
                sums[i, m] = 0.0
        for tree in range(len(depths)):
            leaves(block, last - first, roots[tree], depths[tree], feature, left, bits, nodes)
            for i in range(last - first):
                for m in range(values.shape[1]):
                    sums[i, m] += values[nodes[i], m]
        for i in range(last - first):
            if solve(sums[i], k, none, lower, out[first + i]) < 0:
                out[first + i] = np.nan


@numba.njit(cache=True, nogil=True)
def spread(bins, effects, bags, roots, depths, feature, left, bits, values, k, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the variance of effects (m, k) by little bags.

    Trees of a bag saw the same half of the people, trees of different bags other halves: how far bags
    differ, less what differs within bags, is the sampling variance (Athey, Tibshirani, Wager 2019, Annals of
    Statistics 47:1148, section 4.1; Sexton and Laake 2009). A negative difference of the two is replaced by
    its mean under a flat prior on what is not negative, as grf does.
    """
    trees, per_bag = len(depths), len(depths) // bags
    nodes, d = np.empty(BLOCK, np.uint32), values.shape[1]
    found = np.empty((trees, BLOCK, d))
    lower, none, surplus, share = np.empty((k, k)), np.zeros(k), np.empty(d), np.empty(k)
    between, within, mean_of = np.empty(k), np.empty(k), np.empty(k)
    for first in range(0, len(bins), BLOCK):
        last = min(first + BLOCK, len(bins))
        block = bins[first:last]
        for tree in range(trees):
            leaves(block, last - first, roots[tree], depths[tree], feature, left, bits, nodes)
            for i in range(last - first):
                found[tree, i] = values[nodes[i]]
        for i in range(last - first):
            whole = np.zeros(d)
            for tree in range(trees):
                whole += found[tree, i]
            between[:], within[:] = 0.0, 0.0
            for bag in range(bags):
                mean_of[:] = 0.0
                for tree in range(bag * per_bag, (bag + 1) * per_bag):
                    surplus[k:] = whole[k:] / trees
                    _surplus(found[tree, i], effects[first + i], k, surplus)
                    solve(surplus, k, none, lower, share)
                    mean_of += share / per_bag
                    within += share * share / trees
                between += mean_of * mean_of / bags
            for a in range(k):
                noise = (within[a] - between[a]) / (per_bag - 1)
                out[first + i, a] = _positive(
                    between[a] - noise, max(between[a], noise) * np.sqrt(2.0 / bags)
                )


@numba.njit(cache=True, nogil=True)
def _surplus(moments, effects, k, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """b - A effects."""
    out[:k] = moments[:k]
    at = k
    for i in range(k):
        for j in range(i, k):
            out[i] -= moments[at] * effects[j]
            if i != j:
                out[j] -= moments[at] * effects[i]
            at += 1


@numba.njit(cache=True, nogil=True)
def _positive(estimate, error):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The mean of a normal distribution cut off below 0."""
    if error <= 0:
        return max(estimate, 0.0)
    ratio = estimate / error
    density = np.exp(-ratio * ratio / 2) / np.sqrt(2 * np.pi)
    return estimate + error * density / (0.5 * math.erfc(-ratio / np.sqrt(2.0)))
