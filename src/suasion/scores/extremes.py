"""Amounts with a heavy tail: how far the largest may speak for whom a treatment helps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.scores.data import Data
from suasion.scores.learners import Sample, learn_linearly
from suasion.stats import Estimate, mean

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
SHARES = (0.99, 0.95)
"""Of the amounts that are not zero: caps that are tried."""


@dataclass(frozen=True)
class Extremes:
    """What was done with the largest amounts while learning who differs; averages are of uncapped amounts.

    Parameters
    ----------
    cap : float or None
        Larger amounts counted as this; None: all counted as they are.
    capped : int
        People whose amount is larger.
    gain : Estimate or None
        By how much the cap lowers the DR loss of a linear learner on uncapped amounts of people it has not
        seen, paired; None without a cap.
    """

    cap: float | None
    capped: int
    gain: Estimate | None


def treat(data: Data, treatments: Ids, outcome: Floats, chances: Floats, fold_of: Ids, seed: int) -> Extremes:
    """Choose a cap by how well a linear learner does on people it has not seen, or none.

    Parameters
    ----------
    data : Data
    treatments : array of int64, shape (n,)
    outcome : array of float, shape (n,)
    chances : array of float, shape (n, arms)
    fold_of : array of int64, shape (n,)
    seed : int

    Returns
    -------
    Extremes
        Without a cap where the outcome is a yes or no, or no cap does better.
    """
    sizes = np.abs(outcome[outcome != 0])
    caps = [float(cap) for cap in np.unique(np.quantile(sizes, SHARES)) if cap < sizes.max()]
    if np.isin(outcome, (0.0, 1.0)).all() or not caps:
        return Extremes(None, 0, None)
    losses = {cap: _loss(data, treatments, outcome, chances, fold_of, seed, cap) for cap in [np.inf, *caps]}
    best = min(losses, key=lambda cap: float(losses[cap].mean()))
    if np.isinf(best):
        return Extremes(None, 0, None)
    gain = mean(losses[np.inf] - losses[best], data.clusters, "DR loss, paired", data.weights)
    return Extremes(best, int((np.abs(outcome) > best).sum()), gain)


def _loss(
    data: Data, treatments: Ids, outcome: Floats, chances: Floats, fold_of: Ids, seed: int, cap: float
) -> Floats:
    """The DR loss of each person, of differences learned from capped amounts; shape (n,)."""
    loss = np.empty(data.n)
    bounded = np.clip(outcome, -cap, cap)
    for fold in range(int(fold_of.max()) + 1):
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        near = _flat(data, treatments, bounded, chances, inside, inside, seed)
        far = _flat(data, treatments, outcome, chances, inside, outside, seed)
        said = learn_linearly(near).effects(far.data.features)
        loss[outside] = ((far.gains - far.gains.mean(axis=0) - said + said.mean(axis=0)) ** 2).sum(axis=1)
    return loss


def _flat(
    data: Data, treatments: Ids, outcome: Floats, chances: Floats, inside: Ids, rows: Ids, seed: int
) -> Sample:
    """Some of the people, with the mean of each arm inside expected of everybody."""
    arms = range(chances.shape[1])
    means = [float(outcome[inside][treatments[inside] == arm].mean()) for arm in arms]
    expected = np.tile(means, (len(rows), 1))
    return Sample(data.take(rows), treatments[rows], outcome[rows], expected, chances[rows], seed)
