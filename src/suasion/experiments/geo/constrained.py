"""Draw among the assignments of places that are balanced, and remember them."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb

import numpy as np

from suasion.errors import CampaignError
from suasion.experiments.chance import uniform_rows
from suasion.experiments.geo.design import GeoDesign, costs_of, one_of, tellable
from suasion.experiments.geo.panel import Bools, Floats, Panel
from suasion.stats import randomization

ASKED = "balanced assignments of places"
TRIED = 20_000
"""Assignments looked at, where all would be too many."""


def constrained(
    panel: Panel,
    count: int,
    salt: str,
    key: bytes = b"",
    costs: Mapping[str, float] | None = None,
    budget: float = np.inf,
    threshold: float = 0.25,
    alpha: float = 0.05,
) -> GeoDesign:
    """Treat `count` places by a keyed draw among assignments that are affordable and balanced.

    Assignments whose treated and control places differ by more than `threshold` standard deviations of
    places in level or trend of the outcome per head, or in size, are not among them (Moulton 2004, Clinical
    Trials 1:297; Morgan and Rubin 2012, Annals of Statistics 40:1263). The test compares with those that are.

    Parameters
    ----------
    panel : Panel
        Before the campaign.
    count : int
        Places to treat.
    salt, key, costs, budget
        As for `matched`.
    threshold : float
        Standard deviations of places.
    alpha : float
        The level of the test to come.

    Returns
    -------
    GeoDesign

    Raises
    ------
    CampaignError
        Fewer places than are to be treated, or no assignment that is affordable and balanced.
    UndefinedError
        So few of them that no effect could be told from chance.

    Examples
    --------
    >>> from suasion.experiments.geo.panel import panel
    >>> names, week = [f"T{i:02}" for i in range(12)] * 2, np.repeat([1, 2], 12)
    >>> weeks = panel(names, week, np.tile(np.arange(12.0), 2))
    >>> design = constrained(weeks, 6, "spring")
    >>> bool((imbalance(weeks, design.reference.assignments) <= 0.25).all()), design.least < 0.01
    (True, True)
    """
    n = len(panel.places)
    if not 0 < count < n:
        raise CampaignError(ASKED, f"{count} of {n} place(s) to treat", "Leave places to compare with.")
    made = _tried(n, count, salt, key)
    affordable = made[made @ costs_of(panel, costs) <= budget * (1 + 1e-12)]
    kept = affordable[imbalance(panel, affordable) <= threshold]
    if len(kept) == 0:
        found = f"of {len(made):,} assignments {len(affordable):,} are affordable and none of them balanced"
        raise CampaignError(ASKED, found, "Raise budget or threshold, or treat another number of places.")
    treated = kept[one_of(len(kept), f"geo draw {salt}", key)]
    return tellable(GeoDesign(panel.places, treated, randomization.Reference(kept, True)), alpha)


def imbalance(panel: Panel, assignments: Bools) -> Floats:
    """The largest difference between treated and control in level, trend and size, in standard deviations.

    Parameters
    ----------
    panel : Panel
    assignments : array of bool, shape (m, n)

    Returns
    -------
    array of float, shape (m,)
    """
    time = np.arange(len(panel.periods)) - (len(panel.periods) - 1) / 2
    trend = panel.rates @ time / max(np.abs(time).sum(), 1)
    columns = np.column_stack([panel.rates.mean(axis=1), trend, panel.sizes])
    spread, most = columns.std(axis=0, ddof=1), np.abs(panel.rates).max()
    varies = spread > 1e-9 * np.array([most, most, panel.sizes.max()])
    columns = (columns - columns.mean(axis=0))[:, varies] / spread[varies]
    treated = assignments.sum(axis=1, keepdims=True)
    sums, others = assignments @ columns, assignments.shape[1] - treated
    return np.abs(sums / treated + sums / others).max(axis=1, initial=0)


def _tried(n: int, count: int, salt: str, key: bytes) -> Bools:
    first = np.arange(n) < count
    if comb(n, count) <= TRIED:
        return randomization.every(first).assignments
    luck = uniform_rows(np.arange(n), TRIED, f"geo tried {salt}", key)
    chosen = np.argsort(luck, axis=0)[:count]
    made = np.zeros((n, TRIED), np.bool_)
    np.put_along_axis(made, chosen, True, axis=0)
    return np.unique(made.T, axis=0)
