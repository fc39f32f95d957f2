"""Does what was predicted still come true, and are they still the people it was learned from?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from suasion.allocation import policies
from suasion.learning.learn import learn
from suasion.learning.steering.alarm import ALPHA, Alarm, Floats, Ids, coarse, counted, part_of
from suasion.stats import Estimate, drift

PREDICTIONS, POPULATION = "predictions", "population"
BLOCK = 500
"""Exposures from one look at predictions to the next."""
CROWD = 1000
"""Persons in a sample of who comes."""
MATERIAL = 0.2
"""Predictions that are off by less than this part of themselves are good enough."""
_EXPECTED = 30.0
"""Rewards that must be predicted before anything is said: fewer are not normal."""
_TRAINED = 30
"""Exposures of an arm before its predictions are judged."""


def predictions(
    about: str, policy: policies.Policy, features: Floats, arms: Ids, rewards: Floats, chances: Floats
) -> Alarm | None:
    """Compare the newest rewards with what was predicted of them from all before.

    Exposures are cut into windows of 500, 1,000, 2,000 and so on; the newest of each size is judged once,
    by a model of what had come before it, and has its own part of the chance of error, so that looking
    often does no harm (Bonferroni; the parts of window t are 6 / (pi t)^2). The alarm is raised when the
    mean error is beyond a fifth of the mean prediction, and ends with the next window in which it is not.

    Parameters
    ----------
    about : str
    policy : policies.Policy
        Its arms and features; it forgets nothing.
    features : array of float, shape (n, d)
    arms : array of int64, shape (n,)
    rewards : array of float, shape (n,)
        In the order in which they were known.
    chances : array of float, shape (n,)

    Returns
    -------
    Alarm or None

    Examples
    --------
    >>> policy = policies.Policy(policies.Kind.THOMPSON, ("a",))
    >>> came = (np.arange(4000) % 4 == 0) * 1.0
    >>> came[3000:] = 0
    >>> seen = np.zeros((4000, 0)), np.zeros(4000, np.int64), came, np.ones(4000)
    >>> predictions("x", policy, *seen).found
    'of the newest about 1,000 outcomes the mean is 0, where 0.25 was predicted'
    """
    blocks, state = len(rewards) // BLOCK, policies.start(policy)
    states = [state]
    for number in range(blocks):
        rows = slice(number * BLOCK, (number + 1) * BLOCK)
        state = learn(policy, state, features[rows], arms[rows], rewards[rows], chances[rows])
        states.append(state)
    rows, found = policies.design(policy, features), list[tuple[float, Estimate, float]]()
    for level in range(max(blocks // 2, 0).bit_length()):
        size, alpha = 2**level, part_of(ALPHA, level + 1)
        window = blocks // size - 1
        newest = slice(window * size * BLOCK, (window + 1) * size * BLOCK)
        judged = _judged(
            states[window * size], rows[newest], arms[newest], rewards[newest], part_of(alpha, window)
        )
        found += [judged] if judged else []
    beyond, error, predicted = max(found, default=(0.0, None, 0.0), key=lambda one: one[0])
    return _unpredicted(about, error, predicted) if error and beyond > 0 else None


def _judged(
    state: policies.State, rows: Floats, arms: Ids, rewards: Floats, alpha: float
) -> tuple[float, Estimate, float] | None:
    """How far a window is beyond what is good enough; its mean error; the mean prediction."""
    known = state.count[arms] >= _TRAINED
    rows, arms, rewards, trained = rows[known], arms[known], rewards[known], int(state.count.sum())
    foreseen = (rows * state.mean[arms]).sum(axis=1)
    unit = max(float(np.abs(rewards).max(initial=0)), 1e-300)
    if np.abs(foreseen).sum() < _EXPECTED * min(unit, 1.0) or len(rows) < BLOCK / 2:
        return None
    errors, n = rewards - foreseen, len(rows)
    spread = max(float(errors.var()), state.residual / trained)
    shares = np.bincount(arms, minlength=len(state.count)) / n
    taught = float((shares**2 / np.maximum(state.count, 1)).sum())
    half = float(-ndtri(alpha / 2)) * np.sqrt(spread * (1 / n + taught))
    mean, predicted = float(errors.mean()), float(foreseen.mean())
    method = "mean error of predictions, corrected for all looks"
    error = Estimate(mean, mean - half, mean + half, n, method, 1 - alpha)
    return abs(mean) - half - MATERIAL * abs(predicted), error, predicted


def _unpredicted(about: str, error: Estimate, predicted: float) -> Alarm:
    came = coarse(predicted + error.value)
    found = (
        f"of the newest {counted(error.n)} outcomes the mean is {came:.2g}, where {coarse(predicted):.2g} "
        "was predicted"
    )
    todo = "Ask what changed: the offer, the season, the site. A `keep` below 1 lets the policy forget."
    return Alarm(PREDICTIONS, about, found, todo, {"error": error})


def population(about: str, names: Sequence[str], features: Floats) -> Alarm | None:
    """Compare the features of who came last with those of who came first.

    The first 1,000 people are compared with the newest full 1,000, feature by feature, by the population
    stability index: it must be large by the usual reading, and beyond what chance does, corrected for all
    looks and features. The alarm ends with the next 1,000 of which that is not so.

    Parameters
    ----------
    about : str
    names : sequence of str
        Of the features.
    features : array of float, shape (n, d)
        Of each person, in the order in which they came.

    Returns
    -------
    Alarm or None

    Examples
    --------
    >>> luck = np.random.default_rng(1)
    >>> ages = np.concatenate([luck.normal(40, 9, 2000), luck.normal(60, 9, 1000)])
    >>> population("x", ["age"], ages[:, None]).found
    'age is another among the newest 1,000 people than among the first: stability index 4.2'
    """
    window = len(features) // CROWD - 1
    if window < 1 or not names:
        return None
    first, newest = features[:CROWD], features[window * CROWD : (window + 1) * CROWD]
    alpha = part_of(ALPHA, window) / len(names)
    moved = dict[str, float]()
    for place, name in enumerate(names):
        found = drift.numeric(first[:, place], newest[:, place])
        if found.reading == "large" and found.p_value <= alpha:
            moved[name] = found.psi
    if not moved:
        return None
    told = " and ".join(moved)
    are = "is another" if len(moved) == 1 else "are others"
    found = (
        f"{told} {are} among the newest {CROWD:,} people than among the first: "
        f"stability index {max(moved.values()):.2g}"
    )
    todo = "Look who comes now, and whether a source or a trait changed; say so if it is meant."
    return Alarm(POPULATION, about, found, todo)
