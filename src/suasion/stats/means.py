"""Means and their differences, with intervals that know about clusters."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats, Ids, sample, wilson


def mean(
    values: Floats, clusters: Ids | None = None, method: str = "mean", weights: Floats | None = None
) -> Estimate:
    """The mean of independent values with a Student-t interval.

    Parameters
    ----------
    values : array of float, shape (n,)
        One value a person; means of influence values give AIPW estimates.
    clusters : array of int, shape (n,), optional
        Household of each person. The interval is then cluster-robust (Liang and Zeger 1986,
        Biometrika 73:13) with the G / (G - 1) correction, and `n` counts clusters.
    method : str
        What the values are; the words "weighted" and "clustered" are added where they apply.
    weights : array of float, shape (n,), optional
        How many people each stands for; 0 is absent.

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
    people, (values,) = sample(method, (values,), clusters, weights)
    return people.estimate(people.average(values), values, method)


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
    share = successes / n
    low, high = wilson(share, 1 / n, float(ndtri((1 + LEVEL) / 2)))
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
