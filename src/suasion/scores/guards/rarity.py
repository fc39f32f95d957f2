"""How rare a value of one feature is, in standard deviations of a normal distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from suasion.scores.data import Floats

KNOTS = 200
"""Most values of a number between which rarity is interpolated."""
NEVER = 20.0
"""Rarity of what nobody had: a gap, or a category where hardly anybody had one of their own."""
SINGLE = 0.001
"""Part of people with a category of their own, from which on another such category is nothing strange."""
FARTHEST = 1000.0
NARROWEST = 0.02
"""Of the range: what lies so far beyond it counts as one standard deviation more, or as less."""


@dataclass(frozen=True)
class Scale:
    """One feature as it was among the people learned from.

    Parameters
    ----------
    points : array of float, shape (k,)
        Of a number, some values, rising; of a category, its codes, rising.
    heights : array of float, shape (k,)
        Of a number, the normal quantile of its rank; of a category, the rarity of the code.
    low, high : float
        What of a number beyond the lowest, or the highest value is one standard deviation.
    missing : float
        Rarity of not being known.
    unseen : float
        Rarity of a code that nobody had.
    """

    points: Floats
    heights: Floats
    low: float
    high: float
    missing: float
    unseen: float

    def place(self, values: Floats) -> Floats:
        """A number on the normal scale, as far beyond it as it lies; NaN where missing."""
        if not len(self.points):
            return np.where(np.isnan(values), np.nan, 0.0)
        inside = np.interp(values, self.points, self.heights)
        inside -= np.maximum(self.points[0] - values, 0) / self.low
        inside += np.maximum(values - self.points[-1], 0) / self.high
        return np.clip(inside, -FARTHEST, FARTHEST)

    @property
    def highest(self) -> float:
        """Rarity of the rarest value that somebody had."""
        return float(np.abs(self.heights).max(initial=0))

    def rarity(self, values: Floats, placed: Floats | None) -> Floats:
        """How rare each value is; `placed` is what `place` says of numbers, None for a category."""
        if placed is None:
            at = np.minimum(np.searchsorted(self.points, values), max(len(self.points) - 1, 0))
            seen = self.points[at] == values if len(self.points) else np.zeros(len(values), np.bool_)
            found = np.where(seen, self.heights[at] if len(self.points) else 0.0, self.unseen)
        elif len(self.points):
            found = np.abs(placed)
        else:
            found = np.full(len(values), self.unseen)
        return np.where(np.isnan(values), self.missing, found)


def scale_of(values: Floats, categorical: bool) -> Scale:
    """Learn the scale of one feature.

    Parameters
    ----------
    values : array of float, shape (n,)
        NaN is missing.
    categorical : bool

    Returns
    -------
    Scale

    Examples
    --------
    >>> import numpy as np
    >>> ages = scale_of(np.arange(18.0, 91.0), categorical=False)
    >>> ages.place(np.array([54.0, 90.0, 150.0])).round(1).tolist()
    [0.0, 2.5, 18.5]
    """
    known = values[~np.isnan(values)]
    lost = len(values) - len(known)
    missing = _rarity(lost, len(values), lost)
    levels, counts = np.unique(known, return_counts=True)
    if categorical:
        once = int((counts == 1).sum())
        once *= once > SINGLE * len(values)
        heights = np.array([_rarity(int(count), len(values), 1) for count in counts])
        return Scale(levels, heights, 1.0, 1.0, missing, _rarity(once, len(values), once))
    if not len(known):
        return Scale(levels, levels, 1.0, 1.0, missing, NEVER)
    middle = (np.cumsum(counts) - counts / 2) / len(known)
    kept = np.unique(np.searchsorted(middle, np.linspace(0, 1, KNOTS - 2)).clip(0, len(levels) - 1))
    kept = np.unique([0, *kept, len(levels) - 1])
    points, heights = levels[kept], ndtri(middle[kept])
    narrowest = max(NARROWEST * float(points[-1] - points[0]), 1e-9 * max(1.0, float(np.abs(points).max())))
    low, high = _steepness(-points[::-1], -heights[::-1]), _steepness(points, heights)
    return Scale(points, heights, max(low, narrowest), max(high, narrowest), missing, NEVER)


def _rarity(count: int, n: int, seen: int) -> float:
    """Two-sided normal quantile of a frequency; `NEVER` of what was not seen at all."""
    return float(-ndtri(min(max(count, 0.5) / (n + 1), 1.0) / 2)) if seen else NEVER


def _steepness(points: Floats, heights: Floats) -> float:
    """Values a standard deviation between the highest twentieth and the end; 0 where that is one value."""
    start = int(np.searchsorted(heights, float(ndtri(0.95))))
    if start >= len(points) - 1:
        return 0.0
    return float((points[-1] - points[start]) / (heights[-1] - heights[start]))
