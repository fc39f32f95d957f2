"""The value of a policy: exact where it must be, near the truth elsewhere, undefined where it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.measurement import aipw_value, weighted_value
from suasion.measurement.value import FOLDS_ERR_TOGETHER, learned_gain
from suasion.stats import difference_in_means, mean


def halves(x):
    return 0.5 + 0 * x[:, 0]


@pytest.fixture(scope="module")
def world(bench):
    return bench.simulate(1, 600, halves, arms=3)


@pytest.fixture(scope="module")
def scores(bench, world):
    return bench.fitted(world.trial)


@pytest.mark.parametrize("arm", [0, 1, 2])
def test_treat_all_is_the_mean_of_the_arm(bench, scores, arm):
    got = scores.observed["y"][scores.arms == arm]
    found = weighted_value(scores, "y", bench.one_for_all(scores, arm))
    assert found.value == pytest.approx(got.mean(), abs=1e-9)
    assert found.high - found.low == pytest.approx(mean(got).high - mean(got).low, rel=0.02)


@pytest.mark.parametrize("arm", [1, 2])
def test_the_difference_of_treat_all_values_is_the_difference_in_means(bench, scores, arm):
    values = [weighted_value(scores, "y", bench.one_for_all(scores, a)).value for a in (arm, 0)]
    plain = difference_in_means(
        scores.observed["y"][scores.arms == arm], scores.observed["y"][scores.arms == 0]
    )
    assert values[0] - values[1] == pytest.approx(plain.value, abs=1e-9)


@pytest.mark.parametrize("arm", [0, 1, 2])
def test_aipw_agrees_with_weighting_and_is_sharper(bench, scores, arm):
    way = bench.one_for_all(scores, arm)
    aipw, weighted = aipw_value(scores, "y", way), weighted_value(scores, "y", way)
    assert abs(aipw.value - weighted.value) < weighted.high - weighted.value
    assert aipw.high - aipw.low < weighted.high - weighted.low


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_value_is_linear_in_the_probabilities(bench, scores, seed):
    luck = np.random.default_rng(seed)
    one, other = (luck.dirichlet(np.ones(3), len(scores.persons)) for _ in range(2))
    share = luck.random()
    mixed = aipw_value(scores, "y", share * one + (1 - share) * other).value
    apart = [aipw_value(scores, "y", way).value for way in (one, other)]
    assert mixed == pytest.approx(share * apart[0] + (1 - share) * apart[1], abs=1e-9)
    paired = aipw_value(scores, "y", one, other)
    assert paired.value == pytest.approx(apart[0] - apart[1], abs=1e-9)
    swapped = aipw_value(scores, "y", other, one)
    assert (swapped.low, swapped.high) == pytest.approx((-paired.high, -paired.low))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.floats(0.01, 100))
def test_weighting_follows_the_unit_of_the_outcome(scores, seed, shift, factor):
    way = np.random.default_rng(seed).dirichlet(np.ones(3), len(scores.persons))
    moved = replace(scores, observed={"y": shift + factor * scores.observed["y"]})
    plain, other = weighted_value(scores, "y", way), weighted_value(moved, "y", way)
    assert other.value == pytest.approx(shift + factor * plain.value, abs=1e-7)
    assert other.high - other.low == pytest.approx(factor * (plain.high - plain.low), rel=1e-6)


def test_a_policy_that_gives_what_nobody_got_has_no_weighted_value(bench, scores):
    never = replace(scores, arms=np.where(scores.arms == 2, 1, scores.arms))
    with pytest.raises(UndefinedError):
        weighted_value(never, "y", bench.one_for_all(never, 2))


def test_a_policy_is_not_different_from_itself(bench, scores):
    way = bench.one_for_all(scores, 1)
    nothing = aipw_value(scores, "y", way, way)
    assert (nothing.low, nothing.value, nothing.high) == (0, 0, 0)
    dust = aipw_value(scores, "y", way, way + 1e-13)
    assert not dust.excludes_zero


def test_people_of_one_household_are_not_independent(bench, scores):
    twice = np.concatenate([np.arange(600)] * 2)
    doubled = replace(
        scores,
        persons=np.arange(1200),
        households=twice.astype(np.int64),
        arms=scores.arms[twice],
        received=scores.received[twice],
        observed={"y": scores.observed["y"][twice]},
        aipw={"y": scores.aipw["y"][twice]},
    )
    way = np.random.default_rng(0).dirichlet(np.ones(3), 600)
    for value in (aipw_value, weighted_value):
        one, two = value(scores, "y", way), value(doubled, "y", way[twice])
        assert two.n == one.n == 600
        assert (two.low, two.high) == pytest.approx((one.low, one.high))
        assert "clustered" in two.method


def test_what_was_learned_on_these_people_gets_a_wider_interval(bench, scores):
    one, other = bench.one_for_all(scores, 1), bench.one_for_all(scores, 0)
    plain, wide = aipw_value(scores, "y", one, other), learned_gain(scores, "y", one, other)
    assert wide.value == plain.value
    assert wide.high - wide.low == pytest.approx(FOLDS_ERR_TOGETHER * (plain.high - plain.low))


def test_the_width_is_that_of_one_direction_learned_from_noise():
    noise = np.random.default_rng(0).normal(size=(400_000, 5))
    direction = np.sign(noise.sum(axis=1, keepdims=True) - noise)
    gain = (direction * noise).sum(axis=1) / np.sqrt(5)
    assert np.quantile(np.abs(gain), 0.95) / 1.96 == pytest.approx(FOLDS_ERR_TOGETHER, abs=0.01)


def test_unequal_probabilities_are_undone(bench, without_models):
    """People with a high trait are treated more often: plain means lie, weighting does not."""
    treated = 0.1 + 0.8 * (np.arange(2) == 1)

    def chances(x):
        p = treated[(x[:, 0] > 0).astype(int)]
        return np.column_stack([1 - p, p])

    errors = []
    for seed in range(60):
        world = bench.simulate(seed, 500, halves, chances=chances)
        scores = without_models(world.trial)
        y, got = world.trial.outcomes["y"], world.trial.arms
        weighted = weighted_value(scores, "y", bench.one_for_all(scores, 1))
        truth = world.truth[:, 1].mean()
        errors.append((y[got == 1].mean() - truth, weighted.value - truth))
    plain, weighted = np.array(errors).T
    assert plain.mean() > 0.5
    assert abs(weighted.mean()) < 4 * weighted.std() / np.sqrt(60)
