"""Small experiments whose truth is known, and what models say of their people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel, Sample

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
CATEGORIES = 5


def people(n: int, seed: int = 0) -> Features:
    """Two normal columns, a skewed one, a category and a flag."""
    luck = np.random.default_rng(seed)
    matrix = np.empty((n, 5))
    matrix[:, :2] = luck.normal(size=(n, 2))
    matrix[:, 2] = luck.exponential(1000, n)
    matrix[:, 3], matrix[:, 4] = luck.integers(0, CATEGORIES, n), luck.integers(0, 2, n)
    return Features(matrix, (3,))


def trial(
    features: Features,
    usual: Floats,
    effects: Floats,
    *,
    chances: Floats | None = None,
    weights: Floats | None = None,
    told: float = 0.75,
    seed: int = 1,
) -> Sample:
    """An experiment with these people.

    Models of other people told what is usual and the average effects exactly, and the share `told` of how
    effects differ.

    Parameters
    ----------
    features : Features
        Of n people.
    usual : array of float, shape (n,)
        Mean outcome under control.
    effects : array of float, shape (n, k)
    chances : array of float, shape (n, 1 + k), optional
        Equal where absent.
    weights : array of float, shape (n,), optional
    told : float
    seed : int

    Returns
    -------
    Sample
        With normal noise of variance 1.
    """
    luck = np.random.default_rng(seed)
    n, arms = len(usual), effects.shape[1] + 1
    if chances is None:
        chances = np.full((n, arms), 1 / arms)
    got = (luck.random(n)[:, None] > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    got[:arms] = np.arange(arms)
    gained = np.column_stack([np.zeros(n), effects])
    outcome = usual + gained[np.arange(n), got] + luck.normal(size=n)
    average = np.average(gained, axis=0, weights=weights)
    expected = usual[:, None] + average + told * (gained - average)
    return Sample(Data(features, chances, weights), got, outcome, expected, chances)


def stepped(n: int, seed: int = 0) -> tuple[Sample, Floats]:
    """Those above 0 in the first column gain 1, the others nothing; the higher, the more they respond."""
    features = people(n, seed)
    first = features.matrix[:, 0]
    effects = (first > 0).astype(np.float64)[:, None]
    return trial(features, first, effects, seed=seed + 1), effects


def asked(model: EffectModel, sample: Sample, features: Features | None = None) -> Floats:
    """The effects that a model tells; by default of the people of the sample.

    Raises
    ------
    CampaignError
        The answer is not one finite number for each person and treatment.
    """
    features = features or sample.data.features
    found, shape = model.effects(features), (len(features.matrix), sample.count)
    todo = f"Return finite floats of shape {shape}."
    if found.shape != shape or found.dtype != np.float64:
        raise CampaignError("effects", f"shape {found.shape} of {found.dtype}", todo)
    if lost := int((~np.isfinite(found)).sum()):
        raise CampaignError("effects", f"{lost} of {found.size} not finite", todo)
    return found


def taken(sample: Sample, rows: Ids) -> Sample:
    """The experiment with these people, in this order."""
    return replace(
        sample,
        data=sample.data.take(rows),
        treatments=sample.treatments[rows],
        outcome=sample.outcome[rows],
        expected=sample.expected[rows],
        chances=sample.chances[rows],
    )


def with_features(sample: Sample, matrix: Floats, categorical: tuple[int, ...] | None = None) -> Sample:
    """The experiment where this was known of its people."""
    features = sample.data.features
    changed = Features(matrix, features.categorical if categorical is None else categorical)
    return replace(sample, data=replace(sample.data, features=changed))


def error_of(sample: Sample) -> float:
    """The standard error of the average effect of the first treatment."""
    return float(sample.gains[:, 0].std() / np.sqrt(sample.data.n))
