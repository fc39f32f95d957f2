"""Outcomes of places, period by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Periods = npt.NDArray[Any]
ASKED = "a panel of places"


@dataclass(frozen=True)
class Panel:
    """An outcome of each place in each period, the places in the order of their names.

    Parameters
    ----------
    places : tuple of str, length n
    periods : array, shape (t,)
        Sorted: dates, numbers, or text that sorts as time does.
    outcomes : array of float, shape (n, t)
        Totals: sales, visits, sign-ups.
    sizes : array of float, shape (n,)
        People who live there; ones where nobody gave any.
    """

    places: tuple[str, ...]
    periods: Periods
    outcomes: Floats
    sizes: Floats

    @property
    def rates(self) -> Floats:
        """Outcomes per head, shape (n, t)."""
        return self.outcomes / self.sizes[:, None]

    def rows(self, places: Sequence[str]) -> npt.NDArray[np.int64]:
        """Where these places are.

        Raises
        ------
        UndefinedError
            A place that is not in the panel.
        """
        missing = sorted(set(places) - set(self.places))
        if missing:
            found = f"no outcomes of {len(missing)} place(s), '{missing[0]}' among them"
            raise UndefinedError(ASKED, found, "Give a row for each place and period.")
        return np.searchsorted(np.array(self.places), np.array(places))


def panel(
    place: Sequence[str],
    period: Periods,
    outcome: Floats,
    sizes: Mapping[str, float] | None = None,
) -> Panel:
    """Make a panel of the rows of a file.

    Parameters
    ----------
    place : sequence of str, length r
    period : array, shape (r,)
    outcome : array of float, shape (r,)
    sizes : mapping of str to float, optional
        People of each place; outcomes are then compared per head.

    Returns
    -------
    Panel

    Raises
    ------
    UndefinedError
        A place and period that is missing or there twice, an outcome that is not finite, or a place without a
        size above 0.

    Examples
    --------
    >>> made = panel(["B", "A", "B", "A"], np.array([1, 1, 2, 2]), np.array([4.0, 1, 5, 2]))
    >>> made.places, made.outcomes.tolist()
    (('A', 'B'), [[1.0, 2.0], [4.0, 5.0]])
    """
    names, rows = np.unique(np.array(place), return_inverse=True)
    periods, columns = np.unique(period, return_inverse=True)
    outcome = np.asarray(outcome, np.float64)
    if not len(rows) == len(columns) == len(outcome) or not np.isfinite(outcome).all():
        raise UndefinedError(ASKED, "columns of unequal length, or values not finite", "Mend the file first.")
    often = np.zeros((len(names), len(periods)), np.int64)
    np.add.at(often, (rows, columns), 1)
    if (often != 1).any():
        found = f"{int((often == 0).sum())} place(s) and period(s) missing, {int((often > 1).sum())} twice"
        raise UndefinedError(ASKED, found, "Give a row for each place and period, 0 where nothing happened.")
    outcomes = np.empty(often.shape)
    outcomes[rows, columns] = outcome
    places = tuple(names.tolist())
    return Panel(places, periods, outcomes, _sizes(places, sizes))


def _sizes(places: Sequence[str], sizes: Mapping[str, float] | None) -> Floats:
    if sizes is None:
        return np.ones(len(places))
    bad = [place for place in places if not 0 < sizes.get(place, 0) < np.inf]
    if bad:
        found = f"no size above 0 for {len(bad)} place(s), '{bad[0]}' among them"
        raise UndefinedError(ASKED, found, "Give the people of every place, or of none.")
    return np.array([sizes[place] for place in places], np.float64)
