"""Is there anything to rank? Whether people may be told apart by what a treatment changes for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from suasion.errors import UndefinedError
from suasion.stats import Estimate, calibration, multiplicity, ranking

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
LEVEL = 0.05
"""Chance of ranking where there is nothing to rank, over all treatments together."""
FOLDS_ERR_TOGETHER = 2**0.5
"""How much wider the noise of a sum over folds is than if folds were independent, at most.

Models of any two folds share people (Wager 2024, arXiv 2405.05534). Where nothing is true and predictions are
linear in outcomes, the noise of folds i and j enters the result of both as the same product: results of two
of K folds correlate by 1 / (K - 1), and their sum has twice the variance.
"""


@dataclass(frozen=True)
class Ranking:
    """Whether effects of a treatment may rank people, and the tests behind it.

    Parameters
    ----------
    ranks : bool
        If not, everybody has the average effect.
    p_value : float
        Of the weaker of both tests, one-sided, adjusted for the number of treatments (Holm); 1 where
        nothing could be tested.
    slope : Estimate or None
        Best linear projection of gains on predicted effects: 0 where these say nothing.
    rate : Estimate or None
        What treating in the order of predicted effects gains over a random order (RATE with Qini weights), a
        person.
    reason : str
        In plain words.
    """

    ranks: bool
    p_value: float
    slope: Estimate | None
    rate: Estimate | None
    reason: str


def rankings(
    gains: Floats, effects: Floats, folds: Ids, clusters: Ids | None, weights: Floats | None
) -> tuple[Ranking, ...]:
    """Test each treatment for differences between people that predicted effects get right.

    Both the best linear projection of gains on effects (Chernozhukov, Demirer, Duflo, Fernandez-Val 2025,
    Econometrica 93:1121) and the rank-weighted average effect (Yadlowsky, Fleming, Shah, Brunskill, Wager
    2025, JASA 120:38) must be above zero, one-sided.

    Parameters
    ----------
    gains : array of float, shape (n, k)
        AIPW gains.
    effects : array of float, shape (n, k)
        By models that have not seen the person.
    folds : array of int64, shape (n,)
        Persons of the same fold were predicted by the same models.
    clusters : array of int64, shape (n,), optional
    weights : array of float, shape (n,), optional

    Returns
    -------
    tuple of Ranking, length k
    """
    tested = [_tests(gains[:, a], effects[:, a], folds, clusters, weights) for a in range(gains.shape[1])]
    weaker = np.array([1.0 if pair is None else max(map(_one_sided, pair)) for pair in tested])
    adjusted = multiplicity.holm(weaker)
    return tuple(_said(pair, float(p)) for pair, p in zip(tested, adjusted, strict=True))


def unranked(reason: str, count: int) -> tuple[Ranking, ...]:
    """No treatment may rank people, and nothing was tested.

    Parameters
    ----------
    reason : str
    count : int
        Of treatments.

    Returns
    -------
    tuple of Ranking
    """
    return (Ranking(False, 1.0, None, None, reason),) * count


def _tests(
    gains: Floats, effects: Floats, folds: Ids, clusters: Ids | None, weights: Floats | None
) -> tuple[Estimate, Estimate] | None:
    if float(np.ptp(effects)) <= 1e-12 * max(1.0, float(np.abs(effects).max())):
        return None
    try:
        slope = calibration.line(gains, effects, clusters, weights, folds).slope
        return slope, ranking.qini(gains, effects, clusters, weights)
    except UndefinedError:
        return None


def _one_sided(found: Estimate) -> float:
    """The chance of so much or more where nothing is true."""
    half = found.high - found.value
    if half <= 0:
        return 1.0
    freedom = max(found.n - 1, 1)
    t = found.value / (FOLDS_ERR_TOGETHER * half / float(stdtrit(freedom, (1 + found.level) / 2)))
    return float(stdtr(freedom, -t))


def _said(pair: tuple[Estimate, Estimate] | None, p: float) -> Ranking:
    if pair is None:
        return Ranking(False, 1.0, None, None, "no difference could be tested that a learner found")
    slope, rate = pair
    shown = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    if p <= LEVEL:
        return Ranking(
            True, p, slope, rate, f"predicted differences came true on people not learned from ({shown})"
        )
    return Ranking(False, p, slope, rate, f"predicted differences may be chance ({shown})")
