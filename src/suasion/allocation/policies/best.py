"""The probability that an arm is the best of several whose values are normal and independent."""

from __future__ import annotations

import math

import numba
import numpy as np

from suasion.allocation.policies.normal import REACH, normal

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_PANEL = 3.0
"""Widest panel, in the smallest standard deviation of those that vary in it."""
_SHARP = 1e-9
"""Standard deviations below this part of the largest are taken for it."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def best_of(m, means, deviations, above, rest, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write P(arm is the best) of the first m arms, each within 1e-6; they sum to 1.

    P(a) is the integral of a's density times the product of the others' distribution functions. An arm is
    below its mean + `REACH` deviations, the best one above every arm's mean - `REACH` deviations: between the
    two, the axis is cut where an arm ends, so that the arms that vary are the same all along a piece; pieces
    are cut into panels no wider than `_PANEL` of the smallest deviation there, each integrated by
    Gauss-Legendre with 8 nodes. Panels are at most 5 an arm, however different the deviations.

    `means`, `deviations` (m,) and `above` (m,), the numbers of the arms, are overwritten;
    `rest` (m,) is scratch.
    """
    largest, low = 0.0, -math.inf
    for a in range(m):
        largest = max(largest, deviations[a])
    if not largest > 0.0:
        _even(m, means, above, out)
        return
    for a in range(m):
        deviations[a] = max(deviations[a], _SHARP * largest)
        low = max(low, means[a] - REACH * deviations[a])
        out[above[a]] = 0.0
    _sort(m, means, deviations, above)
    narrowest, end = math.inf, means[0] + REACH * deviations[0]
    for j in range(m):
        if end <= low:
            break
        narrowest = min(narrowest, deviations[j])
        deviations[j] = 1.0 / deviations[j]
        begin = low if j + 1 == m else max(low, means[j + 1] + REACH * deviations[j + 1])
        if j == 0:
            # However long it is, only one arm is here.
            out[above[0]] += 1.0 - normal((begin - means[0]) * deviations[0])[0]
        elif end > begin:
            _piece(j + 1, begin, end, narrowest, means, deviations, above, rest, out)
        end = begin
    total = 0.0
    for a in range(m):
        total += out[above[a]]
    for a in range(m):
        out[above[a]] /= total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _piece(active, begin, end, narrowest, means, inverses, above, rest, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Add the integral over a piece on which the first `active` arms vary; 1 over their deviations."""
    panels = math.ceil((end - begin) / (_PANEL * narrowest))
    half = (end - begin) / panels / 2.0
    for panel in range(panels):
        middle = begin + (2 * panel + 1) * half
        for node in range(len(_NODES)):
            t = middle + half * _NODES[node]
            product = half * _WEIGHTS[node]
            for a in range(active):
                below, density = normal((t - means[a]) * inverses[a])
                product *= below
                rest[a] = density * inverses[a] / below
            for a in range(active):
                out[above[a]] += product * rest[a]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _sort(m, means, deviations, above):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Put arms in the order of where they end, highest first."""
    for i in range(1, m):
        mean, deviation, arm, j = means[i], deviations[i], above[i], i
        while j > 0 and means[j - 1] + REACH * deviations[j - 1] < mean + REACH * deviation:
            means[j], deviations[j], above[j] = means[j - 1], deviations[j - 1], above[j - 1]
            j -= 1
        means[j], deviations[j], above[j] = mean, deviation, arm


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _even(m, means, above, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Nothing varies: the best share alike."""
    highest, ties = -math.inf, 0
    for a in range(m):
        if means[a] > highest:
            highest, ties = means[a], 0
        ties += means[a] == highest
    for a in range(m):
        out[above[a]] = 1.0 / ties if means[a] == highest else 0.0
