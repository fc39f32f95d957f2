"""Arms that chance formed are told to be alike, others not."""

import numpy as np
import pytest
from scipy.stats import binomtest, f

from suasion.errors import UndefinedError
from suasion.stats import balance


def test_the_difference_is_that_of_the_formula():
    rng = np.random.default_rng(1)
    values, treated = rng.normal(size=80), rng.random(80) < 0.4
    one, other = values[treated], values[~treated]
    expected = (one.mean() - other.mean()) / np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
    found = balance.standardized_difference(values, treated)
    assert found.value == pytest.approx(expected)
    mirrored = balance.standardized_difference(values * -9 + 3, treated).times(-1)
    swapped = balance.standardized_difference(values, ~treated).times(-1)
    for same in (mirrored, swapped):
        assert (same.low, same.high) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize("households", [False, True])
def test_the_error_of_the_difference_is_that_of_new_samples(households: bool):
    rng = np.random.default_rng(2)
    clusters = np.arange(400) // 4
    values, halves = [], []
    for _ in range(400):
        treated = (rng.random(100) < 0.4)[clusters] if households else rng.random(400) < 0.4
        shared = rng.exponential(size=100)[clusters] if households else 0
        column = rng.exponential(size=400) + shared + 1.5 * treated
        found = balance.standardized_difference(column, treated, clusters if households else None)
        values.append(found.value)
        halves.append(found.high - found.value)
    assert np.mean(halves) / 1.98 == pytest.approx(np.std(values), rel=0.12)


@pytest.mark.parametrize(
    ("values", "treated", "found"),
    [
        (np.ones(9), np.arange(9) % 2, "constant in both arms"),
        (np.full(9, 0.1), np.arange(9) % 2, "constant in both arms"),
        (np.arange(9.0), np.arange(9) == 3, "fewer than two"),
        (np.arange(9.0), np.ones(9), "fewer than two"),
        (np.append(np.arange(8.0), np.nan), np.arange(9) % 2, "not finite"),
    ],
)
def test_what_has_no_difference_is_refused(values: np.ndarray, treated: np.ndarray, found: str):
    with pytest.raises(UndefinedError, match=found):
        balance.standardized_difference(values, treated)


def test_the_test_is_that_of_the_formula():
    rng = np.random.default_rng(3)
    features, treated, clusters = rng.normal(size=(90, 3)), rng.random(90) < 0.3, np.arange(90) // 2
    moved = (treated - treated.mean())[:, None] * (features - features.mean(axis=0))
    sums = np.stack([moved[clusters == cluster].sum(axis=0) for cluster in range(45)])
    total = sums.sum(axis=0)
    score = total @ np.linalg.inv(sums.T @ sums) @ total
    centered = np.cov(sums.T) * 45  # Hotelling's T squared of the sums of households
    hotelling = total @ np.linalg.inv(centered) @ total
    assert hotelling == pytest.approx(score * 44 / (45 - score))
    found = balance.omnibus(features, treated, clusters)
    assert found.statistic == pytest.approx(hotelling * (45 - 3) / (3 * 44))
    assert found.p_value == pytest.approx(f.sf(found.statistic, 3, 42))
    assert (found.columns, found.n) == (3, 45)


def test_units_copies_and_constants_of_features_change_nothing():
    rng = np.random.default_rng(4)
    features, treated = rng.normal(size=(200, 3)), rng.random(200) < 0.5
    mixed = np.column_stack([features @ rng.normal(size=(3, 3)) * 1e6, features[:, 0] + 5, np.full(200, 0.1)])
    one, other = balance.omnibus(features, treated), balance.omnibus(mixed, treated)
    assert (one.p_value, one.columns) == (pytest.approx(other.p_value), other.columns)


def test_a_feature_that_differs_is_found_among_many():
    rng = np.random.default_rng(5)
    features, treated = rng.normal(size=(2000, 30)), rng.random(2000) < 0.5
    features[:, 7] += 0.5 * treated
    assert balance.omnibus(features, treated).p_value < 1e-4


def test_a_feature_that_is_the_treatment_is_found():
    treated = np.arange(60) % 2 == 0
    found = balance.omnibus(treated[:, None] * 1.0, treated)
    assert found.p_value < 1e-100
    assert np.isfinite(found.statistic)


def test_twins_of_whom_one_is_treated_are_balanced():
    features = np.random.default_rng(7).normal(size=(30, 3))[np.arange(60) // 2]
    found = balance.omnibus(features, np.arange(60) % 2 == 0, np.arange(60) // 2)
    assert (found.statistic, found.p_value) == (0, 1)


@pytest.mark.parametrize(
    ("features", "clusters", "found"),
    [
        (np.ones((30, 2)), None, "0 feature"),
        (np.random.default_rng(6).normal(size=(30, 29)), None, "29 feature"),
        (np.random.default_rng(6).normal(size=(30, 4)), np.arange(30) // 6, "4 feature"),
        (np.ones((30, 0)), None, "shape"),
        (np.arange(30.0), None, "shape"),
        (np.full((30, 2), np.nan), None, "not finite"),
    ],
)
def test_what_cannot_be_tested_is_refused(features: np.ndarray, clusters: np.ndarray | None, found: str):
    with pytest.raises(UndefinedError, match=found):
        balance.omnibus(features, np.arange(30) % 2, clusters)


def rejected(seeds: int, drawn_by: str) -> int:
    """Of trials that chance formed, how many are told apart at 0.05."""
    count, clusters = 0, np.arange(300) // 3
    for seed in range(seeds):
        rng = np.random.default_rng([61, seed])
        features = rng.normal(size=(100, 5))[clusters] + 0.5 * rng.standard_t(4, size=(300, 5))
        treated = (rng.random(100) < 0.3)[clusters] if drawn_by == "household" else rng.random(300) < 0.3
        count += balance.omnibus(features, treated, clusters).p_value < 0.05
    return count


@pytest.mark.parametrize("drawn_by", ["household", "person"])
def test_chance_is_seldom_taken_for_a_difference(drawn_by: str):
    assert binomtest(rejected(300, drawn_by), 300, 0.05).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("drawn_by", ["household", "person"])
def test_chance_is_taken_for_a_difference_no_more_than_one_time_in_twenty(drawn_by: str):
    assert binomtest(rejected(1000, drawn_by), 1000, 0.05, alternative="greater").pvalue > 0.001
