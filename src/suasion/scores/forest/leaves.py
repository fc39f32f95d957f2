"""Which leaf of a tree people reach."""

from __future__ import annotations

import numba
import numpy as np

BLOCK = 256
"""So many people go down a tree together: no step waits for another, and all stay in the cache."""


@numba.njit(cache=True, nogil=True)
def leaves(block, count, root, depth, feature, left, bits, nodes):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the leaf of each person of a block of bins; every question is asked of all before the next.

    All numbers are unsigned: a signed index costs a comparison each time.
    """
    for i in range(np.uint64(count)):
        nodes[i] = root
    one, six, low = np.uint64(1), np.uint64(6), np.uint64(63)
    for _ in range(depth):
        for i in range(np.uint64(count)):
            node = nodes[i]
            v = np.uint64(block[i, feature[node]])
            goes_left = (bits[node, v >> six] >> (v & low)) & one
            nodes[i] = np.uint64(left[node]) + (one - goes_left)


@numba.njit(cache=True, nogil=True)
def depth_of(left):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Most questions on the way to a leaf; children come after their parents."""
    deep, deepest = np.zeros(len(left), np.int64), 0
    for node in range(len(left)):
        deepest = max(deepest, deep[node])
        if left[node] != node:
            deep[left[node]] = deep[node] + 1
            deep[left[node] + 1] = deep[node] + 1
    return deepest
