"""Floors: what holdout and exploration leave everybody, whatever is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation.options import Options
from suasion.allocation.rows import Rows
from suasion.allocation.survey import Survey
from suasion.errors import CampaignError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
DUST = 1e-9


@dataclass(frozen=True)
class Floors:
    """The least probability of nothing, and what is spread evenly over a unit's open options.

    A unit is a person, or a household of which at most one gets an option.

    Parameters
    ----------
    holdout : float
    spread : array of float, shape (2, k)
        What is spread, by option: first where it costs nothing, then where it costs something. All the
        same, unless money or places end before exploration does.
    among : array of uint32, shape (n,)
        Over how many open options it is spread.
    shut : array of bool, shape (k,)
        Options that nobody gets.
    """

    holdout: float
    spread: Floats
    among: npt.NDArray[np.uint32]
    shut: Bools

    @property
    def even(self) -> bool:
        """Whether all options have the same."""
        return not self.spread.size or bool((self.spread == self.spread[0, 0]).all())

    def of(self, options: Options, rows: Ids | slice) -> Floats:
        """Probability of each option of some people; shape (rows, k)."""
        costs = options.costs[rows] if len(options.costs) > 1 else options.costs
        each = np.where(costs > 0, self.spread[1], self.spread[0])
        opened = (options.worth[rows] >= 0) & ~self.shut
        if options.closed is not None:
            opened &= ~options.closed[rows]
        return np.where(opened, each / np.maximum(self.among[rows, None], 1), 0.0)

    def room(self, options: Options, units: npt.NDArray[np.int64] | None) -> Floats:
        """What is left to choose with; shape (n,), or (1,) where it is the same for all."""
        if self.even:
            return np.array([max(1 - self.holdout - float(self.spread.max(initial=0)), 0.0)])
        taken = self.of(options, slice(None)).sum(axis=1)
        if units is not None:
            taken = np.bincount(units, taken)[units]
        return np.maximum(1 - self.holdout - taken, 0)

    def counts(self, seen: Survey) -> Floats:
        """People they are expected to give each option; shape (cells, k)."""
        return np.einsum("pk,pgk->gk", self.spread, seen.shares)

    def totals(self, rows: Rows, seen: Survey) -> Floats:
        """What they use of each total; shape (R,)."""
        counts = np.tensordot(rows.totals.counts, self.counts(seen), axes=2)
        return counts + rows.totals.money @ (self.spread[1] * seen.money)

    def value(self, seen: Survey) -> float:
        """What they are worth."""
        return float((self.spread * seen.value).sum())


def check_floors(holdout: float, exploration: float) -> None:
    """Refuse floors that leave [0, 1]."""
    if not (holdout >= 0 and exploration >= 0 and holdout + exploration <= 1):
        raise CampaignError("floors", "holdout and exploration leave [0, 1]", "Lower one of them.")


def floors_within(
    rows: Rows, most: Floats, seen: Survey, floors: Floors, named: dict[int, str], *, adapt: bool
) -> tuple[Floors, tuple[int, ...]]:
    """The same floors, or lower ones where a resource ends before they do.

    Parameters
    ----------
    rows : Rows
    most : array of float, shape (M,)
        What a draw can be sure to stay within.
    seen : Survey
    floors : Floors
    named : dict
        What the limits of rows are called.
    adapt : bool
        Whether floors may be lowered.

    Returns
    -------
    Floors
    tuple of int
        Rows that lowered them.

    Raises
    ------
    CampaignError
        They may not be lowered.
    """
    used = rows.weights @ floors.totals(rows, seen)
    short = np.flatnonzero(rows.resource & (used > most * (1 + DUST)))
    if len(short) and not adapt:
        told = " and ".join(f"'{named[int(row)]}'" for row in short)
        found = f"more than {told} can pay for, with what a draw needs to stay within"
        raise CampaignError("the floor of exploration", found, "Lower it, or raise the limit.")
    spread = floors.spread.copy()
    for row in short:
        # Of what is next to nothing, no share can be told.
        share = most[row] / used[row] if most[row] > np.finfo(np.float64).tiny else 0.0
        counted = rows.counts[row].any(axis=0)
        touched = np.array([counted, counted | (rows.money[row] != 0)])
        spread = np.where(touched, np.minimum(spread, share * floors.spread), spread)
    return Floors(floors.holdout, spread, floors.among, floors.shut), tuple(short.tolist())
