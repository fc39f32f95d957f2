"""The value of treatment probabilities, estimated on an experiment that drew others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.scores import Scores
from suasion.stats import Estimate, mean

Floats = npt.NDArray[np.float64]
DUST = 1e-9
"""Two ways to compute the same probability may differ by so much."""
FOLDS_ERR_TOGETHER = 1.22
"""How much wider the interval of a gain is that was learned in five folds and judged on the same people.

Models of any two folds share people, so the folds err together (Wager 2024, arXiv 2405.05534). At worst
nothing is true and one direction is learned: with independent standard normal noise s of the folds and its
sum S, the gain is the sum of sign(S - s) * s, and 95 % of it lies within 2.40 standard errors, not 1.96.
In simulations with the whole pool of learners (600 people, nothing or little to find) intervals of policies
and of Qini hold the truth in 95 to 98 % with it, in 86 to 92 % without, in 98 to 100 % with the square root
of 2, which bounds what folds can do together.
"""


def aipw_value(
    scores: Scores, outcome: str, probabilities: Floats, against: Floats | None = None
) -> Estimate:
    """Mean outcome a person if treatments were given with these probabilities.

    The mean over people of the AIPW scores weighted by the probabilities (Dudik, Erhan, Langford, Li
    2014, Statistical Science 29:485); the interval is that of the mean, clustered by household where
    households are known.

    Parameters
    ----------
    scores : Scores
    outcome : str
    probabilities : array of float, shape (n, arms)
        Rows sum to 1; the control first.
    against : array of float, shape (n, arms), optional
        Other probabilities; the value is then the paired difference.

    Returns
    -------
    Estimate
    """
    weights = probabilities if against is None else probabilities - against
    weights = np.where(np.abs(weights) < DUST, 0, weights)
    values = (weights * scores.aipw[outcome]).sum(axis=1)
    return mean(values, scores.households, "AIPW" if against is None else "AIPW, paired")


def learned_gain(scores: Scores, outcome: str, learned: Floats, other: Floats) -> Estimate:
    """The paired difference of `aipw_value`, where a policy was learned on the people who judge it.

    Parameters
    ----------
    scores : Scores
    outcome : str
    learned, other : array of float, shape (n, arms)
        Probabilities.

    Returns
    -------
    Estimate
        Its interval is wider by `FOLDS_ERR_TOGETHER`.
    """
    return wider(aipw_value(scores, outcome, learned, other))


def wider(found: Estimate) -> Estimate:
    """What was learned in folds and judged on the same people, with room for folds that err together."""
    half = FOLDS_ERR_TOGETHER * (found.high - found.value)
    method = f"{found.method}, folds err together"
    return Estimate(found.value, found.value - half, found.value + half, found.n, method, found.level)


def weighted_value(scores: Scores, outcome: str, probabilities: Floats) -> Estimate:
    """Mean outcome a person by weighting alone: no outcome model is involved.

    The self-normalized estimator (Hajek 1971): people whose treatment the policy would also give count by
    its probability over theirs. With constant known probabilities "treat all" is the mean of that arm.
    The interval linearizes the ratio.

    Parameters
    ----------
    scores : Scores
    outcome : str
    probabilities : array of float, shape (n, arms)

    Returns
    -------
    Estimate

    Raises
    ------
    UndefinedError
        Nobody in the experiment got a treatment that the policy would give.
    """
    rows = np.arange(len(scores.persons))
    weights = probabilities[rows, scores.arms] / scores.received
    if not weights.sum() > 0:
        raise UndefinedError("a weighted value", "nobody got what the policy gives", "Use the AIPW value.")
    values = scores.observed[outcome]
    center = float(weights @ values / weights.sum())
    influence = center + weights * (values - center) / weights.mean()
    spread = mean(influence, scores.households, "self-normalized weighting")
    half = spread.high - spread.value
    return Estimate(center, center - half, center + half, spread.n, spread.method)
