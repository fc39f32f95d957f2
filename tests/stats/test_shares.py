"""Mismatches are found where arms were filled wrongly, as often as said, and not elsewhere."""

import os
from collections import defaultdict
from datetime import UTC, datetime
from itertools import product
from math import factorial, prod
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from suasion.errors import UndefinedError
from suasion.stats.shares import mismatch, units_by_arm

DATA = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[3] / "shared" / "data"))


@settings(deadline=None)
@given(st.lists(st.integers(50, 10_000), min_size=2, max_size=6), st.data())
def test_large_samples_have_the_p_value_that_scipy_finds(counts: list[int], data: st.DataObject):
    parts = data.draw(st.lists(st.integers(1, 5), min_size=len(counts), max_size=len(counts)))
    shares = np.array(parts) / sum(parts)
    found = mismatch(np.array(counts), 100 * shares)
    theirs = scipy_stats.chisquare(counts, sum(counts) * shares)
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    if found.method == "chi-square":
        assert sum(found.expected) == pytest.approx(found.n) == sum(counts)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=4).filter(any), st.data())
def test_few_people_have_the_p_value_of_counting_every_draw(counts: list[int], data: st.DataObject):
    arms, n = len(counts), sum(counts)
    parts = data.draw(st.lists(st.integers(1, 5), min_size=arms, max_size=arms))
    chances = [part / sum(parts) for part in parts]

    def far(ways: tuple[int, ...]) -> float:
        return sum((way - n * c) ** 2 / (n * c) for way, c in zip(ways, chances, strict=True))

    as_far = [w for w in product(range(n + 1), repeat=arms) if sum(w) == n and far(w) >= far(counts) - 1e-9]
    known = sum(
        factorial(n) * prod(c**way / factorial(way) for c, way in zip(chances, ways, strict=True))
        for ways in as_far
    )
    found = mismatch(np.array(counts), np.array(parts))
    if found.method == "exact":
        assert found.p_value == pytest.approx(min(known, 1))


@settings(deadline=None)
@given(st.integers(1, 9), st.data())
def test_two_equal_arms_have_the_binomial_p_value(n: int, data: st.DataObject):
    first = data.draw(st.integers(0, n))
    found = mismatch(np.array([first, n - first]), np.ones(2))
    assert found.p_value == pytest.approx(scipy_stats.binomtest(first, n).pvalue)


def test_a_rare_arm_among_many_people_is_counted_exactly():
    found = mismatch(np.array([99_990, 10]), np.array([99_999, 1]))
    assert found.method == "exact"
    assert found.p_value == pytest.approx(scipy_stats.binom.sf(9, 100_000, 1e-5), rel=1e-6)


def test_the_alarm_is_as_rare_as_said_where_the_draw_is_right():
    luck = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.2])
    p_values = [mismatch(luck.multinomial(2000, shares), shares).p_value for _ in range(4000)]
    assert scipy_stats.binomtest(sum(p < 0.001 for p in p_values), 4000, 0.001).pvalue > 0.001
    assert scipy_stats.binomtest(sum(p < 0.05 for p in p_values), 4000, 0.05).pvalue > 0.001


def test_the_sentence_says_which_arm_and_whether_to_believe():
    broken, right = (mismatch(np.array(c), np.ones(3)) for c in ([900, 1000, 1100], [990, 1000, 1010]))
    assert broken.alarm
    assert broken.sentence.startswith("Arm 0 has 900 of 3,000, 30.00% where 33.33% were to be drawn")
    assert "do not believe" in broken.sentence
    assert not right.alarm
    assert "do not believe" not in right.sentence


@pytest.mark.parametrize(
    ("counts", "shares", "says"),
    [
        ([], [], "0 count"),
        ([5], [1.0], "1 count"),
        ([5, 5], [1.0, 1.0, 1.0], "2 count.* 3 share"),
        ([0, 0], [1.0, 1.0], "all 0"),
        ([-1, 5], [1.0, 1.0], "negative"),
        ([1.5, 5], [1.0, 1.0], "broken"),
        ([5, 5], [1.0, 0.0], "not above 0"),
        ([5, 5], [1.0, np.nan], "not above 0"),
        ([3] * 12, [1.0] * 12, "expects fewer than 5"),
    ],
)
def test_what_cannot_be_tested_is_refused(counts: list[float], shares: list[float], says: str):
    with pytest.raises(UndefinedError, match=says):
        mismatch(np.array(counts), np.array(shares))


def test_households_are_counted_where_households_were_drawn():
    luck = np.random.default_rng(4)
    homes = luck.integers(0, 700, 2000)
    drawn = luck.integers(0, 3, 700)
    present = np.unique(homes)
    assert units_by_arm(drawn[homes], 4, homes).tolist() == np.bincount(drawn[present], minlength=4).tolist()
    assert units_by_arm(drawn[homes], 4).sum() == 2000


def test_a_household_in_two_arms_is_refused():
    with pytest.raises(UndefinedError, match=r"2 household\(s\)"):
        units_by_arm(np.array([0, 1, 1, 1, 0]), 2, np.array([3, 3, 4, 5, 5]))
    with pytest.raises(UndefinedError, match="outside 0 to 1"):
        units_by_arm(np.array([0, 2]), 2)


def test_large_households_drawn_together_do_not_alarm():
    luck = np.random.default_rng(5)
    homes = np.repeat(np.arange(200), 50)
    arms = luck.integers(0, 2, 200)[homes]
    assert mismatch(units_by_arm(arms, 2), np.ones(2)).p_value < 0.05
    assert not mismatch(units_by_arm(arms, 2, homes), np.ones(2)).alarm


def test_upworthys_broken_window_is_found_and_nothing_else():
    """Matias et al. 2021, Scientific Data 8:195, and its note: tests from 25 June 2013 to 10 January 2014."""
    path = DATA / "upworthy_dev.parquet"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {DATA}; name its folder in SUASION_DATA")
    table = pq.read_table(path, columns=["clickability_test_id", "impressions"]).to_pydict()
    impressions = defaultdict(list)
    for test, count in zip(*table.values(), strict=True):
        impressions[test].append(count)
    start, end = datetime(2013, 6, 25, tzinfo=UTC), datetime(2014, 1, 11, tzinfo=UTC)
    flagged = {True: [], False: []}
    for test, counts in impressions.items():
        if len(counts) > 1:
            broken = start.timestamp() <= int(test[:8], 16) < end.timestamp()
            flagged[broken].append(mismatch(np.array(counts), np.ones(len(counts))).alarm)
    assert min(len(flags) for flags in flagged.values()) > 400
    assert np.mean(flagged[True]) >= 0.6
    assert np.mean(flagged[False]) <= 0.01
