"""Features as small whole numbers: quantile bins of numbers, the commonest categories, the missing."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from suasion.scores.features import Features

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
NUMBERS = 64
"""Bins of a number; a threshold between two quantiles of 1.6 % costs next to nothing."""
CATEGORIES = 254
"""The commonest categories have a bin each, all others share the last."""
ENOUGH = 200_000
"""So many people fix quantiles to within a bin."""


@dataclass(frozen=True)
class Bins:
    """How each feature is turned into a bin; 0 is missing.

    Parameters
    ----------
    edges : array of float, shape (e,)
        Of all features, one after the other: sorted upper edges of a number's bins, or sorted category codes.
    bins : array of uint8, shape (e,)
        Of each edge: the bin of what is at most the edge, or of the category.
    starts : array of int64, shape (p + 1,)
        Where the edges of each feature begin.
    categorical : array of bool, shape (p,)
    """

    edges: Floats
    bins: Bytes
    starts: npt.NDArray[np.int64]
    categorical: npt.NDArray[np.bool_]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Number of bins of each feature, that of the missing and that of all beyond the edges included."""
        return np.diff(self.starts) + 2

    def encode(self, matrix: Floats) -> Bytes:
        """The bins of people.

        Parameters
        ----------
        matrix : array of float, shape (m, p)
            NaN is missing.

        Returns
        -------
        array of uint8, shape (m, p)
        """
        out = np.empty(matrix.shape, np.uint8)
        _encode(np.ascontiguousarray(matrix), self.edges, self.bins, self.starts, self.categorical, out)
        return out


def bins_of(features: Features) -> Bins:
    """Choose bins by the quantiles and the commonest categories of people.

    Parameters
    ----------
    features : Features

    Returns
    -------
    Bins

    Examples
    --------
    >>> import numpy as np
    >>> made = bins_of(Features(np.array([[1.0], [2.0], [np.nan]]), ()))
    >>> made.encode(np.array([[1.5], [9.0], [np.nan]])).ravel().tolist()
    [2, 2, 0]
    """
    matrix = features.matrix[:: max(1, len(features.matrix) // ENOUGH)]
    categorical = np.zeros(matrix.shape[1], np.bool_)
    categorical[list(features.categorical)] = True
    found = [
        (_levels if c else _edges)(column[~np.isnan(column)])
        for column, c in zip(matrix.T, categorical, strict=True)
    ]
    starts = np.concatenate([[0], np.cumsum([len(edges) for edges, _ in found])]).astype(np.int64)
    edges = np.concatenate([edges for edges, _ in found] or [np.empty(0)])
    bins = np.concatenate([bins for _, bins in found] or [np.empty(0, np.uint8)])
    return Bins(edges.astype(np.float64), bins.astype(np.uint8), starts, categorical)


def _edges(column: Floats) -> tuple[Floats, Bytes]:
    """Upper edges of all bins but the last."""
    values = np.unique(column)
    if len(values) > NUMBERS:
        values = np.unique(np.quantile(column, np.linspace(0, 1, NUMBERS + 1)[1:]))
    edges = values[:-1]
    return edges, np.arange(1, len(edges) + 1, dtype=np.uint8)


def _levels(column: Floats) -> tuple[Floats, Bytes]:
    """The commonest codes, sorted, and their bins."""
    codes, counts = np.unique(column, return_counts=True)
    kept = np.sort(codes[np.argsort(-counts, kind="stable")[: CATEGORIES - 1]])
    return kept, np.arange(1, len(kept) + 1, dtype=np.uint8)


@numba.njit(cache=True, nogil=True)
def _encode(matrix, edges, bins, starts, categorical, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    for column in range(matrix.shape[1]):
        start, count = starts[column], starts[column + 1] - starts[column]
        for row in range(matrix.shape[0]):
            value = matrix[row, column]
            if np.isnan(value):
                out[row, column] = 0
                continue
            low, high = 0, count
            while low < high:
                middle = (low + high) // 2
                if edges[start + middle] < value:
                    low = middle + 1
                else:
                    high = middle
            known = low < count and (not categorical[column] or edges[start + low] == value)
            out[row, column] = bins[start + low] if known else count + 1
