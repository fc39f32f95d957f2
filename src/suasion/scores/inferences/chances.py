"""Chances of a yes-or-no outcome by models that have not seen the person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import log_expit

from suasion.errors import UndefinedError
from suasion.experiments import uniforms
from suasion.scores.data import Data
from suasion.scores.features import Features, encode
from suasion.scores.folds import folds_of
from suasion.scores.inferences.calibrate import Chances, calibrate
from suasion.scores.learner import learn

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
FOLDS = 5
ROUNDS = (20, 60, 150, 400)
"""Numbers of trees that are tried; the best out of fold is kept."""
LEAST = 50
"""Fewer persons with, or without, the outcome cannot be learned from, calibrated and judged at once."""


@dataclass(frozen=True)
class Sample:
    """Persons of whom it is known whether the outcome came true.

    Parameters
    ----------
    persons : array of int64, shape (n,)
        Each once, in any order: it changes nothing.
    outcome : array of float, shape (n,)
        1 where it came true, else 0.
    features : pyarrow.Table, n rows
    weights : array of float, shape (n,), optional
        Survey weights, above 0: how many people each stands for.
    households : array of int64, shape (n,), optional
        Persons with the same number are never split over folds, and are not independent.
    groups : pyarrow.Table, n rows, optional
        Traits by which the score is judged, but not learned.

    Raises
    ------
    UndefinedError
        Lengths that differ, a person twice, an outcome that is not 0 or 1, a weight that is not above 0, or
        fewer than `LEAST` persons with or without the outcome.
    """

    persons: Ids
    outcome: Floats
    features: pa.Table
    weights: Floats | None = field(default=None)
    households: Ids | None = field(default=None)
    groups: pa.Table | None = field(default=None)

    def __post_init__(self) -> None:
        n, asked = len(self.persons), "a score"
        given = (self.outcome, self.features, self.weights, self.households, self.groups)
        if any(len(column) != n for column in given if column is not None):
            raise UndefinedError(asked, "columns of different lengths", "Give one row a person.")
        if twice := n - len(np.unique(self.persons)):
            raise UndefinedError(asked, f"{twice} person(s) given twice", "Give each person once.")
        if not np.isin(self.outcome, (0.0, 1.0)).all():
            raise UndefinedError(asked, "an outcome that is neither 0 nor 1", "Learn from a yes or no.")
        if self.weights is not None and not (np.isfinite(self.weights) & (self.weights > 0)).all():
            raise UndefinedError(asked, "a weight that is not above 0", "Leave those persons out.")
        yes = int(self.outcome.sum())
        if min(yes, n - yes) < LEAST:
            found = f"{yes:,} persons with the outcome and {n - yes:,} without"
            raise UndefinedError(asked, found, f"Get at least {LEAST} of each.")

    @property
    def effective(self) -> float:
        """How many equally weighted persons the weighted ones are worth (Kish 1965, Survey Sampling, 427)."""
        w = self.weights
        return float(len(self.persons) if w is None else w.sum() ** 2 / (w @ w))

    def sorted(self) -> Sample:
        """The same persons by number, so that the order of the rows changes nothing."""
        order = np.argsort(self.persons)
        return Sample(
            self.persons[order],
            self.outcome[order],
            self.features.take(order),
            None if self.weights is None else self.weights[order],
            None if self.households is None else self.households[order],
            None if self.groups is None else self.groups.take(order),
        )


@dataclass(frozen=True)
class Learned:
    """Models and calibration, and what they say of persons of whom they have not learned.

    Parameters
    ----------
    sample : Sample
        Sorted.
    data : Data
        Its features, weights and households.
    fold_of : array of int64, shape (n,)
    models : tuple of Booster
        Model i has not seen fold i.
    rounds : int
        How many of its trees count.
    way : str
        Of calibrating.
    chances : array of float, shape (n,)
        Of the sample, out of fold in models and in calibration.
    base : array of float, shape (n,)
        The share of the outcome in the other folds: what anybody could say without features.
    calibrated : callable
        The map from log odds to chances made on all folds.
    """

    sample: Sample
    data: Data
    fold_of: Ids
    models: tuple[lgb.Booster, ...]
    rounds: int
    way: str
    chances: Floats
    base: Floats
    calibrated: Chances

    def ahead(self, matrix: Floats) -> Floats:
        """Chances of persons outside the sample: the mean over the folds' models."""
        if not len(matrix):
            return np.empty(0)
        said = [self.calibrated(_log_odds(model, matrix, self.rounds)) for model in self.models]
        return np.mean(said, axis=0)

    def asked_again(self, rows: Ids, shuffled: int | None = None) -> Floats:
        """Chances of persons of the sample by `calibrated`; a feature may be shuffled within each fold."""
        luck = uniforms(self.sample.persons[rows], f"shuffle {shuffled}")
        chances = np.empty(len(rows))
        for fold, model in enumerate(self.models):
            inside = np.flatnonzero(self.fold_of[rows] == fold)
            matrix = self.data.features.matrix[rows[inside]]
            if shuffled is not None:
                matrix[:, shuffled] = matrix[np.argsort(luck[inside]), shuffled]
            chances[inside] = self.calibrated(_log_odds(model, matrix, self.rounds))
        return chances


def learn_chances(
    sample: Sample, others: pa.Table | None, progress: Callable[[str], None]
) -> tuple[Learned, Floats]:
    """Learn the chance of the outcome, cross-fitted by household and calibrated out of fold.

    Boosted trees are fitted on four folds of five and asked about the fifth; how many trees count, and how
    what they say is calibrated, is what came nearest to the outcomes out of fold. Weights count in all three.

    Parameters
    ----------
    sample : Sample
    others : pyarrow.Table, optional
        Features of persons outside the sample.
    progress : callable
        Called with a line about each step.

    Returns
    -------
    Learned
    array of float, shape (m,)
        Chances of the others.

    Raises
    ------
    CampaignError
        No feature, or an infinite value in one.
    UndefinedError
        A fold without somebody with, or without, the outcome.
    """
    sample, n = sample.sorted(), len(sample.persons)
    everybody = sample.features
    if others is not None:
        everybody = pa.concat_tables([everybody, others], promote_options="permissive")
    features = encode(everybody, learned=n)
    data = Data(Features(features.matrix[:n], features.categorical), None, sample.weights, sample.households)
    weights = _worth(sample)
    groups = sample.outcome.astype(np.int64)
    fold_of = folds_of(sample.persons, sample.households, groups, FOLDS, "chances")
    models, said, base = _crossed(data.features, sample.outcome, weights, fold_of, progress)
    best = int(np.argmin([_loss(odds, sample.outcome, weights) for odds in said]))
    way, chances, calibrated = calibrate(said[best], sample.outcome, weights, fold_of)
    learned = Learned(sample, data, fold_of, models, ROUNDS[best], way, chances, base, calibrated)
    return learned, learned.ahead(features.matrix[n:])


def _worth(sample: Sample) -> Floats:
    """Weights that sum to the number of persons that they are worth."""
    given = np.ones(len(sample.persons)) if sample.weights is None else sample.weights
    return given * (sample.effective / given.sum())


def _crossed(
    features: Features, outcome: Floats, weights: Floats, fold_of: Ids, progress: Callable[[str], None]
) -> tuple[tuple[lgb.Booster, ...], Floats, Floats]:
    """Models; the log odds they say after each of `ROUNDS`; and the outcome's share in the other folds."""
    models, said, base = list[lgb.Booster](), np.empty((len(ROUNDS), len(outcome))), np.empty(len(outcome))
    for fold in range(FOLDS):
        progress(f"fold {fold + 1} of {FOLDS}")
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        if not len(outside) or np.ptp(outcome[inside]) == 0:
            found = f"households that cannot be split into {FOLDS} folds"
            raise UndefinedError("a score", found, "Get more households.")
        model = learn(features, inside, outcome[inside], rounds=ROUNDS[-1], weights=weights[inside])
        for place, rounds in enumerate(ROUNDS):
            said[place, outside] = _log_odds(model, features.matrix[outside], rounds)
        base[outside] = np.average(outcome[inside], weights=weights[inside])
        models.append(model)
    return tuple(models), said, base


def _log_odds(model: lgb.Booster, matrix: Floats, rounds: int) -> Floats:
    return np.asarray(model.predict(matrix, raw_score=True, num_iteration=rounds))


def _loss(odds: Floats, outcome: Floats, weights: Floats) -> float:
    return float(-weights @ (outcome * log_expit(odds) + (1 - outcome) * log_expit(-odds)))
