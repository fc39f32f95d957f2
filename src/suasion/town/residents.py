"""Who lives in the town: what is true of each resident, whether or not a file tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.town.chance import Floats, Numbers, picks, uniforms
from suasion.town.town import Town
from suasion.town.words import DISTRICTS

BLOCK = 10
_SPLITS = (
    *((1, 1, 2, 3, 3), (2, 4, 1, 1, 2), (5, 2, 1, 1, 1), (1, 2, 2, 5)),
    *((4, 1, 1, 1, 3), (2, 2, 1, 1, 4), (3, 2, 1, 4), (2, 1, 2, 1, 2, 2)),
)
"""How ten neighbors may live together; each sums to `BLOCK`."""
_FIRST = np.array(
    [[sum(split[:i]) for i, size in enumerate(split) for _ in range(size)] for split in _SPLITS], np.int64
)
"""Of each split and place among the ten: the place of the first of the household."""
_KM = np.array([0.8, 2.5, 3.5, 5.0, 1.2, 4.0, 7.5, 10.0])
"""Each district's least way to the town's health office, km."""
_VISITS = np.array([0.7, 0.85, 0.925, 0.965, 0.985, 0.995])
"""Share of residents with at most 0, 1, ... 5 past visits; the rest has 6."""
_DEAD = 0.02


@dataclass(frozen=True)
class Residents:
    """What effects and files are made of, one entry a resident.

    Parameters
    ----------
    numbers : array of int64, shape (n,)
    household : array of int64, shape (n,)
        The number of its first resident.
    age : array of int64, shape (n,)
        Years.
    visits : array of int64, shape (n,)
        Past visits to the health office.
    district : array of int64, shape (n,)
        Index into the town's districts.
    distance : array of float, shape (n,)
        To the health office, km.
    """

    numbers: Numbers
    household: Numbers
    age: Numbers
    visits: Numbers
    district: Numbers
    distance: Floats


def residents(town: Town, numbers: Numbers) -> Residents:
    """The residents with these numbers, the same whoever else is asked for.

    Parameters
    ----------
    town : Town
    numbers : array of int64, shape (n,)

    Returns
    -------
    Residents

    Examples
    --------
    >>> from suasion.town.town import Effects
    >>> some = residents(Town(1000, 1, Effects.NONE), np.arange(10))
    >>> bool((some.household <= some.numbers).all())
    True
    """
    seed = town.seed
    household = _households(seed, numbers)
    district = picks(seed, "district", household, len(DISTRICTS))
    way = _KM[district] * (1 + uniforms(seed, "distance", household))
    return Residents(
        numbers=numbers,
        household=household,
        age=_ages(seed, numbers, household),
        visits=np.searchsorted(_VISITS, uniforms(seed, "visits", numbers), side="right").astype(np.int64),
        district=district,
        distance=np.round(way, 1),
    )


def unreachable(seed: int, numbers: Numbers) -> npt.NDArray[np.bool_]:
    """Whose mailbox does not exist any more."""
    return uniforms(seed, "mailbox", numbers) < _DEAD


def _households(seed: int, numbers: Numbers) -> Numbers:
    block, place = np.divmod(numbers, BLOCK)
    return block * BLOCK + _FIRST[picks(seed, "household", block, len(_SPLITS)), place]


def _ages(seed: int, numbers: Numbers, household: Numbers) -> Numbers:
    """The first two of a household are adults, the others mostly children."""
    grown = numbers - household < 2
    share = uniforms(seed, "age", numbers)
    return np.where(grown, 18 + 68 * share, 25 * share).astype(np.int64)
