"""Chance that a running statistic leaves its boundaries, look by look, by recursive numerical integration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf, pi, sqrt

import numpy as np
from scipy.special import ndtr

from suasion.stats.influence import Floats

_FARTHEST = 9.0  # standard errors from its mean that no statistic gets
_WIDEST = 0.05


@dataclass(frozen=True)
class Reached:
    """Where the statistic may be after looks that it passed without crossing.

    Parameters
    ----------
    at : float
        Information fraction of the last look.
    z : array of float, shape (nodes,)
        Values of the statistic inside the boundaries, in standard errors.
    mass : array of float, shape (nodes,)
        Chance of being about each and of having crossed nowhere before; the rule of integration included.
    """

    at: float
    z: Floats
    mass: Floats

    def _standard(self, z: Floats | float, at: float, drift: float) -> Floats:
        """Distance to `z` at the next look, in standard deviations of the step there."""
        step = sqrt(at - self.at)
        start = self.z * sqrt(self.at)
        return (np.atleast_1d(z) * sqrt(at) - drift * step**2 - start[:, None]) / step

    def above(self, bound: float, at: float, drift: float = 0.0) -> float:
        """Chance of being above the bound at the next look, having crossed nowhere before."""
        return float(self.mass @ ndtr(-self._standard(bound, at, drift))[:, 0]) if bound < inf else 0.0

    def below(self, bound: float, at: float, drift: float = 0.0) -> float:
        """Chance of being below the bound at the next look, having crossed nowhere before."""
        return float(self.mass @ ndtr(self._standard(bound, at, drift))[:, 0]) if bound > -inf else 0.0

    def inside(self, low: float, high: float, at: float, drift: float, spacing: float) -> Reached:
        """What is left after a look with these boundaries."""
        z, weights = _nodes(low, high, drift * sqrt(at), spacing)
        density = self.mass @ np.exp(-0.5 * self._standard(z, at, drift) ** 2)
        return Reached(at, z, density * weights * sqrt(at / (at - self.at) / (2 * pi)))


START = Reached(0.0, np.zeros(1), np.ones(1))


def spacings(fractions: Sequence[float]) -> list[float]:
    """Distances of nodes at each look that resolve the steps to it and from it."""
    at = np.asarray(fractions)
    steps = np.diff(at, prepend=0.0, append=np.inf)
    return np.minimum(_WIDEST, np.sqrt(np.minimum(steps[:-1], steps[1:]) / at) / 4).tolist()


def walk(
    fractions: Sequence[float], lows: Sequence[float], highs: Sequence[float], drift: float
) -> Iterator[tuple[float, float, Reached]]:
    """At each look the chance of crossing below and above, first, and what came to that look uncrossed.

    Parameters
    ----------
    fractions, lows, highs : sequence of float
        Information fraction of each look, and its boundaries in standard errors.
    drift : float
        Mean of the statistic at fraction 1.
    """
    reached = START
    for at, low, high, spacing in zip(fractions, lows, highs, spacings(fractions), strict=True):
        yield reached.below(low, at, drift), reached.above(high, at, drift), reached
        reached = reached.inside(low, high, at, drift, spacing)


def _nodes(low: float, high: float, center: float, spacing: float) -> tuple[Floats, Floats]:
    """Nodes and weights of Simpson's rule between the boundaries, as far as anything gets."""
    low, high = max(low, center - _FARTHEST), min(high, center + _FARTHEST)
    panels = max(1, ceil(max(high - low, 0.0) / (2 * spacing)))
    nodes = np.linspace(low, max(low, high), 2 * panels + 1)
    weights = np.full(len(nodes), 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    return nodes, weights * (nodes[1] - nodes[0]) / 3
