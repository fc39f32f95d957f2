"""Sent plans whose truth is known: the lift is unbiased and its interval holds what they really changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom

from suasion.allocation import Options, Plan, decide, plan
from suasion.measurement import Lift, lift

RARE = 0.001
"""How rarely a right program may fail a test of a rate."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Town:
    """People, the chance that each comes under nothing, a mail and a call, and the plan made for them."""

    chances: Floats
    homes: npt.NDArray[np.int64]
    made: Plan

    @property
    def truth(self) -> float:
        """Extra people who come a person of the plan."""
        return float((self.made.probabilities * (self.chances - self.chances[:, :1])).sum(axis=1).mean())


@cache
def town(n: int, usual: float = 0.25, works: float = 1.0, by_habit: bool = False) -> Town:
    """People some of whom a mail or a call helps, some it keeps away, and most it does not move.

    `usual` is about how many come by themselves, `works` multiplies all effects; with `by_habit` they are
    helped who come anyway. The plan follows guesses of the effects.
    """
    luck = np.random.default_rng(n)
    habit, need = luck.normal(size=(2, n))
    need = habit if by_habit else need
    alone = usual * np.clip(1 + 0.7 * habit, 0.1, 3)
    mail = works * usual * np.select([need > 0.5, need < -1.2], [0.6, -0.3], 0.0)
    call = works * usual * np.select([need > 0.2, need < -1.2], [0.8, -0.4], 0.0)
    chances = np.clip(np.column_stack([alone, alone + mail, alone + call]), 0, 1)
    guesses = np.column_stack([mail, call]) + 0.1 * usual * luck.normal(size=(n, 2))
    costs = np.tile([0.05, 0.08], (n, 1))
    options = Options(np.arange(n), "nothing", ("mail", "call"), guesses, costs, np.ones(2, np.bool_))
    return Town(chances, np.arange(n) // 3, plan(options, 0.025 * n, holdout=0.1, exploration=0.05))


def answers(luck: np.random.Generator, place: Town, chosen: npt.NDArray[np.int64], together: float) -> Floats:
    """Who comes; people of a home share their luck as often as `together`."""
    n = len(chosen)
    own, home = luck.random(n), luck.random(n)[place.homes]
    fate = np.where(luck.random(n) < together, home, own)
    return (fate < place.chances[np.arange(n), chosen]).astype(np.float64)


def models(place: Town) -> dict[str, Floats]:
    """What may be expected of each person under nothing, from knowing to misleading."""
    alone, luck = place.chances[:, 0], np.random.default_rng(3)
    return {
        "good": alone,
        "noisy": alone + alone.std() * luck.normal(size=len(alone)),
        "constant": np.full(len(alone), 0.4),
        "misleading": np.square(1 - alone) + 0.3 * luck.normal(size=len(alone)),
    }


def redrawn(place: Town, seeds: int, together: float) -> dict[str, list[Lift]]:
    """Lifts of as many draws, each with new answers, by model."""
    known = models(place)
    found: dict[str, list[Lift]] = {name: [] for name in known}
    luck = np.random.default_rng(int(100 * together) + len(place.homes))
    for seed in range(seeds):
        chosen = decide(place.made, f"draw {seed}", b"key").chosen
        came = answers(luck, place, chosen, together)
        for name, expected in known.items():
            found[name].append(
                lift(place.made.probabilities, chosen, came, expected, place.homes, spent=0.025 * len(came))
            )
    return found


def assert_unbiased_and_covering(found: list[Lift], truth: float) -> None:
    effects = [one.effect for one in found]
    seeds, errors = len(effects), np.array([effect.value for effect in effects]) - truth
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(seeds)
    held = sum(effect.low <= truth <= effect.high for effect in effects)
    least, most = binom.ppf([RARE / 2, 1 - RARE / 2], seeds, 0.95)
    far = "far " if held > 0.98 * seeds else ""
    assert held >= least, f"{held} of {seeds} intervals hold the truth: they are too narrow"
    assert held <= most, f"{held} of {seeds} intervals hold the truth: they are {far}too wide"


def width(found: list[Lift]) -> float:
    return float(np.mean([one.effect.high - one.effect.low for one in found]))


@pytest.fixture(scope="module")
def alone() -> dict[str, list[Lift]]:
    return redrawn(town(3000), 150, together=0.0)


@pytest.mark.parametrize("expected", models(town(3000)))
def test_the_interval_holds_what_the_plan_changed(alone, expected):
    assert_unbiased_and_covering(alone[expected], town(3000).truth)


def test_the_interval_holds_where_homes_answer_together():
    for found in redrawn(town(3000), 150, together=0.7).values():
        assert_unbiased_and_covering(found, town(3000).truth)


def test_models_that_know_more_make_narrower_intervals(alone):
    assert width(alone["good"]) < width(alone["noisy"]) < width(alone["constant"])
    assert width(alone["misleading"]) < 1.02 * width(alone["constant"])


def test_the_draws_of_a_plan_raise_no_doubt(alone):
    assert not any(one.warnings for one in alone["good"])


def test_comparing_those_sent_to_with_the_rest_is_wrong_where_the_lift_is_not():
    place = town(3000, by_habit=True)
    per_sent = place.truth / (1 - place.made.probabilities[:, 0]).mean()
    found = redrawn(place, 150, together=0.0)["good"]
    assert min(one.naive - per_sent for one in found) > 0.05
    assert_unbiased_and_covering(found, place.truth)


def test_a_rare_outcome_among_few_left_alone_is_no_surer_than_it_is():
    place = town(1200, usual=0.04)
    assert_unbiased_and_covering(redrawn(place, 300, together=0.0)["good"], place.truth)


@pytest.mark.parametrize("usual", [0.04, 0.3])
def test_what_changes_nothing_is_seldom_said_to_add_or_take(usual):
    place = town(1200, usual, works=0.0)
    assert place.truth == 0
    found = redrawn(place, 200, together=0.0)["good"]
    assert sum(one.effect.low > 0 for one in found) <= binom.ppf(1 - RARE, 200, 0.025)
    assert sum(one.effect.high < 0 for one in found) <= binom.ppf(1 - RARE, 200, 0.025)


@pytest.mark.slow
@pytest.mark.parametrize("together", [0.0, 0.7])
@pytest.mark.parametrize(("n", "usual"), [(20_000, 0.25), (20_000, 0.01), (1_240, 0.25), (1_240, 0.1)])
def test_over_a_thousand_draws_the_interval_holds_what_the_plan_changed(n, usual, together):
    place = town(n, usual)
    for found in redrawn(place, 1000, together).values():
        assert_unbiased_and_covering(found, place.truth)
