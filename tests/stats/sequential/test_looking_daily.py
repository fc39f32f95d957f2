"""A hundred daily looks: false alarms, and what they cost in power."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from suasion.stats.sequential import (
    Counts,
    GroupSequential,
    Guardrail,
    Looks,
    accumulate,
    from_arms,
    planned_error,
    sequence,
    watch,
)

LOOKS, DAILY, RATE = 100, 50, 0.1


def planned_effect() -> float:
    """Of which the fixed test has 80 % power at the last look, treated persons varying more than control."""
    drift, each = norm.isf(0.025) + norm.ppf(0.8), LOOKS * DAILY

    def short(effect: float) -> float:
        treated = RATE + effect
        return effect - drift * np.sqrt((RATE * (1 - RATE) + treated * (1 - treated)) / each)

    return float(brentq(short, 0.001, 0.1))


EFFECT = planned_effect()
ERROR = planned_error(EFFECT)


def of_rates(
    runs: int, effect: float, seed: int, daily: tuple[int, int] = (DAILY, DAILY), rate: float = RATE
) -> list[Looks]:
    rng = np.random.default_rng(seed)
    events = rng.binomial(daily, [rate, rate + effect], size=(runs, LOOKS, 2)).cumsum(axis=1)
    n = np.array(daily) * np.arange(1, LOOKS + 1)[:, None]
    shares = events / n
    return [from_arms(n, one, one * (1 - one) * n / (n - 1)) for one in shares]


def of_gifts(runs: int, seed: int) -> list[Looks]:
    """Most give nothing, few much; one arm has a tenth of the people."""
    rng = np.random.default_rng(seed)
    sizes = np.array([90, 10])
    sums = np.zeros((2, runs, LOOKS, 2))
    for arm, size in enumerate(sizes.tolist()):
        gifts = (rng.random((runs, LOOKS, size)) < 0.2) * rng.lognormal(3, 1, (runs, LOOKS, size))
        sums[0, :, :, arm], sums[1, :, :, arm] = gifts.sum(axis=2), (gifts**2).sum(axis=2)
    n = sizes * np.arange(1, LOOKS + 1)[:, None]
    means, squares = sums.cumsum(axis=2) / n
    return [from_arms(n, m, (s - m**2) * n / (n - 1)) for m, s in zip(means, squares, strict=True)]


def decided(trials: list[Looks], tuned_for: float) -> int:
    return sum(sequence(looks, tuned_for).decided_at is not None for looks in trials)


def grouped(trials: list[Looks], every: int, design: GroupSequential) -> int:
    rows = slice(every - 1, None, every)
    seen = [Looks(one.values[rows], one.errors[rows], one.units[rows]) for one in trials]
    return sum(design.course(one, ERROR, ended=True).decided_at is not None for one in seen)


def fixed(trials: list[Looks]) -> int:
    return sum(abs(one.values[-1] / one.errors[-1]) > norm.isf(0.025) for one in trials)


def peeked(trials: list[Looks]) -> int:
    return sum((abs(one.values / one.errors) > norm.isf(0.025)).any() for one in trials)


def at_most(count: int, runs: int, chance: float) -> bool:
    return binomtest(count, runs, chance, alternative="greater").pvalue > 0.001


def at_least(count: int, runs: int, chance: float) -> bool:
    return binomtest(count, runs, chance, alternative="less").pvalue > 0.001


def test_a_few_hundred_runs_raise_few_alarms_where_peeking_raises_many():
    trials = of_rates(300, 0.0, 1)
    assert at_most(decided(trials, ERROR), 300, 0.05)
    assert at_most(grouped(trials, 20, GroupSequential()), 300, 0.05)
    assert peeked(trials) > 0.3 * 300


def test_a_few_hundred_runs_keep_their_power():
    trials = of_rates(300, EFFECT, 2)
    assert at_least(decided(trials, ERROR), 300, 0.6)
    assert grouped(trials, 20, GroupSequential()) >= 0.9 * fixed(trials)


def test_persons_of_households_are_not_counted_as_many():
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng([11, seed])
        clusters = np.arange(2000) // 4
        treated, look = (rng.random(500) < 0.5)[clusters], rng.integers(0, 40, 500)[clusters]
        values = rng.normal(size=500)[clusters] + 0.3 * rng.normal(size=2000)
        looks = accumulate(values, treated, look, clusters)
        alarms += sequence(looks, tuned_for=2 / np.sqrt(500)).decided_at is not None
    assert at_most(alarms, 100, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("tuned_for", [0.3 * ERROR, ERROR, 3 * ERROR])
def test_false_alarms_of_rates_are_at_most_one_in_twenty(tuned_for: float):
    assert at_most(decided(of_rates(2000, 0.0, 21), tuned_for), 2000, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("daily", "rate"), [((30, 30), 0.005), ((90, 10), 0.01), ((10, 90), 0.002)])
def test_false_alarms_of_rare_outcomes_are_at_most_one_in_twenty(daily: tuple[int, int], rate: float):
    error = float(np.sqrt(rate * (1 / daily[0] + 1 / daily[1]) / LOOKS))
    assert at_most(decided(of_rates(2000, 0.0, 22, daily, rate), error), 2000, 0.05)


@pytest.mark.slow
def test_false_alarms_of_skewed_gifts_in_unequal_arms_are_at_most_one_in_twenty():
    trials = of_gifts(2000, 23)
    error = float(np.median([one.errors[-1] for one in trials]))
    assert at_most(decided(trials, error), 2000, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("every", [1, 5, 20])
def test_group_sequential_tests_alarm_at_most_one_in_twenty(every: int, spending: str):
    bounds = GroupSequential(spending=spending).boundaries(np.arange(every, LOOKS + 1, every) / LOOKS)
    trials = of_rates(2000, 0.0, 24)
    alarms = sum((abs(one.values / one.errors)[every - 1 :: every] > bounds).any() for one in trials)
    assert at_most(alarms, 2000, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 5, 20])
def test_the_group_sequential_test_has_nine_tenths_of_the_power_of_the_fixed_one(every: int):
    bounds = GroupSequential().boundaries(np.arange(every, LOOKS + 1, every) / LOOKS)
    trials = of_rates(2000, EFFECT, 25)
    found = sum((abs(one.values / one.errors)[every - 1 :: every] > bounds).any() for one in trials)
    assert at_least(fixed(trials), 2000, 0.8)
    assert found >= 0.9 * fixed(trials)


@pytest.mark.slow
def test_the_sequence_has_sixty_per_cent_where_the_fixed_test_has_eighty():
    assert decided(of_rates(2000, EFFECT, 26), planned_error(EFFECT)) >= 0.6 * 2000


@pytest.mark.slow
def test_the_sequence_always_holds_the_truth():
    missed = sum(
        any(known and not known.low <= EFFECT <= known.high for known in sequence(one, ERROR).estimates)
        for one in of_rates(2000, EFFECT, 27)
    )
    assert at_most(missed, 2000, 0.05)


@pytest.mark.slow
def test_complaints_at_their_limit_stop_at_most_one_campaign_in_twenty_and_twice_the_limit_most():
    rail, rng = Guardrail("complaints", tuned_for=20_000, most=0.001), np.random.default_rng(28)
    n = 200 * np.arange(1, LOOKS + 1)
    stops = [0, 0]
    for which, rate in enumerate((0.001, 0.0025)):
        for events in rng.binomial(200, rate, (2000, LOOKS)).cumsum(axis=1):
            stops[which] += watch([rail], {"complaints": Counts(events, n)})[0].state == "harm"
    assert at_most(stops[0], 2000, 0.05)
    assert at_least(stops[1], 2000, 0.8)
