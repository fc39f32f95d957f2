"""Has a column changed between two samples of people? The population stability index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats, Ids

FEW = 5
"""Cells where the smaller sample expects fewer persons are joined: chi-square does not hold for them."""


@dataclass(frozen=True)
class Drift:
    """How far one sample of a column is from another.

    Parameters
    ----------
    psi : float
        Population stability index; 0 for equal shares.
    p_value : float
        Chance of shares as different as these if nothing drifted.
    noise : float
        Index to expect from chance alone, if nothing drifted.
    bins : int
        Bins or categories compared.
    """

    psi: float
    p_value: float
    noise: float
    bins: int

    @property
    def reading(self) -> Literal["stable", "moderate", "large"]:
        """The usual reading of the index, whatever chance can do (Siddiqi 2006, Credit Risk Scorecards)."""
        if self.psi < 0.1:
            return "stable"
        return "moderate" if self.psi < 0.25 else "large"

    @property
    def beyond_noise(self) -> bool:
        """Whether chance alone would do this less than once in a hundred samples."""
        return self.p_value < 0.01


def numeric(first: Floats, second: Floats, bins: int = 10) -> Drift:
    """Drift of a column of numbers.

    Source: Lewis 1994, An Introduction to Credit Scoring; without drift the index times n m / (n + m) is
    about chi-square on bins - 1 degrees of freedom (Yurdakul and Naranjo 2020, Journal of Risk Model
    Validation 14(4):89), as Pearson's statistic is, which gives the p-value because it holds in sparser
    bins. A share of zero is taken for half a person of the smaller sample.

    Parameters
    ----------
    first, second : array of float, shapes (n,) and (m,)
        The column as it was and as it is; NaN is missing, and a bin of its own.
    bins : int
        Quantile bins of the first sample. A value that fills one alone is a bin of its own.

    Returns
    -------
    Drift

    Raises
    ------
    UndefinedError
        Fewer than two persons in a sample, or fewer than two bins asked for.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = numeric(rng.normal(size=5000), rng.normal(0.6, size=5000))
    >>> found.reading, found.beyond_noise
    ('large', True)
    """
    if bins < 2:
        raise UndefinedError("drift", f"{bins} bin(s)", "Ask for at least two.")
    known = np.sort(first[~np.isnan(first)])
    edges = _edges(known, bins) if len(known) else np.empty(0)
    return _drift(*(np.where(np.isnan(x), -1, np.searchsorted(edges, x)) for x in (first, second)))


def categorical(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Drift:
    """Drift of a column of categories.

    Parameters
    ----------
    first, second : array of int or str, shapes (n,) and (m,)
        The column as it was and as it is. Missing is a category like others; rare ones count as one.

    Returns
    -------
    Drift

    Raises
    ------
    UndefinedError
        Fewer than two persons in a sample.

    Examples
    --------
    >>> found = categorical(np.array(["north", "south"] * 500), np.array(["north"] * 450 + ["south"] * 550))
    >>> found.reading, round(found.psi, 3)
    ('stable', 0.01)
    """
    _, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    return _drift(index[: len(first)], index[len(first) :])


def _edges(known: Floats, bins: int) -> Floats:
    """Upper edges of the bins but the last."""
    cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="inverted_cdf"))
    held = np.searchsorted(known, cuts, "right") - np.searchsorted(known, cuts, "left")
    heavy = cuts[held * bins >= len(known)]
    return np.union1d(cuts, np.nextafter(heavy, -np.inf))


def _drift(first: Ids, second: Ids) -> Drift:
    n, m = len(first), len(second)
    if min(n, m) < 2:
        raise UndefinedError("drift", f"samples of {n} and {m} persons", "Each needs two.")
    counts = _joined(np.stack([_counts(part, first, second) for part in (first, second)]))
    shares = np.maximum(counts / [[n], [m]], 0.5 / min(n, m))
    psi = float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
    expected = np.outer([n, m], counts.sum(axis=0)) / (n + m)
    pearson = float(((counts - expected) ** 2 / expected).sum())
    freedom = counts.shape[1] - 1
    p_value = float(chdtrc(freedom, pearson)) if freedom else 1.0
    return Drift(psi, p_value, freedom * (1 / n + 1 / m), counts.shape[1])


def _counts(part: Ids, first: Ids, second: Ids) -> Floats:
    lowest = min(first.min(), second.min())
    highest = max(first.max(), second.max())
    return np.bincount(part - lowest, minlength=highest - lowest + 1).astype(np.float64)


def _joined(counts: Floats) -> Floats:
    """Counts without empty bins, those with few persons joined into one."""
    totals = counts.sum(axis=0)
    rare = totals * counts.sum(axis=1).min() / totals.sum() < FEW
    joined = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])
    return joined[:, joined.sum(axis=0) > 0]
