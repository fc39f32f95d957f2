"""Checks of what must not change effects, or only so much."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import numpy as np

from suasion.scores.contract.trials import (
    Floats,
    Ids,
    asked,
    error_of,
    people,
    stepped,
    taken,
    trial,
    with_features,
)
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel, Learner, Sample

SOME = 1000
NEAR = 4.0
"""So many standard errors of the average effect two fits to the same evidence may differ for a person."""


def a_seed_fixes_everything(learn: Learner) -> Iterator[str]:
    """Neither the state of the global generators matters, nor does learning change it, or its input."""
    sample, _ = stepped(SOME)
    kept, before = deepcopy(sample), np.random.get_state()
    try:
        np.random.seed(1)
        state = _position()
        first = asked(learn(sample), sample)
        if state != _position():
            yield "learning draws from the global random generator of numpy"
        np.random.seed(2)
        second = asked(learn(sample), sample)
    finally:
        np.random.set_state(before)
    yield from _differ(first, second, "a second fit with the same seed")
    if not _unchanged(sample, kept):
        yield "learning or asking changes its input"


def threads_do_not_matter(learn: Learner) -> Iterator[str]:
    """The same on one processor as on all."""
    sample, _ = stepped(SOME)
    with _one_processor():
        alone = asked(learn(sample), sample)
    yield from _differ(alone, asked(learn(sample), sample), "another number of threads")


def people_are_asked_about_in_any_order(learn: Learner) -> Iterator[str]:
    """Whoever else is asked about does not matter, to the last bit; nobody is a fair question too."""
    features, order = people(SOME), np.random.default_rng(1).permutation(SOME)
    usual = features.matrix[:, 0]
    for slopes in ([0.2], [0.2, -0.1, 0.3]):
        sample = trial(features, usual, np.outer(usual, slopes))
        model = learn(sample)

        def of(rows: Ids, sample: Sample = sample, model: EffectModel = model) -> Floats:
            return asked(model, sample, Features(features.matrix[rows], features.categorical))

        found = of(np.arange(SOME))
        yield from _differ(found[order], of(order), "another order of the people asked about")
        alone = np.concatenate([of(np.array([row])) for row in range(20)])
        yield from _differ(found[:20], alone, "asking about people one by one")
        of(np.arange(0))


def the_order_of_rows_hardly_matters(learn: Learner) -> Iterator[str]:
    """The same people in another order are the same evidence, even where those who gain come last."""
    sample, _ = stepped(SOME)
    other = taken(sample, np.argsort(sample.gains[:, 0]))
    yield from _far(
        asked(learn(sample), sample), asked(learn(other), sample), sample, "another order of rows"
    )


def the_order_of_columns_hardly_matters(learn: Learner) -> Iterator[str]:
    """The same columns in another order are the same evidence."""
    sample, _ = stepped(SOME)
    order, matrix = [3, 1, 4, 0, 2], sample.data.features.matrix
    other = with_features(sample, np.ascontiguousarray(matrix[:, order]), (0,))
    found = asked(learn(sample), sample), asked(learn(other), other)
    yield from _far(*found, sample, "another order of columns")


def only_the_ratio_of_weights_matters(learn: Learner) -> Iterator[str]:
    """Weights in another unit, and equal weights, tell nothing."""
    sample, _ = stepped(SOME)
    weights = np.random.default_rng(3).uniform(0.5, 2, SOME)
    found, other = _weighted(learn, sample, weights), _weighted(learn, sample, 64 * weights)
    # Sums of other numbers are rounded elsewhere, which can move a tie.
    if np.abs(found - other).mean() > 1e-3 * found.std():
        yield f"weights times 64 move effects by {np.abs(found - other).mean():.2g} on average"


def a_weight_of_two_is_two_people(learn: Learner) -> Iterator[str]:
    """A row twice, in one household, is a row of twice the weight."""
    sample, _ = stepped(SOME)
    twice = sample.gains[:, 0] > np.median(sample.gains[:, 0])
    rows = np.repeat(np.arange(SOME), np.where(twice, 2, 1))
    other = taken(sample, rows)
    other = replace(other, data=replace(other.data, clusters=rows))
    found = _weighted(learn, sample, np.where(twice, 2.0, 1.0)), asked(learn(other), sample)
    yield from _far(*found, sample, "rows twice in place of weights of 2")


def effects_have_the_unit_of_the_outcome(learn: Learner) -> Iterator[str]:
    """Ten times the outcome is ten times the effect; an outcome that begins at 50 has the same effects."""
    sample, _ = stepped(SOME)
    found = asked(learn(sample), sample)
    for factor, start in ((10.0, 0.0), (0.01, 0.0), (1.0, 50.0)):
        moved = {name: start + factor * getattr(sample, name) for name in ("outcome", "expected")}
        other = asked(learn(replace(sample, **moved)), sample)
        yield from _far(found, other / factor, sample, f"an outcome times {factor:g} plus {start:g}")


def _position() -> str:
    """Where the global generator of numpy stands."""
    return repr(np.random.get_state(legacy=False))


@contextmanager
def _one_processor() -> Generator[None]:
    """Let this thread, and those that it starts, run on one processor."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)


def _weighted(learn: Learner, sample: Sample, weights: Floats) -> Floats:
    other = replace(sample, data=replace(sample.data, weights=weights))
    return asked(learn(other), other)


def _unchanged(sample: Sample, kept: Sample) -> bool:
    pairs = [
        (getattr(sample, name), getattr(kept, name))
        for name in ("treatments", "outcome", "expected", "chances")
    ]
    pairs.append((sample.data.features.matrix, kept.data.features.matrix))
    return all(np.array_equal(now, then, equal_nan=True) for now, then in pairs)


def _differ(first: Floats, second: Floats, cause: str) -> Iterator[str]:
    if count := int((first != second).any(axis=1).sum()):
        yield f"{cause} changes the effects of {count} of {len(first)} people"


def _far(first: Floats, second: Floats, sample: Sample, cause: str) -> Iterator[str]:
    """Fits to the same evidence differ by less than chance alone would make them."""
    error, gap = error_of(sample), first - second
    if (typical := float(np.sqrt((gap**2).mean()))) > NEAR * error:
        yield f"{cause} moves effects by {typical:.3f}; the standard error of their average is {error:.3f}"
    if (mean := abs(float(gap.mean()))) > error:
        yield f"{cause} moves the average effect by {mean:.3f}, more than its standard error of {error:.3f}"
