"""Are predicted effects right in size? The best linear projection of gains on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, Sample, sample


@dataclass(frozen=True)
class CalibrationLine:
    """What gains are as a line in the predicted effect.

    Parameters
    ----------
    mean : Estimate
        Mean gain: the height of the line at the mean prediction.
    slope : Estimate
        1 where predictions are right in size, 0 where they say nothing, above 1 where they are too timid.
    """

    mean: Estimate
    slope: Estimate


def line(
    gains: Floats,
    effects: Floats,
    clusters: Ids | None = None,
    weights: Floats | None = None,
    groups: Ids | None = None,
) -> CalibrationLine:
    """Best linear projection of gains on predicted effects.

    Source: Chernozhukov, Demirer, Duflo, Fernandez-Val 2025, Econometrica 93:1121 (the BLP of effects), with
    AIPW gains in place of weighted outcomes. The slope's error is CR2, HC2 where everybody stands alone (Bell
    and McCaffrey 2002, Survey Methodology 28:169), on G - 1 degrees of freedom; the mean's is that of `mean`.

    Parameters
    ----------
    gains : array of float, shape (n,)
        AIPW score of treatment minus that of control of each person; or outcomes, where `effects` are
        predictions of them.
    effects : array of float, shape (n,)
        Predicted by models that did not see the person.
    clusters : array of int, shape (n,), optional
        Household of each person.
    weights : array of float, shape (n,), optional
        How many people each stands for.
    groups : array of int, shape (n,), optional
        Fold of each person. Both sides are then centered in folds: what differs between the models of the
        folds does not pass for knowledge about people.

    Returns
    -------
    CalibrationLine

    Raises
    ------
    UndefinedError
        Effects that are all equal (in every fold), one unit that alone decides the slope, or what
        `mean` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> effects = np.array([1.0, 2.0, 3.0, 4.0])
    >>> fitted = line(np.array([2.1, 3.9, 6.1, 7.9]), effects)
    >>> round(fitted.mean.value, 6), round(fitted.slope.value, 6)
    (5.0, 1.96)
    """
    asked = "a calibration line"
    fold = np.zeros(len(gains)) if groups is None else np.asarray(groups, np.float64)
    people, (gains, effects, fold) = sample(asked, (gains, effects, fold), clusters, weights)
    _, index = np.unique(fold, return_inverse=True)
    x, y = _centered(effects, index, people), _centered(gains, index, people)
    # A spread that rounding alone could leave is none.
    if np.abs(x).max() <= 1e-12 * np.abs(effects).max():
        raise UndefinedError(
            asked, "predicted effects that are all equal", "A slope needs effects that differ."
        )
    slope = float((people.weights * x) @ y / ((people.weights * x) @ x))
    error = _cr2(x, y - slope * x, people)
    return CalibrationLine(
        people.estimate(people.average(gains), gains, "mean gain"),
        people.estimate_with(slope, error, "best linear projection, CR2"),
    )


def _centered(values: Floats, index: Ids, people: Sample) -> Floats:
    means = np.bincount(index, people.weights * values) / np.bincount(index, people.weights)
    return values - means[index]


def _cr2(x: Floats, residuals: Floats, people: Sample) -> float:
    """CR2 error of the slope in a regression on 1 and a centered x.

    With Z the orthonormal design, a unit's residuals e are mended to (I - Z Z')^-1/2 e; and
    Z' (I - Z Z')^-1/2 e = (I - Z'Z)^-1/2 Z'e, so that matrices of two rows a unit do.
    """
    w = people.weights
    spread = float((w * x) @ x)
    z0, z1 = np.sqrt(w / w.sum()), x * np.sqrt(w / spread)
    k00, k01, k11 = (np.bincount(people.units, part) for part in (z0 * z0, z0 * z1, z1 * z1))
    s0, s1 = (np.bincount(people.units, z * np.sqrt(w) * residuals) for z in (z0, z1))
    a, b, d = 1 - k00, -k01, 1 - k11
    determinant = np.sqrt(np.maximum(a * d - b * b, 0))
    if determinant.min() <= 1e-8:
        todo = "Leave that unit out, or predict effects that differ among more people."
        raise UndefinedError("a calibration line", "one unit that alone decides the slope", todo)
    # The second row of the inverse square root of [[a, b], [b, d]], times (s0, s1).
    mended = ((a + determinant) * s1 - b * s0) / (determinant * np.sqrt(a + d + 2 * determinant))
    return sqrt(float(mended @ mended) / spread)
