"""The lift of a plan: unbiased over all draws, blind to what must not matter, silent where unknown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from suasion.errors import UndefinedError
from suasion.measurement import Lift, lift
from suasion.measurement.own_draw import contributions, own_effect
from suasion.stats import mean

Floats = npt.NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)
DRAWS = 1500


@dataclass(frozen=True)
class Sent:
    """What is known of a sent plan."""

    probabilities: Floats
    drawn: npt.NDArray[np.int64]
    outcome: Floats
    expected: Floats
    households: npt.NDArray[np.int64] | None = None
    spent: float = 100.0

    @property
    def lift(self) -> Lift:
        return lift(self.probabilities, self.drawn, self.outcome, self.expected, self.households, self.spent)

    def of(self, rows: npt.NDArray[np.int64]) -> Sent:
        """The same of other persons, or in another order."""
        homes = None if self.households is None else self.households[rows]
        arrays = (self.probabilities, self.drawn, self.outcome, self.expected)
        return Sent(*(array[rows] for array in arrays), homes, self.spent)


def sent(seed: int = 1, n: int = 600, works: float = 0.3, households: bool = True) -> Sent:
    """A plan with two treatments, of people who may get both, one or none of them; drawn one by one."""
    luck = np.random.default_rng(seed)
    kinds = np.array([[0.1, 0.9, 0.0], [0.1, 0.05, 0.85], [0.95, 0.05, 0.0], [1.0, 0.0, 0.0]])
    probabilities = kinds[luck.integers(4, size=n)]
    drawn = (luck.random(n)[:, None] > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    expected = 0.2 + 0.3 * luck.random(n)
    came = (luck.random(n) < expected + works * (drawn > 0)).astype(np.float64)
    homes = luck.integers(n // 2, size=n) if households else None
    return Sent(probabilities, drawn, came, expected, homes)


def all_draws(probabilities: Floats):
    """Every draw of persons decided one by one, with its chance."""
    n, k = probabilities.shape
    for drawn in itertools.product(range(k), repeat=n):
        chance = probabilities[np.arange(n), drawn].prod()
        if chance > 0:
            yield np.array(drawn), chance


@settings(max_examples=5, deadline=None)
@given(seeds, st.sampled_from([(6, 3), (12, 2)]))
def test_over_all_draws_the_mean_is_exactly_what_the_plan_changes(seed, size):
    """With twelve people, many draws leave enough of them alone to put the models on a line."""
    luck = np.random.default_rng(seed)
    n, k = size
    probabilities = luck.dirichlet([4.0, *[1.0] * (k - 1)], size=n)
    probabilities[0] = np.eye(k)[0]
    would = luck.normal(3, 2, (n, k))
    expected = luck.normal(size=n)
    found = sum(
        chance * contributions(probabilities[:, 0], drawn == 0, would[np.arange(n), drawn], expected).mean()
        for drawn, chance in all_draws(probabilities)
    )
    truth = (probabilities * (would - would[:, :1])).sum(axis=1).mean()
    assert found == pytest.approx(truth, abs=1e-12)


def test_with_equal_chances_and_blind_models_it_is_the_difference_of_the_means():
    luck = np.random.default_rng(4)
    drawn, outcome = luck.permutation(np.arange(1000) % 2), luck.normal(5, 1, 1000)
    found = Sent(np.full((1000, 2), 0.5), drawn, outcome, np.zeros(1000)).lift
    difference = outcome[drawn == 1].mean() - outcome[drawn == 0].mean()
    assert found.effect.value == pytest.approx(difference / 2, abs=0.001)
    assert found.naive == pytest.approx(difference)


def same(one: Lift, other: Lift) -> bool:
    """Whether two lifts are the same but for rounding."""

    def numbers(of: Lift) -> list[float]:
        ends = [(e.value, e.low, e.high) for e in (of.effect, of.extra, of.cost_per_extra) if e]
        return [of.people, of.measured, of.treated, of.holdout, of.naive, *itertools.chain(*ends)]

    return one.warnings == other.warnings and numbers(one) == pytest.approx(numbers(other), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(seeds, st.booleans())
def test_the_order_of_people_changes_nothing(seed, households):
    whole = sent(seed, 300, households=households)
    order = np.random.default_rng(seed).permutation(300)
    assert same(whole.of(order).lift, whole.lift)


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(0.01, 1000))
def test_another_unit_of_the_outcome_is_another_unit_of_the_lift(seed, factor):
    whole = sent(seed, 300)
    effect = replace(whole, outcome=factor * whole.outcome, expected=factor * whole.expected).lift.effect
    plain = whole.lift.effect.times(factor)
    assert (effect.value, effect.low, effect.high) == pytest.approx((plain.value, plain.low, plain.high))


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(-10, 10), st.sampled_from([-3.0, 0.2, 7.0]))
def test_models_off_by_a_line_are_put_right(seed, shift, slope):
    whole = sent(seed, 400)
    assert same(replace(whole, expected=shift + slope * whole.expected).lift, whole.lift)


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(-5, 5))
def test_what_all_have_more_of_is_not_lift(seed, shift):
    whole = sent(seed, 400)
    assert same(replace(whole, outcome=shift + whole.outcome).lift, whole.lift)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_outcome_of_those_who_had_no_chance_does_not_count(seed):
    whole = sent(seed)
    never = whole.probabilities[:, 0] == 1
    effect = replace(whole, outcome=np.where(never, 1000.0, whole.outcome)).lift.effect
    assert (effect.value, effect.low, effect.high) == pytest.approx(
        (whole.lift.effect.value, whole.lift.effect.low, whole.lift.effect.high)
    )


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_one_more_costs_what_was_spent_over_what_was_added(seed):
    found = sent(seed).lift
    extra, price = found.extra, found.cost_per_extra
    assert (price is None) == (extra.low <= 0)
    if price:
        assert price.value * extra.value == pytest.approx(100)
        assert price.low * extra.high == pytest.approx(100)
        assert price.high * extra.low == pytest.approx(100)


def test_what_takes_away_has_no_price():
    found = sent(works=-0.3).lift
    assert found.extra.high < 0
    assert found.cost_per_extra is None


def test_a_free_campaign_costs_nothing_for_each():
    assert replace(sent(), spent=0.0).lift.cost_per_extra.high == 0


def test_people_are_counted_as_they_were_drawn():
    whole = sent()
    unknown = np.arange(600) < 60
    found = replace(whole, outcome=np.where(unknown, np.nan, whole.outcome)).lift
    nothing, left = whole.probabilities[60:, 0], whole.drawn[60:] == 0
    assert (found.people, found.measured) == (600, 540)
    assert found.treated == (~left).sum()
    assert found.holdout == (left & (nothing < 1)).sum()
    assert found.extra.value == pytest.approx(600 * found.effect.value)


def test_a_plan_that_treats_nobody_changes_exactly_nothing():
    n = 50
    outcome = np.arange(n) % 2.0
    found = Sent(np.tile([1.0, 0.0], (n, 1)), np.zeros(n, np.int64), outcome, np.full(n, 0.5)).lift
    assert (found.effect.low, found.effect.value, found.effect.high) == (0, 0, 0)
    assert found.cost_per_extra is None
    assert found.naive is None
    assert found.warnings == ()


def test_rounding_dust_in_the_plan_changes_nothing():
    whole = sent()
    dusty = np.where(whole.probabilities == 1, 1 - 1e-16, whole.probabilities)
    assert replace(whole, probabilities=dusty).lift == whole.lift


def test_few_of_a_rare_outcome_are_not_taken_for_none():
    """Nobody of the hundred left alone came: that does not make sure that they never do."""
    n = 1000
    left = np.arange(n) < 100
    came = (np.arange(n) >= 950).astype(np.float64)
    found = Sent(np.tile([0.1, 0.9], (n, 1)), np.where(left, 0, 1), came, np.full(n, 0.05)).lift
    assert found.effect.value > 0.04
    assert found.effect.low < 0.04


def held(seed: int, people: int, left_alone: int, rate: float | None, effect: float) -> int:
    """How often intervals hold the effect; the outcome is rare or, without a `rate`, normal."""
    luck, count = np.random.default_rng(seed), 0
    for _ in range(DRAWS):
        left, expected = luck.permutation(people) < left_alone, luck.random(people)
        noise = luck.normal(size=people) if rate is None else luck.random(people) < rate
        outcome = noise + effect * ~left + (expected if rate is None else 0)
        found = own_effect(np.full(people, left_alone / people), left, outcome, expected, None)
        count += found.low <= effect * (1 - left_alone / people) <= found.high
    return count


@pytest.mark.parametrize(
    ("people", "left_alone", "rate", "effect"), [(500, 50, 0.04, 0.0), (120, 12, None, 3.0)]
)
def test_intervals_hold_where_few_were_left_alone(people, left_alone, rate, effect):
    """Twelve people of whom some came, or fifty of whom two came, are all there is to compare with."""
    assert binom.ppf(0.001, DRAWS, 0.95) <= held(8, people, left_alone, rate, effect) <= 0.985 * DRAWS


def test_a_handful_left_alone_is_worth_a_handful_of_degrees_of_freedom():
    luck, nothing = np.random.default_rng(6), np.full(60, 0.1)
    left, outcome, expected = np.arange(60) < 6, luck.normal(size=60), np.zeros(60)
    found = own_effect(nothing, left, outcome, expected, None)
    as_if_sixty = mean(contributions(nothing, left, outcome, expected))
    assert found.high - found.low > 1.15 * (as_if_sixty.high - as_if_sixty.low)


def test_people_of_one_home_who_do_all_alike_count_once():
    one = sent(households=False)
    four = replace(one.of(np.repeat(np.arange(600), 4)), households=np.repeat(np.arange(600), 4))
    assert four.lift.effect.n == 600
    assert four.lift.effect.value == pytest.approx(one.lift.effect.value, abs=0.01)
    wide, apart = (found.lift.effect.high - found.lift.effect.low for found in (four, one))
    assert wide == pytest.approx(apart, rel=0.1)


def test_a_small_holdout_is_told():
    n = 60
    left = np.arange(n) < 6
    few = Sent(np.tile([0.1, 0.9], (n, 1)), np.where(left, 0, 1), np.arange(n) % 3.0, np.zeros(n)).lift
    assert [warning for warning in few.warnings if "no more than 6 people" in warning]
    assert few.effect.high - few.effect.low > 1
    assert sent().lift.warnings == ()


def test_missing_outcomes_are_told_with_who_lacks_them():
    whole = sent()
    unknown = np.random.default_rng(2).random(600) < 0.1
    warnings = replace(whole, outcome=np.where(unknown, np.nan, whole.outcome)).lift.warnings
    treated = whole.drawn > 0
    assert len(warnings) == 1
    assert f"{unknown.sum()} of 600 people" in warnings[0]
    assert f"{(unknown & treated).sum()} of {treated.sum()} drawn for a treatment" in warnings[0]


def test_outcomes_missing_because_of_the_treatment_are_told():
    whole = sent()
    unknown = (np.random.default_rng(2).random(600) < 0.5) & (whole.drawn > 0)
    warnings = replace(whole, outcome=np.where(unknown, np.nan, whole.outcome)).lift.warnings
    assert any("depends on the treatment" in warning for warning in warnings)


def test_a_draw_with_too_few_left_alone_is_told():
    whole = sent(n=3000)
    chance = (whole.probabilities[:, 0] == 0.1) & (np.arange(3000) > 500)
    favored = np.where(chance, whole.probabilities.argmax(axis=1), whole.drawn)
    warnings = replace(whole, drawn=favored).lift.warnings
    assert any("drawn for nothing, the plan asks for" in warning for warning in warnings)


def test_a_draw_that_lost_track_of_who_is_who_is_told():
    """Counts of options are right, people are not."""
    n = 2000
    likely = np.arange(n) % 2 == 0
    probabilities = np.where(likely[:, None], [0.1, 0.9], [0.9, 0.1])
    drawn = (np.random.default_rng(3).random(n) > probabilities[:, 0]).astype(np.int64)
    right = Sent(probabilities, drawn, np.arange(n) % 3.0, np.zeros(n))
    assert right.lift.warnings == ()
    assert any(
        "other chances" in warning for warning in replace(right, drawn=np.roll(drawn, 1)).lift.warnings
    )


def first(n: int, value: object, array: npt.NDArray[np.generic]):
    array = array.copy()
    array[:n] = value
    return array


WHOLE = sent()
UNDEFINED = {
    "no chance of being left alone": replace(
        WHOLE,
        probabilities=first(1, [0, 1, 0], WHOLE.probabilities),
        drawn=first(1, 1, WHOLE.drawn),
    ),
    "no outcome is known": replace(WHOLE, outcome=np.full(600, np.nan)),
    "1 people were drawn for what their plan never gives": replace(
        WHOLE, probabilities=first(1, [1, 0, 0], WHOLE.probabilities), drawn=first(1, 2, WHOLE.drawn)
    ),
    "chance left nobody alone": replace(WHOLE, outcome=np.where(WHOLE.drawn == 0, np.nan, WHOLE.outcome)),
    "all have the same outcome": replace(WHOLE, outcome=np.zeros(600)),
    "models that are not finite": replace(WHOLE, expected=first(1, np.nan, WHOLE.expected)),
}


@pytest.mark.parametrize("found", UNDEFINED)
def test_what_cannot_be_known_is_refused(found):
    with pytest.raises(UndefinedError, match=found):
        _ = UNDEFINED[found].lift
