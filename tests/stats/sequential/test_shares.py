"""Arms that fill as drawn raise no alarm; others do, soon."""

from math import comb, factorial

import numpy as np
import pytest
from scipy.stats import binomtest

from suasion.errors import UndefinedError
from suasion.stats.sequential import watch_shares


def test_a_fair_bet_neither_wins_nor_loses():
    shares, n = np.array([0.5, 0.3, 0.2]), 9
    total = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = np.array([a, b, n - a - b])
            chance = factorial(n) / np.prod([float(factorial(c)) for c in counts]) * np.prod(shares**counts)
            total += chance * watch_shares(counts[None], shares, tuned_for=50).e_values[0]
    assert total == pytest.approx(1)


def ever_alarmed(share: float, alpha: float, people: int, planned: int) -> float:
    """Exact chance of an alarm in two arms, looking after each person."""
    at, alarmed = np.ones(1), 0.0
    for n in range(1, people + 1):
        at = np.append(at * (1 - share), 0) + np.append(0, at * share)
        arms = [np.array([[k, n - k]]) for k in range(n + 1)]
        gone = np.array(
            [watch_shares(one, np.array([share, 1 - share]), planned, alpha).alarm_at == 0 for one in arms]
        )
        alarmed += at[gone].sum()
        at = np.where(gone, 0, at)
    return alarmed


@pytest.mark.parametrize(("share", "planned"), [(0.5, 100), (0.1, 1000)])
def test_right_shares_are_ever_doubted_at_most_alpha_often(share: float, planned: int):
    assert 0 < ever_alarmed(share, 0.05, 120, planned) <= 0.05


def test_a_small_mismatch_is_found_and_stays_found():
    rng = np.random.default_rng(4)
    watched = watch_shares(rng.multinomial(500, [0.35, 0.33, 0.32], 100).cumsum(axis=0), np.full(3, 1 / 3))
    assert watched.alarm_at is not None
    assert list(watched.p_values) == sorted(watched.p_values, reverse=True)
    assert watched.p_values[watched.alarm_at] <= 0.001
    assert all(p > 0.001 for p in watched.p_values[: watched.alarm_at])


def test_a_gross_mismatch_is_a_number():
    watched = watch_shares(np.array([[10**7, 10]]), np.array([0.5, 0.5]))
    assert np.isfinite(watched.e_values[0])
    assert watched.alarm_at == 0


@pytest.mark.slow
def test_a_thousand_daily_watches_of_three_arms_are_quiet():
    rng, shares = np.random.default_rng(9), np.array([0.45, 0.45, 0.1])
    alarms = 0
    for _ in range(2000):
        counts = rng.multinomial(100, shares, 100).cumsum(axis=0)
        alarms += watch_shares(counts, shares, alpha=0.05).alarm_at is not None
    assert binomtest(alarms, 2000, 0.05, alternative="greater").pvalue > 0.001


def test_the_number_of_ways_does_not_matter():
    # Mixing over Dirichlet(1, 1) makes all splits equally likely: 1 / (n + 1) each.
    watched = watch_shares(np.array([[7, 3]]), np.array([0.5, 0.5]), tuned_for=1)
    prior = 0.5  # tuned_for=1 gives one unit of density, half in each arm
    beta = np.prod([prior + i for i in range(7)]) * np.prod([prior + i for i in range(3)]) / factorial(10)
    assert watched.e_values[0] == pytest.approx(beta * 2**10)
    assert comb(10, 3) * beta < 1


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([[5, 5], [4, 9]], [0.5, 0.5]),
        ([[5, 5]], [0.5, 0.4]),
        ([[5, 5]], [1.0, 0.0]),
        ([[5, 5, 5]], [0.5, 0.5]),
        ([[5]], [1.0]),
    ],
)
def test_what_cannot_be_watched_is_refused(counts: list[list[int]], shares: list[float]):
    with pytest.raises(UndefinedError, match="watch of shares"):
        watch_shares(np.array(counts), np.array(shares))
