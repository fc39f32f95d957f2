"""Intervals from influence values: what every estimate of a mean, a ranking or a forecast rests on."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """Whom a number is about: how much each person counts, and with whom they are not independent.

    Parameters
    ----------
    weights : array of float, shape (n,)
        Above 0; ones where nobody gave any.
    units : array of int, shape (n,)
        Independent unit of each person, 0 to count - 1.
    count : int
        Independent units.
    label : str
        What to add to the name of a method: ``", weighted"``, ``", clustered"``.
    """

    weights: Floats
    units: Ids
    count: int
    label: str

    def parts(self, groups: Ids) -> list[tuple[Ids, Sample | None]]:
        """Rows of each group, 0 to the last, with its sample; None where that has fewer than two units."""
        order = np.argsort(groups, kind="stable")
        rows_of = np.split(order, np.cumsum(np.bincount(groups))[:-1])
        return [(rows, self._take(rows)) for rows in rows_of]

    def _take(self, rows: Ids) -> Sample | None:
        distinct, units = np.unique(self.units[rows], return_inverse=True)
        return Sample(self.weights[rows], units, len(distinct), self.label) if len(distinct) > 1 else None

    @property
    def _t(self) -> float:
        return float(stdtrit(self.count - 1, (1 + LEVEL) / 2))

    def average(self, values: Floats) -> float:
        """The weighted mean."""
        return float(self.weights @ values / self.weights.sum())

    def variance(self, influence: Floats) -> float:
        """Variance of a quantity with these influence values, summed in units (Liang and Zeger 1986)."""
        parts = self.weights * (influence - self.average(influence))
        sums = np.bincount(self.units, parts)
        return float(sums @ sums) / float(self.weights.sum()) ** 2

    def estimate(self, value: float, influence: Floats, method: str) -> Estimate:
        """The value with its Student-t interval on count - 1 degrees of freedom."""
        error = sqrt(self.variance(influence) * self.count / (self.count - 1))
        return self.estimate_with(value, error, method)

    def estimate_with(self, value: float, error: float, method: str) -> Estimate:
        """The value with the interval of this standard error."""
        half = error * self._t
        return Estimate(value, value - half, value + half, self.count, method + self.label, LEVEL)

    def bounded(self, value: float, influence: Floats, units: int, method: str) -> Estimate:
        """The interval of a quantity between 0 and 1: Wilson's with t, and the effective number of persons.

        The effective number is that of independent persons whose share would vary as much (Franco, Little,
        Louis, Slud 2019, Journal of Survey Statistics and Methodology 7:334); at 0 and 1, where no
        variance can be seen, it is `units`.
        """
        odds = value * (1 - value)
        inverse = self.variance(influence) / odds if odds > 0 else 1 / units
        low, high = wilson(value, inverse, self._t)
        return Estimate(value, low, high, self.count, method + self.label, LEVEL)


def sample(
    asked: str, columns: tuple[Floats, ...], clusters: Ids | None, weights: Floats | None
) -> tuple[Sample, tuple[Floats, ...]]:
    """Check what is given, one value a person in each column, and leave out people of weight 0.

    Raises
    ------
    UndefinedError
        Columns that are not of one length, a value that is not finite, a negative weight, or fewer than two
        independent units.
    """
    columns = tuple(np.asarray(column, np.float64) for column in columns)
    counted = np.ones(len(columns[0])) if weights is None else np.asarray(weights, np.float64)
    shapes = {column.shape for column in (*columns, counted)} | (
        set() if clusters is None else {clusters.shape}
    )
    if len(shapes) > 1 or columns[0].ndim != 1:
        raise UndefinedError(asked, f"columns of shapes {sorted(shapes)}", "Give one value a person in each.")
    if not all(np.isfinite(column).all() for column in (*columns, counted)):
        raise UndefinedError(asked, "values that are not finite", "Drop or mend them first.")
    if counted.min(initial=0) < 0:
        raise UndefinedError(
            asked, f"{int((counted < 0).sum())} negative weight(s)", "Give weights of 0 or more."
        )
    kept = np.flatnonzero(counted)
    _, units = (
        (None, np.arange(len(kept))) if clusters is None else np.unique(clusters[kept], return_inverse=True)
    )
    count = int(units.max(initial=-1)) + 1
    if count < 2:
        raise UndefinedError(asked, f"{count} independent unit(s)", "It takes at least two.")
    label = ("" if weights is None else ", weighted") + ("" if clusters is None else ", clustered")
    return Sample(counted[kept], units, count, label), tuple(column[kept] for column in columns)


def from_influence(
    value: float,
    influence: Floats,
    clusters: Ids | None = None,
    weights: Floats | None = None,
    method: str = "influence function",
) -> Estimate:
    """A quantity with the interval of its influence values.

    Source: Hampel 1974, JASA 69:383; summed in clusters after Liang and Zeger 1986, Biometrika 73:13, with
    the G / (G - 1) correction and Student's t on G - 1 degrees of freedom.

    Parameters
    ----------
    value : float
        The quantity as estimated.
    influence : array of float, shape (n,)
        How much each person moves it, times n; centered here.
    clusters : array of int, shape (n,), optional
        Household of each person; `n` of the estimate then counts clusters.
    weights : array of float, shape (n,), optional
        How many people each stands for.
    method : str
        How the value was computed.

    Returns
    -------
    Estimate

    Raises
    ------
    UndefinedError
        Fewer than two independent units, or a value that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> paid = np.array([1.0, 2.0, 3.0])
    >>> from_influence(6.0, 3 * paid, method="total").scaled(digits=2)
    '6.00 (-1.45 to 13.45)'
    """
    people, (influence,) = sample(method, (influence,), clusters, weights)
    if not np.isfinite(value):
        raise UndefinedError(method, "a value that is not finite", "Drop or mend what it was computed from.")
    return people.estimate(value, influence, method)


def wilson(share: float, inverse: float, z: float) -> tuple[float, float]:
    """Ends of the Wilson score interval of a share seen in 1 / `inverse` independent persons."""
    center = (share + z * z * inverse / 2) / (1 + z * z * inverse)
    half = z / (1 + z * z * inverse) * sqrt(share * (1 - share) * inverse + (z * inverse / 2) ** 2)
    return max(0.0, min(center - half, share)), min(1.0, max(center + half, share))
