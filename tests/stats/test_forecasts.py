"""Chances against pairs counted by hand, published sums, and worlds where the truth is known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, mannwhitneyu, norm

from suasion.errors import UndefinedError
from suasion.stats import forecasts, mean

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 3)), min_size=2, max_size=40)


def columns(drawn: list[tuple[bool, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcomes, scores, weights = np.array(drawn, float).T
    assume(0 < outcomes.mean() < 1)
    return outcomes, scores, weights


@settings(deadline=None, max_examples=40)
@given(rows)
def test_auc_is_the_share_of_pairs_in_order(drawn: list[tuple[bool, int, int]]):
    outcomes, scores, weights = columns(drawn)
    won = total = 0.0
    for i in np.flatnonzero(outcomes == 1):
        for j in np.flatnonzero(outcomes == 0):
            weight = weights[i] * weights[j]
            total += weight
            won += weight * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    assert forecasts.auc(outcomes, scores, weights=weights).value == pytest.approx(won / total)


@settings(deadline=None, max_examples=40)
@given(rows)
def test_auc_is_the_mann_whitney_statistic_that_scipy_finds(drawn: list[tuple[bool, int, int]]):
    outcomes, scores, _ = columns(drawn)
    yes, no = scores[outcomes == 1], scores[outcomes == 0]
    theirs = mannwhitneyu(yes, no).statistic / (len(yes) * len(no))
    assert forecasts.auc(outcomes, scores).value == pytest.approx(theirs)


@settings(deadline=None, max_examples=40)
@given(rows)
def test_the_opposite_score_has_the_opposite_auc(drawn: list[tuple[bool, int, int]]):
    outcomes, scores, _ = columns(drawn)
    one, other, swapped = (
        forecasts.auc(o, s) for o, s in ((outcomes, scores), (outcomes, -scores), (1 - outcomes, scores))
    )
    for mirrored in (other, swapped):
        ends = (1 - mirrored.high, 1 - mirrored.value, 1 - mirrored.low)
        assert (one.low, one.value, one.high) == pytest.approx(ends, abs=1e-9)


def test_the_interval_of_auc_is_by_delongs_placements():
    """DeLong, DeLong, Clarke-Pearson 1988, equations 3 to 5, without their n - 1."""
    rng = np.random.default_rng(1)
    outcomes = (rng.random(400) < 0.3).astype(float)
    scores = np.round(outcomes + 1.2 * rng.normal(size=400), 1)
    yes, no = scores[outcomes == 1], scores[outcomes == 0]
    pairs = (yes[:, None] > no) + 0.5 * (yes[:, None] == no)
    variance = pairs.mean(axis=1).var() / len(yes) + pairs.mean(axis=0).var() / len(no)
    found = forecasts.auc(outcomes, scores)
    assert found.high - found.low == pytest.approx(2 * 1.966 * np.sqrt(variance), rel=0.02)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_score_is_not_known_to_be_perfect(sign: int):
    outcomes = np.append(np.zeros(30), np.ones(10))
    found = forecasts.auc(outcomes, sign * outcomes)
    assert found.value == (sign + 1) / 2
    assert 0.2 < found.high - found.low < 0.4
    assert 0 <= found.low <= found.high <= 1


def test_a_constant_score_knows_nothing():
    assert forecasts.auc(np.arange(40.0) % 2, np.ones(40)).value == 0.5


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_outcomes_that_are_all_equal_have_no_auc(level: float):
    with pytest.raises(UndefinedError, match="all equal"):
        forecasts.auc(np.full(20, level), np.arange(20.0))


@pytest.mark.parametrize("measure", [forecasts.auc, forecasts.brier, forecasts.reliability])
def test_outcomes_other_than_zero_and_one_are_refused(measure: Callable[..., object]):
    with pytest.raises(UndefinedError, match="other than 0 and 1"):
        measure(np.array([0.0, 1.0, 2.0]), np.array([0.1, 0.2, 0.3]))


@pytest.mark.parametrize("measure", [forecasts.brier, forecasts.reliability])
@pytest.mark.parametrize("chance", [-0.01, 1.01])
def test_chances_that_are_none_are_refused(measure: Callable[..., object], chance: float):
    with pytest.raises(UndefinedError, match="1 chance"):
        measure(np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.2, chance]))


def test_brier_is_the_mean_of_squared_errors():
    rng = np.random.default_rng(2)
    chances, clusters = rng.random(200), rng.integers(0, 60, 200)
    outcomes = (rng.random(200) < chances).astype(float)
    assert forecasts.brier(outcomes, chances, clusters) == mean(
        (outcomes - chances) ** 2, clusters, "Brier score"
    )


def test_brier_is_made_of_reliability_resolution_and_uncertainty():
    """Murphy 1973, Journal of Applied Meteorology 12:595, where each bin is of one chance."""
    rng = np.random.default_rng(3)
    chances = rng.choice([0.1, 0.3, 0.8], 600)
    outcomes = (rng.random(600) < chances + 0.1).astype(float)
    bins, base = forecasts.reliability(outcomes, chances, 3), outcomes.mean()
    assert [each.predicted for each in bins] == pytest.approx([0.1, 0.3, 0.8])
    seen = [(each.n / 600, each.predicted, each.observed.value) for each in bins if each.observed]
    parts = sum(share * ((chance - rate) ** 2 - (rate - base) ** 2) for share, chance, rate in seen)
    assert forecasts.brier(outcomes, chances).value == pytest.approx(parts + base * (1 - base))


def test_a_bin_where_nobody_did_it_may_still_hold_some_who_would():
    chances = np.repeat([0.01, 0.5], 50)
    outcomes = np.append(np.zeros(50), np.arange(50) % 2)
    never, _ = forecasts.reliability(outcomes, chances, 2)
    assert never.observed is not None
    assert (never.observed.value, never.observed.low) == (0, 0)
    z = norm.ppf(0.975)
    assert never.observed.high == pytest.approx(z**2 / (50 + z**2), rel=0.06)


def test_a_bin_counts_households():
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(100), 4)
    outcomes = np.repeat((rng.random(100) < 0.4).astype(float), 4)
    (alone,), (together,) = (
        forecasts.reliability(outcomes, np.full(400, 0.4), 1, which) for which in (None, clusters)
    )
    assert together.observed is not None
    assert alone.observed is not None
    ratio = (together.observed.high - together.observed.low) / (alone.observed.high - alone.observed.low)
    assert ratio == pytest.approx(2, rel=0.05)
    assert (together.n, together.observed.n, alone.observed.n) == (400, 100, 400)


def auc_held(seeds: int, people: int, households: bool) -> int:
    """How often the interval holds the AUC of two normals one apart: their distance over the root of 2."""
    truth, count = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(seeds):
        rng = np.random.default_rng([41, seed])
        clusters = np.arange(people) // 2 if households else np.arange(people)
        outcomes = (rng.random(people) < 0.2)[clusters].astype(float)
        noise = rng.normal(size=people)
        shared = rng.normal(size=people)[clusters]
        scores = outcomes + (np.sqrt(0.5) * (noise + shared) if households else noise)
        found = forecasts.auc(outcomes, scores, clusters if households else None)
        count += found.low <= truth <= found.high
    return count


@pytest.mark.parametrize("households", [False, True])
def test_intervals_of_auc_cover(households: bool):
    assert binomtest(auc_held(200, 300, households), 200, 0.95).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("households", [False, True])
@pytest.mark.parametrize("people", [200, 2000])
def test_intervals_of_auc_cover_in_a_thousand_worlds(households: bool, people: int):
    assert binomtest(auc_held(1000, people, households), 1000, 0.95).pvalue > 0.001
