"""Whose outcomes a tree may see, drawn from a seed alone: the same whatever the number of threads."""

from __future__ import annotations

import numba
import numpy as np

MOST = 250_000
"""More people in a bag would cost time and change little: a hundred bags hold everybody."""


@numba.njit(cache=True, nogil=True)
def uniform(state):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The next number in [0, 1); `state` moves on (SplitMix64: Steele, Lea, Flood 2014, OOPSLA)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@numba.njit(cache=True, nogil=True)
def started(seed, number):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The state of the generator `number` of a seed."""
    state = np.empty(1, np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(number)
    uniform(state)
    state[0] = np.uint64(uniform(state) * 9007199254740992.0) * np.uint64(2048) + np.uint64(number)
    return state


@numba.njit(cache=True, nogil=True)
def halves(seed, bag, tree, groups):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """One half of a bag of groups chooses the splits of a tree, the other its leaves' values.

    A bag is a random half of all groups, or `MOST` of them, the same for all its trees; each tree cuts it in
    two anew. Exact sizes by sequential sampling (Knuth, The Art of Computer Programming 2, algorithm S);
    sorted.
    """
    within, cut = started(seed, 2 * bag), started(seed, 2 * tree + 1)
    size = min(groups // 2, MOST)
    most = size // 2
    structure, leaves = np.empty(most + 1, np.int32), np.empty(size - most + 1, np.int32)
    a, b = 0, 0
    # Without branches, which nobody could predict: what is not taken is written over by the next.
    for group in range(groups):
        left = size - a - b
        taken = np.int64(uniform(within) * (groups - group) < left)
        first = taken * np.int64(uniform(cut) * left < most - a)
        structure[a] = group
        leaves[b] = group
        a += first
        b += taken - first
    return structure[:most], leaves[: size - most]


@numba.njit(cache=True, nogil=True)
def members(groups, starts, order):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The rows of groups; those of group g are ``order[starts[g]:starts[g + 1]]``."""
    total = 0
    for group in groups:
        total += starts[group + 1] - starts[group]
    rows, at = np.empty(total, np.int32), 0
    for group in groups:
        for place in range(starts[group], starts[group + 1]):
            rows[at] = order[place]
            at += 1
    return rows


@numba.njit(cache=True, nogil=True)
def some(count, out_of, seed, number):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """A random choice of columns, sorted."""
    state = started(seed, number)
    chosen, taken = np.empty(count, np.int64), 0
    for column in range(out_of):
        if uniform(state) * (out_of - column) < count - taken:
            chosen[taken] = column
            taken += 1
    return chosen
