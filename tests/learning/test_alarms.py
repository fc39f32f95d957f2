"""Alarms: never false more often than said, however often one looks; and real faults are found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from suasion.allocation import policies
from suasion.errors import UndefinedError
from suasion.learning import rehearse, steering
from suasion.learning.steering.alarm import part_of

VARIANTS = ("plain", "a", "b", "c")
LOOKS = 200
POLICY = policies.Policy(
    policies.Kind.THOMPSON,
    ("a", "b", "c"),
    exploration=0.03,
    holdout=0.05,
    center=(0.0, 0.0),
    scale=(1.0, 1.0),
)
START = 29_000_160
"""A Thursday's first minute."""
rare = pytest.mark.slow
often = pytest.mark.parametrize("times", [40, pytest.param(1000, marks=rare)])


def few(false: int, times: int) -> bool:
    """Whether so many false alarms fit a chance of 1 % at most; a test that errs once in a thousand runs."""
    return binom.sf(false - 1, times, steering.ALPHA) > 0.001


def looks(n: int) -> list[int]:
    """At how many exposures one looks, so often early as late."""
    return sorted({int(m) for m in np.geomspace(5, n, LOOKS)})


def drawn(luck: np.random.Generator, n: int, holdout: float, kept: float = 1.0):
    """What people saw, by chances that are other ones for each; of the generic variant a part gets lost."""
    chances = luck.dirichlet(np.full(3, 0.7), n) * (1 - holdout - 0.03) + 0.01
    chances = np.concatenate([np.full((n, 1), holdout), chances], axis=1)
    arms = np.minimum((chances.cumsum(axis=1) < luck.random((n, 1))).sum(axis=1), 3)
    told = (arms > 0) | (luck.random(n) < kept)
    return arms[told], chances[np.arange(n), arms][told]


def mismatch_at(arms, chances, holdout: float) -> int | None:
    holdouts = np.full(len(arms), holdout)
    for m in looks(len(arms)):
        if steering.sample_ratio("x", VARIANTS, arms[:m], chances[:m], holdouts[:m]):
            return m
    return None


@often
def test_a_healthy_placement_has_no_sample_ratio_alarm(times: int):
    luck = np.random.default_rng(1)
    holdouts = luck.choice([0.02, 0.05, 0.1, 0.3], times)
    false = sum(mismatch_at(*drawn(luck, 3000, h), h) is not None for h in holdouts)
    assert few(false, times)


@pytest.mark.parametrize(("holdout", "kept", "most"), [(0.3, 0.8, 4000), (0.1, 0.5, 2500), (0.05, 0.0, 1000)])
def test_generic_exposures_that_get_lost_are_found(holdout: float, kept: float, most: int):
    luck = np.random.default_rng(2)
    found = [mismatch_at(*drawn(luck, most, holdout, kept), holdout) for _ in range(20)]
    assert sum(m is not None for m in found) >= 18


def test_a_variant_that_is_not_shown_is_found_by_the_others():
    luck = np.random.default_rng(3)
    arms, chances = drawn(luck, 6000, 0.1)
    told = arms != 2
    assert mismatch_at(arms[told], chances[told], 0.1) is not None


def test_a_variant_that_was_closed_to_some_is_no_mismatch():
    luck = np.random.default_rng(4)
    n, chances = 6000, np.array([0.1, 0.45, 0.45])
    closed = luck.random(n) < 0.5
    arms = np.where(luck.random(n) < 0.1, 0, np.where(closed | (luck.random(n) < 0.5), 1, 2))
    told = np.where(arms == 0, 0.1, np.where(closed, 0.9, chances[arms]))
    assert mismatch_at(arms, told, 0.1) is None


def test_a_holdout_that_was_changed_is_no_mismatch():
    luck = np.random.default_rng(6)
    parts = [(*drawn(luck, 2000, holdout), np.full(2000, holdout)) for holdout in (0.3, 0.02, 0.1)]
    told = [np.concatenate(one) for one in zip(*parts, strict=True)]
    assert steering.sample_ratio("x", VARIANTS, *told) is None


def test_a_mismatch_ends_when_what_it_won_is_lost_and_not_before():
    luck = np.random.default_rng(5)
    arms, chances = drawn(luck, 3000, 0.1, kept=0.3)
    more = drawn(luck, 200_000, 0.1)
    assert steering.sample_ratio("x", VARIANTS, arms, chances, np.full(len(arms), 0.1))
    arms, chances = (np.concatenate([one, other]) for one, other in zip((arms, chances), more, strict=True))
    assert steering.sample_ratio("x", VARIANTS, arms, chances, np.full(len(arms), 0.1), True) is None


@pytest.mark.parametrize("chances", [np.array([0.1, 0.0]), np.array([0.1, 1.2]), np.array([0.1])])
def test_chances_that_are_none_are_refused(chances):
    with pytest.raises(UndefinedError):
        steering.sample_ratio("x", VARIANTS, np.array([0, 1]), chances, np.full(2, 0.1))


def lived(luck: np.random.Generator, n: int, base: float, change: int | None = None, by: float = 1.0):
    """A policy that learns in a world that is not linear, and may change."""
    features = luck.normal(size=(n, 2))
    slopes, levels = luck.normal(scale=0.8, size=(3, 2)), luck.normal(scale=0.4, size=3)
    chances = 1 / (1 + np.exp(-(features @ slopes.T + levels + np.log(base / (1 - base)))))
    if change is not None:
        chances[change:] *= by
    rewards = (luck.random((n, 3)) < chances) * 1.0
    made = rehearse(POLICY, policies.start(POLICY), features, rewards, luck.random(n))
    rows = made.arms >= 0
    came = rewards[np.arange(n), made.arms]
    return features[rows], made.arms[rows], came[rows], made.probabilities[rows]


def unforeseen(told, since: int = 0) -> Iterator[int]:
    for m in range(max(since, 500), len(told[0]) + 1, 500):
        if steering.predictions("x", POLICY, *(one[:m] for one in told)):
            yield m


@pytest.mark.parametrize("times", [8, pytest.param(1000, marks=rare)])
def test_what_a_policy_that_learns_predicts_comes_true_where_nothing_drifts(times: int):
    luck = np.random.default_rng(6)
    bases = luck.choice([0.02, 0.1, 0.4], times)
    false = sum(next(unforeseen(lived(luck, 8000, base)), None) is not None for base in bases)
    assert few(false, times)


@pytest.mark.parametrize(("base", "within"), [(0.4, 1500), (0.1, 4000)])
def test_rewards_that_halve_are_found(base: float, within: int):
    luck = np.random.default_rng(7)
    found = [
        next(unforeseen(lived(luck, 5000 + within, base, 5000, 0.5), 5000), None) is not None
        for _ in range(10)
    ]
    assert sum(found) >= 9


def test_predictions_that_come_true_again_end_the_alarm():
    luck = np.random.default_rng(8)
    told = lived(luck, 60_000, 0.4, 5000, 0.5)
    assert next(unforeseen(told, 5000), None) is not None
    assert steering.predictions("x", POLICY, *told) is None


@often
def test_the_same_people_are_not_called_others(times: int):
    luck, false = np.random.default_rng(9), 0
    for _ in range(times):
        crowd = np.column_stack(
            [luck.normal(size=20_000), luck.integers(0, 3, 20_000), luck.random(20_000) < 0.02]
        ).astype(np.float64)
        false += any(
            steering.population("x", ("age", "visits", "new"), crowd[:m]) is not None
            for m in range(1000, 20_001, 1000)
        )
    assert few(false, times)


def test_other_people_are_found_in_the_next_thousand():
    luck = np.random.default_rng(10)
    crowd = np.concatenate([luck.normal(0, 1, 5000), luck.normal(0.8, 1, 1000)])[:, None]
    assert steering.population("x", ("age",), crowd[:5000]) is None
    found = steering.population("x", ("age",), crowd)
    assert found is not None
    assert found.found.startswith("age is another")


@pytest.mark.parametrize("times", [8, pytest.param(300, marks=rare)])
def test_as_many_complaints_as_are_borne_raise_no_alarm(times: int):
    luck, false = np.random.default_rng(11), 0
    for _ in range(times):
        came = np.cumsum(luck.random(20_000) < 0.003)
        false += any(
            steering.too_many("complaints", "x", "complained", int(came[m - 1]), m, 0.003, "Stop.")
            for m in looks(20_000)
            if came[m - 1] > 0.003 * m  # else there is none, and it takes long
        )
    assert few(false, times)


def test_three_times_as_many_complaints_are_found_within_four_thousand():
    luck, found = np.random.default_rng(12), 0
    for _ in range(50):
        came = luck.binomial(4000, 0.009)
        found += steering.too_many("complaints", "x", "complained", came, 4000, 0.003, "Stop.") is not None
    assert found >= 45


def test_complaints_end_when_their_share_is_borne_again():
    terms = ("complaints", "x", "complained")
    assert steering.too_many(*terms, 50, 5000, 0.003, "Stop.")
    assert steering.too_many(*terms, 50, 9000, 0.003, "Stop.", standing=True)
    assert steering.too_many(*terms, 50, 17_000, 0.003, "Stop.", standing=True) is None


def paid(luck: np.random.Generator, rate: float, hours: int, cost: float) -> list[np.ndarray]:
    """What was spent by each hour, by people who come by chance."""
    counts = luck.poisson(rate, hours).cumsum()
    return [np.full(n, cost) for n in counts]


@pytest.mark.parametrize("cost", [0.1, 2.0, 20.0])
@often
def test_money_that_goes_as_planned_raises_no_alarm(times: int, cost: float):
    luck, hours, amount, false = np.random.default_rng(13), LOOKS, 1000.0, 0
    for _ in range(times):
        spent = paid(luck, amount / hours / cost, hours, cost)
        false += any(
            steering.pace("x", amount * 1.3, (0.0, hours * 1.3), one, cost, hour + 1.0) is not None
            for hour, one in enumerate(spent)
        )
    assert few(false, times)


@pytest.mark.parametrize(("faster", "word"), [(1.7, "it would last"), (0.3, "is spent after")])
def test_money_that_goes_too_fast_or_slowly_is_found_in_half_the_time(faster: float, word: str):
    luck, found = np.random.default_rng(14), list[str]()
    for _ in range(20):
        spent = paid(luck, faster * 10, 50, 1.0)[-1]
        alarm = steering.pace("x", 1000.0, (0.0, 100.0), spent, 1.0, 50.0)
        found += [alarm.found] if alarm else []
    assert len(found) >= 19
    assert all(word in one for one in found)


def test_money_beyond_the_amount_is_told_of_after_the_end_too():
    assert steering.pace("x", 10.0, (0.0, 100.0), np.full(11, 1.0), 1.0, 500.0) is not None
    assert steering.pace("x", 10.0, (0.0, 100.0), np.full(10, 1.0), 1.0, 500.0) is None


def week(luck: np.random.Generator, weeks: int, a_day: float, together: int = 1) -> np.ndarray:
    """Minutes with events: by day and night, workday and weekend; `together` of them within 15 minutes."""
    minutes = np.arange(weeks * 7 * 1440)
    hour, day = minutes // 60 % 24, minutes // 1440 % 7
    rate = np.clip(np.sin((hour - 6) / 16 * np.pi), 0.02, None) * np.where((day == 2) | (day == 3), 0.3, 1)
    rate *= np.repeat(luck.lognormal(0, 0.3, weeks * 7), 1440)
    starts = np.repeat(minutes, luck.poisson(rate / rate.sum() * a_day * weeks * 7 / together))
    if together > 1:
        many = luck.geometric(1 / together, len(starts))
        starts = np.repeat(starts, many) + luck.integers(0, 15, many.sum())
    return np.unique(starts) + START


@pytest.mark.parametrize(("a_day", "together"), [(100, 1), (100, 8), (1000, 8), (5000, 1)])
@pytest.mark.parametrize("times", [3, pytest.param(250, marks=rare)])
def test_nights_and_weekends_and_bursts_are_no_silence(times: int, a_day: float, together: int):
    luck, false = np.random.default_rng(15), 0
    for _ in range(times):
        minutes = week(luck, 6, a_day, together)
        longest = np.argsort(np.diff(minutes))[-LOOKS // 4 :]  # at the end of the longest gaps
        false += any(
            steering.silence("x", minutes[: i + 1], 60.0 * (minutes[i + 1] - 1)) for i in sorted(longest)
        )
    assert few(false, times)


@pytest.mark.parametrize(("a_day", "together", "hours"), [(100, 1, 10), (1000, 8, 6), (5000, 1, 1)])
def test_a_source_that_breaks_on_a_workday_morning_is_found(a_day: float, together: int, hours: float):
    luck, found = np.random.default_rng(16), 0
    broken = START + 25 * 1440 + 10 * 60  # Monday, at ten
    for _ in range(10):
        minutes = week(luck, 4, a_day, together)
        found += bool(steering.silence("x", minutes[minutes < broken], 60.0 * (broken + 60 * hours)))
    assert found >= 9


def test_of_less_than_a_week_nothing_is_known():
    minutes = START + np.arange(0, 6 * 1440, 2)
    assert steering.silence("x", minutes, 60.0 * (minutes[-1] + 3 * 1440)) is None
    assert steering.silence("x", minutes[:0], 0.0) is None


def test_all_looks_for_ever_take_no_more_than_they_may():
    parts = [part_of(0.01, n) for n in range(1, 2000)]
    assert all(one > other for one, other in pairwise(parts))
    assert sum(parts) < 0.01
