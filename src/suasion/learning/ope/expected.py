"""What rewards to expect of each arm, by models that have not seen the decision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from suasion.experiments import uniforms
from suasion.learning.ope.logged import Floats, Ids, Logged

FOLDS = 5
BLOCKS = 10
PRIOR = 20.0
"""Decisions that what is common to all arms counts for, where an arm is learned."""


def expected(logged: Logged, count: int) -> Floats:
    """Expected reward of each arm at each decision, cross-fitted; shape (n, count).

    A ridge regression on features common to all arms, and one an arm of what that leaves. The doubly robust
    estimate needs no more: a poor model costs width, never truth (Dudik, Erhan, Langford, Li 2014,
    Statistical Science 29:485, section 3). Folds keep persons together (Chernozhukov et al. 2018,
    Econometrics Journal 21:C1); where the logging policy learned from the decisions themselves, a model
    learns from earlier ones only, so that no decision has touched what it is judged by (Bibaut et al. 2021,
    NeurIPS 34).

    Parameters
    ----------
    logged : Logged
    count : int
        Number of arms.

    Returns
    -------
    array of float, shape (n, count)
        Within the bounds of rewards where those are known.
    """
    design, out = _design(logged.features, logged.n), np.zeros((logged.n, count))
    for train, judge in _splits(logged):
        out[judge] = design[judge] @ _coefficients(logged, design, train, count)
    return out if logged.bounds is None else out.clip(*logged.bounds)


def _splits(logged: Logged) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Whom a model learns from, and whom it then judges."""
    if logged.adaptive:
        block = np.arange(logged.n) * BLOCKS // logged.n
        yield from ((block < b, block == b) for b in range(1, BLOCKS))
    else:
        fold = _folds(logged)
        yield from ((fold != f, fold == f) for f in range(FOLDS))


def _folds(logged: Logged) -> Ids:
    persons = np.arange(logged.n) if logged.clusters is None else logged.clusters
    distinct, of = np.unique(persons, return_inverse=True)
    dealt = np.empty(len(distinct), np.int64)
    dealt[np.argsort(uniforms(distinct.astype(np.int64), "models of rewards"))] = np.arange(len(distinct))
    return dealt[of] % FOLDS


def _design(features: Floats | None, n: int) -> Floats:
    """A column of 1, and features of mean 0 and variance 1, the missing ones at the mean."""
    if features is None:
        return np.ones((n, 1))
    known = ~np.isnan(features)
    counts = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, features, 0.0).sum(axis=0) / counts
    moved = np.where(known, features - center, 0.0)
    scale = np.sqrt((moved**2).sum(axis=0) / counts)
    varies = scale > DULL * np.maximum(1.0, np.abs(center))
    return np.column_stack([np.ones(n), moved[:, varies] / scale[varies]])


DULL = 1e-9
"""Spread, relative to its mean, below which a feature is constant but for rounding."""


def _coefficients(logged: Logged, design: Floats, train: npt.NDArray[np.bool_], count: int) -> Floats:
    """Of each arm; shape (q, count)."""
    rows, rewards, arms = design[train], logged.rewards[train], logged.arms[train]
    shrunk = np.full(rows.shape[1], PRIOR)
    shrunk[0] = DULL  # the usual reward is what it is
    shared = _ridge(rows, rewards, shrunk)
    left, out = rewards - rows @ shared, np.repeat(shared[:, None], count, axis=1)
    for arm in np.unique(arms):
        own = arms == arm
        out[:, arm] += _ridge(rows[own], left[own], np.full(rows.shape[1], PRIOR))
    return out


def _ridge(rows: Floats, values: Floats, penalties: Floats) -> Floats:
    return np.asarray(np.linalg.solve(rows.T @ rows + np.diag(penalties), rows.T @ values), np.float64)
