"""One draw from a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation.plan import Plan
from suasion.experiments import draw, uniform_rows

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decisions:
    """What was drawn for each person of a plan.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    chosen : array of int64, shape (n,)
        Index of the option; 0 is nothing.
    probability : array of float, shape (n,)
        Marginal probability of what was drawn.
    """

    persons: Ids
    chosen: Ids
    probability: Floats


def decide(plan: Plan, salt: str, key: bytes = b"") -> Decisions:
    """Draw one option for every person; the same plan, salt and key give the same decisions.

    Chance is a keyed hash of the person, so nothing depends on the order of the file. `draw` describes the
    scheme; it keeps all totals of the plan, so no limit is broken.

    Parameters
    ----------
    plan : Plan
    salt : str
        Names the plan; another salt is another draw.
    key : bytes
        Secret of the workspace; without it the draw can be recomputed by anyone.

    Returns
    -------
    Decisions

    Examples
    --------
    >>> import numpy as np
    >>> from suasion.allocation import Options, plan
    >>> ones = np.ones((4, 1))
    >>> options = Options(np.arange(4), "none", ("mail",), ones, ones, np.array([True]))
    >>> int(decide(plan(options, 2, 0.0, 0.0), "demo").chosen.sum())
    2
    """
    persons = plan.options.persons
    chosen = plan.choices[:, int(np.argmax(plan.shares))].astype(np.int64)
    # Added up one after another, as the plan's own probabilities are.
    probability = np.where(chosen > 0, np.cumsum(plan.shares)[-1], 1.0)
    rows = _undecided(plan)
    if len(rows):
        chances = plan.rows(rows)
        chosen[rows] = _drawn(plan, rows, chances, salt, key)
        probability[rows] = chances[np.arange(len(rows)), chosen[rows]]
    return Decisions(persons, chosen, probability)


def _undecided(plan: Plan) -> Ids:
    """Rows of those whom chance may give one option or another."""
    live = plan.choices[:, plan.shares > 0]
    some = (live != live[:, :1]).any(axis=1)
    if plan.floors.holdout > 0:
        some |= live.any(axis=1)
    if plan.floors.spread.any():
        some |= plan.floors.among > 0
    return np.flatnonzero(some)


def _drawn(plan: Plan, rows: Ids, chances: Floats, salt: str, key: bytes) -> Ids:
    # One number for the order of entering; of the rest, one for each option but one.
    luck = uniform_rows(plan.options.persons[rows], int(np.count_nonzero(chances, axis=1).max()), salt, key)
    costs = plan.options.costs
    return draw(
        chances,
        costs[rows] if len(costs) > 1 else costs,
        plan.totals.among(rows),
        order=luck[:, 0],
        chance=luck[:, 1:],
        together=None if plan.units is None else plan.units[rows],
    )
