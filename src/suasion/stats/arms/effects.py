"""Intention to treat: what being drawn for an arm changed, with or without covariates."""

from __future__ import annotations

from math import expm1, log

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.arms.drawn import Drawn, drawn
from suasion.stats.arms.pairs import Effect, Moved, Pair, judged, pairs_of
from suasion.stats.arms.sides import sides_of
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids

Arms = npt.NDArray[np.integer]


def compare(
    values: Floats,
    arms: Arms,
    covariates: Floats | None = None,
    clusters: Ids | None = None,
    weights: Floats | None = None,
    probabilities: Floats | None = None,
) -> tuple[Effect, ...]:
    """The effect of being drawn for each arm, against arm 0.

    Without covariates a difference in means, with Welch's interval where all are independent and count
    alike. With covariates a regression with their interactions with the arms (Lin 2013, Annals of Applied
    Statistics 7:295): unbiased up to a term that vanishes with n, however outcomes depend on covariates. It
    is the effect on the people of the trial. Errors are CR2, HC2 where everybody stands alone, on
    Satterthwaite's degrees of freedom (Bell and McCaffrey 2002, Survey Methodology 28:169), which hold with
    few clusters too.

    Parameters
    ----------
    values : array of float, shape (n,)
        Outcome of each person, whether or not anything reached them.
    arms : array of int, shape (n,)
        0 is the control.
    covariates : array of float, shape (n,) or (n, p), optional
        Known before the draw.
    clusters : array of int, shape (n,), optional
        Household of each person, whether persons or households were drawn.
    weights : array of float, shape (n,), optional
        How many people each stands for.
    probabilities : array of float, shape (n,), optional
        Chance with which each got the own arm, where chances differ. People count by their inverse (Hajek
        1971).

    Returns
    -------
    tuple of Effect
        Arms 1, 2, ...

    Raises
    ------
    UndefinedError
        An arm of fewer than two independent units, or no more of them than coefficients; covariates that
        people of an arm do not tell apart; outcomes that do not vary; a value that is not finite.

    Examples
    --------
    >>> arms, before = np.arange(400) % 2, np.arange(400) % 7.0
    >>> spent = 3 * before + np.arange(400) % 5 + arms
    >>> compare(spent, arms)[0].estimate.scaled(digits=2)
    '0.96 (-0.26 to 2.17)'
    >>> (effect,) = compare(spent, arms, before)
    >>> effect.estimate.scaled(digits=2), round(effect.reduction, 2)
    ('1.00 (0.72 to 1.28)', 0.95)
    """
    people, values, features = _checked(
        "an effect", values, arms, covariates, clusters, weights, probabilities
    )
    method = "difference in means" if features is None else "regression with interactions"
    plain = pairs_of(people, sides_of(people, None))
    pairs = plain if features is None else pairs_of(people, sides_of(people, features))
    scale = float(np.abs(values).max())
    return tuple(
        _difference(pair, bare, values, scale, method) for pair, bare in zip(pairs, plain, strict=True)
    )


def relative(
    values: Floats,
    arms: Arms,
    covariates: Floats | None = None,
    clusters: Ids | None = None,
    weights: Floats | None = None,
    probabilities: Floats | None = None,
) -> tuple[Effect, ...]:
    """The effect of each arm as a share of the mean of arm 0.

    The interval is that of the log of the ratio by the delta method (Deng, Knoblich, Lu 2018, KDD), so that
    it is the same whichever arm is called the control; the p-value is of the log too.

    Parameters
    ----------
    values, arms, covariates, clusters, weights, probabilities
        As of `compare`.

    Returns
    -------
    tuple of Effect
        0.1 is 10 % more.

    Raises
    ------
    UndefinedError
        A mean that is not above 0, or what `compare` refuses.

    Examples
    --------
    >>> arms = np.repeat([0, 1], 500)
    >>> came = np.concatenate([np.arange(500) % 10 < 2, np.arange(500) % 10 < 3]).astype(float)
    >>> relative(came, arms)[0].estimate.scaled(100, digits=0)
    '50 (20 to 87)'
    """
    people, values, features = _checked(
        "a relative effect", values, arms, covariates, clusters, weights, probabilities
    )
    method = "ratio of means" if features is None else "ratio of means, regression with interactions"
    return tuple(
        share(pair, *_means(pair, values), float(np.abs(values).max()), method)
        for pair in pairs_of(people, sides_of(people, features))
    )


def share(pair: Pair, means: tuple[float, float], moved: Moved, scale: float, method: str) -> Effect:
    """One mean over another, minus 1, by the delta method on the log."""
    if min(means) <= 0:
        found = f"a mean of arm {pair.arm} or of the control that is not above 0"
        raise UndefinedError(pair.people.asked, found, "Ask for the difference instead.")
    logs = (moved[0] / means[0], moved[1] / means[1])
    found, p_value = judged(pair, log(means[0] / means[1]), logs, scale / min(means), f"{method}, log scale")
    value, low, high = expm1(found.value), expm1(found.low), expm1(found.high)
    return Effect(pair.arm, Estimate(value, low, high, found.n, found.method, found.level), p_value)


def _difference(pair: Pair, bare: Pair, values: Floats, scale: float, method: str) -> Effect:
    (treated, control), moved = _means(pair, values)
    estimate, p_value = judged(pair, treated - control, moved, scale, method)
    reduction = None
    if pair is not bare:
        reduction = 1 - pair.variance(moved) / bare.variance(_means(bare, values)[1])
    return Effect(pair.arm, estimate, p_value, reduction)


def _means(pair: Pair, values: Floats) -> tuple[tuple[float, float], Moved]:
    (treated, ups), (control, downs) = (side.mean(values) for side in (pair.treated, pair.control))
    return (treated, control), (ups, downs)


def _checked(
    asked: str,
    values: Floats,
    arms: Arms,
    covariates: Floats | None,
    clusters: Ids | None,
    weights: Floats | None,
    probabilities: Floats | None,
) -> tuple[Drawn, Floats, Floats | None]:
    values, features = np.asarray(values, np.float64), as_columns(covariates)
    columns = (values,) if features is None else (values, features)
    return drawn(asked, arms, columns, clusters, weights, probabilities), values, features


def as_columns(covariates: Floats | None) -> Floats | None:
    """Covariates as a matrix, people in rows."""
    if covariates is None:
        return None
    covariates = np.asarray(covariates, np.float64)
    return covariates[:, None] if covariates.ndim == 1 else covariates
