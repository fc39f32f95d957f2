"""Places are chosen by chance, as alike as can be, and what they tell holds for that chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from suasion.errors import CampaignError, UndefinedError
from suasion.experiments.geo import (
    GeoDesign,
    Panel,
    compare,
    constrained,
    imbalance,
    matched,
    panel,
    per_unit,
    placebo,
    summed,
)
from suasion.stats import randomization

ADJUSTMENTS = list(randomization.Adjustment)
Choose = Callable[..., GeoDesign]


def weeks(seed: int, places: int = 16, periods: int = 26, sized: bool = False) -> Panel:
    """Places of unlike level with seasons, trends and noise of their own."""
    rng = np.random.default_rng(seed)
    names = [f"place {i:03}" for i in range(places)]
    level, trend = rng.lognormal(3, 0.4, places), rng.normal(0, 0.05, places)
    season = np.sin(np.arange(periods) / 4)
    noise = rng.normal(0, 1, (places, periods))
    rates = level[:, None] * (1 + 0.1 * season) + trend[:, None] * np.arange(periods) + noise
    sizes = rng.integers(1_000, 9_000, places).astype(float) if sized else np.ones(places)
    place, period = np.repeat(names, periods), np.tile(np.arange(periods), places)
    people = dict(zip(names, sizes, strict=True)) if sized else None
    return panel(place.tolist(), period, (rates * sizes[:, None]).ravel(), people)


def with_effect(before: Panel, design: GeoDesign, start: int, effect: np.ndarray | float) -> Panel:
    """The same, with more per head in treated places from a period on."""
    outcomes = before.outcomes.copy()
    treated = before.rows(design.treated_places)
    added = np.broadcast_to(effect, len(before.places))[treated] * before.sizes[treated]
    outcomes[np.ix_(treated, before.periods >= start)] += added[:, None]
    return Panel(before.places, before.periods, outcomes, before.sizes)


def cut(whole: Panel, periods: int) -> Panel:
    return Panel(whole.places, whole.periods[:periods], whole.outcomes[:, :periods], whole.sizes)


CHOICES: dict[str, Choose] = {
    "pairs": matched,
    "balanced": lambda panel, *rest, **others: constrained(panel, 8, *rest, threshold=0.5, **others),
}
each_choice = pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES)


def test_a_panel_does_not_depend_on_the_order_of_rows():
    made, order = weeks(1), np.random.default_rng(2).permutation(16 * 26)
    place, period = np.repeat(made.places, 26)[order], np.tile(made.periods, 16)[order]
    again = panel(place.tolist(), period, made.outcomes.ravel()[order])
    assert again.places == made.places
    assert np.array_equal(again.outcomes, made.outcomes)


BROKEN: dict[str, tuple[list[str], list[int], list[float], dict[str, float] | None, str]] = {
    "missing": (
        ["A", "B", "A"],
        [1, 1, 2],
        [1, 2, 3],
        None,
        r"1 place\(s\) and period\(s\) missing, 0 twice",
    ),
    "twice": (["A", "A"], [1, 1], [1, 2], None, "0 place.* missing, 1 twice"),
    "not finite": (["A", "B"], [1, 1], [1, np.nan], None, "not finite"),
    "no size": (["A", "B"], [1, 1], [1, 2], {"A": 5}, "no size above 0 for 1 place.*'B'"),
    "no people": (["A", "B"], [1, 1], [1, 2], {"A": 5, "B": 0}, "no size above 0"),
}


@pytest.mark.parametrize(("place", "period", "outcome", "sizes", "found"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_panel_is_refused(
    place: list[str], period: list[int], outcome: list[float], sizes: dict[str, float] | None, found: str
):
    with pytest.raises(UndefinedError, match=found):
        panel(place, np.array(period), np.array(outcome), sizes)


def _best(apart: np.ndarray, free: tuple[int, ...]) -> float:
    """The smallest sum over all ways to pair, leaving out at most one."""
    if len(free) < 2:
        return 0.0
    first, rest = free[0], free[1:]
    ways = [apart[first, one] + _best(apart, tuple(i for i in rest if i != one)) for one in rest]
    return min([*ways, _best(apart, rest)] if len(free) % 2 else ways)


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 10_000), places=st.integers(4, 9))
def test_pairs_are_the_nearest_of_all_ways_to_pair(seed: int, places: int):
    made = weeks(seed, places, 6)
    design = matched(made, "spring", alpha=1)
    groups, rates = design.reference.groups, made.rates
    assert groups is not None
    assert np.bincount(groups).tolist() == [2] * (places // 2)
    assert np.bincount(groups, design.treated).tolist() == [1] * (places // 2)
    apart = ((rates[:, None] - rates) ** 2).sum(axis=2)
    rows = made.rows(design.places)
    total = sum(apart[np.ix_(rows[groups == g], rows[groups == g])].max() for g in range(places // 2))
    assert total == pytest.approx(_best(apart, tuple(range(places))), rel=1e-3)


def test_many_places_are_paired_in_time_and_all_of_them():
    design = matched(weeks(3, 140, 10), "spring")
    assert (len(design.places), design.treated.sum(), design.reference.exact) == (140, 70, False)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1_000), share=st.floats(0.3, 1.1))
def test_a_budget_holds_whichever_of_a_pair_is_drawn(seed: int, share: float):
    made = weeks(seed, 12, 6)
    rng = np.random.default_rng(seed)
    costs = dict(zip(made.places, rng.uniform(1, 5, 12), strict=True))
    budget = share * sum(costs.values()) / 2
    design = matched(made, "spring", costs=costs, budget=budget, alpha=1)
    worst = design.reference.assignments @ np.array([costs[place] for place in design.places])
    assert worst.max() <= budget + 1e-6
    cheap = sorted(costs.values())
    # Neighbors in cost are the cheapest pairs there are: no more of them could be paid.
    assert len(design.places) // 2 == np.searchsorted(np.cumsum(cheap[1::2]), budget + 1e-9, "right")


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1_000))
def test_every_remembered_assignment_is_balanced_and_affordable(seed: int):
    made = weeks(seed, 14, 8, sized=True)
    costs = dict(zip(made.places, made.sizes / 1_000, strict=True))
    design = constrained(made, 6, "spring", costs=costs, budget=40, threshold=0.6)
    kept = design.reference.assignments
    assert set(kept.sum(axis=1)) == {6}
    assert (kept @ made.sizes / 1_000).max() <= 40 + 1e-9
    means = np.column_stack([made.rates.mean(axis=1), made.sizes])
    far = [
        np.abs(means[one].mean(axis=0) - means[~one].mean(axis=0)) / means.std(axis=0, ddof=1) for one in kept
    ]
    assert np.max(far) <= 0.6 + 1e-9
    slopes = np.polyfit(made.periods, made.rates.T, 1)[0]
    steep = [abs(slopes[one].mean() - slopes[~one].mean()) / slopes.std(ddof=1) for one in kept]
    assert np.max(steep) <= 0.6 + 1e-9
    assert len(np.unique(kept, axis=0)) == len(kept)


def test_no_balanced_assignment_is_forgotten():
    made = weeks(4, 10, 8)
    every = randomization.every(np.arange(10) < 5).assignments
    expected = every[imbalance(made, every) <= 0.4]
    kept = constrained(made, 5, "spring", threshold=0.4).reference.assignments
    assert {one.tobytes() for one in kept} == {one.tobytes() for one in expected}


def test_what_does_not_vary_cannot_be_out_of_balance():
    names, period = [f"T{i}" for i in range(10)], np.arange(3)
    level = panel(np.repeat(names, 3).tolist(), np.tile(period, 10), np.full(30, 0.1))
    assert imbalance(level, randomization.every(np.arange(10) < 5).assignments).max() == 0


@each_choice
def test_a_design_is_drawn_by_key_and_name(choose: Choose):
    made = weeks(5)
    one = choose(made, "spring", b"secret")
    assert np.array_equal(choose(made, "spring", b"secret").treated, one.treated)
    others = [choose(made, f"spring {i}", b"secret").treated for i in range(8)]
    others += [choose(made, "spring", f"{i}".encode()).treated for i in range(8)]
    assert len({other.tobytes() for other in others}) > 12


@each_choice
def test_every_remembered_assignment_is_as_likely(choose: Choose):
    made = weeks(6, 12, 6)
    designs = [choose(made, f"{i}") for i in range(120)]
    treated = np.mean([design.treated for design in designs], axis=0)
    chances = designs[0].chances
    error = np.sqrt(chances * (1 - chances) / 120)
    assert (np.abs(treated - chances) < 4.5 * error + 1e-12).all()


@pytest.mark.parametrize(("places", "found"), [(10, "10 places give 32 .* 0.062"), (8, "16 .* 0.12")])
def test_so_few_pairs_that_nothing_could_be_told_are_refused(places: int, found: str):
    with pytest.raises(UndefinedError, match=found):
        matched(weeks(7, places, 6), "spring")
    assert matched(weeks(7, 12, 6), "spring").least == 2 / 64


def test_so_few_places_that_nothing_could_be_told_are_refused():
    with pytest.raises(UndefinedError, match=r"15 assignments: no p-value below 0\.067"):
        constrained(weeks(7, 6, 6), 2, "spring", threshold=9)
    assert constrained(weeks(7, 6, 6), 3, "spring", threshold=9, alpha=0.1).least == 2 / 20


WRONG: dict[str, tuple[Callable[[Panel], Any], str]] = {
    "budget": (lambda p: matched(p, "s", costs=dict.fromkeys(p.places, 9.0), budget=8), "below the cost"),
    "no cost": (lambda p: matched(p, "s", costs={"place 001": 1}, budget=8), "no cost .* 15 place"),
    "all": (lambda p: constrained(p, 16, "s"), "16 of 16 place"),
    "none": (lambda p: constrained(p, 0, "s"), "0 of 16 place"),
    "threshold": (lambda p: constrained(p, 8, "s", threshold=0.0), "none of them balanced"),
}


@pytest.mark.parametrize(("ask", "found"), WRONG.values(), ids=WRONG)
def test_a_design_that_cannot_be_is_refused(ask: Callable[[Panel], Any], found: str):
    with pytest.raises(CampaignError, match=found):
        ask(weeks(8))


@each_choice
@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_an_effect_the_same_everywhere_shifts_the_interval_by_itself(
    choose: Choose, adjustment: randomization.Adjustment
):
    made = weeks(9, sized=True)
    design = choose(cut(made, 20), "spring")
    none = compare(made, design, 20, adjustment=adjustment).effect
    found = compare(with_effect(made, design, 20, 5.0), design, 20, adjustment=adjustment)
    assert (found.effect.low, found.effect.value, found.effect.high) == pytest.approx(
        (none.low + 5, none.value + 5, none.high + 5)
    )
    people = made.sizes[made.rows(design.treated_places)].sum()
    assert found.total.value == pytest.approx(found.effect.value * people * 6)


def test_a_return_is_found_where_each_place_spends_another_amount():
    made = weeks(10, sized=True)
    design = matched(cut(made, 20), "spring")
    place = np.array(design.treated_places)
    amount = np.random.default_rng(11).uniform(1e3, 1e5, (len(place), 6))
    spend = summed(made, np.repeat(place, 6).tolist(), amount.ravel())
    given = with_effect(made, design, 20, 0.7 * spend / made.sizes / 6)
    for adjustment in ADJUSTMENTS[:2]:
        none, found = (per_unit(one, design, 20, spend, adjustment).effect for one in (made, given))
        assert (found.low, found.value, found.high) == pytest.approx(
            (none.low + 0.7, none.value + 0.7, none.high + 0.7)
        )


def test_places_left_out_do_not_count():
    made = weeks(12, 17)
    design = matched(cut(made, 20), "spring")
    (left,) = set(made.places) - set(design.places)
    outcomes = made.outcomes.copy()
    outcomes[made.rows([left])] *= 100
    changed = Panel(made.places, made.periods, outcomes, made.sizes)
    assert compare(changed, design, 20) == compare(made, design, 20)


UNREADABLE: dict[str, tuple[Callable[[Panel, GeoDesign], Any], str]] = {
    "too early": (lambda p, d: compare(p, d, 0), "0 period.* before"),
    "too late": (lambda p, d: compare(p, d, 99), "26 period.* before the start and 0"),
    "spend": (lambda p, d: per_unit(p, d, 20, -p.sizes), "spend below 0"),
    "short spend": (lambda p, d: per_unit(p, d, 20, np.ones(3)), "spend below 0, or not one a place"),
    "foreign": (lambda p, d: summed(p, ["Atlantis"], np.ones(1)), "no outcomes of 1 place.*'Atlantis'"),
    "control": (lambda p, d: per_unit(p, d, 20, 9.0 * ~d.treated), "spent no more"),
}


@pytest.mark.parametrize(("ask", "found"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_campaign_that_cannot_be_read_is_refused(ask: Callable[[Panel, GeoDesign], Any], found: str):
    made = weeks(13)
    with pytest.raises(UndefinedError, match=found):
        ask(made, matched(cut(made, 20), "spring"))


@each_choice
@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_a_placebo_finds_what_the_test_finds(choose: Choose, adjustment: randomization.Adjustment):
    """Injected by hand, window after window, over every assignment that was played."""
    made = weeks(14, 12, 9)
    design = matched(made, "s") if choose is matched else constrained(made, 4, "s", threshold=0.5)
    count = min(40, len(design.reference.assignments))
    power = placebo(made, design, 5, 3, np.array([1.5]), np.random.default_rng(15), adjustment, samples=count)
    chosen = np.random.default_rng(15).choice(len(design.reference.assignments), count, replace=False)
    alarms = found = 0
    for start in range(2):
        window = Panel(
            made.places, made.periods[start : start + 8], made.outcomes[:, start : start + 8], made.sizes
        )
        for treated in design.reference.assignments[chosen]:
            played = GeoDesign(design.places, treated, design.reference)
            first = start + 5
            alarms += compare(window, played, first, adjustment=adjustment).p_value <= 0.05
            given = with_effect(window, played, first, 1.5)
            found += compare(given, played, first, adjustment=adjustment).p_value <= 0.05
    assert power.false_alarms.value == pytest.approx(alarms / (2 * count))
    assert power.found[0].value == pytest.approx(found / (2 * count))


def test_the_detectable_effect_is_found_in_four_of_five_placebos():
    made = weeks(16)
    design = matched(made, "spring")
    first = placebo(made, design, 12, 4, np.zeros(1), np.random.default_rng(1))
    sizes = first.detectable * np.array([-1.0001, 1.0001, 0.999, -0.999, 0.0])
    again = placebo(made, design, 12, 4, sizes, np.random.default_rng(1))
    down, up, under, over, none = (one.value for one in again.found)
    assert min(down, up) >= 0.8
    assert min(under, over) < 0.8
    assert none == again.false_alarms.value
    assert again.usual == pytest.approx(made.rates.mean())


def test_too_short_a_past_is_refused():
    made = weeks(17, 14, 10)
    with pytest.raises(UndefinedError, match="10 periods for 8 before and 3 after"):
        placebo(made, matched(made, "s"), 8, 3, np.zeros(1), np.random.default_rng(1))


@pytest.mark.slow
@each_choice
@pytest.mark.parametrize("adjustment", ADJUSTMENTS)
def test_where_there_is_no_effect_one_test_in_twenty_finds_one(
    choose: Choose, adjustment: randomization.Adjustment
):
    alarms, runs = 0, 200
    for seed in range(runs):
        made = weeks(seed, 16, 14)
        design = choose(cut(made, 10), "spring", f"{seed}".encode())
        alarms += compare(made, design, 10, adjustment=adjustment).p_value <= 0.05
    assert binomtest(alarms, runs, 0.05, "greater").pvalue > 0.001
    assert binomtest(alarms, runs, 0.03, "less").pvalue > 0.001


@pytest.mark.slow
def test_of_many_returns_the_interval_misses_one_in_twenty():
    misses, runs = 0, 400
    for seed in range(runs):
        made = weeks(seed, 16, 14)
        design = matched(cut(made, 10), "spring", f"{seed}".encode())
        spend = np.zeros(16)
        spend[made.rows(design.treated_places)] = np.random.default_rng(seed).lognormal(3, 1, 8)
        found = per_unit(with_effect(made, design, 10, 0.2 * spend / 4), design, 10, spend).effect
        misses += not found.low <= 0.2 <= found.high
    assert binomtest(misses, runs, 0.05, "greater").pvalue > 0.001
