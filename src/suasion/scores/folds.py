"""Split persons so that each is judged by models that have not seen them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.experiments import Trial, uniforms

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


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
    return folds_of(trial.persons, trial.households, trial.arms, count, salt)


def folds_of(persons: Ids, households: Ids | None, groups: Ids, count: int, salt: str) -> Ids:
    """Give each person a fold; households stay together, and groups are spread evenly.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    households : array of int64, shape (n,), optional
        Everybody alone where absent.
    groups : array of int64, shape (n,)
        Not negative; a household is of the highest of its persons' groups.
    count : int
    salt : str

    Returns
    -------
    array of int64, shape (n,)
        As `folds` says.
    """
    if households is None:
        return _dealt(uniforms(persons, salt), groups, count)
    units, index = np.unique(households, return_inverse=True)
    # The household's number depends on the file's order, its smallest person does not.
    head, group = np.full(len(units), np.iinfo(np.int64).max), np.zeros(len(units), np.int64)
    np.minimum.at(head, index, persons)
    np.maximum.at(group, index, groups)
    return _dealt(uniforms(head, salt), group, count)[index]


def _dealt(luck: Floats, group: npt.NDArray[Any], count: int) -> npt.NDArray[np.int64]:
    """Deal units round like cards, group after group, in the order of their luck."""
    dealt = np.empty(len(luck), np.int64)
    dealt[np.lexsort((luck, group))] = np.arange(len(luck)) % count
    return dealt
