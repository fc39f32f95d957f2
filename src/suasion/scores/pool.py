"""One call that fits every learner, says how well each did on people it had not seen, and combines them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.checked import checked, unreached
from suasion.scores.data import Data
from suasion.scores.extremes import Extremes, treat
from suasion.scores.features import Features
from suasion.scores.folds import folds_of
from suasion.scores.learner import propensities
from suasion.scores.learners import (
    ByArm,
    EffectModel,
    Learner,
    Sample,
    learn_by_arm,
    learn_crossed,
    learn_doubly_robust,
    learn_forest,
    learn_jointly,
    learn_linearly,
    learn_residuals,
    learn_response,
)
from suasion.scores.ranking import Ranking, rankings, unranked
from suasion.scores.stack import Stack, stack
from suasion.stats import Estimate, mean

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
FOLDS = 5
LITTLE = 0.001
"""A learner with less weight is left out of the final model."""
LEAST = 100
"""With fewer people in an arm nothing is said of who differs from the average."""
POOL: Mapping[str, Learner] = {
    "T": learn_by_arm,
    "S": learn_jointly,
    "X": learn_crossed,
    "DR": learn_doubly_robust,
    "R": learn_residuals,
    "linear": learn_linearly,
    "response": learn_response,
    "forest": learn_forest,
}


@dataclass(frozen=True)
class Compared:
    """How well a learner did.

    Parameters
    ----------
    learner : str
    gain : Estimate
        By how much its predictions lower the DR loss against giving everybody the average effect, a person;
        paired, out of fold, in squared units of the outcome. Above 0 is better.
    weights : tuple of float
        Its weight in the combination, for each treatment.
    """

    learner: str
    gain: Estimate
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Combined:
    """Learners fitted on everybody, combined.

    Parameters
    ----------
    models : tuple of EffectModel
    centers : array of float, shape (models, k)
        Average effect of the people learned from, as each model has it.
    stack : Stack
    level : array of float, shape (k,)
        Average effects.
    columns : int
        Features of the people learned from.
    """

    models: tuple[EffectModel, ...]
    centers: Floats
    stack: Stack
    level: Floats
    columns: int

    def effects(self, features: Features) -> Floats:
        """The average effect, and the believed differences from it; shape (m, k)."""
        asked, columns = features.matrix, features.matrix.shape[1]
        if columns != self.columns or np.isinf(asked).any():
            found = (
                f"{columns} columns, learned from {self.columns}" if columns != self.columns else "infinity"
            )
            todo = "Encode the people as those learned from were, with unknown values empty."
            raise CampaignError("effects of people", found, todo)
        differences = np.zeros((len(self.models), len(features.matrix), len(self.level)))
        for i, model in enumerate(self.models):
            differences[i] = model.effects(features) - self.centers[i]
        return self.level + self.stack.combined(differences)


@dataclass(frozen=True)
class Fitted:
    """What was learned of the effects of treatments.

    Parameters
    ----------
    sample : Sample
        The people, with expectations and chances by models that have not seen them.
    folds : array of int64, shape (n,)
    effects : array of float, shape (n, k)
        Of everybody, by models that have not seen the person.
    average : tuple of Estimate
        Average effect of each treatment.
    rankings : tuple of Ranking
        Of each treatment: whether `effects` may rank people.
    compared : tuple of Compared
    model : Combined
        To be asked about others.
    arms : ByArm
        Outcomes expected of others.
    extremes : Extremes
        What was done with the largest amounts.
    """

    sample: Sample
    folds: Ids
    effects: Floats
    average: tuple[Estimate, ...]
    rankings: tuple[Ranking, ...]
    compared: tuple[Compared, ...]
    model: Combined
    arms: ByArm
    extremes: Extremes

    @cached_property
    def usable(self) -> Floats:
        """Effects that people may be ranked by: the average where there is nothing to rank; shape (n, k)."""
        return gated(self.effects, self.model.level, self.rankings)


def gated(effects: Floats, level: Floats, ranked: tuple[Ranking, ...]) -> Floats:
    """Effects, or the average effect of a treatment that may not rank people.

    Parameters
    ----------
    effects : array of float, shape (m, k)
    level : array of float, shape (k,)
    ranked : tuple of Ranking, length k

    Returns
    -------
    array of float, shape (m, k)
    """
    return np.where([ranking.ranks for ranking in ranked], effects, level)


def fit(
    data: Data,
    treatments: Ids,
    outcome: Floats,
    *,
    seed: int = 0,
    learners: Mapping[str, Learner] = POOL,
    progress: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Fit all learners, compare them out of fold, combine them, and test whether there is anything to rank.

    For each of five folds every learner is fitted on the others; expectations that it is given come from a
    split of these in two. So nothing that is said of a person was learned from that person. Weights of the
    learners for a fold are fitted on the other folds.

    Parameters
    ----------
    data : Data
        Of n people.
    treatments : array of int64, shape (n,)
        0 is the control.
    outcome : array of float, shape (n,)
    seed : int
    learners : mapping of str to Learner
    progress : callable
        Called with a line about each step.

    Returns
    -------
    Fitted

    Raises
    ------
    CampaignError
        One arm only, an arm with too few households, an outcome that is missing or the same for all, or no
        learner.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> helped, mail = rng.random(2000) < 0.5, rng.integers(0, 2, 2000)
    >>> came = (rng.random(2000) < 0.1 + 0.5 * mail * helped).astype(float)
    >>> features = Features(helped[:, None].astype(float), ())
    >>> found = fit(Data(features, np.full((2000, 2), 0.5)), mail, came)
    >>> found.rankings[0].ranks, found.effects[helped].mean() > found.effects[~helped].mean() + 0.3
    (True, np.True_)
    """
    treatments, outcome, arms = checked(data, treatments, outcome)
    if not learners:
        raise CampaignError("effects", "no learner to learn them", "Name at least one.")
    fold_of = folds_of(np.arange(data.n), data.clusters, treatments, FOLDS, f"folds {seed}")
    half_of = folds_of(np.arange(data.n), data.clusters, treatments, 2, f"halves {seed}")
    _check_folds(treatments, fold_of, half_of, arms)
    chances = _chances_apart(data, treatments, fold_of, arms)
    extremes = treat(data, treatments, outcome, chances, fold_of, seed)
    bounded = outcome if extremes.cap is None else np.clip(outcome, -extremes.cap, extremes.cap)
    expected = np.empty((data.n, arms))
    said = np.empty((len(learners), data.n, arms - 1))
    for fold in range(FOLDS):
        progress(f"fold {fold + 1} of {FOLDS}")
        inside, outside = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        known = sample_of(data, treatments, bounded, inside, half_of, arms, seed)
        there = data.take(outside).features
        expected[outside] = known.by_arm.expected(there)
        for i, learn in enumerate(learners.values()):
            said[i, outside] = _heard(learn, known, there)
    sample = Sample(data, treatments, outcome, expected, chances, seed)
    average = tuple(mean(gains, data.clusters, "AIPW", data.weights) for gains in sample.gains.T)
    level = np.array([found.value for found in average])
    differences = _within(said, fold_of, data.weights)
    gains = _within(sample.gains[None], fold_of, data.weights)[0]
    effects = level + _stacked(differences, gains, fold_of, data)
    ranked = _ranked(sample, effects, fold_of)
    progress("fitting on everybody")
    whole = Sample(data, treatments, bounded, expected, chances, seed)
    final = stack(differences, gains, data.clusters, data.weights)
    return Fitted(
        sample=sample,
        folds=fold_of,
        effects=effects,
        average=average,
        rankings=ranked,
        compared=_compared(tuple(learners), differences, gains, final, data),
        model=_refitted(whole, tuple(learners.values()), final, level),
        arms=sample.by_arm,
        extremes=extremes,
    )


def expectations(fitted: Fitted, outcome: Floats, others: Features) -> tuple[Floats, Floats]:
    """Another outcome as expected under each arm, by models that have not seen the person.

    Parameters
    ----------
    fitted : Fitted
        Whose people and folds are meant.
    outcome : array of float, shape (n,)
    others : Features
        Of m other people.

    Returns
    -------
    array of float, shape (n, arms)
    array of float, shape (m, arms)
        Of the others.
    """
    whole = replace(fitted.sample, outcome=outcome)
    expected = np.empty_like(whole.expected)
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(fitted.folds != fold), np.flatnonzero(fitted.folds == fold)
        expected[outside] = whole.take(inside).by_arm.expected(whole.data.take(outside).features)
    return expected, whole.by_arm.expected(others)


def _heard(learn: Learner, known: Sample, there: Features) -> Floats:
    """What a learner says of people it has not seen."""
    said = learn(known).effects(there)
    if said.shape != (len(there.matrix), known.count) or not np.isfinite(said).all():
        found = f"effects of shape {said.shape}, or not all finite, for {len(there.matrix)} people"
        raise CampaignError("a learner", found, "Run `suasion.scores.contract.check` on it.")
    return said


def _ranked(sample: Sample, effects: Floats, fold_of: Ids) -> tuple[Ranking, ...]:
    """Whether the effects of each treatment may rank people; not where an arm is too thin to tell."""
    data = sample.data
    thin = min(_worth(data, sample.treatments == arm) for arm in range(sample.count + 1))
    if thin < LEAST:
        return unranked(f"an arm is worth {thin:.0f} independent people, fewer than {LEAST}", sample.count)
    return rankings(sample.gains, effects, fold_of, data.clusters, data.weights)


def _worth(data: Data, chosen: npt.NDArray[np.bool_]) -> float:
    """How many independent people of equal weight some people are worth (Kish 1965)."""
    mass = np.ones(int(chosen.sum())) if data.weights is None else data.weights[chosen]
    if data.clusters is not None:
        mass = np.bincount(np.unique(data.clusters[chosen], return_inverse=True)[1], weights=mass)
    mass = mass / mass.max()
    return float(mass.sum() ** 2 / (mass @ mass))


def _check_folds(treatments: Ids, fold_of: Ids, half_of: Ids, arms: int) -> None:
    """Refuse where a model would have no one to learn from, or a fold no one to judge."""
    counts = np.zeros((FOLDS, 2, arms), np.int64)
    np.add.at(counts, (fold_of, half_of, treatments), 1)
    if not (counts.sum(axis=0) - counts).all() or not counts.any(axis=(1, 2)).all():
        raise CampaignError(
            "the effect of every treatment",
            f"persons of an arm share too few households to be split into {FOLDS} folds",
            "Get more households with an outcome, or leave the arm out.",
        )


def sample_of(
    data: Data, treatments: Ids, outcome: Floats, inside: Ids, half_of: Ids, arms: int, seed: int
) -> Sample:
    """The people inside a fold, each half with expectations learned on the other."""
    expected, chances = np.empty((len(inside), arms)), np.empty((len(inside), arms))
    half = half_of[inside]
    for side in (0, 1):
        near, far = inside[half != side], inside[half == side]
        alike = np.full((len(near), arms), 1 / arms)
        part = Sample(data.take(near), treatments[near], outcome[near], alike, alike, seed)
        expected[half == side] = part.by_arm.expected(data.take(far).features)
        chances[half == side] = _chances(data, treatments, near, far)
    return Sample(data.take(inside), treatments[inside], outcome[inside], expected, chances, seed)


def _chances_apart(data: Data, treatments: Ids, fold_of: Ids, arms: int) -> Floats:
    """Probability of each arm, of everybody, as known or as learned from other folds; shape (n, arms)."""
    chances = np.empty((data.n, arms))
    for fold in range(FOLDS):
        outside = np.flatnonzero(fold_of == fold)
        chances[outside] = _chances(data, treatments, np.flatnonzero(fold_of != fold), outside)
    if data.propensities is None and (why := unreached(chances)) is not None:
        raise CampaignError("effects without a draw", why, "Leave those people out, or run an experiment.")
    return chances


def _chances(data: Data, treatments: Ids, inside: Ids, outside: Ids) -> Floats:
    """Probability of each arm, as known or as learned inside; shape (outside, arms)."""
    if data.propensities is not None:
        return data.propensities[outside]
    return propensities(data.features, inside, treatments[inside], outside)


def _within(said: Floats, fold_of: Ids, weights: Floats | None) -> Floats:
    """Differences from the average of the fold; shape (learners, n, k)."""
    out = said.copy()
    for fold in range(FOLDS):
        here = fold_of == fold
        mass = None if weights is None else weights[here]
        out[:, here] -= np.average(said[:, here], axis=1, weights=mass)[:, None]
    return out


def _stacked(differences: Floats, gains: Floats, fold_of: Ids, data: Data) -> Floats:
    """For each fold what the others make of all learners; shape (n, k)."""
    out = np.empty_like(gains)
    for fold in range(FOLDS):
        here, there = fold_of == fold, fold_of != fold
        clusters = None if data.clusters is None else data.clusters[there]
        weights = None if data.weights is None else data.weights[there]
        out[here] = stack(differences[:, there], gains[there], clusters, weights).combined(
            differences[:, here]
        )
    return out


def _compared(
    names: tuple[str, ...], differences: Floats, gains: Floats, final: Stack, data: Data
) -> tuple[Compared, ...]:
    """Each learner against the average effect, by the DR loss."""
    lowered = (differences * (2 * gains - differences)).sum(axis=2)
    return tuple(
        Compared(
            name,
            mean(lowered[i], data.clusters, "DR loss, paired", data.weights),
            tuple(final.weights[i].tolist()),
        )
        for i, name in enumerate(names)
    )


def _refitted(sample: Sample, learners: tuple[Learner, ...], final: Stack, level: Floats) -> Combined:
    """Learners that count, fitted on everybody."""
    chosen = np.flatnonzero((final.weights * final.slopes).max(axis=1) > LITTLE)
    models = tuple(learners[i](sample) for i in chosen)
    features = sample.data.features
    centers = [np.average(model.effects(features), axis=0, weights=sample.data.weights) for model in models]
    kept = Stack(final.weights[chosen], final.slopes)
    return Combined(
        models,
        np.array(centers).reshape(len(models), len(level)),
        kept,
        level,
        sample.data.features.matrix.shape[1],
    )
