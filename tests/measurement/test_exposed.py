"""What a placement changed is told truly, though its policy learned on the way and effects drifted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from suasion.errors import UndefinedError
from suasion.measurement import exposed, placements
from suasion.measurement.exposed import Exposed

WORLD = run_path(str(Path(__file__).parent / "drifting.py"))
HOLDOUT, EXPLORATION, K = WORLD["HOLDOUT"], WORLD["EXPLORATION"], WORLD["K"]


def changes(one: Any) -> list[tuple[exposed.Change, float]]:
    """What is told, beside what is true: all together, then each variant."""
    told = [exposed.together(one.exposed, HOLDOUT), *exposed.variants(one.exposed, HOLDOUT, EXPLORATION)]
    return list(zip(told, [one.together, *(one.alone(arm) for arm in range(1, 1 + K))], strict=True))


def held(seeds: int, n: int, base: float) -> list[list[int]]:
    """Of all together, and of the variants: intervals given, those that hold the truth, those without 0."""
    out = [[0, 0, 0], [0, 0, 0]]
    for seed in range(seeds):
        for place, (told, true) in enumerate(changes(WORLD["lived"](seed, n, base))):
            if told.effect is not None:
                counted = out[min(place, 1)]
                counted[0] += 1
                counted[1] += told.effect.low <= true <= told.effect.high
                counted[2] += told.effect.excludes_zero
    return out


def test_intervals_hold_the_truth_though_the_policy_learned_and_effects_drifted():
    for given, hits, clear in held(100, 2500, -1.5):
        assert given >= 100
        assert binomtest(hits, given, 0.95, "less").pvalue > 0.001
        assert clear > 0.1 * given  # they are not so wide that they tell nothing


@pytest.mark.slow
@pytest.mark.parametrize(("n", "base"), [(1000, -1.5), (4000, -4.5), (20_000, -4.5), (20_000, -1.5)], ids=str)
def test_intervals_hold_the_truth_however_rare_outcomes_and_few_people_are(n: int, base: float):
    for given, hits, _ in held(300, n, base):
        assert given >= 50
        assert binomtest(hits, given, 0.95, "less").pvalue > 0.001


@pytest.mark.slow
def test_of_a_placement_looked_at_every_day_95_of_100_intervals_hold_all_days_at_once():
    missed, runs = 0, 200
    for seed in range(runs):
        one = WORLD["lived"](seed, 2500)
        for end in range(200, 2501, 100):
            columns = ("arms", "chances", "costs", "came")
            part = replace(one.exposed, **{name: getattr(one.exposed, name)[:end] for name in columns})
            told = exposed.together(part, HOLDOUT)
            true = WORLD["Lived"](part, one.expected[:end], one.chances[:end]).together
            if told.effect is not None and not told.effect.low <= true <= told.effect.high:
                missed += 1
                break
    assert binomtest(missed, runs, 0.05, "greater").pvalue > 0.001


def test_who_counts_without_the_chances_is_misled():
    """The plain difference of means, with the interval that everybody knows: the test above could fail."""
    hits, runs = 0, 100
    for seed in range(runs):
        one = WORLD["lived"](seed, 2500)
        for arm in range(1, 1 + K):
            came, arms = one.exposed.came, one.exposed.arms
            with_it, without = came[arms == arm], came[arms == 0]
            error = np.sqrt(with_it.var() / len(with_it) + without.var() / len(without))
            hits += abs(with_it.mean() - without.mean() - one.alone(arm)) < 1.96 * error
    assert binomtest(hits, runs * K, 0.95, "less").pvalue < 0.001


def test_a_live_policy_has_less_regret_than_an_even_split_and_than_the_best_so_far():
    n, seeds = 2500, range(100)
    learned = np.array([WORLD["lived"](seed, n).regret for seed in seeds])
    for other in (WORLD["even"], WORLD["best_so_far"]):
        wins = int((learned < [other(seed, n) for seed in seeds]).sum())
        assert binomtest(wins, len(seeds), 0.5, "greater").pvalue < 0.001, other.__name__
        assert learned.mean() < np.mean([other(seed, n) for seed in seeds]), other.__name__


def by_lot(n: int, seed: int = 0, rates: tuple[float, ...] = (0.1, 0.3), shares: Any = (0.2, 0.8)) -> Exposed:
    """Exposures by lot with these shares."""
    luck = np.random.default_rng(seed)
    arms = luck.choice(len(rates), n, p=shares)
    came = (luck.random(n) < np.array(rates)[arms]).astype(np.float64)
    names = ("plain", *(f"v{arm}" for arm in range(1, len(rates))))
    return Exposed(names, arms, np.array(shares)[arms], np.where(arms > 0, 0.5, 0.0), came)


def test_by_lot_it_agrees_with_the_difference_of_means():
    one = by_lot(20_000)
    told = exposed.variants(one, 0.2, 0.8)[0]
    came, arms = one.came, one.arms
    assert told.effect is not None
    assert told.effect.value == pytest.approx(came[arms == 1].mean() - came[arms == 0].mean(), abs=0.005)
    assert told.people == (arms == 1).sum()
    assert told.cost_per_extra is not None
    assert told.cost_per_extra.value == pytest.approx(0.5 / told.effect.value)


def test_all_together_is_what_the_treated_gained_over_everybody():
    one = by_lot(20_000)
    told = exposed.together(one, 0.2)
    assert told.effect is not None
    assert told.effect.value == pytest.approx(0.8 * 0.2, abs=0.01)
    assert told.cost_per_extra is not None
    assert told.cost_per_extra.value == pytest.approx(one.spent / (told.effect.value * one.n))


@pytest.mark.parametrize("n", [0, 1, 20, 100])
def test_what_is_too_thin_is_not_known_and_says_how_many_more_it_takes(n: int):
    told = exposed.together(by_lot(n), 0.2)
    assert told.effect is None
    assert told.cost_per_extra is None
    assert told.text.startswith("Not known: ")
    assert told.more is not None
    assert 30 < n + told.more < 10_000
    assert exposed.together(by_lot(n + 3 * told.more), 0.2).effect is not None


def test_without_any_outcome_nothing_is_known():
    assert exposed.together(by_lot(2000, rates=(0.0, 0.0)), 0.2).effect is None
    assert exposed.together(by_lot(2000, rates=(1.0, 1.0)), 0.2).effect is None


def test_what_holds_zero_says_how_many_more_would_decide_it():
    told = exposed.together(by_lot(800, rates=(0.2, 0.22)), 0.2)
    assert told.effect is not None
    assert not told.effect.excludes_zero
    assert "more exposures" in told.text or "not even" in told.text
    assert told.cost_per_extra is None


ABOUT = placements.About("home", "Top", "Office", "public_health", "Booked", "plain", "EUR", 24, 0.2, 0.1)


def test_a_site_that_does_not_say_when_the_generic_variant_was_seen_is_told():
    one = by_lot(4000)
    kept = (one.arms == 1) | (np.arange(4000) % 2 == 0)
    columns = ("arms", "chances", "costs", "came")
    part = replace(one, **{name: getattr(one, name)[kept] for name in columns})
    made = placements.report(ABOUT, part, 4000, 0, "2026-11-22", "")
    assert made.together.effect is None
    assert made.extra is None
    assert "Experiment Viewed" in made.sentences[0]
    assert all(each.effect is None for each in made.variants)
    assert "Experiment Viewed" in placements.page(made)


def test_a_variant_that_came_later_is_not_compared_with_those_who_could_not_see_it():
    late = by_lot(4000, rates=(0.1, 0.3, 0.3), shares=(0.2, 0.4, 0.4))
    early = by_lot(4000)
    both = Exposed(
        late.names,
        np.concatenate([early.arms, late.arms]),
        np.concatenate([early.chances, late.chances]),
        np.concatenate([early.costs, late.costs]),
        np.concatenate([early.came, late.came]),
    )
    first, second = exposed.variants(both, 0.2, 0.1)
    assert first.effect is not None
    assert second.effect is None
    assert "not open to everybody" in second.text
    assert exposed.together(both, 0.2).effect is not None


@pytest.mark.parametrize("chance", [0.0, 1.0, -0.1, np.nan])
def test_chances_that_are_none_are_refused(chance: float):
    one = by_lot(10)
    with pytest.raises(UndefinedError):
        replace(one, chances=np.full(10, chance))


def test_the_page_tells_what_the_report_holds():
    made = placements.report(ABOUT, by_lot(8000), 8100, 100, "2026-11-22T10:00:00+00:00", "some tables")
    html = placements.page(made)
    assert made.sentences[0].startswith("It brought more 'Booked' than 'plain' alone would have")
    for told in (*made.sentences, "8,100", "some tables", "v1"):
        assert told.replace("'", "&#x27;") in html or told in html
    assert "<script" not in html
    assert made.as_dict()["together"]["effect"]["n"] == 8000


def test_names_in_the_page_are_escaped():
    about = replace(ABOUT, label="<b>Top</b>", outcome="<i>Booked")
    html = placements.page(placements.report(about, by_lot(4000), 4000, 0, "2026-11-22", ""))
    assert "<b>Top" not in html
    assert "<i>Booked" not in html
