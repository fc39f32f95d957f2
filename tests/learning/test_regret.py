"""Where effects drift, a policy that learns does better than an even split, and than the best arm so far."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.learning import rehearse

N, DAYS, K, D, SEEDS = 12_000, 60, 5, 3, 8
POLICY = Policy(
    Kind.THOMPSON, tuple("abcde"), exploration=0.01, center=(0.0,) * D, scale=(1.0,) * D, keep=0.9
)


@cache
def _world(seed: int) -> tuple[np.ndarray, ...]:
    """Persons, days, what arms are expected to bring and do, luck: effects wander from day to day."""
    luck = np.random.default_rng(seed)
    days = np.arange(N) * DAYS // N
    steps = luck.normal(size=(DAYS, K, 1 + D)) * 0.25
    steps[0] *= 3
    effects = steps.cumsum(axis=0)[days]
    people = luck.normal(size=(N, D))
    x = np.column_stack([np.ones(N), people])
    expected = 1 / (1 + np.exp(1 - np.einsum("nkp,np->nk", effects, x)))
    return people, days, expected, (luck.random((N, K)) < expected) * 1.0, luck.random(N)


def _learned(policy: Policy, seed: int) -> float:
    """Mean regret of a policy."""
    people, days, expected, rewards, numbers = _world(seed)
    arms = rehearse(policy, policies.start(policy), people, rewards, numbers, days).arms
    return float(np.mean(expected.max(axis=1) - expected[np.arange(N), arms]))


def _even(seed: int) -> float:
    _, _, expected, _, _ = _world(seed)
    return float(np.mean(expected.max(axis=1) - expected.mean(axis=1)))


def _best_so_far(seed: int) -> float:
    """Of the arm with the highest mean reward so far, one in ten explored; what many do by hand."""
    _, _, expected, rewards, numbers = _world(seed)
    total, count, regret = np.ones(K), np.ones(K), 0.0
    for i in range(N):
        arm = int(numbers[i] * 10 * K) if numbers[i] < 0.1 else int(np.argmax(total / count))
        total[arm] += rewards[i, arm]
        count[arm] += 1
        regret += expected[i].max() - expected[i, arm]
    return regret / N


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_it_has_less_regret_than_an_even_split_and_than_the_best_so_far(kind: Kind):
    policy = replace(POLICY, kind=kind)
    learned = np.array([_learned(policy, seed) for seed in range(SEEDS)])
    for other in (_even, _best_so_far):
        ratio = learned / np.array([other(seed) for seed in range(SEEDS)])
        assert ratio.max() < 0.8, other.__name__
        assert ratio.mean() < 0.6, other.__name__


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_forgetting_pays_where_the_world_drifts(kind: Kind):
    forgets = [_learned(replace(POLICY, kind=kind), seed) for seed in range(SEEDS)]
    keeps = [_learned(replace(POLICY, kind=kind, keep=1.0), seed) for seed in range(SEEDS)]
    assert np.mean(forgets) < 0.9 * np.mean(keeps)


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_where_nothing_can_be_told_apart_every_arm_is_still_shown(kind: Kind):
    policy = replace(POLICY, kind=kind, keep=1.0, exploration=0.05)
    luck = np.random.default_rng(1)
    rewards = (luck.random((N, K)) < 0.3) * 1.0
    people, numbers = luck.normal(size=(N, D)), luck.random(N)
    made = rehearse(policy, policies.start(policy), people, rewards, numbers)
    assert np.bincount(made.arms, minlength=K).min() > 0.04 * N
    assert made.probabilities.min() >= 0.05 - 1e-12


def test_factors_whose_effects_add_up_are_learned_of_with_less_regret_than_their_combinations():
    heads, images, n, seeds = tuple("abc"), tuple("wxyz"), 2000, 10
    arms = tuple(f"{one}+{two}" for one in heads for two in images)
    apart = Policy(Kind.THOMPSON, arms, exploration=0.002, center=(0.0,) * D, scale=(1.0,) * D)
    joint = replace(apart, factors=(heads, images))
    regrets = np.empty((seeds, 2))
    for seed in range(seeds):
        luck = np.random.default_rng(seed)
        people, numbers = luck.normal(size=(n, D)), luck.random(n)
        x = np.column_stack([np.ones(n), people])
        one, two = (x @ (luck.normal(size=(levels, 1 + D)) * 0.07).T for levels in (3, 4))
        expected = np.clip(0.4 + one[:, :, None] + two[:, None, :], 0, 1).reshape(n, 12)
        rewards = (luck.random((n, 12)) < expected) * 1.0
        for at, policy in enumerate((apart, joint)):
            arms_shown = rehearse(policy, policies.start(policy), people, rewards, numbers).arms
            regrets[seed, at] = np.mean(expected.max(axis=1) - expected[np.arange(n), arms_shown])
    less = regrets[:, 0] - regrets[:, 1]
    assert less.mean() > 3 * less.std(ddof=1) / np.sqrt(seeds)
    assert regrets[:, 1].mean() < 0.9 * regrets[:, 0].mean()
