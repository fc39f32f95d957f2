"""Looks say at each point what all data so far say."""

import numpy as np
import pytest
from scipy.stats import t as student

from suasion.errors import UndefinedError
from suasion.stats import difference_in_means, mean
from suasion.stats.sequential import Looks, accumulate, from_arms


def people(seed: int, n: int = 900):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, n // 3, n)
    treated = (rng.random(n // 3) < 0.4)[clusters]
    values = 1e5 + rng.exponential(size=n) + rng.exponential(size=n // 3)[clusters] + treated
    return values, treated, rng.integers(0, 6, n), clusters


def test_a_look_is_the_difference_of_all_so_far():
    values, treated, look, _ = people(1)
    looks = accumulate(values, treated, look)
    for at in range(6):
        known = look <= at
        one, other = values[known & treated], values[known & ~treated]
        assert looks.values[at] == pytest.approx(difference_in_means(one, other).value)
        welch = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
        assert welch <= looks.errors[at] <= 1.05 * welch
        assert looks.units[at].tolist() == [len(other), len(one)]


def clustered_error(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    found = mean(values, clusters)
    return found.value, (found.high - found.value) / float(student.ppf(0.975, found.n - 1))


def test_households_give_the_cluster_robust_error():
    values, treated, look, clusters = people(2)
    looks = accumulate(values, treated, look, clusters)
    complete = np.array([look[clusters == one].max(initial=-1) for one in range(300)])[clusters]
    for at in (2, 5):
        known = complete <= at
        (m1, e1), (m0, e0) = (
            clustered_error(values[known & arm], clusters[known & arm]) for arm in (treated, ~treated)
        )
        assert looks.values[at] == pytest.approx(m1 - m0)
        n = np.array([[len(np.unique(clusters[known & arm])) for arm in (~treated, treated)]])
        kept = from_arms(n, np.array([[m0, m1]]), n * np.array([[e0, e1]]) ** 2)
        assert looks.errors[at] == pytest.approx(kept.errors[0])
        assert looks.units[at].tolist() == n[0].tolist()


def of(n: list[int], variances: list[float]) -> float:
    return float(from_arms(np.array([n]), np.zeros((1, 2)), np.array([variances])).errors[0])


def test_the_error_is_that_of_the_arms_where_they_are_alike_or_large():
    assert of([100, 100], [2.0, 2.0]) == pytest.approx(np.sqrt(0.04))
    assert of([40, 900], [2.0, 2.0]) == pytest.approx(np.sqrt(2 / 40 + 2 / 900))
    assert of([10**6, 10**5], [9.0, 1.0]) == pytest.approx(np.sqrt(9e-6 + 1e-5), rel=0.01)


def test_a_small_arm_that_seems_not_to_vary_is_not_taken_at_its_word():
    assert of([9000, 30], [1.0, 0.0]) == pytest.approx(np.sqrt(300 / 330 / 30 + 1 / 9000), rel=0.01)
    assert of([9000, 30], [1.0, 8.0]) == pytest.approx(np.sqrt(8 / 30 + 1 / 9000), rel=0.01)


def test_households_of_one_are_persons():
    values, treated, look, _ = people(3)
    alone, apart = accumulate(values, treated, look), accumulate(values, treated, look, np.arange(900) * 7)
    assert alone.errors == pytest.approx(apart.errors)


def test_arms_and_persons_agree():
    values, treated, look, _ = people(4)
    parts = [[values[(look <= at) & (treated == arm)] for arm in (0, 1)] for at in range(6)]
    kept = [
        np.array([[f(part) for part in row] for row in parts])
        for f in (len, np.mean, lambda v: v.var(ddof=1))
    ]
    one, other = from_arms(*kept), accumulate(values, treated, look)
    assert one.values == pytest.approx(other.values)
    assert one.errors == pytest.approx(other.errors)


def test_looks_of_the_burn_in_are_not_judged():
    n = np.array([[0, 0], [29, 500], [30, 500], [60, 900]])
    looks = Looks(np.full(4, 0.1), np.array([np.nan, 0.1, 0.1, 0.0]), n)
    assert looks.judged.tolist() == [False, False, True, False]
    assert np.isfinite(looks.fractions(1.0)).tolist() == looks.judged.tolist()


@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_an_outcome_that_never_varies_has_no_error(constant: float):
    looks = accumulate(np.full(200, constant), np.arange(200) % 2 == 0, np.arange(200) // 100)
    assert not looks.judged.any()


def test_a_household_in_both_arms_is_refused():
    with pytest.raises(UndefinedError, match="1 household"):
        accumulate(np.arange(4.0), np.array([1, 0, 1, 0], bool), np.zeros(4, int), np.array([1, 1, 2, 3]))


@pytest.mark.parametrize(
    ("values", "look"),
    [
        (np.array([1.0, np.nan]), np.array([0, 0])),
        (np.ones(2), np.array([0, -1])),
        (np.ones(0), np.ones(0, int)),
    ],
)
def test_what_gives_no_looks_is_refused(values: np.ndarray, look: np.ndarray):
    with pytest.raises(UndefinedError, match="looks"):
        accumulate(values, np.arange(len(values)) == 0, look)


def test_looks_that_forget_are_refused():
    with pytest.raises(UndefinedError, match="fewer"):
        Looks(np.zeros(2), np.ones(2), np.array([[50, 50], [49, 60]]))
    with pytest.raises(UndefinedError, match="shapes"):
        Looks(np.zeros(2), np.ones(3), np.ones((2, 2), int))
    with pytest.raises(UndefinedError, match="planned error"):
        Looks(np.zeros(2), np.ones(2), np.ones((2, 2), int)).fractions(0.0)
