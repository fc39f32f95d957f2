"""Whether features tell who got which arm, each alone and all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrc, ndtr

from suasion.scores.data import Data, Ids
from suasion.scores.guards.asked import numbered
from suasion.scores.guards.groups import grouped
from suasion.scores.guards.guessing import foremost, guess, narrowed
from suasion.scores.guards.surprise import Surprise, one_hot
from suasion.scores.ranks import midranks
from suasion.stats import Estimate, forecasts, multiplicity

Got = npt.NDArray[np.bool_]
ALONE, TOGETHER = 0.003, 0.003
"""False alarms that each of the two searches may give in a clean trial, over all features and arms."""
EXPECTED = 20
"""Fewest people of a group of values who should have got the arm, and who should not, for a chi-square."""
SMALL = 5
"""Fewest people of a group whose arms are counted exactly."""
LEAST = 100
"""Of fewer people, no model is asked to tell who got what."""
LOPSIDED = 1.25
"""Where an arm is so many times as frequent as drawn, or as rare, that is no accident of filing."""


@dataclass(frozen=True)
class Leak:
    """A feature that tells who got an arm, and the group of its values that tells most.

    Parameters
    ----------
    feature, arm : str
    p_value : float
        Over all features and arms (Holm).
    people, got : int
        In the group: how many there are, and how many of them got the arm.
    expected : float
        How many were to get it by chance.
    """

    feature: str
    arm: str
    p_value: float
    people: int
    got: int
    expected: float

    @property
    def lopsided(self) -> bool:
        """Whether the arm, or its absence, is much more frequent in the group than drawn."""
        got, left = (self.got + 0.5) / (self.expected + 0.5), self.people - self.expected
        not_got = (self.people - self.got + 0.5) / (left + 0.5)
        return not all(1 / LOPSIDED < ratio < LOPSIDED for ratio in (got, not_got))


@dataclass(frozen=True)
class Guessed:
    """How well all features together tell who got an arm.

    Parameters
    ----------
    arm : str
    auc : Estimate
        Of guesses by models that had not seen the person; 0.5 is chance.
    p_value : float
        Over all arms.
    by : tuple of str
        The features that the guesses rest on most.
    """

    arm: str
    auc: Estimate
    p_value: float
    by: tuple[str, ...]


def told_alone(
    data: Data,
    treatments: Ids,
    surprises: Mapping[int, Surprise],
    arms: Sequence[str],
    names: Sequence[str],
    seed: int,
) -> tuple[Leak, ...]:
    """The features that tell an arm by themselves, the surest first.

    A chi-square over all groups of a feature sees what is spread over many people; the binomial tail of each
    group, among one person a household, sees what few people show, and is exact for them.
    """
    units = numbered(data.clusters, data.n)
    sizes = np.bincount(units).astype(np.float64)
    most = max(2, int(sizes.sum() ** 2 / (sizes**2).sum()) // 20)
    least = EXPECTED / min(float(s.spread.mean()) for s in surprises.values())
    mixed = np.random.default_rng(seed).permutation(data.n)
    single = mixed[np.unique(units[mixed], return_index=True)[1]]
    found: list[tuple[float, str, int, Ids]] = []
    for column, name in enumerate(names):
        values, categorical = data.features.matrix[:, column], column in data.features.categorical
        large, small = grouped(values, categorical, least, most), grouped(values, categorical, SMALL, most)
        for arm, chance in surprises.items():
            tests = (chance.test(one_hot(large)).p_value, large), (_exact(chance, single, small), small)
            p_value, codes = min(tests, key=lambda test: test[0])
            found.append((min(1.0, 2 * p_value), name, arm, codes))
    sure = multiplicity.holm(np.array([p_value for p_value, *_ in found])).tolist()
    told = [
        _leak(name, arms[arm], surprises[arm], codes, treatments == arm, p_value)
        for (_, name, arm, codes), p_value in zip(found, sure, strict=True)
        if p_value <= ALONE
    ]
    return tuple(sorted(told, key=lambda leak: leak.p_value))


def _exact(chance: Surprise, single: Ids, codes: Ids) -> float:
    """The surest of the groups by a binomial tail, over all groups.

    Where probabilities differ, the tail of the binomial of their mean is an upper bound (Hoeffding 1956,
    Annals of Mathematical Statistics 27:713).
    """
    residuals, groups = chance.residuals[single], codes[single]
    got = (residuals > 0).astype(np.float64)
    people, expected = np.bincount(groups), np.bincount(groups, got - residuals)
    count, share = np.bincount(groups, got), np.clip(expected / np.maximum(people, 1), 0, 1)
    tails = np.where(count > expected, bdtrc(count - 1, people, share), bdtr(count, people, share))
    return min(1.0, 2 * len(people) * float(tails.min()))


def _leak(feature: str, arm: str, chance: Surprise, codes: Ids, got: Got, p_value: float) -> Leak:
    """The leak by the group that departs most from the draw."""
    excess, spread = np.bincount(codes, chance.residuals), np.bincount(codes, chance.spread)
    inside = codes == np.argmax(np.abs(excess) / np.sqrt(np.maximum(spread, 1e-300)))
    expected = float((got - chance.residuals)[inside].sum())
    return Leak(feature, arm, p_value, int(inside.sum()), int(got[inside].sum()), expected)


def told_together(
    data: Data,
    treatments: Ids,
    surprises: Mapping[int, Surprise],
    arms: Sequence[str],
    names: Sequence[str],
    seed: int,
) -> tuple[Guessed, ...]:
    """How well models tell each arm from all features.

    The two halves' tests are not independent of each other (each learned from the other), so that the
    smaller p-value counts twice; within a half the guesses are fixed before its draw is looked at.
    """
    units = numbered(data.clusters, data.n)
    half = np.random.default_rng(seed).permutation(np.arange(int(units.max()) + 1) % 2)[units]
    counts = np.array([[(treatments[half == side] == arm).sum() for arm in surprises] for side in (0, 1)])
    if data.n < LEAST or counts.min() < EXPECTED or (data.n - counts).min() < EXPECTED:
        return ()
    features, told = narrowed(data.features), list[Guessed]()
    for arm, chance in surprises.items():
        got = (treatments == arm).astype(np.float64)
        guesses, shares = guess(features, got, half)
        ranks, smallest = np.empty(data.n), 1.0
        for side in (0, 1):
            rows = np.flatnonzero(half == side)
            ranks[rows] = midranks(guesses[rows]) / len(rows)
            within = Surprise(
                chance.residuals[rows], chance.spread[rows], chance.units[rows], chance.together
            )
            smallest = min(smallest, float(ndtr(-within.deviation(ranks[rows]))))
        auc = forecasts.auc(got, ranks, data.clusters)
        by = tuple(name for name, _ in foremost(names, shares))
        told.append(Guessed(arms[arm], auc, min(1.0, 2 * smallest * len(surprises)), by))
    return tuple(told)
