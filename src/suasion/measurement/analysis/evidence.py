"""Who was drawn for what, with which chance, and what came of it: what an analysis starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import UndefinedError

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DUST = 1e-9
"""Chances below this are rounding dust of sums that should be 0."""


@dataclass(frozen=True)
class Evidence:
    """The people of a draw, one entry a person.

    Parameters
    ----------
    names : tuple of str
        Of the arms, the control first.
    arms : array of int64, shape (n,)
        What each was drawn for, whether or not anything reached them.
    chances : array of float, shape (n, arms), or None
        With which each was drawn; None where they are not known.
    outcomes : mapping of str to array of float, shape (n,)
        NaN where unknown.
    own : array of float, shape (n,), or None
        Chance of the own arm, where it differs between people.
    expected : mapping of str to array of float, shape (n,)
        Expected outcomes under the control, by models that never saw these outcomes.
    households : array of int64, shape (n,), or None
    at : array of float, shape (n,), or None
        When the outcomes were first recorded, seconds since 1970; NaN where nobody noted it.
    before : array of float, shape (n,), or None
        A number from before the draw; NaN where unknown.
    traits : pyarrow.Table, n rows, or None
        To group people by.
    """

    names: tuple[str, ...]
    arms: Ids
    chances: Floats | None
    outcomes: Mapping[str, Floats]
    own: Floats | None = None
    expected: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    households: Ids | None = None
    at: Floats | None = None
    before: Floats | None = None
    traits: pa.Table | None = None

    def known(self, outcome: str) -> Flags:
        """Whose outcome is known."""
        return ~np.isnan(self.outcomes[outcome])

    def could(self, arm: int) -> Flags:
        """Who could have been drawn for the arm, and for the control as well."""
        if self.chances is None:
            return np.ones(len(self.arms), np.bool_)
        return (self.chances[:, 0] > DUST) & (self.chances[:, arm] > DUST)

    @cached_property
    def units(self) -> Ids:
        """Independent unit of each person, 0 to their number - 1: a household, or the person."""
        if self.households is None:
            return np.arange(len(self.arms))
        return np.unique(self.households, return_inverse=True)[1].astype(np.int64)

    def count(self, people: Flags | Ids) -> int:
        """How many independent units these people, as flags or rows, are of."""
        return int(np.count_nonzero(np.bincount(self.units[people])))

    @property
    def columns(self) -> Floats | None:
        """The number from before as covariates: unknown ones are the mean, and marked."""
        if self.before is None:
            return None
        unknown = np.isnan(self.before)
        if unknown.all():
            raise UndefinedError("a covariate", "it is unknown of everybody", "Leave it out.")
        filled = np.where(unknown, np.nanmean(self.before), self.before)
        return np.column_stack([filled, unknown]) if unknown.any() else filled[:, None]


def own_chance(chances: Floats, arms: Ids) -> Floats | None:
    """The chance of each person's own arm; None where everybody was drawn with the same chances.

    Examples
    --------
    >>> own_chance(np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([0, 1])).tolist()
    [0.5, 0.9]
    >>> own_chance(np.full((2, 2), 0.5), np.array([0, 1])) is None
    True
    """
    if len(chances) and float(np.ptp(chances, axis=0).max()) < DUST:
        return None
    return chances[np.arange(len(arms)), arms]
