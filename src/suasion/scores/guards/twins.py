"""Features that are nearly the outcome itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh

import numpy as np
from scipy.special import ndtri

from suasion.scores.data import Data, Floats, Ids
from suasion.scores.guards.asked import numbered
from suasion.scores.ranks import midranks
from suasion.stats import Estimate, forecasts

NEAR = 0.99
FEWEST = 10
"""Of fewer people with the outcome, or without, or in all, nearly the same may be chance."""


@dataclass(frozen=True)
class Twin:
    """A feature and how close it comes to the outcome.

    Parameters
    ----------
    feature : str
    measure : str
        ``AUC`` for an outcome of two values, ``R2`` for others.
    closeness : Estimate
    """

    feature: str
    measure: str
    closeness: Estimate


def twins(data: Data, outcome: Floats, names: Sequence[str]) -> tuple[Twin, ...]:
    """Features that tell the outcome of almost everybody.

    A number is taken as it is, upside down, and by whether it is missing; a category by the mean outcome of
    its level among the other half of the households.

    Parameters
    ----------
    data : Data
    outcome : array of float, shape (n,)
        Finite.
    names : sequence of str

    Returns
    -------
    tuple of Twin
        With an AUC, or an R2 of values or of ranks, above `NEAR`; the closest first.
    """
    levels = np.unique(outcome)
    units = numbered(data.clusters, data.n)
    if len(levels) < 2 or min((outcome == levels[0]).sum(), (outcome != levels[0]).sum()) < FEWEST:
        return ()
    binary = len(levels) == 2
    high = outcome == levels[-1]
    found: list[Twin] = []
    for column, name in enumerate(names):
        values = data.features.matrix[:, column]
        views = list(_views(values, column in data.features.categorical, outcome, units))
        if binary:
            aucs = [_auc(high, view) for view in views]
            best = int(np.argmax(aucs))
            if aucs[best] > NEAR:
                closeness = forecasts.auc(high.astype(np.float64), views[best], data.clusters)
                found.append(Twin(name, "AUC", closeness))
        else:
            strongest = max((_correlation(view, outcome) for view in views), key=abs)
            if strongest**2 > NEAR:
                found.append(Twin(name, "R2", _squared(strongest, int(units.max()) + 1)))
    return tuple(sorted(found, key=lambda twin: -twin.closeness.value))


def _views(values: Floats, categorical: bool, outcome: Floats, units: Ids) -> Iterator[Floats]:
    """The feature as scores that a higher outcome might go with."""
    if categorical:
        yield _level_means(values, outcome, units)
        return
    missing = np.isnan(values)
    for sign in (1, -1):
        known = sign * values
        edge = known[~missing].min(initial=0) - 1 - abs(known[~missing].min(initial=0))
        yield np.where(missing, edge, known)
        yield sign * np.where(missing, 1.0, 0.0)


def _level_means(values: Floats, outcome: Floats, units: Ids) -> Floats:
    """Mean outcome of the level, missing being one, among households of the other parity."""
    _, codes = np.unique(values, return_inverse=True)
    means = np.empty(len(values))
    for side in (0, 1):
        away = units % 2 != side
        count = np.bincount(codes[away], minlength=codes.max() + 1)
        total = np.bincount(codes[away], outcome[away], minlength=codes.max() + 1)
        level = (total + outcome.mean()) / (count + 1)
        means[~away] = level[codes[~away]]
    return means


def _auc(high: Ids, scores: Floats) -> float:
    ones = int(high.sum())
    wins = float(midranks(scores)[high].sum()) - ones * (ones + 1) / 2
    return wins / (ones * (len(scores) - ones))


def _correlation(values: Floats, outcome: Floats) -> float:
    """The stronger of Pearson's and Spearman's; 0 for a constant."""
    if values.min() == values.max():
        return 0.0
    values, outcome = values / np.abs(values).max(), outcome / np.abs(outcome).max()
    both = (np.corrcoef(values, outcome)[0, 1], np.corrcoef(midranks(values), midranks(outcome))[0, 1])
    return float(max(both, key=abs))


def _squared(correlation: float, units: int) -> Estimate:
    """The square of a correlation, with the interval of Fisher (1921, Metron 1:3)."""
    near = atanh(min(abs(correlation), 1 - 1e-12))
    half = float(ndtri(0.975)) / sqrt(max(units - 3, 1))
    value, low, high = correlation**2, tanh(max(near - half, 0)) ** 2, tanh(near + half) ** 2
    return Estimate(
        min(value, 1.0), min(low, value), min(max(high, value), 1.0), units, "Fisher's z of a correlation"
    )
