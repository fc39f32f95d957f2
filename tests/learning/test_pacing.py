"""Spending stays on pace and below its cap; an arm that harms is switched off, one that does not is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from suasion.allocation import policies
from suasion.allocation.policies import Guardrail, Kind, Policy
from suasion.errors import InputError
from suasion.learning import learn
from suasion.learning.pacing import affordable, paced, watched

PACED = Policy(Kind.THOMPSON, ("dear", "cheap", "nothing"), exploration=0.01, costs=(2.0, 1.0, 0.0))
GUARDED = Policy(Kind.THOMPSON, ("a", "b"), guardrails=(Guardrail("complained", 0.01),))
REWARDS = (0.5, 0.3, 0.1)


def _spent(budget: float, seed: int, steps: int = 300, together: int = 50) -> np.ndarray:
    """Money spent step by step: dear arms bring most, prices are set anew, the cap holds."""
    luck, state, spent = np.random.default_rng(seed), policies.start(PACED), [0.0]
    costs = np.array(PACED.costs)
    for _ in range(steps):
        can = affordable(PACED, budget - spent[-1] - 2.0 * together)
        allowed = np.tile(can, (together, 1))
        chances = policies.probabilities(PACED, state, np.zeros((together, 0)), allowed)
        arms = policies.chosen(chances, luck.random(together))
        rewards = (luck.random(together) < np.array(REWARDS)[arms]) * 1.0
        state = learn(
            PACED, state, np.zeros((together, 0)), arms, rewards, chances[np.arange(together), arms]
        )
        state = paced(PACED, state, float(costs[arms].sum()), budget / steps)
        spent.append(spent[-1] + float(costs[arms].sum()))
    return np.array(spent)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_spending_keeps_pace_with_its_budget(seed: int, share: float):
    budget = share * 300 * 50
    spent = _spent(budget, seed)
    due = budget * np.arange(301) / 300
    assert abs(spent - due)[30:].max() < 0.08 * budget
    assert spent[-1] > 0.9 * budget


def test_a_budget_too_small_is_never_exceeded():
    assert _spent(400.0, 1).max() <= 400.0


def test_without_a_shortage_money_has_no_price():
    state = paced(PACED, policies.start(PACED), 1.0, 50.0)
    assert state.price == 0.0


def test_without_costs_there_is_no_price():
    free = Policy(Kind.THOMPSON, ("a", "b"))
    assert paced(free, policies.start(free), 5.0, 0.0).price == 0.0
    assert affordable(free, 0.0).all()


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
def test_amounts_that_are_none_are_refused(amount: float):
    with pytest.raises(InputError, match="pacing"):
        paced(PACED, policies.start(PACED), amount, 1.0)


def _watched(rate: float, luck: np.random.Generator, days: int = 30, a_day: int = 200) -> bool:
    """Whether an arm with this rate of complaints is off after a month of daily looks."""
    state = policies.start(GUARDED)
    for _ in range(days):
        harms = np.array([[luck.binomial(a_day, rate), 0]])
        state = watched(GUARDED, state, np.array([a_day, a_day]), harms)
    assert not state.closed[1]
    return bool(state.closed[0])


def test_an_arm_far_above_the_limit_is_switched_off_and_one_far_below_is_not():
    luck = np.random.default_rng(1)
    assert all(_watched(0.03, luck) for _ in range(50))
    assert not any(_watched(0.004, luck) for _ in range(200))


def test_at_the_limit_thirty_looks_raise_few_false_alarms():
    luck = np.random.default_rng(2)
    alarms = sum(_watched(0.01, luck) for _ in range(400))
    # One look would be wrong in 1 %; thirty that overlap stay below a sixth.
    assert binomtest(alarms, 400, 1 / 6, alternative="greater").pvalue > 0.001


def test_an_arm_that_is_off_stays_off():
    state = watched(GUARDED, policies.start(GUARDED), np.array([100, 100]), np.array([[30, 0]]))
    later = watched(GUARDED, state, np.array([100_000, 0]), np.array([[0, 0]]))
    assert later.closed.tolist() == [True, False]


def test_a_harm_told_of_before_its_exposure_counts():
    state = watched(GUARDED, policies.start(GUARDED), np.array([0, 0]), np.array([[3, 0]]))
    assert state.closed.tolist() == [True, False]


def test_each_guardrail_switches_off_by_itself():
    two = replace(GUARDED, guardrails=(Guardrail("complained", 0.01), Guardrail("returned", 0.5)))
    state = watched(two, policies.start(two), np.array([100, 100]), np.array([[0, 9], [40, 40]]))
    assert state.closed.tolist() == [False, True]


@pytest.mark.parametrize(
    ("shown", "harms"),
    [
        (np.array([1]), np.array([[0, 0]])),
        (np.array([1, 1]), np.array([0, 0])),
        (np.array([-1, 1]), np.array([[0, 0]])),
    ],
)
def test_counts_that_do_not_fit_are_refused(shown: np.ndarray, harms: np.ndarray):
    with pytest.raises(InputError, match="guardrails"):
        watched(GUARDED, policies.start(GUARDED), shown, harms)
