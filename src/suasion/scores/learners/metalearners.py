"""Learners that turn the question of effects into questions of prediction, answered by LightGBM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.scores.features import Features
from suasion.scores.learners.boosted import Boosted, boost
from suasion.scores.learners.sample import ByArm, Sample

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Direct:
    """One model of the effect itself for each treatment."""

    treatments: tuple[Boosted, ...]

    def effects(self, features: Features) -> Floats:
        """What each model says; shape (m, k)."""
        return np.column_stack([model.predict(features) for model in self.treatments])


@dataclass(frozen=True)
class Joint:
    """One outcome model of features and arm: the S-learner."""

    model: Boosted
    count: int

    def effects(self, features: Features) -> Floats:
        """The same people under each treatment and under control; shape (m, k)."""
        under = [self.model.predict(with_arm(features, arm, self.count)) for arm in range(self.count + 1)]
        return np.column_stack(under[1:]) - under[0][:, None]


@dataclass(frozen=True)
class Crossed:
    """Effects imputed on the treated and on the others, mixed by the chance of treatment: the X-learner."""

    treated: tuple[Boosted, ...]
    untreated: tuple[Boosted, ...]
    chances: Floats

    def effects(self, features: Features) -> Floats:
        """The model learned on the rarer people counts less; shape (m, k)."""
        treated = np.column_stack([model.predict(features) for model in self.treated])
        untreated = np.column_stack([model.predict(features) for model in self.untreated])
        return self.chances * untreated + (1 - self.chances) * treated


def learn_by_arm(sample: Sample) -> ByArm:
    """T-learner: an outcome model for each arm (Kunzel, Sekhon, Bickel, Yu 2019, PNAS 116:4156)."""
    return sample.by_arm


def learn_jointly(sample: Sample) -> Joint:
    """S-learner: the arm is a feature like others (ibid.)."""
    features = with_arm(sample.data.features, sample.treatments, sample.count)
    rows = np.arange(sample.data.n)
    model = boost(features, rows, sample.outcome, weights=sample.data.weights)
    return Joint(model, sample.count)


def learn_crossed(sample: Sample) -> Crossed:
    """X-learner: impute what the other arm would have done (ibid.)."""
    control = np.flatnonzero(sample.treatments == 0)
    treated: list[Boosted] = []
    untreated: list[Boosted] = []
    shares: list[float] = []
    for arm in range(1, sample.count + 1):
        rows = np.flatnonzero(sample.treatments == arm)
        treated.append(sample.boosted(rows, sample.outcome[rows] - sample.expected[rows, 0], gentle=True))
        imputed = sample.expected[control, arm] - sample.outcome[control]
        untreated.append(sample.boosted(control, imputed, gentle=True))
        shares.append(float(sample.chances[:, arm].mean() / sample.chances[:, [0, arm]].sum(axis=1).mean()))
    return Crossed(tuple(treated), tuple(untreated), np.array(shares))


def learn_doubly_robust(sample: Sample) -> Direct:
    """DR-learner: regress AIPW gains on features (Kennedy 2023, Electronic Journal of Statistics 17:3008)."""
    rows = np.arange(sample.data.n)
    return Direct(tuple(sample.boosted(rows, gains, gentle=True) for gains in sample.gains.T))


def learn_residuals(sample: Sample) -> Direct:
    """R-learner: regress surplus on surprise (Nie and Wager 2021, Biometrika 108:299), arm by arm."""
    models: list[Boosted] = []
    for arm in range(1, sample.count + 1):
        rows = np.flatnonzero((sample.treatments == 0) | (sample.treatments == arm))
        chances = sample.chances[rows][:, [0, arm]]
        chances = chances / chances.sum(axis=1, keepdims=True)
        surprise = (sample.treatments[rows] == arm) - chances[:, 1]
        surplus = sample.outcome[rows] - (sample.expected[rows][:, [0, arm]] * chances).sum(axis=1)
        models.append(sample.boosted(rows, surplus / surprise, surprise**2, gentle=True))
    return Direct(tuple(models))


def with_arm(features: Features, arms: Ids | int, count: int) -> Features:
    """Features and, of each treatment, whether the person has it."""
    given = np.zeros((len(features.matrix), count))
    for arm in range(1, count + 1):
        given[:, arm - 1] = np.asarray(arms) == arm
    return Features(np.column_stack([features.matrix, given]), features.categorical)
