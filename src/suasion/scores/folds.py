"""Split persons so that each is judged by models that have not seen them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.experiments import Trial, uniforms

Floats = npt.NDArray[np.float64]


def folds(trial: Trial, count: int, salt: str) -> npt.NDArray[np.int64]:
    """Give each person a fold; households stay together, and arms are spread evenly.

    Parameters
    ----------
    trial : Trial
    count : int
    salt : str
        Another salt splits otherwise.

    Returns
    -------
    array of int64, shape (n,)
        Fold from 0 to `count` - 1, the same for the same persons whatever the order of the file.
    """
    if trial.households is None:
        return _dealt(uniforms(trial.persons, salt), trial.arms, count)
    units, index = np.unique(trial.households, return_inverse=True)
    # The household's number depends on the file's order, its smallest person does not.
    head, arm = np.full(len(units), np.iinfo(np.int64).max), np.zeros(len(units), np.int64)
    np.minimum.at(head, index, trial.persons)
    np.maximum.at(arm, index, trial.arms)
    return _dealt(uniforms(head, salt), arm, count)[index]


def _dealt(luck: Floats, group: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """Deal units round like cards, group after group, in the order of their luck."""
    dealt = np.empty(len(luck), np.int64)
    dealt[np.lexsort((luck, group))] = np.arange(len(luck)) % count
    return dealt
