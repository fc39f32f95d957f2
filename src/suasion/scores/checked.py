"""What effects are to be learned from, looked at before anything is learned: a clear no, or clean arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import LEVELS, Features

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
LARGEST = 1e30
"""Sums of squares of larger numbers leave what a number can hold."""
FINEST = 1e-6
"""An outcome that varies by a smaller part of its size is lost in the single precision of LightGBM."""
WORTH = 10
"""An arm whose uneven weights make it worth fewer people says nothing."""
UNREACHED = 0.2
"""Who had so small a part of the usual chance of an arm was hardly ever meant to get it."""
FEW_UNREACHED = 0.3


def checked(data: Data, treatments: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[Ids, Floats, int]:
    """Treatments and outcome as arrays, and the number of arms.

    Parameters
    ----------
    data : Data
    treatments, outcome : array, shape (n,)

    Returns
    -------
    array of int64, shape (n,)
    array of float, shape (n,)
    int

    Raises
    ------
    CampaignError
        Nothing can be learned from it, or nothing true.
    """
    got, came = _whole(treatments), _numbers(outcome)
    if not len(got) == len(came) == data.n:
        found = f"{len(got)} treatments and {len(came)} outcomes of {data.n} people"
        raise CampaignError("effects", found, "Give one of each a person.")
    if not data.features.matrix.shape[1]:
        raise CampaignError("effects", "no feature tells people apart", "Name traits under features.")
    _check_categories(data.features)
    arms = _arms(data, got)
    _check_outcome(came)
    _check_weights(data, got, arms)
    return got, came, arms


def unreached(chances: Floats) -> str | None:
    """Why effects cannot be told where chances had to be learned and some people had next to none.

    Crump, Hotz, Imbens, Mitnik 2009, Biometrika 96:187: without overlap there is nobody to compare with.

    Parameters
    ----------
    chances : array of float, shape (n, arms)

    Returns
    -------
    str or None
    """
    share = float(((chances / chances.mean(axis=0)).min(axis=1) <= UNREACHED).mean())
    if share <= FEW_UNREACHED:
        return None
    return f"{share:.0%} of the people had, by their features, under a fifth of the usual chance of some arm"


def _whole(treatments: npt.ArrayLike) -> Ids:
    given = np.asarray(treatments)
    if given.ndim != 1 or given.dtype.kind not in "biuf":
        raise CampaignError("treatments", "not one number a person", "Give 0 for the control, 1, 2, ...")
    if given.dtype.kind == "f" and not (np.isfinite(given).all() and (given % 1 == 0).all()):
        raise CampaignError("treatments", "values that are not whole", "Give 0 for the control, 1, 2, ...")
    if given.size and (given.min() < 0 or given.max() > 1000):
        raise CampaignError(
            "treatments", "a number below 0 or above 1,000", "Give 0 for the control, 1, 2, ..."
        )
    return given.astype(np.int64)


def _numbers(outcome: npt.ArrayLike) -> Floats:
    given: npt.NDArray[Any] = np.asarray(outcome)
    if given.ndim != 1 or given.dtype.kind not in "biuf":
        raise CampaignError("an outcome", "not one number a person", "Give numbers, or 0 and 1.")
    return given.astype(np.float64)


def _arms(data: Data, got: Ids) -> int:
    arms = int(got.max(initial=0)) + 1
    counts = np.bincount(got, minlength=arms)
    if arms < 2 or not counts.all():
        found = f"people by arm: {counts.tolist()}"
        raise CampaignError("effects", found, "Give at least two arms, none empty.")
    if data.propensities is not None and data.propensities.shape[1] != arms:
        found = f"propensities of {data.propensities.shape[1]} arms, people of {arms}"
        raise CampaignError("effects", found, "Leave out the arm that nobody got.")
    return arms


def _check_outcome(came: Floats) -> None:
    if not np.isfinite(came).all():
        raise CampaignError("effects", "outcomes that are missing or not finite", "Leave those people out.")
    size, spread = float(np.abs(came).max()), float(np.ptp(came))
    if spread == 0:
        found = f"all {len(came)} people have the same outcome"
        raise CampaignError("effects", found, "Choose one that varies.")
    if size > LARGEST or spread < 1 / LARGEST or spread < FINEST * size:
        found = f"values of up to {size:.0e} that differ by {spread:.0e}"
        raise CampaignError("an outcome", found, "Use another unit, or take its offset away.")


def _check_weights(data: Data, got: Ids, arms: int) -> None:
    if data.weights is None:
        return
    if data.weights.max() > LARGEST or data.weights.min() < 1 / LARGEST:
        raise CampaignError("weights", f"beyond {LARGEST:.0e} or below its inverse", "Divide by their mean.")
    for arm in range(arms):
        own = data.weights[got == arm] / data.weights.max()
        if (worth := float(own.sum() ** 2 / max(float(own @ own), 1e-300))) < min(WORTH, len(own)):
            found = f"the {len(own)} people of arm {arm} are worth {worth:.1f} by their weights"
            raise CampaignError("weights", found, "Trim the largest.")


def _check_categories(features: Features) -> None:
    for column in features.categorical:
        if not 0 <= column < features.matrix.shape[1]:
            found = f"column {column} of {features.matrix.shape[1]}"
            raise CampaignError("categories", found, "Name columns from 0.")
        codes = features.matrix[:, column]
        known = codes[~np.isnan(codes)]
        if known.size and (known.min() < 0 or known.max() > LEVELS or (known % 1).any()):
            found = f"categories in column {column} that are not codes from 0 to {LEVELS}"
            raise CampaignError("features", found, "Let `encode` join rare categories.")
