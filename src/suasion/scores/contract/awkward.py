"""Checks of data as they come: with holes, strangers, and too few people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from suasion.errors import SuasionError
from suasion.scores.contract.trials import (
    CATEGORIES,
    Floats,
    asked,
    error_of,
    people,
    stepped,
    taken,
    trial,
    with_features,
)
from suasion.scores.contract.truths import FAR
from suasion.scores.features import LEVELS, Features
from suasion.scores.learners import EffectModel, Learner, Sample

SOME = 1000


def values_may_be_missing(learn: Learner) -> Iterator[str]:
    """At random, a whole column, and in columns that were complete when learned from."""
    sample, truth = stepped(SOME)
    matrix = sample.data.features.matrix.copy()
    matrix[np.random.default_rng(1).random(matrix.shape) < 0.2] = np.nan
    matrix[:, 2] = np.nan
    holed = with_features(sample, matrix)
    found = asked(learn(holed), holed)[:, 0]
    if abs(found.mean() - truth.mean()) > FAR * error_of(sample):
        yield f"with values missing the average effect of {truth.mean():.2f} is found as {found.mean():.2f}"
    model = learn(sample)
    for column in range(matrix.shape[1]):
        asked(model, sample, _changed(sample, column, np.nan))
    asked(model, sample, Features(np.full_like(matrix, np.nan), (3,)))


def categories_may_be_new(learn: Learner) -> Iterator[str]:
    """Codes that nobody had when the model was learned."""
    sample, _ = stepped(SOME)
    model = learn(sample)
    for code in (CATEGORIES, LEVELS):
        asked(model, sample, _changed(sample, 3, code))
    yield from ()


def categories_may_be_many(learn: Learner) -> Iterator[str]:
    """As many codes as `encode` makes, for a few people each."""
    sample, truth = stepped(SOME)
    matrix = sample.data.features.matrix.copy()
    matrix[:, 3] = np.random.default_rng(2).integers(0, LEVELS + 1, SOME)
    other = with_features(sample, matrix)
    found = asked(learn(other), other)[:, 0]
    if abs(found.mean() - truth.mean()) > FAR * error_of(sample):
        yield f"with many categories the average effect of {truth.mean():.2f} is found as {found.mean():.2f}"


def columns_may_be_constant(learn: Learner) -> Iterator[str]:
    """Where nothing tells people apart, all get the average."""
    sample, _ = stepped(SOME)
    matrix = np.tile([7.0, 0.0, np.nan, 2.0, 1e9], (SOME, 1))
    same = trial(Features(matrix, (3,)), np.zeros(SOME), np.full((SOME, 1), 0.5))
    found = asked(learn(same), same)[:, 0]
    if np.ptp(found) > 1e-9:
        yield f"people with the same features have effects from {found.min():.3f} to {found.max():.3f}"
    if abs(found.mean() - 0.5) > FAR * error_of(same):
        yield f"where nothing tells people apart the average effect of 0.5 is found as {found.mean():.2f}"
    part = sample.data.features.matrix.copy()
    part[:, [1, 3]] = 4.0
    asked(learn(with_features(sample, part)), sample)


def columns_may_be_large_or_alike(learn: Learner) -> Iterator[str]:
    """Amounts up to 10^15, a column twice, one column alone."""
    sample, _ = stepped(SOME)
    matrix = sample.data.features.matrix
    for columns in (np.exp(np.clip(matrix * 10, -30, 34)), matrix[:, [0, 0, 1, 3, 3]], matrix[:, :1]):
        other = with_features(sample, np.ascontiguousarray(columns), ())
        asked(learn(other), other)
    yield from ()


def an_outcome_may_never_happen(learn: Learner) -> Iterator[str]:
    """An outcome of 0 and 1: in no arm, or in one arm alone."""
    features = people(SOME)
    luck = np.random.default_rng(3)
    for truth in (0.0, 0.3):
        drawn = trial(features, np.zeros(SOME), np.full((SOME, 1), truth))
        happened = (drawn.treatments > 0) & (luck.random(SOME) < truth)
        sample = replace(drawn, outcome=happened.astype(np.float64))
        # Where it happens to nobody at all, a refusal is an answer too.
        model = learn(sample) if truth else _learned(learn, lambda sample=sample: sample)
        found = truth if model is None else float(asked(model, sample).mean())
        if abs(found - truth) > max(FAR * error_of(sample), 1e-3):
            yield f"nobody does it untreated, {truth:.0%} treated: the effect is found as {found:.3f}"


def people_may_be_few(learn: Learner) -> Iterator[str]:
    """Two, three, ten or thirty people: finite effects, or a clear refusal."""
    for n in (2, 3, 10, 30):
        sample, _ = stepped(n)
        if (model := _learned(learn, lambda sample=sample: sample)) is not None:
            asked(model, sample)
    yield from ()


def an_arm_without_people_is_refused(learn: Learner) -> Iterator[str]:
    """Nobody got the treatment, or nobody was left alone."""
    sample, _ = stepped(SOME)
    for arm in (0, 1):
        rows = np.flatnonzero(sample.treatments == arm)
        if _learned(learn, lambda rows=rows: taken(sample, rows)) is not None:
            yield f"nobody is in arm {1 - arm}, and no error says so"


def an_outcome_that_is_no_number_is_refused(learn: Learner) -> Iterator[str]:
    """One missing or infinite outcome must not vanish in an average."""
    sample, _ = stepped(SOME)
    for value in (np.nan, np.inf):
        outcome = sample.outcome.copy()
        outcome[7] = value
        if _learned(learn, lambda outcome=outcome: replace(sample, outcome=outcome)) is not None:
            yield f"one outcome is {value}, and no error says so"


def _learned(learn: Learner, sample: Callable[[], Sample]) -> EffectModel | None:
    """A model, or None where suasion refuses with a clear error, be it to make the sample."""
    try:
        return learn(sample())
    except SuasionError:
        return None


def _changed(sample: Sample, column: int, value: float) -> Features:
    matrix: Floats = sample.data.features.matrix.copy()
    matrix[:, column] = value
    return Features(matrix, sample.data.features.categorical)
