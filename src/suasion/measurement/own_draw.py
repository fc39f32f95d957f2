"""The effect of a plan from its own draw: what each person adds to it, and how sure the mean is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from suasion.stats import Estimate, mean

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DUST = 1e-9
"""A spread smaller than this beside the largest value is rounding."""
LEAST_TO_FIT = 10
"""Models are taken as they are where fewer other people were left alone: a line through less leads astray."""


def contributions(nothing: Floats, left: Flags, outcome: Floats, expected: Floats) -> Floats:
    """What each person adds to the mean effect: outcome minus AIPW score of the outcome under nothing.

    Models of the outcome under nothing are first put on a straight line through the persons left alone. The
    line weighs them by ``(1 - p) / p**2`` with the probability ``p`` of nothing, which makes the variance
    smallest (Cao, Tsiatis and Davidian 2009, Biometrika 96:723). Each person's line is fitted without that
    person, so that the mean stays unbiased whatever the models say (Wu and Gagnon-Bartsch 2018, Evaluation
    Review 42:458). A person who had no chance of treatment adds 0.

    Parameters
    ----------
    nothing : array of float, shape (n,)
        Probability of nothing, above 0.
    left : array of bool, shape (n,)
        Who was drawn for nothing.
    outcome, expected : array of float, shape (n,)

    Returns
    -------
    array of float, shape (n,)

    Examples
    --------
    >>> nothing, left, came = np.array([0.5, 0.25]), np.array([True, False]), np.array([1.0, 1.0])
    >>> contributions(nothing, left, came, expected=np.array([0.25, 0.5])).tolist()
    [-0.75, 0.5]
    """
    return _rest(nothing, left, outcome, expected) * (1 - left / nothing)


def own_effect(
    nothing: Floats, left: Flags, outcome: Floats, expected: Floats, households: Ids | None
) -> Estimate:
    """The mean contribution, with an interval that holds where few people were left alone.

    Those few carry most of the chance, so degrees of freedom are Satterthwaite's (1946, Biometrics Bulletin
    2:110) for outcomes that vary alike. The interval solves ``(mean - effect)**2 = t**2 * variance`` with a
    variance that moves with the effect as the skewness says; its shift is the second-order correction of a
    studentized mean (Hall 1992, JRSS B 54:221). Without it, a rare outcome that happens to be rarer still
    among the few looks like a sure effect.

    Parameters
    ----------
    nothing, left, outcome, expected
        As of `contributions`.
    households : array of int64, shape (n,), optional
        Persons with the same number are not independent.

    Returns
    -------
    Estimate
        Extra outcomes a person.

    Raises
    ------
    UndefinedError
        Fewer than two independent units, or a value that is not finite.

    Examples
    --------
    >>> drawn = np.arange(100) % 2
    >>> halves, came = np.full(100, 0.5), np.tile([0.0, 0.0, 0.0, 1.0], 25)
    >>> own_effect(halves, drawn == 0, came, np.zeros(100), None).scaled(100, digits=0)
    '25 (16 to 34)'
    """
    rest = _rest(nothing, left, outcome, expected)
    plain = mean(rest * (1 - left / nothing), households, "AIPW by the plan's own draw")
    homes = np.arange(len(nothing)) if households is None else np.unique(households, return_inverse=True)[1]
    chance = np.bincount(homes, weights=np.where(left, (1 - nothing) / nothing, 1.0) ** 2)
    if not chance.any():
        return plain
    tail = (1 + plain.level) / 2
    t = float(stdtrit(chance.sum() ** 2 / (chance**2).sum(), tail))
    wide = (plain.high - plain.value) * t / float(stdtrit(plain.n - 1, tail))
    shift = (2 * t * t + 1) / 6 * _skewness(nothing, left, rest) / len(nothing)
    half = float(np.hypot(wide, shift))
    low, high = min(plain.value, plain.value + shift - half), max(plain.value, plain.value + shift + half)
    return Estimate(plain.value, low, high, plain.n, plain.method, plain.level)


def _rest(nothing: Floats, left: Flags, outcome: Floats, expected: Floats) -> Floats:
    """Outcome minus the models' expectation, on the line fitted to the others who were left alone."""
    weight = np.where(left, (1 - nothing) / nothing**2, 0.0)
    x = expected - expected.mean()
    own = np.array([weight, weight * x, weight * outcome, weight * x * x, weight * x * outcome, weight > 0])
    all_weight, wx, wy, wxx, wxy, others = own.sum(axis=1, keepdims=True) - own
    total = np.where(all_weight > 0, all_weight, 1.0)
    spread = wxx - wx * wx / total
    varies = spread > DUST * total * np.square(x).max()
    slope = np.divide(wxy - wx * wy / total, spread, out=np.zeros_like(x), where=varies)
    line = wy / total + slope * (x - wx / total)
    return outcome - np.where(others >= LEAST_TO_FIT, line, expected)


def _skewness(nothing: Floats, left: Flags, rest: Floats) -> float:
    """Third over second cumulant of the sum of contributions over all draws.

    Outcomes of the treated and of those left alone are taken to be spread alike around their means: where
    few were left alone and an outcome is rare, their own may be all the same.
    """
    treated = 1 - nothing
    weight = treated**2 / nothing
    around = rest.copy()
    for group in (left & (weight > 0), ~left):
        if group.any():
            around[group] -= np.average(rest[group], weights=weight[group])
    second, third = float(weight @ around**2), float(weight @ around**3)
    if second <= 0:
        return 0.0
    return third / second * float((treated - treated**3 / nothing**2).sum() / (treated / nothing).sum())
