"""Confidence sequences never miss more often than they say, and decide nearly as often as they could."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from suasion.errors import UndefinedError
from suasion.stats.sequential import Counts, Looks, planned_error, rate_sequence, sequence
from suasion.stats.sequential.crossing import walk
from suasion.stats.sequential.mixture import needed


def crossed(at: np.ndarray, alpha: float, sides: int, drift: float = 0.0) -> tuple[float, float]:
    highs = needed(at, alpha, sides)
    lows = -highs if sides == 2 else np.full(len(at), -np.inf)
    steps = [(low, high) for low, high, _ in walk(at, lows, highs, drift)]
    return sum(low for low, _ in steps), sum(high for _, high in steps)


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
@pytest.mark.parametrize("sides", [1, 2])
def test_a_normal_walk_is_ever_taken_for_an_effect_at_most_alpha_often(alpha: float, sides: int):
    at = np.geomspace(0.005, 200, 250)
    assert 0.5 * alpha < sum(crossed(at, alpha, sides)) <= alpha


def test_a_hundred_looks_at_the_planned_size_keep_three_quarters_of_the_power():
    at = np.arange(1, 101) / 100
    drift = norm.isf(0.025) + norm.ppf(0.8)
    assert crossed(at, 0.05, 2, drift)[1] > 0.62


def test_one_side_decides_with_less_than_two():
    at = np.geomspace(0.01, 100, 50)
    assert (needed(at, 0.05, 1) < needed(at, 0.05, 2)).all()
    assert (needed(at, 0.025, 1) < needed(at, 0.05, 2) + 0.05).all()


@settings(max_examples=20)
@given(st.floats(0.001, 0.3))
def test_intervals_keep_narrowing(alpha: float):
    at = np.geomspace(1e-3, 1e5, 200)
    halves = needed(at, alpha) / np.sqrt(at)
    assert (np.diff(halves) < 0).all()
    assert halves[-1] < 0.05
    assert (needed(at, alpha) > norm.isf(alpha / 2)).all()


def looks(z: list[float], n: int = 100) -> Looks:
    errors = 1 / np.sqrt(np.arange(1, len(z) + 1))
    return Looks(np.array(z) * errors, errors, n * np.ones((len(z), 2), int))


def test_a_sequence_decides_at_the_first_look_that_excludes_zero():
    course = sequence(looks([1, 3.5, 0.1, -6]), tuned_for=0.5)
    assert course.decided_at == 1
    assert [known is not None and known.excludes_zero for known in course.estimates] == [
        False,
        True,
        False,
        True,
    ]
    assert course.latest == course.estimates[-1]


def test_a_sequence_says_nothing_in_the_burn_in():
    course = sequence(looks([50.0, 60.0], n=29), tuned_for=0.5)
    assert course.estimates == (None, None)
    assert course.decided_at is course.latest is None


def test_a_sequence_turns_with_its_unit():
    one, other = sequence(looks([1, 2, 3]), 0.4, 0.9), looks([-1, -2, -3])
    scaled = sequence(Looks(other.values * 7, other.errors * 7, other.units), 0.4 * 7, 0.9)
    for a, b in zip(one.estimates, scaled.estimates, strict=True):
        assert a is not None
        assert b is not None
        assert (b.low / -7, b.high / -7, b.level) == pytest.approx((a.high, a.low, 0.9))


def test_the_planned_error_gives_the_planned_power():
    error = planned_error(-0.3, power=0.7, level=0.9)
    assert norm.sf(norm.isf(0.05) - 0.3 / error) == pytest.approx(0.7)
    with pytest.raises(UndefinedError, match="planned error"):
        planned_error(0.0)


def table(people: int, expected: float, planned: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end by number of events and of persons."""
    lows, highs = np.zeros((people + 1, people + 1)), np.ones((people + 1, people + 1))
    for hits in range(people + 1):
        n = np.arange(max(hits, 1), people + 1)
        found = rate_sequence(Counts(np.full(len(n), hits), n), expected, planned, 1 - alpha)
        lows[hits, n] = [known.low for known in found if known]
        highs[hits, n] = [known.high for known in found if known]
    return lows, highs


def ever_missed(ruled_out: np.ndarray, share: float) -> float:
    """Exact chance of ever being where the truth is ruled out, looking after each person."""
    at, missed = np.ones(1), 0.0
    for n in range(1, len(ruled_out)):
        at = np.append(at * (1 - share), 0) + np.append(0, at * share)
        gone = ruled_out[: n + 1, n]
        missed += at[gone].sum()
        at = np.where(gone, 0, at)
    return missed


@pytest.mark.parametrize(("expected", "planned"), [(0.5, 20), (0.1, 150), (0.02, 1000)])
def test_a_rate_is_ever_missed_at_most_alpha_often(expected: float, planned: int):
    alpha = 0.1
    lows, highs = table(150, expected, planned, alpha)
    for share in (0.01, 0.1, 0.5, 0.93):
        assert ever_missed((lows > share) | (highs < share), share) <= alpha


def test_a_rate_is_missed_nearly_as_often_as_said():
    lows, highs = table(200, 0.5, 30, 0.1)
    assert ever_missed((lows > 0.5) | (highs < 0.5), 0.5) > 0.04


def test_a_rate_is_narrow_where_it_was_planned():
    (known,) = rate_sequence(Counts(np.array([100]), np.array([10_000])), 0.01, 10_000)
    assert known is not None
    half = norm.isf(0.025) * np.sqrt(0.01 * 0.99 / 10_000)
    assert 2 * 1.4 * half < known.high - known.low < 2 * 1.65 * half


def test_a_rate_and_its_complement_mirror():
    events, n = np.array([0, 0, 3, 17]), np.array([0, 40, 90, 400])
    one = rate_sequence(Counts(events, n), 0.1, 300, 0.9)
    other = rate_sequence(Counts(n - events, n), 0.9, 300, 0.9)
    assert one[0] is other[0] is None
    for a, b in zip(one[1:], other[1:], strict=True):
        assert a is not None
        assert b is not None
        assert (a.low, a.high, a.level) == pytest.approx((1 - b.high, 1 - b.low, 0.9))
    assert one[1] is not None
    assert one[1].low == 0


@given(
    st.integers(1, 10**7),
    st.floats(0, 1),
    st.floats(1e-5, 0.999),
    st.integers(1, 10**7),
    st.floats(0.5, 0.999),
)
def test_a_rate_is_in_its_interval_at_any_size(
    n: int, share: float, expected: float, planned: int, level: float
):
    events = round(n * share)
    (known,) = rate_sequence(Counts(np.array([events]), np.array([n])), expected, planned, level)
    assert known is not None
    assert 0 <= known.low <= events / n <= known.high <= 1


def test_counts_that_forget_are_refused():
    for events, n in [([5, 4], [10, 20]), ([5, 8], [10, 12]), ([11], [10])]:
        with pytest.raises(UndefinedError, match="shrink"):
            Counts(np.array(events), np.array(n))
    for expected, planned in [(0.5, 0), (0.0, 10), (1.0, 10)]:
        with pytest.raises(UndefinedError, match="planned end"):
            rate_sequence(Counts(np.array([1]), np.array([2])), expected, planned)
