"""Drift is told where it is, and not where chance alone moved people."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency

from suasion.errors import UndefinedError
from suasion.stats import drift

codes = st.lists(st.integers(0, 5), min_size=2, max_size=80).map(np.array)


@settings(deadline=None, max_examples=40)
@given(codes, codes)
def test_the_index_does_not_know_which_sample_is_first_nor_names(first: np.ndarray, second: np.ndarray):
    one, other = drift.categorical(first, second), drift.categorical(second, first)
    names = np.array(list("fbdaec"))
    renamed = drift.categorical(names[first], names[second])
    for found in (other, renamed):
        assert (found.psi, found.p_value) == pytest.approx((one.psi, one.p_value), abs=1e-12)
    assert one.psi >= 0
    assert 0 <= one.p_value <= 1


def test_the_index_is_the_sum_of_its_definition_and_the_p_value_pearsons():
    first, second = np.repeat([0, 1, 2], [500, 300, 200]), np.repeat([0, 1, 2], [300, 300, 300])
    shares, now = np.array([0.5, 0.3, 0.2]), np.full(3, 1 / 3)
    found = drift.categorical(first, second)
    assert found.psi == pytest.approx(float(((shares - now) * np.log(shares / now)).sum()))
    assert found.p_value == pytest.approx(chi2_contingency([[500, 300, 200], [300, 300, 300]]).pvalue)
    assert (found.bins, found.reading, found.beyond_noise) == (3, "moderate", True)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(np.nan)), min_size=2, max_size=60))
def test_a_column_has_not_drifted_from_itself(values: list[float]):
    column = np.array(values)
    found = drift.numeric(column, np.tile(column, 3))
    assert (found.psi, found.p_value, found.reading) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(1),
        "stable",
    )


def test_a_rising_function_of_the_column_changes_nothing():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=500), rng.normal(0.2, size=300)
    assert drift.numeric(np.exp(first), np.exp(second)) == drift.numeric(first, second)


@pytest.mark.parametrize(
    "second",
    [
        np.random.default_rng(2).normal(1, 1, 500),
        np.random.default_rng(2).normal(0, 3, 500),
        np.full(500, 0.0),
        np.full(500, np.nan),
        np.full(500, np.inf),
        np.append(np.random.default_rng(2).normal(size=400), np.full(100, np.nan)),
    ],
    ids=["shift", "spread", "constant", "missing", "infinite", "partly missing"],
)
def test_a_drift_is_found(second: np.ndarray):
    found = drift.numeric(np.random.default_rng(3).normal(size=1000), second)
    assert found.beyond_noise
    assert found.psi > 10 * found.noise


@pytest.mark.parametrize("now", [-1.0, 1.0])
def test_what_leaves_a_constant_for_either_side_is_found(now: float):
    assert drift.numeric(np.zeros(200), np.append(np.zeros(100), np.full(100, now))).reading == "large"


def test_a_column_that_begins_to_be_missing_is_found():
    second = np.append(np.random.default_rng(4).random(970), np.full(30, np.nan))
    assert drift.numeric(np.random.default_rng(5).random(100_000), second).beyond_noise


def test_a_new_category_is_found_and_a_rare_one_is_not():
    old = np.repeat(["north", "south"], 500)
    assert drift.categorical(old, np.append(old[::2], ["west"] * 60)).beyond_noise
    assert not drift.categorical(old, np.append(old[::2], ["west"] * 2)).beyond_noise


def test_a_thousand_rare_categories_are_no_drift():
    rng = np.random.default_rng(6)
    found = drift.categorical(rng.integers(0, 1000, 1500), rng.integers(0, 1000, 1500))
    assert not found.beyond_noise
    assert found.bins <= 3


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 1), (1, 1), (0, 0)])
def test_too_few_people_have_no_drift(n: int, m: int):
    with pytest.raises(UndefinedError, match=f"samples of {n} and {m}"):
        drift.numeric(np.ones(n), np.ones(m))
    with pytest.raises(UndefinedError, match=f"samples of {n} and {m}"):
        drift.categorical(np.ones(n), np.ones(m))


def test_a_single_bin_is_refused():
    with pytest.raises(UndefinedError, match="1 bin"):
        drift.numeric(np.arange(9.0), np.arange(9.0), bins=1)


@pytest.mark.parametrize(("psi", "reading"), [(0.0999, "stable"), (0.1, "moderate"), (0.25, "large")])
def test_the_usual_reading(psi: float, reading: str):
    assert drift.Drift(psi, 0.5, 0.1, 10).reading == reading


def undrifted(seeds: int) -> list[drift.Drift]:
    """Samples of one world: half missing at random, half rounded, sizes unlike."""
    found: list[drift.Drift] = []
    for seed in range(seeds):
        rng = np.random.default_rng([53, seed])
        first, second = rng.normal(size=400), rng.normal(size=150)
        if seed % 2:
            first, second = np.round(first, 1), np.round(second, 1)
        first[rng.random(400) < 0.2], second[rng.random(150) < 0.2] = np.nan, np.nan
        found.append(drift.numeric(first, second))
    return found


def test_without_drift_the_p_value_is_a_p_value_and_the_index_is_noise():
    found = undrifted(400)
    for level in (0.05, 0.5):
        below = sum(each.p_value < level for each in found)
        assert binomtest(below, len(found), level).pvalue > 0.001
    assert np.mean([each.psi for each in found]) == pytest.approx(
        np.mean([each.noise for each in found]), rel=0.1
    )


@pytest.mark.slow
def test_without_drift_few_of_five_thousand_are_beyond_noise():
    assert binomtest(sum(each.beyond_noise for each in undrifted(5000)), 5000, 0.01).pvalue > 0.001
