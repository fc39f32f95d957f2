"""Means and their differences, with intervals that know about clusters."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate

Floats = npt.NDArray[np.float64]
LEVEL = 0.95


def mean(values: Floats, clusters: npt.NDArray[np.int64] | None = None, method: str = "mean") -> Estimate:
    """The mean of independent values with a Student-t interval.

    Parameters
    ----------
    values : array of float, shape (n,)
        One value a person; means of influence values give AIPW estimates.
    clusters : array of int, shape (n,), optional
        Household of each person. The interval is then cluster-robust (Liang and Zeger 1986,
        Biometrika 73:13) with the G / (G - 1) correction, and `n` counts clusters.
    method : str
        What the values are; the word "clustered" is added where clusters are given.

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
    >>> mean(np.array([1.0, 2.0, 3.0])).scaled(digits=2)
    '2.00 (-0.48 to 4.48)'
    """
    if not np.isfinite(values).all():
        raise UndefinedError(method, "values that are not finite", "Drop or mend them before averaging.")
    if clusters is None:
        units, label = len(values), method
        total_variance = float(np.var(values, ddof=1)) * len(values) if len(values) > 1 else 0.0
    else:
        _, index = np.unique(clusters, return_inverse=True)
        units, label = int(index.max(initial=-1)) + 1, f"{method}, clustered"
        sums = np.bincount(index, weights=values - values.mean()) if units else np.empty(0)
        total_variance = float(sums @ sums) * units / (units - 1) if units > 1 else 0.0
    if units < 2:
        raise UndefinedError(method, f"{units} independent unit(s)", "A mean needs at least two.")
    half = sqrt(total_variance) / len(values) * float(stdtrit(units - 1, (1 + LEVEL) / 2))
    value = float(values.mean())
    return Estimate(value, value - half, value + half, units, label, LEVEL)


def proportion(successes: int, n: int) -> Estimate:
    """A share with the Wilson score interval.

    Source: Wilson 1927, JASA 22:209; recommended by Brown, Cai, DasGupta 2001, Statistical Science 16:101.

    Parameters
    ----------
    successes, n : int
        Successes among n independent persons.

    Returns
    -------
    Estimate

    Raises
    ------
    UndefinedError
        No persons, or more successes than persons.

    Examples
    --------
    >>> proportion(0, 10).scaled(100, digits=1)
    '0.0 (0.0 to 27.8)'
    """
    if n < 1 or not 0 <= successes <= n:
        raise UndefinedError("a share", f"{successes} of {n}", "Give 0 <= successes <= n and n >= 1.")
    z = float(ndtri((1 + LEVEL) / 2))
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = max(0.0, min(center - half, share)), min(1.0, max(center + half, share))
    return Estimate(share, low, high, n, "Wilson score", LEVEL)


def difference_in_means(treated: Floats, control: Floats) -> Estimate:
    """The mean of `treated` minus the mean of `control`, with Welch's interval.

    Source: Welch 1947, Biometrika 34:28.

    Parameters
    ----------
    treated, control : array of float, shapes (n1,) and (n0,)
        Outcomes of two groups formed by chance.

    Returns
    -------
    Estimate

    Raises
    ------
    UndefinedError
        A group has fewer than two persons, or a value that is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> difference_in_means(np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])).scaled(digits=2)
    '0.33 (-0.98 to 1.64)'
    """
    if min(len(treated), len(control)) < 2:
        raise UndefinedError(
            "a difference in means", f"groups of {len(treated)} and {len(control)}", "Each needs two persons."
        )
    if not (np.isfinite(treated).all() and np.isfinite(control).all()):
        raise UndefinedError(
            "a difference in means", "values that are not finite", "Drop or mend them before averaging."
        )
    value = float(treated.mean() - control.mean())
    v1, v0 = np.var(treated, ddof=1) / len(treated), np.var(control, ddof=1) / len(control)
    half = 0.0
    if v1 + v0 > 0:
        df = (v1 + v0) ** 2 / (v1**2 / (len(treated) - 1) + v0**2 / (len(control) - 1))
        half = sqrt(v1 + v0) * float(stdtrit(df, (1 + LEVEL) / 2))
    return Estimate(value, value - half, value + half, len(treated) + len(control), "Welch", LEVEL)
