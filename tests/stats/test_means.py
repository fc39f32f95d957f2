"""Intervals hold against published examples, independent formulas and known truths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats as scipy_stats

from suasion.errors import UndefinedError
from suasion.stats import Estimate, difference_in_means, mean, proportion

# Newcombe 1998, Statistics in Medicine 17:857, table I, method 3 (score without continuity correction).
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
samples = arrays(np.float64, st.integers(2, 30), elements=st.floats(-1e3, 1e3).map(lambda x: round(x, 3)))


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE)
def test_a_share_has_the_published_interval(successes: int, n: int, low: float, high: float):
    share = proportion(successes, n)
    assert (share.value, share.n) == (successes / n, n)
    assert share.low == pytest.approx(low, abs=5e-5)
    assert share.high == pytest.approx(high, abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.data())
def test_a_share_has_the_interval_that_scipy_finds(n: int, data: st.DataObject):
    successes = data.draw(st.integers(0, n))
    theirs = scipy_stats.binomtest(successes, n).proportion_ci(0.95, "wilson")
    ours, mirrored = proportion(successes, n), proportion(n - successes, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((ours.low, ours.high), abs=1e-12)
    assert 0 <= ours.low <= ours.high <= 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (2, 1), (-1, 5)])
def test_a_share_of_nobody_is_undefined(successes: int, n: int):
    with pytest.raises(UndefinedError, match=f"{successes} of {n}"):
        proportion(successes, n)


@settings(deadline=None)
@given(samples)
def test_a_mean_has_the_interval_that_scipy_finds(values: np.ndarray):
    ours = mean(values)
    spread = scipy_stats.sem(values)
    half = scipy_stats.t.interval(0.95, len(values) - 1, scale=spread)[1] if spread else 0.0
    assert ours.n == len(values)
    assert ours.value == pytest.approx(np.mean(values))
    assert ours.high - ours.value == pytest.approx(half, rel=1e-9, abs=1e-9)
    assert ours.value - ours.low == pytest.approx(half, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(samples)
def test_clusters_of_one_change_nothing_but_the_name(values: np.ndarray):
    alone, clustered = mean(values), mean(values, np.arange(len(values))[::-1] * 7)
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high), rel=1e-9, abs=1e-9)
    assert clustered.method == "mean, clustered"


def test_a_clustered_mean_has_the_interval_that_statsmodels_finds():
    api = pytest.importorskip("statsmodels.api", reason="the extra 'demo' is not installed")
    rng = np.random.default_rng(5)
    clusters = rng.integers(0, 40, 300)
    values = rng.normal(size=300) + rng.normal(size=40)[clusters]
    # Its small-sample factor is G / (G - 1) * (n - 1) / (n - 1) for a single regressor: ours.
    fitted = api.OLS(values, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    (low, high), ours = fitted.conf_int()[0], mean(values, clusters)
    assert (ours.low, ours.high) == pytest.approx((low, high), rel=1e-9)
    assert ours.n == len(np.unique(clusters))


def test_a_clustered_mean_has_the_interval_of_the_formula():
    values, clusters = np.array([1.0, 2.0, 6.0, 3.0, 3.0, 9.0]), np.array([1, 1, 1, 2, 3, 3])
    residual_sums = [sum(v - 4.0 for v, c in zip(values, clusters, strict=True) if c == g) for g in (1, 2, 3)]
    error = np.sqrt(3 / 2 * sum(s**2 for s in residual_sums)) / 6
    assert mean(values, clusters).high - 4.0 == pytest.approx(4.302652729911275 * error)  # t(0.975, 2)


def coverage(clustered: bool) -> float:
    """How often the interval holds the true mean 0, of 600 samples of 40 households of three."""
    rng = np.random.default_rng(11)
    households = np.repeat(np.arange(40), 3)
    held = 0
    for _ in range(600):
        values = rng.normal(size=120) + 1.5 * rng.normal(size=40)[households]
        found = mean(values, households if clustered else None)
        held += found.low <= 0 <= found.high
    return held / 600


def test_a_clustered_interval_covers_where_a_plain_one_does_not():
    assert coverage(clustered=True) == pytest.approx(0.95, abs=3.5 * np.sqrt(0.95 * 0.05 / 600))
    assert coverage(clustered=False) < 0.85


@pytest.mark.filterwarnings("ignore:Precision loss")
@settings(deadline=None)
@given(samples, samples)
def test_a_difference_has_the_interval_that_scipy_finds(treated: np.ndarray, control: np.ndarray):
    ours = difference_in_means(treated, control)
    assert ours.n == len(treated) + len(control)
    if np.ptp(treated) + np.ptp(control) == 0:
        assert ours.low == ours.value == ours.high
        return
    theirs = scipy_stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(samples, samples)
def test_a_difference_the_other_way_around_is_its_mirror(treated: np.ndarray, control: np.ndarray):
    one, other = difference_in_means(treated, control), difference_in_means(control, treated).times(-1)
    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_undefined(bad: float):
    good, broken = np.array([1.0, 2.0, 3.0]), np.array([1.0, bad, 3.0])
    for wrong in (
        lambda: mean(broken),
        lambda: mean(broken, np.array([1, 2, 3])),
        lambda: difference_in_means(broken, good),
        lambda: difference_in_means(good, broken),
    ):
        with pytest.raises(UndefinedError, match="not finite"):
            wrong()


@pytest.mark.parametrize("values", [np.empty(0), np.ones(1)])
def test_too_few_values_have_no_mean(values: np.ndarray):
    with pytest.raises(UndefinedError, match=f"{len(values)} independent unit"):
        mean(values)
    with pytest.raises(UndefinedError, match=f"{len(values)} independent unit"):
        mean(values, np.zeros(len(values), np.int64))
    with pytest.raises(UndefinedError, match=f"groups of {len(values)} and 3"):
        difference_in_means(values, np.array([1.0, 2.0, 3.0]))


def test_one_household_has_no_interval_however_large():
    with pytest.raises(UndefinedError, match="1 independent unit"):
        mean(np.arange(100.0), np.zeros(100, np.int64))


def test_values_that_are_all_the_same_are_known_exactly():
    assert mean(np.full(5, 0.25)) == Estimate(0.25, 0.25, 0.25, 5, "mean")
