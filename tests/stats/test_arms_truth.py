"""Intervals hold a known truth as often as they say, and published experiments come out as published."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import binomtest

from suasion.errors import UndefinedError
from suasion.stats import from_influence, mean, multiplicity
from suasion.stats.arms import compare, complier, cuped, ratio, relative

DATA = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[3] / "shared" / "data"))
ARMS = ("Control", "Civic Duty", "Hawthorne", "Neighbors")


def world(luck: np.random.Generator, homes: int, by_home: bool):
    """Households of one to three, skewed outcomes, an effect of 1 that nobody escapes; 70 % comply."""
    clusters = np.repeat(np.arange(homes), luck.integers(1, 4, homes))
    n = len(clusters)
    before = luck.gamma(1, 2, n) + luck.normal(size=homes)[clusters]
    arms = luck.permutation(np.arange(homes) % 2)[clusters] if by_home else luck.permutation(np.arange(n) % 2)
    taken = (arms == 1) & (luck.random(n) < 0.7)
    values = 4 + before + luck.normal(size=homes)[clusters] + luck.exponential(1, n)
    return values, before, arms, clusters, taken


def held(homes: int, runs: int, by_home: bool) -> dict[str, int]:
    """How often the interval of each analysis holds the truth."""
    luck = np.random.default_rng(2)
    count = dict.fromkeys(("difference", "regression", "cuped", "relative", "ratio", "complier"), 0)
    for _ in range(runs):
        values, before, arms, clusters, taken = world(luck, homes, by_home)
        lifted, visits = values + arms, 1.0 + (before > 1)
        found = {
            "difference": (compare(lifted, arms, clusters=clusters), 1.0),
            "regression": (compare(lifted, arms, before, clusters), 1.0),
            "cuped": (cuped(lifted, before, arms, clusters), 1.0),
            "relative": (relative(values * (1 + 0.2 * arms), arms, clusters=clusters), 0.2),
            "ratio": (ratio(values + visits * arms, visits, arms, clusters), 1.0),
            "complier": (complier(values + taken, arms, taken, clusters, before), 1.0),
        }
        for name, ((effect,), truth) in found.items():
            count[name] += effect.estimate.low <= truth <= effect.estimate.high
    return count


@pytest.mark.parametrize("by_home", [False, True])
def test_intervals_hold_the_truth_in_95_of_100_trials(by_home: bool):
    for name, times in held(60, 250, by_home).items():
        assert binomtest(times, 250, 0.95).pvalue > 0.001, name


@pytest.mark.slow
@pytest.mark.parametrize(("homes", "by_home"), [(400, False), (400, True), (60, True)])
def test_intervals_hold_the_truth_in_95_of_100_trials_closely(homes: int, by_home: bool):
    for name, times in held(homes, 2000, by_home).items():
        assert binomtest(times, 2000, 0.95).pvalue > 0.001, name


@pytest.mark.slow
def test_intervals_hold_with_few_and_unequal_clusters():
    """Ten clusters of very different size: five in each arm."""
    luck, count = np.random.default_rng(7), 0
    clusters = np.repeat(np.arange(10), [5, 5, 10, 10, 20, 20, 40, 40, 80, 80])
    for _ in range(2000):
        arms = luck.permutation(np.arange(10) % 2)[clusters]
        values = luck.normal(size=10)[clusters] * 0.3 + luck.normal(size=len(clusters))
        (effect,) = compare(values, arms, clusters=clusters)
        count += effect.estimate.low <= 0 <= effect.estimate.high
    assert 0.93 <= count / 2000 <= 0.985


def test_a_covariate_removes_the_share_of_variance_that_it_explains():
    luck = np.random.default_rng(8)
    before, arms = luck.normal(size=40_000), np.arange(40_000) % 4
    values = before + luck.normal(size=40_000)
    for effects in (compare(values, arms, before), cuped(values, before, arms)):
        assert [effect.reduction for effect in effects] == pytest.approx([0.5] * 3, abs=0.02)


def test_a_weak_draw_is_not_taken_for_a_sure_effect():
    """Of 1,000 people 4 % comply: Anderson-Rubin's interval holds, or says that there is none."""
    luck, missed, told = np.random.default_rng(9), 0, 0
    for _ in range(300):
        arms, hidden = luck.permutation(np.arange(1000) % 2), luck.normal(size=1000)
        taken = (hidden > 1) | ((arms == 1) & (luck.random(1000) < 0.04))
        with suppress(UndefinedError):
            (effect,) = complier(hidden + luck.normal(size=1000), arms, taken)
            told += 1
            missed += not effect.estimate.low <= 0 <= effect.estimate.high
    assert told < 150
    assert binomtest(missed, 300, 0.05, "greater").pvalue > 0.001


@pytest.fixture(scope="module")
def turnout():
    path = DATA / "ggl_turnout.parquet"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {DATA}; name its folder in SUASION_DATA")
    table = pq.read_table(path)
    arms = np.array([ARMS.index(name) for name in table["messages"].to_pylist()])
    columns = {name: table[name].to_numpy() for name in ("primary2006", "primary2004", "hhsize")}
    return columns | {"arms": arms, "homes": _households(arms, columns["hhsize"])}


def _households(arms: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The file keeps households together: runs of people of one arm and size fall into groups of it."""
    starts = np.flatnonzero(np.append(True, (np.diff(arms) != 0) | (np.diff(size) != 0)))
    lengths = np.diff(np.append(starts, len(arms)))
    assert not (lengths % size[starts]).any()
    place = np.arange(len(arms)) - np.repeat(starts, lengths)
    return np.cumsum(place % size == 0) - 1


def test_turnout_is_as_gerber_green_and_larimer_published(turnout):
    """American Political Science Review 102:33, table 2 and table 3, column a; clustered by household."""
    homes, arms = turnout["homes"], turnout["arms"]
    assert len(np.unique(homes)) == 160_002  # 180,002 less the 20,000 of the arm that this cut leaves out
    for arm, percent in enumerate((29.7, 31.5, 32.2, 37.8)):
        inside = arms == arm
        found = mean(turnout["primary2006"][inside], homes[inside])
        assert round(100 * found.value, 1) == percent
    effects = compare(turnout["primary2006"], arms, clusters=homes)
    for effect, published in zip(effects, (0.018, 0.026, 0.081), strict=True):
        assert round(effect.estimate.value, 3) == published
        assert round((effect.estimate.high - effect.estimate.low) / 2 / 1.96, 3) == 0.003
    assert (multiplicity.holm(np.array([effect.p_value for effect in effects])) < 0.001).all()


def test_households_make_the_published_errors_wider(turnout):
    together = compare(turnout["primary2006"], turnout["arms"], clusters=turnout["homes"])
    alone = compare(turnout["primary2006"], turnout["arms"])
    for with_homes, without in zip(together, alone, strict=True):
        wide, narrow = (e.estimate.high - e.estimate.low for e in (with_homes, without))
        assert 1.05 < wide / narrow < 1.3


def test_past_voting_is_adjusted_for(turnout):
    plain = compare(turnout["primary2006"], turnout["arms"], clusters=turnout["homes"])
    adjusted = compare(turnout["primary2006"], turnout["arms"], turnout["primary2004"], turnout["homes"])
    for before, after in zip(plain, adjusted, strict=True):
        assert abs(after.estimate.value - before.estimate.value) < 0.002
        assert 0.01 < after.reduction < 0.1


def test_effects_by_past_voting_hold_after_holm(turnout):
    """Everybody is moved, whether or not they voted before; six tests at once, and three of a difference."""
    voted, arms, homes = turnout["primary2004"] == 1, turnout["arms"], turnout["homes"]
    by_group = [
        compare(turnout["primary2006"][group], arms[group], clusters=homes[group])
        for group in (voted, ~voted)
    ]
    p_values = np.array([effect.p_value for effects in by_group for effect in effects])
    assert (multiplicity.holm(p_values) < 0.001).all()
    apart = [_apart(turnout, arm) for arm in (1, 2, 3)]
    for arm, difference in enumerate(apart):
        seen = by_group[0][arm].estimate.value - by_group[1][arm].estimate.value
        assert difference.value == pytest.approx(seen)


def _apart(turnout, arm: int):
    """How much larger an effect is among people who voted before, by influence values."""
    y, value, influence = turnout["primary2006"], 0.0, np.zeros(len(turnout["arms"]))
    for past in (0, 1):
        for one in (0, arm):
            cell = (turnout["primary2004"] == past) & (turnout["arms"] == one)
            sign = (1 if past else -1) * (1 if one else -1)
            value += sign * y[cell].mean()
            influence[cell] += sign * (y[cell] - y[cell].mean()) / cell.mean()
    return from_influence(value, influence, turnout["homes"])
