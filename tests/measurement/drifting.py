"""A placement in a world whose effects drift: what a policy that learns shows, and what is true of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.learning import learn
from suasion.measurement.exposed import Exposed

DAYS, D, HOLDOUT, EXPLORATION = 40, 2, 0.1, 0.05
NAMES = ("plain", "a", "b", "c")
K = len(NAMES) - 1
POLICY = Policy(
    Kind.THOMPSON,
    NAMES[1:],
    exploration=EXPLORATION,
    holdout=HOLDOUT,
    center=(0.0,) * D,
    scale=(1.0,) * D,
    keep=0.9,
)


@dataclass(frozen=True)
class Lived:
    """What was shown to whom, and what was true: what each variant would bring, generic first (n, 1 + k)."""

    exposed: Exposed
    expected: np.ndarray
    chances: np.ndarray

    @property
    def together(self) -> float:
        """The mean change of what chance might have shown, by the chances of each moment."""
        shown = np.column_stack([1 - self.chances.sum(axis=1), self.chances])
        return float(((shown * self.expected).sum(axis=1) - self.expected[:, 0]).mean())

    def alone(self, arm: int) -> float:
        return float((self.expected[:, arm] - self.expected[:, 0]).mean())

    @property
    def regret(self) -> float:
        """What the best treatment of each person would have brought more than the one shown, on average."""
        arms = self.exposed.arms
        treated = arms > 0
        best = self.expected[treated, 1:].max(axis=1)
        return float((best - self.expected[treated, arms[treated]]).mean())


@cache
def world(seed: int, n: int, base: float) -> tuple[np.ndarray, ...]:
    """Persons, their days, expected outcomes of every variant, and luck; effects wander from day to day."""
    luck = np.random.default_rng(seed)
    days = np.arange(n) * DAYS // n
    steps = luck.normal(size=(DAYS, K, 1 + D)) * 0.25
    steps[0] *= 3
    effects = steps.cumsum(axis=0)[days]
    people = luck.normal(size=(n, D))
    x = np.column_stack([np.ones(n), people])
    tide = base + 0.5 * np.sin(days / DAYS * 7) + people @ np.full(D, 0.3)
    logits = np.column_stack([tide, tide[:, None] + np.einsum("nkp,np->nk", effects, x)])
    expected = 1 / (1 + np.exp(-logits))
    return people, days, expected, luck.random(n), luck.random(n)


@cache
def lived(seed: int, n: int, base: float = -1.5, policy: Policy = POLICY) -> Lived:
    """A policy decides for a day's persons at a time, and learns what came of the day before yesterday's."""
    people, days, expected, draws, fates = world(seed, n, base)
    state, chances, arms = policies.start(policy), np.empty((n, K)), np.empty(n, np.int64)
    came = np.zeros(n)
    for day in range(DAYS):
        rows = np.flatnonzero(days == day)
        known = np.flatnonzero((days == day - 2) & (arms > 0))
        if len(known):
            given = people[known], arms[known] - 1, came[known], chances[known, arms[known] - 1], days[known]
            state = learn(policy, state, *given)
        is_open = np.ones((len(rows), K), np.bool_)
        chances[rows] = policies.probabilities(policy, state, people[rows], is_open)
        arms[rows] = policies.chosen(chances[rows], draws[rows]) + 1
        came[rows] = fates[rows] < expected[rows, arms[rows]]
    own = np.where(arms > 0, chances[np.arange(n), arms - 1], 1 - chances.sum(axis=1))
    return Lived(Exposed(NAMES, arms, own, np.where(arms > 0, 0.5, 0.0), came), expected, chances)


def best_so_far(seed: int, n: int, base: float = -1.5) -> float:
    """Regret of who always shows the treatment that did best so far, one in ten by lot; as told as late."""
    _, days, expected, draws, fates = world(seed, n, base)
    luck, total, count = np.random.default_rng(seed), np.ones(K), np.ones(K)
    arms = np.empty(n, np.int64)
    for day in range(DAYS):
        rows, known = np.flatnonzero(days == day), np.flatnonzero(days == day - 2)
        total += np.bincount(arms[known], fates[known] < expected[known, 1 + arms[known]], K)
        count += np.bincount(arms[known], minlength=K)
        by_lot = luck.integers(0, K, len(rows))
        arms[rows] = np.where(draws[rows] < 0.1, by_lot, int(np.argmax(total / count)))
    return float((expected[:, 1:].max(axis=1) - expected[np.arange(n), 1 + arms]).mean())


def even(seed: int, n: int, base: float = -1.5) -> float:
    """Regret of showing all treatments alike."""
    expected = world(seed, n, base)[2]
    return float((expected[:, 1:].max(axis=1) - expected[:, 1:].mean(axis=1)).mean())
