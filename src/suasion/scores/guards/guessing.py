"""Guess a yes or no from all features, by models that had not seen the person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suasion.scores.data import Floats, Ids
from suasion.scores.features import LEVELS, Features
from suasion.scores.learner import learn, predict

TREES = 60


def guess(features: Features, yes: Floats, fold: Ids) -> tuple[Floats, Floats]:
    """Cross-fitted chances, and what they rest on.

    Parameters
    ----------
    features : Features
        As `narrowed`.
    yes : array of float, shape (n,)
        0 or 1, both among the people outside every fold.
    fold : array of int64, shape (n,)

    Returns
    -------
    array of float, shape (n,)
        Chance of a yes, by trees that learned on all other folds.
    array of float, shape (p,)
        Share of each feature in what the trees gained; all 0 where they found nothing.
    """
    chances, gained = np.empty(len(yes)), np.zeros(features.matrix.shape[1])
    for turn in range(int(fold.max()) + 1):
        inside, outside = np.flatnonzero(fold != turn), np.flatnonzero(fold == turn)
        model = learn(features, inside, yes[inside], rounds=TREES)
        chances[outside] = predict(model, features, outside)
        gained += model.feature_importance("gain")
    return chances, gained / max(float(gained.sum()), 1e-300)


def foremost(names: Sequence[str], shares: Floats) -> tuple[tuple[str, float], ...]:
    """The three features of the largest shares, fewer where trees used fewer."""
    largest = sorted(zip(names, shares.tolist(), strict=True), key=lambda pair: -pair[1])
    return tuple(pair for pair in largest[:3] if pair[1] > 0)


def narrowed(features: Features) -> Features:
    """Categories with their most frequent levels only, all others as one, as trees can take them."""
    matrix = features.matrix
    wide = [i for i in features.categorical if np.nanmax(matrix[:, i], initial=0) > LEVELS]
    if not wide:
        return features
    matrix = matrix.copy()
    for column in wide:
        known = ~np.isnan(matrix[:, column])
        _, index, counts = np.unique(matrix[known, column], return_inverse=True, return_counts=True)
        rank = np.empty(len(counts))
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        matrix[known, column] = np.minimum(rank[index], LEVELS)
    return Features(matrix, features.categorical)
