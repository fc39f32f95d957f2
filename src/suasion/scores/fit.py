"""Cross-fitted effects by the doubly robust learner, and AIPW scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from suasion.errors import CampaignError
from suasion.experiments import Assignment, Trial
from suasion.rules import Clearance, Gate
from suasion.scores.features import Features, encode
from suasion.scores.folds import folds
from suasion.scores.learner import learn, propensities
from suasion.scores.scores import Scores

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
FOLDS = 5
OUTCOME_TREES = 60
EFFECT_TREES = 40


def fit(
    trial: Trial,
    clearance: Clearance,
    gate: Gate,
    facts: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Scores:
    """Estimate the effect of each treatment on the first outcome, and AIPW scores of all outcomes.

    For each fold, outcome models of each arm and a doubly robust effect learner (Kennedy 2023, Electronic
    Journal of Statistics 17:3008) are fitted on the other folds only; the learner's own pseudo-outcomes
    come from a split of those folds in two halves. The AIPW score of a person for an arm (Robins,
    Rotnitzky, Zhao 1994, JASA 89:846) is ``m_arm(x) + 1{got arm} / P(arm | x) * (y - m_arm(x))``.

    Parameters
    ----------
    trial : Trial
    clearance : Clearance
        Must permit learning from every person of the trial.
    gate : Gate
        The rules and the occasion as they stand now.
    facts : str
        Version of the facts as they stand now.
    progress : callable
        Called with a line about each step.

    Returns
    -------
    Scores

    Raises
    ------
    ClearanceError
        The clearance is forged, foreign, stale, too narrow, or for something else.
    CampaignError
        No feature, or so few households that a model would have nobody of an arm to learn from.
    """
    gate.admit(clearance, trial.persons, facts)
    features = encode(trial.features)
    n, arms = len(trial.persons), len(trial.design.treatments)
    expected = {name: np.empty((n, arms)) for name in trial.outcomes}
    effects, chance = np.empty((n, arms - 1)), np.empty((n, arms))
    fold_of, half_of = folds(trial, FOLDS, "folds"), folds(trial, 2, "halves")
    _check(trial, fold_of, half_of)
    for fold in range(FOLDS):
        progress(f"fold {fold + 1} of {FOLDS}")
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        chance[outside] = _chances(trial, features, inside, outside)
        for name, values in trial.outcomes.items():
            expected[name][outside] = _expectations(trial, features, values, inside, outside)
        ahead = expected[next(iter(trial.outcomes))][outside]
        effects[outside] = _effects(trial, features, half_of, inside, outside, ahead)
    received = chance[np.arange(n), trial.arms]
    return Scores(
        persons=trial.persons,
        households=trial.households,
        arms=trial.arms,
        received=received,
        effects=_leveled(effects, fold_of),
        observed=trial.outcomes,
        expected=expected,
        aipw={
            name: _aipw(expected[name], trial.arms, received, trial.outcomes[name]) for name in trial.outcomes
        },
    )


def _check(trial: Trial, fold_of: Rows, half_of: Rows) -> None:
    """Refuse a trial in which a model would have no one to learn from, or a fold no one to judge."""
    counts = np.zeros((FOLDS, 2, len(trial.design.treatments)), np.int64)
    np.add.at(counts, (fold_of, half_of, trial.arms), 1)
    if not (counts.sum(axis=0) - counts).all() or not counts.any(axis=(1, 2)).all():
        raise CampaignError(
            "the effect of every treatment",
            f"persons of an arm share too few households to be split into {FOLDS} folds",
            "Get more households with an outcome, or leave the arm out.",
        )


def _expectations(trial: Trial, features: Features, values: Floats, inside: Rows, outside: Rows) -> Floats:
    """Mean outcome under each arm for the persons outside, learned inside; shape (outside, arms)."""
    columns: list[Floats] = []
    for arm in range(len(trial.design.treatments)):
        rows = inside[trial.arms[inside] == arm]
        model = learn(features, rows, values[rows], rounds=OUTCOME_TREES)
        columns.append(np.asarray(model.predict(features.matrix[outside])))
    return np.column_stack(columns)


def _chances(trial: Trial, features: Features, inside: Rows, outside: Rows) -> Floats:
    """Probability of each arm for the persons outside; only the column received counts where it is known."""
    arms = len(trial.design.treatments)
    if trial.design.assignment is Assignment.KNOWN:
        return np.repeat(trial.received[outside, None], arms, axis=1)
    if trial.design.assignment is Assignment.RANDOMIZED:
        shares = np.bincount(trial.arms[inside], minlength=arms) / len(inside)
        return np.tile(shares, (len(outside), 1))
    return propensities(features, inside, trial.arms[inside], outside)


def _effects(
    trial: Trial, features: Features, half_of: Rows, inside: Rows, outside: Rows, ahead: Floats
) -> Floats:
    """Effect of each treatment for the persons outside, by a regression of pseudo-outcomes inside.

    `ahead` is what they are expected to do under each arm; shape (outside, arms).
    """
    values = next(iter(trial.outcomes.values()))
    half = half_of[inside]
    expected = np.empty((len(inside), len(trial.design.treatments)))
    chance = np.empty_like(expected)
    for side in (0, 1):
        near, far = inside[half != side], inside[half == side]
        expected[half == side] = _expectations(trial, features, values, near, far)
        chance[half == side] = _chances(trial, features, near, far)
    arms = trial.arms[inside]
    pseudo = _aipw(expected, arms, chance[np.arange(len(inside)), arms], values[inside])
    gains = pseudo[:, 1:] - pseudo[:, :1]
    shares = np.bincount(arms, minlength=expected.shape[1]) / len(arms)
    usual, later = expected @ shares, ahead @ shares
    return np.column_stack(
        [_blended(features, inside, half, gain, usual, outside, later) for gain in gains.T]
    )


def _blended(
    features: Features, inside: Rows, half: Rows, gains: Floats, usual: Floats, outside: Rows, ahead: Floats
) -> Floats:
    """Gains as predicted by trees and by how people usually respond, as far as either came true.

    Effects often grow, or shrink, with the response that people show anyway, which needs far fewer data
    to learn. Two models, each fitted on one half, predict the other; non-negative weights of these
    predictions and of the usual response, either way round, are fitted to the gains (the best linear
    projection of Chernozhukov, Demirer, Duflo, Fernandez-Val 2025, Econometrica 93:1121, with two
    proxies). Weights of 0 give everybody the average.
    """
    honest = np.empty(len(inside))
    for side in (0, 1):
        near, far = half != side, half == side
        model = learn(features, inside[near], gains[near], rounds=EFFECT_TREES)
        honest[far] = np.asarray(model.predict(features.matrix[inside[far]]))
    proxies = np.column_stack([honest, usual, -usual])
    weights, _ = nnls(_within(proxies, half), _within(gains, half))
    trees = np.asarray(learn(features, inside, gains, rounds=EFFECT_TREES).predict(features.matrix[outside]))
    return (
        float(gains.mean()) + _within(np.column_stack([trees, ahead, -ahead]), np.zeros(len(ahead))) @ weights
    )


def _within(values: Floats, group: npt.NDArray[np.generic]) -> Floats:
    """Differences from the mean of the group."""
    out = values.copy()
    for one in np.unique(group):
        out[group == one] -= values[group == one].mean(axis=0)
    return out


def _leveled(effects: Floats, fold_of: Rows) -> Floats:
    """Give all folds the same mean effect, in single precision, so that equal effects stay equal.

    Where the people of a fold happened to do well, models that have not seen them promise too little; a
    plan over all folds would choose the folds that did badly, and look worse than a lottery.
    """
    means = np.stack([effects[fold_of == fold].mean(axis=0) for fold in range(FOLDS)])
    return (effects - means[fold_of] + effects.mean(axis=0)).astype(np.float32).astype(np.float64)


def _aipw(expected: Floats, arms: Rows, received: Floats, values: Floats) -> Floats:
    scores = expected.copy()
    rows = np.arange(len(arms))
    scores[rows, arms] += (values - expected[rows, arms]) / received
    return scores
