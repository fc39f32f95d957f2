"""What may be asked of a plan besides money, segments, households, values; and what may not."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Capacity, Money, Options, Parity, Words, decide, plan
from suasion.errors import CampaignError

ALL = np.ones(2, np.bool_)


def people(n: int, k: int = 2, seed: int = 0, cost: float = 1.0) -> Options:
    luck = np.random.default_rng(seed)
    names = tuple("abcdefgh"[:k])
    return Options(
        np.arange(n), "none", names, luck.uniform(0.1, 1, (n, k)), np.full((1, k), cost), np.ones(k, np.bool_)
    )


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from([0.0, 0.05]))
def test_an_option_is_drawn_for_nobody_or_for_a_whole_segment(seed: int, least: int, holdout: float):
    luck = np.random.default_rng(seed)
    options = people(60, 4, seed)
    options = replace(options, effects=options.effects * luck.uniform(0.3, 1, 4))
    made = plan(options, 40, holdout, 0.0, least_segment=least)
    for turn in range(5):
        given = np.bincount(decide(made, f"{turn}").chosen, minlength=5)[1:]
        assert all(count == 0 or count >= least for count in given.tolist())
        assert given.sum() <= 40


def test_what_is_dropped_for_too_few_is_told_and_the_bound_stays_that_of_all_options():
    options = people(50, 3)
    options.effects[:] = [1.0, 0.9, 0.1]
    options.effects[:3, 2] = 5.0
    made, free = plan(options, 50, 0, 0, least_segment=10), plan(options, 50, 0, 0)
    assert "Nobody is given 'c': it would have been fewer than 10 people." in made.notes
    assert not made.probabilities[:, 3].any()
    assert made.bound >= free.value - 1e-9 > made.value


def test_at_most_one_of_a_household_is_drawn_and_the_best_is():
    options = people(6)
    options.effects[:] = np.array([[1, 2], [3, 1], [1, 1], [1, 1], [4, 5], [9, 1]])
    made = plan(options, 100, 0, 0, households=np.array([7, 7, 3, 4, 9, 9]))
    assert made.probabilities[:, 1:].argmax(axis=1).tolist() == [0, 0, 0, 0, 0, 0]
    assert made.probabilities[:, 1].tolist() == [0, 1, 1, 1, 0, 1]
    assert made.value == made.bound == 3 + 1 + 1 + 9


def test_a_household_shares_its_floors():
    options = people(4)
    made = plan(options, 0, 0.2, 0.4, households=np.array([0, 0, 0, 1]), limits=())
    rich = plan(options, 100, 0.2, 0.4, households=np.array([0, 0, 0, 1]))
    assert not made.probabilities[:, 1:].any()
    assert rich.probabilities[:3, 1:].sum() == pytest.approx(0.8)
    assert rich.probabilities[:3, 1:].min() == pytest.approx(0.4 / 6)
    assert rich.probabilities[3] == pytest.approx(
        [0.2, *np.where(options.effects[3] == options.effects[3].max(), 0.6, 0.2)]
    )


def test_a_household_of_a_hundred_thousand_gets_one():
    options = people(100_001)
    made = plan(options, 10, 0, 0, households=np.r_[np.zeros(100_000, int), 1])
    assert made.probabilities[:, 1:].sum() == pytest.approx(2)
    assert (decide(made, "x").chosen > 0).sum() == 2


def test_closed_options_and_values_below_zero_are_never_chosen():
    options = people(30)
    values = options.effects - 0.5
    closed = np.zeros((30, 2), np.bool_)
    closed[:15] = True
    closed[20, 0] = True
    made = plan(replace(options, values=values, closed=closed), 100, 0, 0.1)
    treated = made.probabilities[:, 1:]
    assert not treated[closed].any()
    assert not treated[values < 0].any()
    assert (treated[(values >= 0) & ~closed] > 0).all()
    assert made.value == pytest.approx(float((treated * values).sum()))


def test_single_precision_is_planned_as_double_is():
    options = people(5000, 5, seed=3)
    single = replace(options, effects=options.effects.astype(np.float32))
    limits = (Capacity("mail", np.array([True, True, False, False, False]), 300),)
    one, two = (plan(o, 1000, 0, 0, limits=limits) for o in (options, single))
    assert one.value == pytest.approx(two.value, rel=1e-3)
    assert two.gap < 0.01
    assert two.choices.dtype == np.uint8


def test_prices_are_told_with_their_units():
    options = people(400, seed=5)
    groups = np.arange(400) % 2
    effects = options.effects * np.where(groups, 0.2, 1)[:, None]
    limits = (Capacity("calls", np.array([False, True]), 20), Parity("sex", groups, least_ratio=0.9))
    asked = replace(options, effects=effects)
    made = plan(asked, 100, 0, 0, limits=limits, words=Words("EUR", "visits"))
    money, calls, parity = made.prices
    assert money.sentence == f"One more EUR for the budget would add {money.value:.3g} visits."
    assert money.value == made.shadow_price > 0
    assert calls.sentence == f"One more place for calls would add {calls.value:.3g} visits."
    assert calls.used <= calls.most == 20
    free = plan(asked, 100, 0, 0, limits=limits[:1])
    assert parity.value == pytest.approx(1 - made.bound / free.bound, abs=1e-3)
    assert (
        parity.sentence == f"Parity between the groups of sex costs {100 * parity.value:.2g} % of the value."
    )
    assert parity.used >= 0.9
    more = plan(asked, 110, 0, 0, limits=limits)
    assert more.value - made.value <= 10 * money.value + 1e-9


def test_a_least_capacity_is_kept_and_its_cost_told():
    options = people(200, seed=2)
    options.effects[:, 1] *= 0.1
    made = plan(options, 1000, 0, 0, limits=(Capacity("b", np.array([False, True]), np.inf, 50),))
    assert (decide(made, "x").chosen == 2).sum() >= 50
    assert made.prices[1].value < 0
    assert made.prices[1].sentence.startswith("The last of the 50 that b asks for costs")


def test_what_no_draw_among_a_few_can_keep_treats_nobody_and_says_so():
    options = people(4)
    made = plan(options, 2, 0, 0, limits=(Parity("sex", np.array([0, 0, 0, 1]), most_gap=0.01),))
    assert not made.probabilities[:, 1:].any()
    assert "'sex'" in made.notes[0]
    assert made.bound > 0
    assert made.gap == 1


def test_without_parity_or_with_one_group_it_costs_nothing():
    options = people(50)
    made = plan(options, 20, 0, 0, limits=(Parity("one", np.zeros(50, int), most_gap=0.0),))
    assert made.value == pytest.approx(plan(options, 20, 0, 0).value)
    assert made.prices[1].value == 0


def test_exploration_that_limits_cannot_pay_for_is_an_error_when_it_was_asked_for():
    with pytest.raises(CampaignError, match=r"floor of exploration.*budget"):
        plan(people(100), 1, 0, 0.5, adapt=False)
    with pytest.raises(CampaignError, match="'mail'"):
        plan(people(100), 100, 0, 0.5, adapt=False, limits=(Capacity("mail", ALL, 3),))
    lowered = plan(people(100), 100, 0, 0.5, limits=(Capacity("mail", ALL, 3),))
    assert lowered.probabilities[:, 1:].sum() == pytest.approx(3)
    assert "pays for 6% of the exploration floor" in lowered.notes[0]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ((Capacity("mail", ALL, 10, 8), Capacity("all", ALL, 5)), ("'mail'", "'all'")),
        ((Capacity("mail", ALL, 90, 80),), ("'budget'", "'mail'")),
        ((Capacity("mail", ALL, np.inf, 101),), ("'mail' cannot be kept by these people",)),
        (
            (
                Capacity("mail", ALL, 30, 10),
                Parity("age", np.r_[np.zeros(50, int), np.ones(50, int)], most_gap=0),
            ),
            ("'mail'", "parity between the groups of age"),
        ),
    ],
)
def test_limits_that_cannot_be_kept_together_are_named(limits: tuple, named: tuple[str, ...]):
    options = people(100)
    if isinstance(limits[-1], Parity):
        options.effects[50:] = np.nan
    with pytest.raises(CampaignError) as error:
        plan(options, 70, 0, 0, limits=limits)
    for name in named:
        assert name in str(error.value)
    for limit in limits:
        if not any(limit.name in name for name in named):
            assert limit.name not in str(error.value)


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (Money("m", ALL, -1.0), "not a sum of money"),
        (Money("m", ALL, np.nan), "not a sum of money"),
        (Money("m", np.ones(3, np.bool_), 1.0), "for each of 2 options"),
        (Money("budget", ALL, 1.0), "two of that name"),
        (Capacity("c", ALL, -1), "not a number of people"),
        (Capacity("c", ALL, np.nan), "not a number of people"),
        (Capacity("c", ALL, 5, 6), "at least 6, and at most 5"),
        (Parity("p", np.array([0, 1, 2]), least_ratio=0.5), "for each of 10 people"),
        (Parity("p", np.arange(10) - 1, least_ratio=0.5), "numbered 0, 1"),
        (Parity("p", np.arange(10) * 10**9, least_ratio=0.5), "numbered 0, 1"),
        (Parity("p", np.zeros(10), least_ratio=0.5), "for each of 10 people"),
        (Parity("p", np.zeros(10, int)), "not one of"),
        (Parity("p", np.zeros(10, int), least_ratio=0.5, most_gap=0.5), "not one of"),
        (Parity("p", np.zeros(10, int), least_ratio=1.5), "not in"),
        (Parity("p", np.zeros(10, int), "odds", least_ratio=0.5), "measure"),
    ],
)
def test_limits_that_are_none_are_refused(limit: Money | Capacity | Parity, told: str):
    with pytest.raises(CampaignError, match=told):
        plan(people(10), 5, 0, 0, limits=(limit,))


def test_arrays_that_do_not_belong_together_are_refused():
    options = people(10)
    wrong = (
        {"effects": np.ones((9, 2))},
        {"costs": np.ones((3, 2))},
        {"values": np.ones((10, 3))},
        {"closed": np.ones((10, 1), np.bool_)},
        {"permitted": np.ones(3, np.bool_)},
        {"effects": np.full((10, 2), np.inf)},
        {"effects": np.full((10, 2), np.nan), "values": np.ones((10, 2))},
        {"costs": np.array([[np.nan, 1.0]])},
    )
    for change in wrong:
        with pytest.raises(CampaignError):
            plan(replace(options, **change), 5, 0, 0)
    with pytest.raises(CampaignError, match="households"):
        plan(options, 5, 0, 0, households=np.zeros(9, int))
    none = Options(np.arange(3), "none", (), np.ones((3, 0)), np.ones((1, 0)), np.ones(0, np.bool_))
    with pytest.raises(CampaignError, match="Declare a treatment"):
        plan(none, 5, 0, 0)


def test_nobody_can_be_planned_for_within_limits_but_not_with_a_least():
    nobody = people(0)
    groups = np.zeros(0, np.int64)
    made = plan(nobody, 5, 0.1, 0.1, limits=(Capacity("c", ALL, 3), Parity("p", groups, most_gap=0.1)))
    assert made.probabilities.shape == (0, 3)
    with pytest.raises(CampaignError, match="'c'"):
        plan(nobody, 5, 0.1, 0.1, limits=(Capacity("c", ALL, 3, 1),))


def test_two_days_have_two_budgets():
    luck = np.random.default_rng(1)
    options = replace(people(1000, 4, 1), costs=luck.uniform(0.5, 1.5, (1000, 4)))
    days = [Money(f"day {d}", np.arange(4) // 2 == d, 100.0) for d in range(2)]
    made = plan(options, 150, 0.0, 0.0, limits=tuple(days))
    chosen = decide(made, "x").chosen
    spent = np.where(chosen > 0, options.costs[np.arange(1000), np.maximum(chosen - 1, 0)], 0)
    assert spent[(chosen == 1) | (chosen == 2)].sum() <= 100
    assert spent[chosen > 2].sum() <= 100
    assert 140 < spent.sum() <= 150
    assert made.gap < 0.05


def test_a_plan_is_the_same_on_one_processor():
    options = replace(people(200_000, 3, 4), effects=np.random.default_rng(0).random((200_000, 3)))
    groups = np.arange(200_000) % 3
    limits = (Capacity("b", np.array([False, True, False]), 9_000), Parity("p", groups, least_ratio=0.9))
    many, processors = plan(options, 50_000, 0.05, 0, limits=limits), os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(processors)})
        one = plan(options, 50_000, 0.05, 0, limits=limits)
    finally:
        os.sched_setaffinity(0, processors)
    assert (one.choices == many.choices).all()
    assert (one.shares == many.shares).all()
    assert (one.value, one.bound, one.prices) == (many.value, many.bound, many.prices)
