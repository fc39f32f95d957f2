"""What to keep back of each limit so that no draw breaks it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from suasion.allocation.prices import People, take
from suasion.allocation.rows import Rows
from suasion.allocation.survey import Survey
from suasion.experiments import reach

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
DUST = 1 + 1e-12
"""Sums in another order may differ by this factor."""


def may_bind(people: People, rows: Rows, seen: Survey, shut: Bools) -> Bools:
    """Which rows could be broken at all: not those within which everybody may have the dearest option."""
    binds = np.ones(len(rows.most), np.bool_)
    opened = (seen.open > 0) & ~shut
    counts, money = rows.counts, rows.money
    sure = 0.0 if people.personal else people.costs[0]
    at_least = np.where(opened, (counts.min(axis=1, initial=np.inf) + money * sure) * seen.open, 0)
    alone = len(people.starts) == 0
    open_end = rows.resource & ((at_least.max(axis=1, initial=0) / DUST <= rows.most) | (not alone))
    asked = np.flatnonzero(open_end)
    if len(asked):
        tables = -counts[asked]
        if not people.personal:
            tables = tables - (money[asked] * people.costs[0])[:, None, :]
        tables[:, :, shut] = np.inf
        taken = take(people, tables, -money[asked], np.ones(1), worth=0.0)
        most = (counts[asked] * taken.counts).sum(axis=(1, 2)) + (money[asked] * taken.spent).sum(axis=1)
        binds[asked] = most / DUST > rows.most[asked]
    return binds


def sure_of(rows: Rows, seen: Survey, shut: Bools, apart: Floats) -> Floats:
    """The expectation of each row at which no draw exceeds what was asked for; shape (M,).

    A drawn total stays nearer to its expectation than `reach`. Where all that adds to a total adds the
    same, it is a whole multiple of that, so a draw can do with one less.
    """
    sure = rows.most - np.abs(rows.weights) @ apart
    steps = _steps(rows, seen, shut)
    for row in np.flatnonzero((rows.weights != 0).sum(axis=1) == 1):
        total = int(np.flatnonzero(rows.weights[row])[0])
        step = steps[total] * abs(rows.weights[row, total])
        if step > 0:
            most = rows.most[row] / step
            whole = np.floor(most * DUST if most > 0 else most / DUST) * step
            sure[row] = min(whole, whole + step - apart[total] * abs(rows.weights[row, total]))
    return np.where(rows.resource, np.maximum(sure, 0), sure)


def _steps(rows: Rows, seen: Survey, shut: Bools) -> Floats:
    """What each total is a multiple of; 0 where nothing is known of that."""
    totals, opened = rows.totals, (seen.open > 0) & ~shut
    steps = np.zeros(len(totals.names))
    for r in range(len(steps)):
        paid = opened & (totals.money[r] != 0) & (seen.dearest > 0)
        counts = np.unique(totals.counts[r][:, opened])
        added = np.concatenate([counts[counts != 0], seen.cheapest[paid], seen.dearest[paid]])
        mixed = paid.any() and len(counts[counts != 0])
        steps[r] = added[0] if len(added) and (added == added[0]).all() and not mixed else 0.0
    return steps


def apart_from(people: People, rows: Rows, seen: Survey, shut: Bools) -> Floats:
    """How far a draw may be from each total.

    The `reach` of a few people who stand for all: they may get the dearest that is open to anybody.
    """
    totals, opened = rows.totals, (seen.open > 0) & ~shut
    if not len(totals.names) or not opened.any():
        return np.zeros(len(totals.names))
    cells = np.unique(totals.groups)
    some = max(2 * len(cells), len(totals.names), 2)
    stand_in = type(totals)(
        totals.names, np.resize(cells, some), totals.counts[:, :, opened], totals.money[:, opened]
    )
    costs = np.tile(seen.dearest[opened], (some if people.personal else 1, 1))
    return reach(stand_in, costs, np.zeros(some, np.int64) if len(people.starts) else None)
