"""The contract catches broken learners, each by the check that is about it, and lets sound ones pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from suasion.scores.contract import CHECKS, Breach, check, keeps_when_reloaded
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel, Learner, Sample, learn_linearly

BY_NAME = {one.__name__: one for one in CHECKS}


@dataclass(frozen=True)
class Altered:
    """A sound model whose answers are tampered with."""

    model: EffectModel
    tamper: Callable[[np.ndarray, Features], np.ndarray]

    def effects(self, features: Features) -> np.ndarray:
        return self.tamper(self.model.effects(features), features)


def answers(tamper: Callable[[np.ndarray, Features], np.ndarray]) -> Learner:
    """A learner that is sound until it is asked."""
    return lambda sample: Altered(learn_linearly(sample), tamper)


def learns(change: Callable[[Sample], Sample]) -> Learner:
    """A learner that looks at other data than it is given."""
    return lambda sample: learn_linearly(change(sample))


def with_data(sample: Sample, **changed: object) -> Sample:
    return replace(sample, data=replace(sample.data, **changed))


def with_matrix(sample: Sample, matrix: np.ndarray, categorical: tuple[int, ...] = (3,)) -> Sample:
    return with_data(sample, features=Features(matrix, categorical))


def shuffled(sample: Sample) -> Sample:
    order = np.random.default_rng(0).permutation(sample.data.n)
    return with_matrix(sample, sample.data.features.matrix[order])


def holes_lost(sample: Sample) -> Sample:
    known = np.where(np.isnan(sample.data.features.matrix), np.random.default_rng(1).normal(size=5), 0)
    return with_matrix(sample, np.where(known == 0, sample.data.features.matrix, 0.0))


def first_hundred(sample: Sample) -> Sample:
    rows = np.arange(min(100, sample.data.n))
    parts = {name: getattr(sample, name)[rows] for name in ("treatments", "outcome", "expected", "chances")}
    return replace(sample, data=sample.data.take(rows), **parts)


def scrambled(sample: Sample) -> Sample:
    sample.data.features.matrix[:, 0] = np.sort(sample.data.features.matrix[:, 0])
    return sample


def first_column(sample: Sample) -> EffectModel:
    """The first column is what matters."""
    center = np.nanmedian(sample.data.features.matrix[:, 0])
    return Altered(learn_linearly(sample), lambda _, f: (f.matrix[:, :1] > center) + 0.0)


def same_for_all(sample: Sample) -> EffectModel:
    return Altered(learn_linearly(sample), lambda found, _: found * 0 + sample.gains.mean(axis=0))


def naive(sample: Sample) -> EffectModel:
    treated = sample.treatments == 1
    gap = sample.outcome[treated].mean() - sample.outcome[~treated].mean()
    return Altered(learn_linearly(sample), lambda found, _: found * 0 + gap)


def response(sample: Sample) -> EffectModel:
    """People with high outcomes are taken for those who gain."""
    return learn_linearly(
        replace(sample, expected=0 * sample.expected, outcome=4 * sample.outcome * sample.surprise[:, 0])
    )


def gone(sample: Sample) -> EffectModel:
    raise ZeroDivisionError("nothing to divide by")


def seeded_by_the_world(sample: Sample) -> EffectModel:
    noise = np.random.normal(0, 1e-6)
    return Altered(learn_linearly(sample), lambda found, _: found + noise)


def counting_processors(sample: Sample) -> EffectModel:
    more = len(os.sched_getaffinity(0)) * 1e-9
    return Altered(learn_linearly(sample), lambda found, _: found + more)


BROKEN: dict[str, tuple[Learner, str]] = {
    "one number a person instead of one a treatment": (
        answers(lambda found, _: found[:, 0]),
        "the_average_of_a_constant_effect_is_found",
    ),
    "single precision": (answers(lambda found, _: found.astype(np.float32)), "a_step_is_found"),
    "twice the effect": (answers(lambda found, _: 2 * found), "the_average_of_a_constant_effect_is_found"),
    "the wrong sign": (answers(lambda found, _: -found), "a_step_is_found"),
    "noise": (
        answers(lambda found, f: found + np.sin(1e3 * f.matrix[:, :1])),
        "nothing_is_found_where_nothing_is",
    ),
    "the same for all": (same_for_all, "a_step_is_found"),
    "rows of other people": (learns(shuffled), "a_step_is_found"),
    "response taken for effect": (response, "chances_may_differ"),
    "no adjustment for chances": (naive, "chances_may_differ"),
    "treatments mixed up": (answers(lambda found, _: found[:, ::-1]), "several_treatments_are_told_apart"),
    "only the first treatment": (answers(lambda found, _: found[:, :1]), "several_treatments_are_told_apart"),
    "the missing taken for 0": (learns(holes_lost), "what_is_missing_tells"),
    "categories taken for numbers": (
        learns(lambda sample: with_matrix(sample, sample.data.features.matrix, ())),
        "categories_are_no_numbers",
    ),
    "weights ignored": (learns(lambda sample: with_data(sample, weights=None)), "weights_count"),
    "weights ignored, seen by rows twice": (same_for_all, "a_weight_of_two_is_two_people"),
    "weights in their own unit": (
        lambda sample: Altered(
            learn_linearly(sample),
            lambda found, _: found if sample.data.weights is None else found * sample.data.weights.mean(),
        ),
        "only_the_ratio_of_weights_matters",
    ),
    "clusters taken for rows": (
        lambda sample: learn_linearly(sample) if sample.data.clusters is None else gone(sample),
        "clusters_are_taken",
    ),
    "the global generator": (seeded_by_the_world, "a_seed_fixes_everything"),
    "writing to its input": (learns(scrambled), "a_seed_fixes_everything"),
    "counting processors": (counting_processors, "threads_do_not_matter"),
    "people compared with each other": (
        answers(lambda found, _: found - found.mean() + 0.5 if len(found) else found),
        "people_are_asked_about_in_any_order",
    ),
    "nobody asked about": (
        answers(lambda found, _: found + found.max()),
        "people_are_asked_about_in_any_order",
    ),
    "only the first rows": (learns(first_hundred), "the_order_of_rows_hardly_matters"),
    "only the first column": (first_column, "the_order_of_columns_hardly_matters"),
    "effects cut off": (answers(lambda found, _: found.clip(-1, 1)), "effects_have_the_unit_of_the_outcome"),
    "nothing known, nothing said": (
        answers(lambda found, f: found + f.matrix[:, 1:2]),
        "values_may_be_missing",
    ),
    "unknown categories": (
        answers(lambda found, f: found + np.eye(5)[f.matrix[:, 3].astype(int)][:, :1]),
        "categories_may_be_new",
    ),
    "a table of categories": (
        answers(lambda found, f: found + np.eye(99)[f.matrix[:, 3].astype(int)][:, :1]),
        "categories_may_be_many",
    ),
    "division by the spread": (
        lambda sample: Altered(
            learn_linearly(sample),
            lambda found, f: found * (1 / max(sample.data.features.matrix[:, 0].std(), 1e-300)),
        ),
        "columns_may_be_constant",
    ),
    "squares of squares": (
        answers(lambda found, f: found + 0 * np.exp(np.nan_to_num(f.matrix[:, -1:]))),
        "columns_may_be_large_or_alike",
    ),
    "a logarithm of nothing": (
        lambda sample: Altered(learn_linearly(sample), lambda found, _: found / sample.outcome.any()),
        "an_outcome_may_never_happen",
    ),
    "a third of two people": (
        lambda sample: Altered(learn_linearly(sample), lambda found, _: found / (sample.data.n // 3)),
        "people_may_be_few",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_broken_is_caught_by_the_check_about_it(broken: str):
    learn, name = BROKEN[broken]
    breaches = check(learn, [BY_NAME[name]])
    assert breaches
    assert {breach.should for breach in breaches} == {name.replace("_", " ")}
    assert check(learn_linearly, [BY_NAME[name]]) == ()


def test_every_check_catches_something():
    """Refusals are the exception: a sample that suasion refuses cannot be made, so no learner gets one."""
    refusals = {"an_arm_without_people_is_refused", "an_outcome_that_is_no_number_is_refused"}
    assert set(BY_NAME) - {name for _, name in BROKEN.values()} == refusals


def test_any_error_is_a_breach_of_every_check_that_learns():
    """But where a refusal is the right answer, an error that is not ours is none."""
    breaches = check(gone)
    assert {breach.should.replace(" ", "_") for breach in breaches} >= set(BY_NAME) - {
        "an_arm_without_people_is_refused",
        "an_outcome_that_is_no_number_is_refused",
    }
    assert all("ZeroDivisionError: nothing to divide by" in breach.found for breach in breaches)


def test_a_breach_is_told_in_one_line():
    assert str(Breach("weights count", "they do not")) == "weights count: they do not"


def test_a_model_that_is_saved_badly_is_caught():
    def lossy(model: EffectModel) -> EffectModel:
        return Altered(model, lambda found, _: found.astype(np.float32).astype(np.float64))

    (breach,) = check(learn_linearly, [keeps_when_reloaded(lossy)])
    assert breach.should == "a model is the same when reloaded"
    assert check(learn_linearly, [keeps_when_reloaded(lambda model: model)]) == ()


def test_checking_leaves_the_global_generator_and_the_processors_as_they_were():
    np.random.seed(12)
    processors = os.sched_getaffinity(0)
    check(learn_linearly)
    found = np.random.random()
    np.random.seed(12)
    assert found == np.random.random()
    assert os.sched_getaffinity(0) == processors
