"""What models learned on some persons of a trial say of other persons: responses, and effects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from suasion.experiments import Assignment, Trial
from suasion.scores.features import Features
from suasion.scores.learner import learn, predict, propensities

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
OUTCOME_TREES = 60
EFFECT_TREES = 40


def expectations(trial: Trial, features: Features, values: Floats, inside: Rows, at: Rows) -> Floats:
    """Mean outcome under each arm for the persons `at`, learned inside; shape (at, arms)."""
    columns: list[Floats] = []
    for arm in range(len(trial.design.treatments)):
        rows = inside[trial.arms[inside] == arm]
        columns.append(predict(learn(features, rows, values[rows], rounds=OUTCOME_TREES), features, at))
    return np.column_stack(columns)


def chances(trial: Trial, features: Features, inside: Rows, outside: Rows) -> Floats:
    """Probability of what they received, for persons of the trial outside; shape (outside,)."""
    arms = trial.arms[outside]
    if trial.design.assignment is Assignment.KNOWN:
        return trial.received[outside]
    if trial.design.assignment is Assignment.RANDOMIZED:
        return np.bincount(trial.arms[inside], minlength=len(trial.design.treatments))[arms] / len(inside)
    return propensities(features, inside, trial.arms[inside], outside)[np.arange(len(outside)), arms]


def relative_effects(
    trial: Trial, features: Features, half: Rows, inside: Rows, at: Rows, ahead: Floats
) -> tuple[Floats, Floats]:
    """Effect of each treatment for the persons `at`, by a regression of pseudo-outcomes inside.

    Parameters
    ----------
    trial : Trial
    features : Features
    half : array of int64, shape (inside,)
        0 or 1: the pseudo-outcomes of each half come from models of the other.
    inside, at : array of int64
        Rows to learn from, and to predict.
    ahead : array of float, shape (at, arms)
        What the persons `at` are expected to do under each arm.

    Returns
    -------
    array of float, shape (at, arms - 1)
        Effects, but for a constant: only differences between persons mean something.
    array of float, shape (arms - 1,)
        Average effects inside.
    """
    values = next(iter(trial.outcomes.values()))
    expected, received = np.empty((len(inside), ahead.shape[1])), np.empty(len(inside))
    for side in (0, 1):
        near, far = inside[half != side], inside[half == side]
        expected[half == side] = expectations(trial, features, values, near, far)
        received[half == side] = chances(trial, features, near, far)
    arms = trial.arms[inside]
    pseudo = aipw(expected, arms, received, values[inside])
    gains = pseudo[:, 1:] - pseudo[:, :1]
    shares = np.bincount(arms, minlength=expected.shape[1]) / len(arms)
    usual, later = expected @ shares, ahead @ shares
    blends = [_blended(features, inside, half, gain, usual, at, later) for gain in gains.T]
    return np.column_stack(blends), gains.mean(axis=0)


def aipw(expected: Floats, arms: Rows, received: Floats, values: Floats) -> Floats:
    """The AIPW score of each person for each arm; shape (n, arms)."""
    scores = expected.copy()
    rows = np.arange(len(arms))
    scores[rows, arms] += (values - expected[rows, arms]) / received
    return scores


def _blended(
    features: Features, inside: Rows, half: Rows, gains: Floats, usual: Floats, at: Rows, ahead: Floats
) -> Floats:
    """Gains as predicted by trees and by how people usually respond, as far as either came true.

    Effects often grow, or shrink, with the response that people show anyway, which needs far fewer data
    to learn. Two models, each fitted on one half, predict the other; non-negative weights of these
    predictions and of the usual response, either way round, are fitted to the gains (the best linear
    projection of Chernozhukov, Demirer, Duflo, Fernandez-Val 2025, Econometrica 93:1121, with two
    proxies). Weights of 0 give everybody the same.
    """
    honest = np.empty(len(inside))
    for side in (0, 1):
        near, far = half != side, half == side
        model = learn(features, inside[near], gains[near], rounds=EFFECT_TREES)
        honest[far] = predict(model, features, inside[far])
    proxies = np.column_stack([honest, usual, -usual])
    weights, _ = nnls(_within(proxies, half), _within(gains, half))
    trees = predict(learn(features, inside, gains, rounds=EFFECT_TREES), features, at)
    return np.column_stack([trees, ahead, -ahead]) @ weights


def _within(values: Floats, half: Rows) -> Floats:
    """Differences from the mean of the half."""
    out = values.copy()
    for side in (0, 1):
        out[half == side] -= values[half == side].mean(axis=0)
    return out
