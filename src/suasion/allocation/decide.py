"""One draw from a plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation.plan import Plan
from suasion.experiments import draw, uniform_rows


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

    persons: npt.NDArray[np.int64]
    chosen: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]


def decide(plan: Plan, salt: str, key: bytes = b"") -> Decisions:
    """Draw one option for every person; the same plan, salt and key give the same decisions.

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
    luck = uniform_rows(persons, plan.probabilities.shape[1], salt, key)
    chosen = draw(plan.probabilities, plan.all_costs, order=luck[:, 0], chance=luck[:, 1:])
    return Decisions(persons, chosen, plan.probabilities[np.arange(len(persons)), chosen])
