"""How sure a chance is: a band drawn through groups of persons with about the same chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.stats import forecasts

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
EACH = 100
"""Persons a group, unless there would be more than `MOST` groups."""
MOST = 20


@dataclass(frozen=True)
class Band:
    """Ends of the interval at some chances; in between they lie on a line.

    Parameters
    ----------
    at : array of float, shape (b,)
        Mean chance of each group, rising.
    low, high : array of float, shape (b,)
        Interval for the share of the group with the outcome.
    n : array of int64, shape (b,)
        Persons in each group.
    """

    at: Floats
    low: Floats
    high: Floats
    n: Ids

    def around(self, chances: Floats) -> tuple[Floats, Floats, Ids]:
        """Interval around each chance, and how many persons it rests on."""
        low = np.minimum(np.interp(chances, self.at, self.low), chances)
        high = np.maximum(np.interp(chances, self.at, self.high), chances)
        middles = (self.at[1:] + self.at[:-1]) / 2
        return low, high, self.n[np.searchsorted(middles, chances)]


def band(
    chances: Floats, outcome: Floats, effective: float, weights: Floats | None, households: Ids | None
) -> Band:
    """Draw a band through what came out, group after group of persons with about the same chance.

    It is about people with such a chance; what one of them does stays open.

    Parameters
    ----------
    chances : array of float, shape (n,)
        Out of fold.
    outcome : array of float, shape (n,)
        0 or 1.
    effective : float
        How many equally weighted persons they are worth.
    weights : array of float, shape (n,), optional
    households : array of int64, shape (n,), optional

    Returns
    -------
    Band

    Examples
    --------
    >>> drawn = band(np.full(100, 0.5), np.repeat([0.0, 1.0], 50), 100, None, None)
    >>> [float(ends[0].round(2)) for ends in drawn.around(np.array([0.5]))[:2]]
    [0.4, 0.6]
    """
    count = int(np.clip(effective / EACH, 1, MOST))
    found = forecasts.reliability(outcome, chances, count, households, weights)
    groups = [(one.predicted, one.observed.low, one.observed.high, one.n) for one in found if one.observed]
    at, low, high, n = map(np.array, zip(*groups, strict=True))
    return Band(at, low, high, n)
