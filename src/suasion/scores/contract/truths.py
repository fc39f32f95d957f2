"""Checks of what learners find where the truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from suasion.scores.contract.trials import Floats, asked, error_of, people, stepped, trial
from suasion.scores.features import Features
from suasion.scores.learners import Learner

MANY = 4000
FAR = 4.0
"""So many standard errors an average may be off: one in 16,000 honest learners would be."""


def the_average_of_a_constant_effect_is_found(learn: Learner) -> Iterator[str]:
    """Everybody gains one half."""
    features = people(MANY)
    sample = trial(features, features.matrix[:, 0], np.full((MANY, 1), 0.5))
    yield from _off(asked(learn(sample), sample)[:, 0], 0.5, error_of(sample))


def nothing_is_found_where_nothing_is(learn: Learner) -> Iterator[str]:
    """Noise alone must not make people look different by as much as a third of its size."""
    features = people(MANY)
    sample = trial(features, features.matrix[:, 0], np.zeros((MANY, 1)))
    found = asked(learn(sample), sample)[:, 0]
    yield from _off(found, 0.0, error_of(sample))
    if found.std() > 0.33:
        yield f"nobody gains anything, yet effects spread by {found.std():.2f} where noise has a size of 1"


def a_step_is_found(learn: Learner) -> Iterator[str]:
    """One half of the people gain 1, the others nothing."""
    sample, truth = stepped(MANY)
    yield from _alike(asked(learn(sample), sample)[:, 0], truth[:, 0], error_of(sample))


def what_is_missing_tells(learn: Learner) -> Iterator[str]:
    """Those of whom something is not known gain, the others do not."""
    features, luck = people(MANY), np.random.default_rng(3)
    lost = luck.random(MANY) < 0.4
    features.matrix[lost, 1] = np.nan
    sample = trial(features, lost.astype(np.float64), lost.astype(np.float64)[:, None])
    yield from _alike(asked(learn(sample), sample)[:, 0], lost.astype(np.float64), error_of(sample))


def categories_are_no_numbers(learn: Learner) -> Iterator[str]:
    """Every other category gains: no order of the codes tells which."""
    features = people(MANY)
    odd = features.matrix[:, 3] % 2
    sample = trial(features, odd, odd[:, None])
    yield from _alike(asked(learn(sample), sample)[:, 0], odd, error_of(sample))


def chances_may_differ(learn: Learner) -> Iterator[str]:
    """Who responds more is treated more often, by known probabilities; everybody gains one half."""
    features = people(MANY)
    first = features.matrix[:, 0]
    treated = np.where(first > 0, 0.65, 0.35)
    chances = np.column_stack([1 - treated, treated])
    sample = trial(features, first, np.full((MANY, 1), 0.5), chances=chances)
    yield from _off(asked(learn(sample), sample)[:, 0], 0.5, error_of(sample))


def several_treatments_are_told_apart(learn: Learner) -> Iterator[str]:
    """Three treatments: one helps, one does nothing, one harms."""
    truth = (0.5, 0.0, -0.5)
    features = people(MANY)
    sample = trial(features, features.matrix[:, 0], np.tile(truth, (MANY, 1)))
    found = asked(learn(sample), sample)
    for arm, effect in enumerate(truth):
        error = float(sample.gains[:, arm].std() / np.sqrt(MANY))
        yield from (f"treatment {arm + 1}: {said}" for said in _off(found[:, arm], effect, error))


def weights_count(learn: Learner) -> Iterator[str]:
    """Those who gain stand for nine people each, the others for one; no feature tells who they are."""
    features, luck = people(MANY), np.random.default_rng(4)
    gains = luck.integers(0, 2, MANY).astype(np.float64)
    weights = np.where(gains > 0, 9.0, 1.0)
    sample = trial(features, features.matrix[:, 0], gains[:, None], weights=weights, told=0)
    yield from _off(asked(learn(sample), sample)[:, 0], 0.9, 1.5 * error_of(sample))


def clusters_are_taken(learn: Learner) -> Iterator[str]:
    """Households of one to five that share their features and half of their noise."""
    luck = np.random.default_rng(5)
    homes = np.repeat(np.arange(MANY), luck.integers(1, 6, MANY))[:MANY]
    features = Features(people(MANY).matrix[homes], (3,))
    shared = luck.normal(size=MANY)[homes]
    sample = trial(features, features.matrix[:, 0], np.full((MANY, 1), 0.5))
    # Numbers of households are names: neither small nor in order.
    data = replace(sample.data, clusters=luck.permutation(MANY)[homes] * 1_000_003)
    sample = replace(sample, data=data, outcome=sample.outcome + shared)
    yield from _off(asked(learn(sample), sample)[:, 0], 0.5, 2 * error_of(sample))


def _off(found: Floats, truth: float, error: float) -> Iterator[str]:
    mean = float(found.mean())
    if abs(mean - truth) > FAR * error:
        yield f"the average effect is {truth}, found is {mean:.3f} with a standard error of {error:.3f}"


def _alike(found: Floats, truth: Floats, error: float) -> Iterator[str]:
    """The average is right, and effects go with the truth and are about as large."""
    yield from _off(found, float(truth.mean()), error)
    spread = float(found.std())
    together = float(np.mean((found - found.mean()) * (truth - truth.mean())))
    correlation = together / max(spread * float(truth.std()), 1e-12)
    if correlation < 0.6:
        yield f"effects of 0 and 1 are not told apart: the correlation with them is {correlation:.2f}"
    elif not 0.5 <= (slope := together / spread**2) <= 3:
        yield f"effects have the wrong size: the truth rises by {slope:.2f} where they rise by 1"
