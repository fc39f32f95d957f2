"""LightGBM with settings for small signals."""

from __future__ import annotations

import math
import os

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from suasion.scores.features import Features
from suasion.scores.trees import LEAVES, trees_of

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
MANY = 10_000
"""Fewer persons are predicted by LightGBM itself sooner than its trees are rearranged."""
ALONE = 100_000
"""Fewer people are learned from faster by one thread: the others would mostly wait."""
BLOCK = 100_000
CLIP = 0.01
"""Estimated propensities are kept this far from 0 and 1, so that no person weighs more than a hundred."""


def learn(
    features: Features,
    rows: Rows,
    target: Floats,
    *,
    rounds: int,
    weights: Floats | None = None,
    gentle: bool = False,
) -> lgb.Booster:
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
    weights : array of float, shape (m,), optional
        How much each counts.
    gentle : bool
        For targets that are nearly all noise, as gains are: small trees, each on half of the people, pulled
        to 0 as if a thousand more people showed nothing.

    Returns
    -------
    lightgbm.Booster
        Starts at the mean of the target: with little signal it stays there.
    """
    binary = bool(np.isin(target, (0.0, 1.0)).all())
    categories = list(features.categorical)
    data = lgb.Dataset(features.matrix[rows], target, weight=weights, categorical_feature=categories)
    settings = _settings(len(rows), "binary" if binary else "regression")
    # Of one person there is no half.
    return lgb.train(settings | (_gentle(len(rows)) if gentle and len(rows) > 1 else {}), data, rounds)


def predict(model: lgb.Booster, features: Features, rows: Rows) -> Floats:
    """What a model says of the persons in `rows`.

    Parameters
    ----------
    model : lightgbm.Booster
    features : Features
    rows : array of int64, shape (s,)

    Returns
    -------
    array of float, shape (s,)
    """
    if len(rows) < MANY:
        sums = np.asarray(model.predict(features.matrix[rows], raw_score=True))
    else:
        trees = trees_of(model)
        # Block by block, so that a second matrix of everybody never exists.
        blocks = np.array_split(rows, math.ceil(len(rows) / BLOCK))
        sums = np.concatenate([trees.sums(features, block) for block in blocks])
    return expit(sums) if model.params["objective"] == "binary" else sums


def propensities(features: Features, rows: Rows, arms: npt.NDArray[np.int64], at: Rows) -> Floats:
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
    clipped = np.clip(np.asarray(lgb.train(settings, data, 50).predict(features.matrix[at])), CLIP, None)
    return clipped / clipped.sum(axis=1, keepdims=True)


def _settings(n: int, objective: str) -> dict[str, object]:
    return {
        "objective": objective,
        "num_leaves": LEAVES,
        "learning_rate": 0.05,
        "min_data_in_leaf": max(10, n // 100),
        "min_data_per_group": max(10, n // 200),
        "lambda_l2": 1.0,
        "max_bin": 127,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 1,
        "num_threads": 1 if n < ALONE else len(os.sched_getaffinity(0)),
        "verbosity": -1,
    }


def _gentle(n: int) -> dict[str, object]:
    return {
        "num_leaves": 4,
        "min_data_in_leaf": max(10, n // 10),
        "lambda_l2": 1000.0,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
    }
