"""What a draw keeps besides everybody's probabilities: totals over people and options, such as money."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Totals:
    """Sums over people of what their option adds; nothing adds nothing.

    Total r is the sum over people i of ``counts[r, groups[i], j] + money[r, j] * costs[i, j]``, where j is
    the option of person i.

    Parameters
    ----------
    names : tuple of str, length R
    groups : array of int, shape (n,)
        The group of each person, 0 to G - 1.
    counts : array of float, shape (R, G, k)
        What an option of a person of a group adds; k options without nothing.
    money : array of float, shape (R, k)
        What each unit of an option's cost adds.

    Examples
    --------
    At most so much money and so many letters, and the calls to the second of two groups:

    >>> import numpy as np
    >>> counts = np.array([[[0, 0], [0, 0]], [[1, 0], [1, 0]], [[0, 0], [0, 1]]], float)
    >>> money = np.array([[1, 1], [0, 0], [0, 0]], float)
    >>> totals = Totals(("money", "letters", "calls to b"), np.array([0, 1, 1]), counts, money)
    >>> totals.among(np.array([0])).groups.tolist()
    [0]
    """

    names: tuple[str, ...]
    groups: npt.NDArray[np.integer]
    counts: Floats
    money: Floats

    def among(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Totals:
        """The same totals over some of the people."""
        return replace(self, groups=self.groups[rows])


def reach(totals: Totals, costs: AnyFloats, together: Ids | None = None) -> Floats:
    """How far a drawn total can be from its expectation: each stays nearer than this (or equal, where 0).

    Less than min(R, t) times the largest change that one person, or household, can make in the total, t being
    the most totals that a move between two of their options touches; `draw` says why.

    Parameters
    ----------
    totals : Totals
    costs : array of float, shape (n, k) or (1, k)
        Expected cost of each option, without nothing.
    together : array of int, shape (n,), optional
        The household of each person, where at most one of a household is treated.

    Returns
    -------
    array of float, shape (R,)

    Examples
    --------
    With the budget alone, one letter's cost; with the number of letters to keep as well, two:

    >>> import numpy as np
    >>> budget = Totals(("money",), np.zeros(9, int), np.zeros((1, 1, 1)), np.ones((1, 1)))
    >>> reach(budget, np.array([[0.8]])).tolist()
    [0.8]
    """
    if not totals.groups.size or not totals.names:
        return np.zeros(len(totals.names))
    present, costs = np.unique(totals.groups).astype(np.int64), np.asarray(costs, np.float64)
    many = min(len(totals.names), len(totals.groups), _touched(totals, costs, present, together is not None))
    return many * _gaps(totals, costs, present, together is not None)


def _touched(totals: Totals, costs: Floats, present: Ids, across: bool) -> int:
    """The most totals that one move touches: within a person or, `across`, within a household of anybody."""
    counts = with_nothing(totals.counts[:, present])
    money = with_nothing(totals.money)[:, None, :]
    if len(costs) == 1:
        added = counts + money * with_nothing(costs)[0]
        paid = np.zeros_like(added, dtype=np.bool_)
    else:  # costs of two options are taken to differ
        added, paid = counts, np.broadcast_to(money != 0, counts.shape)
    if across:
        added, paid = added.reshape(len(added), 1, -1), paid.reshape(len(added), 1, -1)
    most = 0
    for option in range(added.shape[2]):
        differ = (added != added[:, :, option, None]) | paid | paid[:, :, option, None]
        differ[:, :, option] &= across
        most = max(most, int(differ.sum(axis=0).max()))
    return most


def _gaps(totals: Totals, costs: Floats, present: Ids, across: bool) -> Floats:
    """The largest change that one person can make in each total or, `across`, one household of anybody."""
    paid = totals.money.any(axis=1) & (len(costs) > 1)
    gaps = np.zeros(len(totals.names))
    # Where no person has costs of their own, one of each group stands for all.
    for some, groups, each in ((paid, totals.groups, costs), (~paid, present, costs[:1])):
        if some.any():
            gaps[some] = _widest(groups, totals.counts[some], totals.money[some], each, across)
    return gaps


@numba.njit(cache=True, nogil=True)
def _widest(groups, counts, money, costs, across):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    gaps, most, least = np.zeros(len(money)), np.zeros(len(money)), np.zeros(len(money))
    for i in range(len(groups)):
        cost = costs[i if len(costs) > 1 else 0]
        for r in range(len(money)):
            high, low = 0.0, 0.0
            for j in range(len(cost)):
                added = counts[r, groups[i], j] + money[r, j] * cost[j]
                high, low = max(high, added), min(low, added)
            gaps[r] = max(gaps[r], high - low)
            most[r], least[r] = max(most[r], high), min(least[r], low)
    return most - least if across else gaps


def with_nothing(options: AnyFloats) -> Floats:
    """A column for nothing before the options, which are last."""
    return np.concatenate([np.zeros((*options.shape[:-1], 1)), options], axis=-1, dtype=np.float64)
