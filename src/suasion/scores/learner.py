"""LightGBM with settings for small signals."""

from __future__ import annotations

import os

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from suasion.scores.features import Features

Floats = npt.NDArray[np.float64]
CLIP = 0.01
"""Estimated propensities are kept this far from 0 and 1, so that no person weighs more than a hundred."""


def learn(features: Features, rows: npt.NDArray[np.int64], target: Floats, *, rounds: int) -> lgb.Booster:
    """Fit a regression or, for a 0/1 target, a classification.

    Parameters
    ----------
    features : Features
        Of everybody.
    rows : array of int64, shape (m,)
        Whom to learn from.
    target : array of float, shape (m,)
    rounds : int
        Number of trees.

    Returns
    -------
    lightgbm.Booster
        Starts at the mean of the target: with little signal it stays there.
    """
    binary = bool(np.isin(target, (0.0, 1.0)).all())
    data = lgb.Dataset(features.matrix[rows], target, categorical_feature=list(features.categorical))
    return lgb.train(_settings(len(rows), "binary" if binary else "regression"), data, rounds)


def propensities(
    features: Features, rows: npt.NDArray[np.int64], arms: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> Floats:
    """The probability of each arm, learned on `rows`, for the persons `at`.

    Parameters
    ----------
    features : Features
    rows : array of int64, shape (m,)
    arms : array of int64, shape (m,)
    at : array of int64, shape (s,)

    Returns
    -------
    array of float, shape (s, arms)
        Clipped to at least `CLIP`; rows sum to 1.
    """
    settings = _settings(len(rows), "multiclass") | {"num_class": int(arms.max()) + 1}
    data = lgb.Dataset(features.matrix[rows], arms, categorical_feature=list(features.categorical))
    predicted = np.asarray(lgb.train(settings, data, 50).predict(features.matrix[at]))
    clipped = np.clip(predicted, CLIP, None)
    return clipped / clipped.sum(axis=1, keepdims=True)


def _settings(n: int, objective: str) -> dict[str, object]:
    return {
        "objective": objective,
        "num_leaves": 8,
        "learning_rate": 0.05,
        "min_data_in_leaf": max(10, n // 100),
        "min_data_per_group": max(10, n // 200),
        "lambda_l2": 1.0,
        "max_bin": 127,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 1,
        "num_threads": len(os.sched_getaffinity(0)),
        "verbosity": -1,
    }
