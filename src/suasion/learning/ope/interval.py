"""Intervals of means whose parts are few, skewed, and come in clusters."""

from __future__ import annotations

from dataclasses import dataclass
from math import cbrt, sqrt

import numpy as np
from scipy.special import stdtrit

from suasion.learning.ope.logged import Floats, Ids

LEVEL = 0.95
TINY = 1e-6


@dataclass(frozen=True)
class Moves:
    """How independent units move a mean.

    Parameters
    ----------
    count : int
        Units.
    error : float
        Standard error, with the G / (G - 1) correction.
    telling : float
        As many units as would vary as little if each that tells anything told as much: the sum of squares,
        squared, over the sum of fourth powers.
    skew : float
        Skewness of a unit.
    """

    count: int
    error: float
    telling: float
    skew: float

    @property
    def below(self) -> float:
        """How far the lower end of the interval is from the mean."""
        return self.error * self._unskewed(self._t)

    @property
    def above(self) -> float:
        """How far the upper end is."""
        return -self.error * self._unskewed(-self._t)

    @property
    def _t(self) -> float:
        """Student's t with the degrees of freedom of the variance (Satterthwaite 1946, Biometrics 2:110)."""
        left = 1 - self.telling / self.count
        freedom = 2 * self.telling / left if left > 0 else self.count - 1.0
        return float(stdtrit(min(freedom, self.count - 1.0), (1 + LEVEL) / 2))

    def _unskewed(self, t: float) -> float:
        """The quantile of a mean of skewed parts (Hall 1992, JRSS-B 54:221, the monotone cubic)."""
        per_root = self.skew / sqrt(self.count)
        if abs(per_root) < TINY:
            return t
        return 3 / per_root * (cbrt(1 + per_root * (t - per_root / 6)) - 1)


def moves(influence: Floats, clusters: Ids | None) -> Moves | None:
    """What independent units say of the mean of influence values; None where all say the same.

    Source: Liang and Zeger 1986, Biometrika 73:13, for clusters.
    """
    parts = influence - influence.mean()
    sums = parts if clusters is None else summed(parts, clusters)
    squares = sums**2
    total, count = float(squares.sum()), len(sums)
    if count < 2 or sqrt(total / count) <= TINY * TINY * max(1.0, float(np.abs(influence).max())):
        return None
    return Moves(
        count=count,
        error=sqrt(total * count / (count - 1)) / len(influence),
        telling=total**2 / float(squares @ squares),
        skew=float((sums**3).mean()) / sqrt(total / count) ** 3,
    )


def summed(values: Floats, clusters: Ids) -> Floats:
    """Sums of clusters."""
    return np.bincount(np.unique(clusters, return_inverse=True)[1], values).astype(np.float64)
