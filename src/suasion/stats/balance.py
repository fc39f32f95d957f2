"""Are the arms of a trial alike before treatment?"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, Sample, sample


@dataclass(frozen=True)
class Balance:
    """A test of all features at once.

    Parameters
    ----------
    statistic : float
        F, on `columns` and n - `columns` degrees of freedom.
    p_value : float
        Chance of arms as different as these if chance alone formed them.
    columns : int
        Features that are not combinations of others.
    n : int
        Independent units.
    """

    statistic: float
    p_value: float
    columns: int
    n: int


def standardized_difference(
    values: Floats, treated: npt.NDArray[np.bool_], clusters: Ids | None = None
) -> Estimate:
    """Difference of a feature between arms, in standard deviations.

    Source: Austin 2009, Statistics in Medicine 28:3083, whose usual bound is 0.1; the interval is by
    influence values and counts that the standard deviations are estimated too.

    Parameters
    ----------
    values : array of float, shape (n,)
        One feature.
    treated : array of bool, shape (n,)
        Whom chance treated.
    clusters : array of int, shape (n,), optional
        Household of each person.

    Returns
    -------
    Estimate
        Treated minus control.

    Raises
    ------
    UndefinedError
        An arm of fewer than two persons, a feature constant in both arms, or a value that is not finite.

    Examples
    --------
    >>> ages = np.array([30.0, 40, 50, 60, 35, 45, 55, 66])
    >>> round(standardized_difference(ages, np.array([1, 0] * 4, bool)).value, 2)
    -0.85
    """
    asked = "a standardized difference"
    people, values, arm = _arms(asked, values, treated, clusters)
    parts = [_moments(values, arm == kind) for kind in (1, 0)]
    (mean1, variance1, moved1, spread1), (mean0, variance0, moved0, spread0) = parts
    deviation = sqrt((variance1 + variance0) / 2)
    if deviation <= 1e-12 * np.abs(values).max():
        raise UndefinedError(asked, "a feature that is constant in both arms", "Leave it out.")
    value = (mean1 - mean0) / deviation
    influence = (moved1 - moved0) / deviation - value * (spread1 + spread0) / (4 * deviation**2)
    return people.estimate(value, influence, "standardized difference")


def omnibus(features: Floats, treated: npt.NDArray[np.bool_], clusters: Ids | None = None) -> Balance:
    """Test whether any feature differs between arms more than chance makes it.

    The score test of a regression of treatment on all features, its variance summed in clusters under the
    hypothesis (White 1980, Econometrica 48:817; Liang and Zeger 1986, Biometrika 73:13), in the F form of
    Hotelling 1931, Annals of Mathematical Statistics 2:360. It holds whether persons or households were
    drawn.

    Parameters
    ----------
    features : array of float, shape (n, p)
        Known before treatment.
    treated : array of bool, shape (n,)
        Whom chance treated, with one probability for all.
    clusters : array of int, shape (n,), optional
        Household of each person.

    Returns
    -------
    Balance

    Raises
    ------
    UndefinedError
        An arm of fewer than two persons, features that are all constant, as many features as independent
        units, or a value that is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> omnibus(rng.normal(size=(500, 3)), rng.random(500) < 0.5).p_value > 0.01
    True
    """
    asked = "a test of balance"
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or features.shape[1] == 0:
        raise UndefinedError(
            asked, f"features of shape {features.shape}", "Give persons in rows, features in columns."
        )
    people, _, arm = _arms(asked, features.sum(axis=1), treated, clusters)
    basis = _basis(features)
    columns, units = basis.shape[1], people.count
    if not 0 < columns < units - 1:
        found = f"{columns} feature(s) that vary, {units} independent units"
        raise UndefinedError(asked, found, "It takes a feature that varies, and more units than features.")
    moved = basis * (arm - arm.mean())[:, None]
    sums = np.stack([np.bincount(people.units, column) for column in moved.T], axis=1)
    # total' (sums' sums)^-1 total, as the length of the projection of ones on the columns of sums.
    fit, _, found, _ = np.linalg.lstsq(sums, np.ones(units), rcond=1e-10)
    rank, score = int(found), float(sums.sum(axis=0) @ fit)
    if rank == 0 or np.abs(sums).max() < 1e-12:
        return Balance(0.0, 1.0, 0, units)  # every unit is balanced in itself
    # A feature that is the treatment leaves nothing but rounding of the rest.
    statistic = score / max(units - score, 1e-9 * units) * (units - rank) / rank
    return Balance(statistic, float(fdtrc(rank, units - rank, statistic)), rank, units)


def _arms(
    asked: str, values: Floats, treated: npt.NDArray[np.bool_], clusters: Ids | None
) -> tuple[Sample, Floats, Floats]:
    people, (values, arm) = sample(asked, (values, np.asarray(treated, np.float64)), clusters, None)
    if not np.isin(arm, (0, 1)).all() or min(arm.sum(), (1 - arm).sum()) < 2:
        raise UndefinedError(
            asked, "an arm of fewer than two persons", "Mark two of the treated by 1, of control by 0."
        )
    return people, values, arm


def _moments(values: Floats, inside: npt.NDArray[np.bool_]) -> tuple[float, float, Floats, Floats]:
    """Mean and variance of an arm, and the influence of each person on both."""
    mean, variance = float(values[inside].mean()), float(values[inside].var(ddof=1))
    scale = np.where(inside, len(values) / inside.sum(), 0.0)
    return mean, variance, scale * (values - mean), scale * ((values - mean) ** 2 - variance)


def _basis(features: Floats) -> Floats:
    """Orthonormal columns with the span of the centered features."""
    centered = features - features.mean(axis=0)
    size = np.sqrt((centered**2).sum(axis=0))
    varies = size > 1e-12 * np.sqrt((features**2).sum(axis=0))
    left, sizes, _ = np.linalg.svd(centered[:, varies] / size[varies], full_matrices=False)
    return left[:, sizes > 1e-9 * sizes.max(initial=0)]
