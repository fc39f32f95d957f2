"""The calibration line against dense regressions and worlds of known slope."""

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from suasion.errors import UndefinedError
from suasion.stats import Estimate, calibration, mean


def world(rng: np.random.Generator, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains, effects and households of unequal size; the true slope is 0.5."""
    clusters = rng.integers(0, n // 3, n)
    shared = rng.normal(size=(2, n // 3))[:, clusters]
    effects = rng.normal(size=n) + shared[0]
    return 0.5 * effects + shared[1] + rng.normal(size=n) * (1 + np.abs(effects)), effects, clusters


def error_of(estimate: Estimate) -> float:
    return (estimate.high - estimate.value) / float(student.ppf(0.975, estimate.n - 1))


def dense(
    gains: np.ndarray, effects: np.ndarray, clusters: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """Slope and its CR2 error by matrices as large as the sample (Bell and McCaffrey 2002)."""
    roots = np.sqrt(weights)
    design = np.column_stack([np.ones(len(gains)), effects]) * roots[:, None]
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ design.T @ (gains * roots)
    residuals = gains * roots - design @ coefficients
    hat, meat = design @ bread @ design.T, np.zeros((2, 2))
    for cluster in np.unique(clusters):
        own = clusters == cluster
        values, vectors = np.linalg.eigh(np.eye(own.sum()) - hat[np.ix_(own, own)])
        part = design[own].T @ (vectors / np.sqrt(values)) @ vectors.T @ residuals[own]
        meat += np.outer(part, part)
    return float(coefficients[1]), float(np.sqrt((bread @ meat @ bread)[1, 1]))


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_slope_and_error_are_those_of_dense_matrices(clustered: bool, weighted: bool):
    rng = np.random.default_rng(1)
    gains, effects, clusters = world(rng)
    weights = rng.uniform(0.2, 3, 300) if weighted else None
    line = calibration.line(gains, effects, clusters if clustered else None, weights)
    used = clusters if clustered else np.arange(300)
    slope, error = dense(gains, effects, used, np.ones(300) if weights is None else weights)
    assert line.slope.value == pytest.approx(slope)
    assert error_of(line.slope) == pytest.approx(error)
    assert line.mean.value == mean(gains, clusters if clustered else None, weights=weights).value


def test_the_mean_is_the_mean_gain():
    gains, effects, clusters = world(np.random.default_rng(2))
    line, plain = calibration.line(gains, effects, clusters), mean(gains, clusters)
    assert (line.mean.low, line.mean.value, line.mean.high) == (plain.low, plain.value, plain.high)


def test_units_move_the_slope_as_they_should():
    gains, effects, clusters = world(np.random.default_rng(3))
    line, moved = (
        calibration.line(gains, effects, clusters),
        calibration.line(gains * 6, effects * 2 - 9, clusters),
    )
    assert (moved.slope.low, moved.slope.high) == pytest.approx((3 * line.slope.low, 3 * line.slope.high))


def test_gains_that_are_predicted_exactly_have_the_slope_exactly():
    effects = np.random.default_rng(4).normal(size=50)
    slope = calibration.line(1 + 2 * effects, effects).slope
    assert (slope.low, slope.value, slope.high) == pytest.approx((2, 2, 2))


def test_what_differs_between_folds_alone_is_no_knowledge():
    rng = np.random.default_rng(5)
    folds = np.arange(2000) % 5
    own = rng.normal(size=2000)
    gains = own + rng.normal(size=2000)
    effects = own - 10.0 * folds
    assert calibration.line(gains, effects).slope.value < 0.1
    within = calibration.line(gains, effects, groups=folds).slope
    assert within.low <= 1 <= within.high
    plain = calibration.line(gains, own).slope
    assert error_of(within) == pytest.approx(error_of(plain), rel=0.02)


def test_the_slope_within_folds_is_that_of_a_regression_with_a_mean_for_each():
    rng = np.random.default_rng(6)
    gains, effects, _ = world(rng)
    folds = rng.integers(0, 4, 300)
    design = np.column_stack([effects, *(folds == fold for fold in range(4))]).astype(float)
    expected = np.linalg.lstsq(design, gains, rcond=None)[0][0]
    assert calibration.line(gains, effects, groups=folds).slope.value == pytest.approx(expected)


@pytest.mark.parametrize("level", [0.0, 0.1, -1e9])
def test_effects_that_are_all_equal_are_refused(level: float):
    with pytest.raises(UndefinedError, match="all equal"):
        calibration.line(np.arange(30.0), np.full(30, level))


def test_effects_that_differ_between_folds_alone_are_refused():
    folds = np.arange(30) % 3
    with pytest.raises(UndefinedError, match="all equal"):
        calibration.line(np.arange(30.0), 0.1 + 0.1 * folds, groups=folds)


def test_one_person_who_alone_decides_the_slope_is_refused():
    with pytest.raises(UndefinedError, match="alone decides"):
        calibration.line(np.arange(30.0), np.append(np.zeros(29), 1.0))


def test_folds_of_another_length_are_refused():
    with pytest.raises(UndefinedError, match="shapes"):
        calibration.line(np.arange(30.0), np.arange(30.0), groups=np.arange(29))


def held(seeds: int, n: int) -> int:
    slopes = (calibration.line(*world(np.random.default_rng([31, seed]), n)).slope for seed in range(seeds))
    return sum(slope.low <= 0.5 <= slope.high for slope in slopes)


def test_intervals_of_the_slope_cover():
    assert binomtest(held(200, 300), 200, 0.95).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 2000])
def test_intervals_of_the_slope_cover_in_a_thousand_worlds(n: int):
    assert binomtest(held(1000, n), 1000, 0.95).pvalue > 0.001
