"""Which limits cannot be kept together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.allocation.dual import Pool, keep
from suasion.allocation.limits import Limit, Parity
from suasion.allocation.solve import Market
from suasion.errors import CampaignError

Floats = npt.NDArray[np.float64]
TRIES = 300


def possible(market: Market, most: Floats, limits: Sequence[int]) -> bool:
    """Whether anything keeps the rows of these limits."""
    rows = np.isin(market.rows.owner, limits)
    some = replace(market, rows=market.rows.keep(rows, np.zeros(market.rows.weights.shape[1], np.bool_)))
    pool = Pool(some, np.abs(most[rows]))
    return not keep(pool, most[rows], TRIES)


def conflict(
    market: Market, most: Floats, free: Floats, limits: Sequence[Limit], *, drawn: bool
) -> CampaignError:
    """The error that names limits which cannot be kept together, none of which could be left out of it.

    Parameters
    ----------
    market : Market
    most : array of float, shape (M,)
        What floors leave of each row.
    free : array of float, shape (M,)
        The same without floors of exploration.
    limits : sequence of Money, Capacity, Parity
    drawn : bool
        Whether they could be kept on average, only not in every draw.

    Returns
    -------
    CampaignError
    """
    guilty = sorted(set(market.rows.owner.tolist()))
    for one in tuple(guilty):
        rest = [other for other in guilty if other != one]
        if not possible(market, most, rest):
            guilty = rest
    names = [
        f"parity between the groups of {limit.name}" if isinstance(limit, Parity) else f"'{limit.name}'"
        for limit in (limits[one] for one in guilty)
    ]
    if (free > most).any() and possible(market, free, guilty):
        names.append("the floor of exploration")
    found = (
        "could be kept on average, but not by every draw among so few people"
        if drawn
        else "cannot be kept together"
        if len(names) > 1
        else "cannot be kept by these people and options"
    )
    return CampaignError("the plan", f"{', '.join(names)} {found}", "Loosen one of them.")
