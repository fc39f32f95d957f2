"""Is what was predicted what was seen? By bins of the prediction, and by groups of people."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, Sample, sample
from suasion.stats.projection import CalibrationLine, line

__all__ = ["Bin", "CalibrationLine", "calibration_bins", "gain_by_group", "line"]


@dataclass(frozen=True)
class Bin:
    """People of like prediction.

    Parameters
    ----------
    predicted : float
        Mean prediction.
    observed : Estimate or None
        Mean of what was seen; None where fewer than two independent units are in the bin.
    n : int
        Persons.
    """

    predicted: float
    observed: Estimate | None
    n: int


def calibration_bins(
    gains: Floats, effects: Floats, bins: int = 10, clusters: Ids | None = None, weights: Floats | None = None
) -> tuple[Bin, ...]:
    """Mean gain among people of like predicted effect.

    Parameters
    ----------
    gains : array of float, shape (n,)
        AIPW score of treatment minus that of control of each person.
    effects : array of float, shape (n,)
        Predicted by a model that did not see the person.
    bins : int
        As many bins of equal weight. People of equal prediction stay together, so there may be fewer.
    clusters, weights : array, shape (n,), optional
        Household of each person; how many people each stands for.

    Returns
    -------
    tuple of Bin
        By rising prediction.

    Raises
    ------
    UndefinedError
        No bin asked for, or what `mean` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = calibration_bins(np.array([0.0, 1.0, 3.0, 5.0]), np.array([0.1, 0.2, 3.0, 4.0]), bins=2)
    >>> high.predicted, high.observed.value
    (3.5, 4.0)
    """
    people, (gains, effects) = sample("calibration by bins", (gains, effects), clusters, weights)
    return binned(people, gains, effects, bins, mean_of)


def gain_by_group(
    gains: Floats, groups: npt.NDArray[Any], clusters: Ids | None = None, weights: Floats | None = None
) -> dict[Hashable, Estimate | None]:
    """Mean gain in each group of people.

    Parameters
    ----------
    gains : array of float, shape (n,)
        AIPW score of treatment minus that of control of each person.
    groups : array of int or str, shape (n,)
        Group of each person.
    clusters, weights : array, shape (n,), optional
        Household of each person; how many people each stands for.

    Returns
    -------
    dict
        By group, in order. None where a group has fewer than two independent units: nothing is known of its
        interval, which is not the same as a gain of 0.

    Raises
    ------
    UndefinedError
        Groups of another length, or what `mean` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> found = gain_by_group(np.array([1.0, 3.0, 5.0]), np.array(["north", "north", "south"]))
    >>> found["north"].value, found["south"]
    (2.0, None)
    """
    asked = "gain by group"
    if np.shape(groups) != np.shape(gains):
        found = f"{np.size(groups)} groups for {np.size(gains)} gains"
        raise UndefinedError(asked, found, "Give one group a person.")
    names, index = np.unique(groups, return_inverse=True)
    people, (gains, index) = sample(asked, (gains, index.astype(np.float64)), clusters, weights)
    # The last groups have no part where all their people weigh nothing.
    parts = zip(names.tolist(), people.parts(index.astype(np.int64)), strict=False)
    told = {name: part and mean_of(part, gains[rows]) for name, (rows, part) in parts}
    return dict.fromkeys(names.tolist()) | told


def mean_of(part: Sample, values: Floats) -> Estimate:
    """The mean of a part of the people."""
    return part.estimate(part.average(values), values, "mean gain")


def binned(
    people: Sample, seen: Floats, predicted: Floats, bins: int, tell: Callable[[Sample, Floats], Estimate]
) -> tuple[Bin, ...]:
    """What `tell` says of the people in each bin of the prediction; equal predictions share a bin."""
    if bins < 1:
        raise UndefinedError("calibration by bins", f"{bins} bins", "Ask for at least one.")
    _, block = np.unique(predicted, return_inverse=True)
    mass = np.bincount(block, people.weights)
    middles = (np.cumsum(mass) - mass / 2) / mass.sum()
    _, index = np.unique((middles * bins).astype(np.int64), return_inverse=True)
    return tuple(
        Bin(
            float(np.average(predicted[rows], weights=people.weights[rows])),
            part and tell(part, seen[rows]),
            len(rows),
        )
        for rows, part in people.parts(index[block])
    )
