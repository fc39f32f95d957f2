"""Metrics of a ranking against integrals by hand, bootstraps, and worlds where the truth is known."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binomtest
from scipy.stats import t as student

from suasion.errors import UndefinedError
from suasion.stats import Estimate, ranking

METRICS = {
    "qini": ranking.qini,
    "autoc": ranking.autoc,
    "auuc": ranking.auuc,
    "uplift": ranking.uplift_at(0.3),
}
# Gains whose mean is the score, uniform on 0 to 1: integrals by hand.
TRUTH = {"qini": 1 / 12, "autoc": 1 / 4, "auuc": 1 / 3, "uplift": 0.85}
# The same world with scores of four equal steps.
STEPS = {"qini": 5 / 64, "auuc": 5 / 64 + 1 / 4, "uplift": (0.25 * 0.875 + 0.05 * 0.625) / 0.3}
each = pytest.mark.parametrize("name", METRICS)
small = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), min_size=2, max_size=12)


def gain_curve(gains: np.ndarray, scores: np.ndarray) -> Callable[[float], float]:
    """Gain of the top share by the definition: score after score, with ties in proportion."""
    levels = sorted(set(scores.tolist()), reverse=True)
    n = len(gains)

    def at(share: float) -> float:
        left, total = share * n, 0.0
        for level in levels:
            block = gains[scores == level]
            taken = min(left, len(block))
            total += block.mean() * taken
            left -= taken
        return total / n

    return at


def kinks(scores: np.ndarray) -> list[float]:
    return [float((scores >= level).mean()) for level in sorted(set(scores.tolist()))]


@settings(deadline=None, max_examples=30)
@given(small)
def test_metrics_are_the_areas_of_the_curve(rows: list[tuple[int, int]]):
    gains, scores = np.array(rows, float).T
    at, ends, mean = gain_curve(gains, scores), np.unique([0.0, *kinks(scores)]), gains.mean()
    pieces = list(pairwise(ends))
    area = sum((at(low) + at(high)) / 2 * (high - low) for low, high in pieces)
    over = sum(quad(lambda q: at(q) / q, max(low, 1e-12), high)[0] for low, high in pieces)
    assert ranking.auuc(gains, scores).value == pytest.approx(area, abs=1e-9)
    assert ranking.qini(gains, scores).value == pytest.approx(area - mean / 2, abs=1e-9)
    assert ranking.autoc(gains, scores).value == pytest.approx(over - mean, abs=1e-7)


@settings(deadline=None, max_examples=30)
@given(small, st.integers(1, 10))
def test_points_of_the_curve_are_the_gains_of_the_top(rows: list[tuple[int, int]], points: int):
    gains, scores = np.array(rows, float).T
    at = gain_curve(gains, scores)
    found = [point.value for point in ranking.curve(gains, scores, points)]
    assert found == pytest.approx([at((k + 1) / points) for k in range(points)], abs=1e-9)
    assert ranking.uplift_at(1.0)(gains, scores).value == pytest.approx(gains.mean(), abs=1e-9)


@each
@settings(deadline=None, max_examples=20)
@given(gains=st.lists(st.integers(-9, 9), min_size=7, max_size=30), level=st.sampled_from([0.0, -3.5, 1e9]))
def test_a_constant_score_is_exactly_the_random_line(name: str, gains: list[int], level: float):
    values = np.array(gains, float)
    found = METRICS[name](values, np.full(len(values), level))
    fraction = {"qini": 0.0, "autoc": 0.0, "auuc": 0.5, "uplift": 1.0}[name]
    assert found.value == pytest.approx(fraction * values.mean(), abs=1e-12)
    if fraction == 0:
        assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(small)
def test_the_qini_of_the_opposite_ranking_is_the_opposite(rows: list[tuple[int, int]]):
    gains, scores = np.array(rows, float).T
    one, other = ranking.qini(gains, scores), ranking.qini(gains, -scores).times(-1)
    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(small)
def test_no_ranking_has_more_qini_than_the_gains_themselves(rows: list[tuple[int, int]]):
    gains, scores = np.array(rows, float).T
    assert ranking.qini(gains, scores).value <= ranking.qini(gains, gains).value + 1e-12


@each
def test_ties_are_the_average_of_all_their_orders(name: str):
    rng = np.random.default_rng(2)
    gains, scores = rng.normal(size=4000), rng.integers(0, 5, 4000).astype(float)
    broken = [METRICS[name](gains, scores + rng.random(4000) / 2).value for _ in range(60)]
    error = np.std(broken) / np.sqrt(60)
    assert METRICS[name](gains, scores).value == pytest.approx(np.mean(broken), abs=4 * error + 2e-3)


@each
def test_the_same_ranking_twice_differs_by_nothing(name: str):
    rng = np.random.default_rng(3)
    gains, scores = rng.normal(size=100), rng.random(100)
    found = ranking.compare(METRICS[name], gains, scores, np.exp(scores))
    assert (found.low, found.value, found.high) == pytest.approx((0, 0, 0), abs=1e-12)


@each
def test_a_paired_difference_is_the_difference_of_values_and_narrower_for_like_models(name: str):
    rng = np.random.default_rng(4)
    scores = rng.random(2000)
    gains = scores + rng.normal(size=2000)
    like = scores + 0.05 * rng.normal(size=2000)
    one, other = METRICS[name](gains, scores), METRICS[name](gains, like)
    found = ranking.compare(METRICS[name], gains, scores, like)
    mirrored = ranking.compare(METRICS[name], gains, like, scores).times(-1)
    assert found.value == pytest.approx(one.value - other.value)
    assert (found.low, found.high) == pytest.approx((mirrored.low, mirrored.high))
    assert found.high - found.low < 0.6 * (one.high - one.low)


# At a border among single people the bootstrap is led by the noise of the few who are there.
@pytest.mark.parametrize(
    ("name", "tied"), [(name, tied) for name in METRICS for tied in (False, True) if tied or name != "uplift"]
)
def test_the_error_is_that_of_the_bootstrap(name: str, tied: bool):
    rng = np.random.default_rng(5)
    scores = rng.random(1500)
    gains = 3 * scores + rng.standard_t(5, size=1500)
    seen = np.floor(scores * 7) if tied else scores
    found = METRICS[name](gains, seen)
    drawn = [METRICS[name](gains[rows], seen[rows]).value for rows in rng.integers(1500, size=(500, 1500))]
    assert error_of(found) == pytest.approx(np.std(drawn), rel=0.12)


@each
@pytest.mark.parametrize("tied", [False, True])
def test_the_error_is_that_of_new_samples(name: str, tied: bool):
    rng = np.random.default_rng(6)
    values, errors = [], []
    for _ in range(500):
        scores = rng.random(300)
        gains = 3 * scores + rng.standard_t(5, size=300)
        found = METRICS[name](gains, np.floor(scores * 7) if tied else scores)
        values.append(found.value)
        errors.append(error_of(found))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)


def test_knowing_no_rank_costs_what_the_rank_term_says():
    """Without it, a ranking of gains that hold no noise would be told with a far wrong error."""
    rng = np.random.default_rng(6)
    values = []
    for _ in range(400):
        scores = rng.random(200)
        values.append(ranking.qini(scores, scores).value)
    scores = rng.random(200)
    found = error_of(ranking.qini(scores, scores))
    naive = np.std(scores * (scores - 0.5)) / np.sqrt(200)
    assert found == pytest.approx(np.std(values), rel=0.15)
    assert abs(naive / np.std(values) - 1) > 0.5


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(share: float):
    with pytest.raises(UndefinedError, match="share"):
        ranking.uplift_at(share)


def test_a_share_of_fewer_than_two_people_is_refused():
    with pytest.raises(UndefinedError, match=r"0\.01 of 100 independent"):
        ranking.uplift_at(0.01)(np.arange(100.0), np.arange(100.0))


def test_a_curve_of_no_points_is_refused():
    with pytest.raises(UndefinedError, match="0 points"):
        ranking.curve(np.arange(9.0), np.arange(9.0), 0)


def error_of(estimate: Estimate) -> float:
    return (estimate.high - estimate.value) / float(student.ppf(0.975, estimate.n - 1))


def drawn(rng: np.random.Generator, households: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Gains and scores of 400 people, alone or in households that share score and noise."""
    clusters = np.arange(400) // 2 if households else np.arange(400)
    scores = rng.random(clusters.max() + 1)[clusters]
    gains = scores + rng.standard_t(4, size=400) / 2 + 0.5 * rng.normal(size=clusters.max() + 1)[clusters]
    return gains, scores, clusters if households else None


def held(name: str, seeds: int, households: bool, steps: bool, paired: bool) -> int:
    truth = (STEPS if steps else TRUTH)[name]
    if paired:
        truth -= {"qini": 0, "autoc": 0, "auuc": 1 / 4, "uplift": 1 / 2}[name]
    count = 0
    for seed in range(seeds):
        rng = np.random.default_rng([17, seed])
        gains, scores, clusters = drawn(rng, households)
        seen = np.floor(scores * 4) if steps else scores
        if paired:
            at_random = rng.random(200)[clusters] if clusters is not None else rng.random(400)
            found = ranking.compare(METRICS[name], gains, seen, at_random, clusters)
        else:
            found = METRICS[name](gains, seen, clusters)
        count += found.low <= truth <= found.high
    return count


@pytest.mark.parametrize(("households", "paired"), [(False, False), (True, False), (True, True)])
@each
def test_intervals_cover(name: str, households: bool, paired: bool):
    assert binomtest(held(name, 200, households, False, paired), 200, 0.95).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("households", [False, True])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    ("name", "steps"), [(name, steps) for steps, names in ((False, TRUTH), (True, STEPS)) for name in names]
)
def test_intervals_cover_in_three_thousand_worlds(name: str, steps: bool, households: bool, paired: bool):
    assert binomtest(held(name, 3000, households, steps, paired), 3000, 0.95).pvalue > 0.001


@pytest.mark.slow
def test_an_interval_blind_to_households_does_not_cover():
    count = 0
    for seed in range(500):
        gains, scores, _ = drawn(np.random.default_rng([17, seed]), True)
        rows = np.repeat(np.arange(400), 3)
        found = ranking.qini(gains[rows], scores[rows])
        count += found.low <= TRUTH["qini"] <= found.high
    assert count < 0.85 * 500
