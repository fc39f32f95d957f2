"""Effects that grow evenly with features, as far as the data can tell: a ridge regression of interactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.scores.features import Features
from suasion.scores.learners.sample import Sample

Floats = npt.NDArray[np.float64]
PENALTIES = np.geomspace(1e-3, 1e4, 36)
"""Tried one by one, relative to the information that people hold on each coefficient."""
BLOCK = 50_000


@dataclass(frozen=True)
class Columns:
    """Features as columns of mean 0 and variance 1: missing numbers at the mean and marked, categories apart.

    Parameters
    ----------
    source : array of int64, shape (q,)
        The feature that each column comes from.
    level : array of float, shape (q,)
        The category that the column marks; NaN: the number itself; infinite: that the number is missing.
    center, scale : array of float, shape (q,)
    """

    source: npt.NDArray[np.int64]
    level: Floats
    center: Floats
    scale: Floats

    def of(self, matrix: Floats) -> Floats:
        """The columns of m people; shape (m, 1 + q), a column of 1 first."""
        return np.column_stack([np.ones(len(matrix)), *self.each(matrix)])

    def each(self, matrix: Floats) -> Iterator[Floats]:
        """The columns of m people but that of 1, one after the other; shape (m,)."""
        for source, level, center, scale in zip(
            self.source, self.level, self.center, self.scale, strict=True
        ):
            yield (_column(matrix[:, source], level, center) - center) / scale


@dataclass(frozen=True)
class Linear:
    """Effects linear in features.

    Parameters
    ----------
    columns : Columns
    coefficients : array of float, shape (1 + q, k)
    """

    columns: Columns
    coefficients: Floats

    def effects(self, features: Features) -> Floats:
        """Linear combinations of columns; shape (m, k)."""
        out = np.tile(self.coefficients[0], (len(features.matrix), 1))
        # Not by a product of matrices: its last digits depend on who else is asked about.
        for column, slopes in zip(self.columns.each(features.matrix), self.coefficients[1:], strict=True):
            out += column[:, None] * slopes
        return out


def learn_linearly(sample: Sample) -> Linear:
    """Ridge regression of surplus on surprise times features: the R-loss with linear effects.

    The penalty is the one with the largest marginal likelihood (MacKay 1992, Neural Computation 4:415): where
    features tell nothing, everybody gets the average. Average effects are not penalized.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    Linear
    """
    columns = columns_of(sample.data.features)
    q, k = 1 + len(columns.source), sample.count
    weights = np.ones(sample.data.n) if sample.data.weights is None else sample.data.weights
    weights = weights / weights.mean()
    gram, cross, total = np.zeros((k * q, k * q)), np.zeros(k * q), 0.0
    for a in range(0, sample.data.n, BLOCK):
        part = slice(a, a + BLOCK)
        design = columns.of(sample.data.features.matrix[part])
        rows = (sample.surprise[part][:, :, None] * design[:, None, :]).reshape(len(design), k * q)
        gram += rows.T @ (rows * weights[part, None])
        cross += rows.T @ (sample.surplus[part] * weights[part])
        total += float((weights[part] * sample.surplus[part] ** 2).sum())
    free = np.arange(k) * q
    return Linear(columns, _ridge(gram, cross, total, sample.data.n, free).reshape(k, q).T)


def columns_of(features: Features) -> Columns:
    """Choose the columns of features; one that never varies is left out."""
    found: list[tuple[int, float, float, float]] = []
    for source, column in enumerate(features.matrix.T):
        for level in _levels(column, source in features.categorical):
            known = column[~np.isnan(column)]
            center = float(known.mean()) if np.isnan(level) and len(known) else 0.0
            values = _column(column, level, center)
            if (scale := float(values.std())) > 1e-9 * max(1.0, abs(float(values.mean()))):
                found.append((source, level, float(values.mean()), scale))
    source, level, center, scale = np.array(found).T if found else np.empty((4, 0))
    return Columns(source.astype(np.int64), level, center, scale)


def _levels(column: Floats, categorical: bool) -> list[float]:
    if categorical:
        codes, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        return sorted(codes[np.argsort(-counts, kind="stable")[:30]].tolist())
    return [np.nan, np.inf] if np.isnan(column).any() else [np.nan]


def _column(column: Floats, level: float, center: float) -> Floats:
    if np.isnan(level):
        return np.where(np.isnan(column), center, column)
    return (np.isnan(column) if np.isinf(level) else column == level).astype(np.float64)


def _ridge(gram: Floats, cross: Floats, total: float, n: int, free: npt.NDArray[np.int64]) -> Floats:
    """Coefficients under the likeliest penalty; those that are `free` are not penalized."""
    bound = np.setdiff1d(np.arange(len(cross)), free)
    if not len(bound):
        return np.asarray(np.linalg.pinv(gram) @ cross, np.float64)
    inner = np.linalg.pinv(gram[np.ix_(free, free)])
    lead = gram[np.ix_(bound, free)] @ inner
    rest = gram[np.ix_(bound, bound)] - lead @ gram[np.ix_(free, bound)]
    pull = cross[bound] - lead @ cross[free]
    total = total - float(cross[free] @ inner @ cross[free])
    values, vectors = np.linalg.eigh(rest)
    values, along = np.maximum(values, 0), vectors.T @ pull
    unit = float(values.mean()) or 1.0
    freedom = n - len(free)

    def likelihood(penalty: float) -> float:
        left = total - float((along**2 / (values + penalty)).sum())
        return -0.5 * (freedom * np.log(max(left, 1e-300)) + float(np.log1p(values / penalty).sum()))

    penalty = max(unit * PENALTIES, key=likelihood)
    out = np.empty(len(cross))
    out[bound] = vectors @ (along / (values + penalty))
    out[free] = inner @ (cross[free] - gram[np.ix_(free, bound)] @ out[bound])
    return out
