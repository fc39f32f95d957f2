"""Bins and groups hold the people they should, and say None rather than nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.stats import calibration, mean


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 8), min_size=2, max_size=60), st.integers(1, 12))
def test_bins_part_the_people_by_rising_prediction(levels: list[int], bins: int):
    effects = np.array(levels, float)
    found = calibration.calibration_bins(effects * 2, effects, bins)
    assert 1 <= len(found) <= bins
    assert sum(each.n for each in found) == len(levels)
    predicted = [each.predicted for each in found]
    assert predicted == sorted(predicted)
    assert len(set(predicted)) == len(predicted)
    for each in found:
        assert (
            each.observed is None if each.n < 2 else each.observed.value == pytest.approx(2 * each.predicted)
        )


def test_bins_of_distinct_predictions_are_of_equal_size():
    rng = np.random.default_rng(1)
    effects = rng.normal(size=1000)
    assert [each.n for each in calibration.calibration_bins(effects, effects, 8)] == [125] * 8


def test_bins_of_weighted_people_hold_equal_weight():
    rng = np.random.default_rng(2)
    effects, weights = rng.normal(size=5000), rng.uniform(0.1, 2, 5000)
    found = calibration.calibration_bins(effects, effects, 4, weights=weights)
    ends = np.cumsum([each.n for each in found])[:-1]
    parts = np.split(weights[np.argsort(effects)], ends)
    assert [part.sum() / weights.sum() for part in parts] == pytest.approx([0.25] * 4, abs=1e-3)


def test_a_bin_says_what_the_mean_of_its_people_says():
    rng = np.random.default_rng(3)
    effects, gains, clusters = rng.random(300), rng.normal(size=300), rng.integers(0, 90, 300)
    low, high = calibration.calibration_bins(gains, effects, 2, clusters)
    inside = effects > np.median(effects)
    expected = mean(gains[inside], clusters[inside], "mean gain")
    assert high.observed == pytest.approx(expected)
    assert high.predicted == pytest.approx(effects[inside].mean())
    assert low.n == high.n == 150


def test_a_bin_of_one_household_has_no_interval():
    effects = np.repeat([0.0, 1.0], 10)
    clusters = np.append(np.arange(10), np.full(10, 99))
    low, high = calibration.calibration_bins(effects, effects, 2, clusters)
    assert low.observed is not None
    assert (high.observed, high.n) == (None, 10)


@pytest.mark.parametrize("bins", [0, -3])
def test_no_bins_are_refused(bins: int):
    with pytest.raises(UndefinedError, match=f"{bins} bins"):
        calibration.calibration_bins(np.arange(9.0), np.arange(9.0), bins)


def test_a_group_says_what_the_mean_of_its_people_says():
    rng = np.random.default_rng(4)
    gains, clusters = rng.normal(size=400), rng.integers(0, 120, 400)
    groups = rng.choice(["east", "north", "south"], 400)
    found = calibration.gain_by_group(gains, groups, clusters)
    assert list(found) == ["east", "north", "south"]
    for name, estimate in found.items():
        assert estimate == mean(gains[groups == name], clusters[groups == name], "mean gain")


@pytest.mark.parametrize("clusters", [None, np.array([1, 2, 3, 4, 4, 4])])
def test_a_group_of_one_unit_is_unknown_and_not_zero(clusters: np.ndarray | None):
    groups = np.array([7, 7, 7, 9, 9, 9]) if clusters is not None else np.array([7, 7, 7, 7, 7, 9])
    found = calibration.gain_by_group(np.zeros(6), groups, clusters)
    assert found[9] is None
    assert found[7] is not None
    assert found[7].value == 0


def test_a_group_whose_people_weigh_nothing_is_left_out_or_unknown():
    weights = np.array([1.0, 1, 0, 0, 1, 1])
    found = calibration.gain_by_group(np.arange(6.0), np.array(list("aabbcc")), weights=weights)
    assert found["a"] is not None
    assert found["c"] is not None
    assert (found["a"].value, found["c"].value) == (0.5, 4.5)
    assert found["b"] is None


def test_the_last_group_may_weigh_nothing_too():
    found = calibration.gain_by_group(
        np.arange(4.0), np.array(list("aabb")), weights=np.array([1.0, 1, 0, 0])
    )
    assert found["b"] is None


def test_groups_of_another_length_are_refused():
    with pytest.raises(UndefinedError, match="2 groups for 3 gains"):
        calibration.gain_by_group(np.arange(3.0), np.array(["a", "b"]))
