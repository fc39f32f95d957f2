"""How good a score is, measured on persons whom its models have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import UndefinedError
from suasion.experiments import uniforms
from suasion.scores.inferences.chances import Learned
from suasion.stats import Estimate, calibration, forecasts, mean

Labels = npt.NDArray[np.str_]
ASKED = 20_000
"""Persons on whom the weight of a feature is measured, at most."""
SMALLEST = 50
"""Fewer persons of a group are not told of by themselves."""


@dataclass(frozen=True)
class Quality:
    """What a score can do, out of fold.

    Parameters
    ----------
    people : int
        Learned from.
    effective : float
        How many equally weighted persons they are worth.
    base_rate : Estimate
        The outcome's share.
    auc : Estimate
        Of two persons, with and without the outcome, how often the first has the higher chance.
    brier : Estimate
        Mean squared distance of chance and outcome.
    gain : Estimate
        By how much that of the base rate is larger.
    slope : Estimate or None
        Of the outcome on the chance; 1 where chances are right in size, None where all are the same.
    bins : tuple of Bin
        Groups of about the same chance, and what came out.
    groups : dict of str to dict of str to Bin
        By trait and its value, or band of values.
    importance : dict of str to Estimate
        By how much the squared distance grows where a feature is that of somebody else, largest first.
    way : str
        How it was calibrated.
    trees : int
    """

    people: int
    effective: float
    base_rate: Estimate
    auc: Estimate
    brier: Estimate
    gain: Estimate
    slope: Estimate | None
    bins: tuple[calibration.Bin, ...]
    groups: dict[str, dict[str, calibration.Bin]]
    importance: dict[str, Estimate]
    way: str
    trees: int

    @property
    def tells(self) -> bool:
        """Whether it comes nearer to the outcomes than their average does."""
        return self.gain.low > 0


def quality_of(learned: Learned) -> Quality:
    """Measure a score.

    Parameters
    ----------
    learned : Learned

    Returns
    -------
    Quality
    """
    sample, chances = learned.sample, learned.chances
    y, homes, w = sample.outcome, sample.households, sample.weights
    nearer = (learned.base - y) ** 2 - (chances - y) ** 2
    return Quality(
        people=len(y),
        effective=sample.effective,
        base_rate=mean(y, homes, "share", w),
        auc=forecasts.auc(y, chances, homes, w),
        brier=forecasts.brier(y, chances, homes, w),
        gain=mean(nearer, homes, "Brier score of the base rate less that of the score", w),
        slope=_slope(learned),
        bins=forecasts.reliability(y, chances, 10, homes, w),
        groups=_by_group(learned),
        importance=_importance(learned),
        way=learned.way,
        trees=learned.rounds,
    )


def _slope(learned: Learned) -> Estimate | None:
    sample, folds = learned.sample, learned.fold_of
    try:
        line = calibration.line(sample.outcome, learned.chances, sample.households, sample.weights, folds)
    except UndefinedError:
        return None
    return line.slope


def _by_group(learned: Learned) -> dict[str, dict[str, calibration.Bin]]:
    """Mean chance and what came out, for each trait of the sample's groups."""
    groups = learned.sample.groups
    named = {} if groups is None else {name: _labels(groups[name]) for name in groups.column_names}
    return {name: _bins(learned, labels) for name, labels in named.items()}


def _bins(learned: Learned, labels: Labels) -> dict[str, calibration.Bin]:
    sample = learned.sample
    seen = calibration.gain_by_group(sample.outcome, labels, sample.households, sample.weights)
    found: dict[str, calibration.Bin] = {}
    for label in np.unique(labels).tolist():
        rows = labels == label
        if label and rows.sum() >= SMALLEST:
            weights = None if sample.weights is None else sample.weights[rows]
            predicted = float(np.average(learned.chances[rows], weights=weights))
            found[label] = calibration.Bin(predicted, seen[label], int(rows.sum()))
    return found


def _labels(column: pa.ChunkedArray) -> Labels:
    """Values as text, numbers and dates in bands of quarters; empty where unknown."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_date(kind)):
        return np.array(pc.fill_null(column.cast(pa.string()), "").to_pylist(), np.str_)
    edges = pc.quantile(_numbers(column), [0, 0.25, 0.5, 0.75, 1], interpolation="lower").to_pylist()
    if edges[0] is None:
        return np.full(len(column), "", np.str_)
    labels = np.full(len(column), "", dtype="<U64")
    values = _numbers(column).to_numpy(zero_copy_only=False).astype(np.float64)
    distinct = sorted(set(edges))
    for low, high in pairwise(distinct) if len(distinct) > 1 else [(edges[0], edges[0])]:
        inside = (values >= low) & (values <= high) & (labels == "")
        labels[inside] = f"{_shown(column, low)} to {_shown(column, high)}"
    return labels


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int32()) if pa.types.is_date(column.type) else column


def _shown(column: pa.ChunkedArray, value: float) -> str:
    if pa.types.is_date(column.type):
        return str(pa.scalar(int(value), pa.int32()).cast(pa.date32()).as_py())
    return f"{value:g}"


def _importance(learned: Learned) -> dict[str, Estimate]:
    """How much worse the score does where a feature is shuffled (Breiman 2001, Machine Learning 45:5)."""
    sample = learned.sample
    rows = np.sort(np.argsort(uniforms(sample.persons, "importance"))[:ASKED])
    y = sample.outcome[rows]
    homes = None if sample.households is None else sample.households[rows]
    w = None if sample.weights is None else sample.weights[rows]
    before = (learned.asked_again(rows) - y) ** 2
    found: dict[str, Estimate] = {}
    for column, name in enumerate(sample.features.column_names):
        worse = (learned.asked_again(rows, column) - y) ** 2 - before
        found[name] = mean(worse, homes, "Brier score with the feature shuffled less that without", w)
    return dict(sorted(found.items(), key=lambda one: -one[1].value))
