"""Pair places that went alike, and treat one of each pair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from suasion.errors import CampaignError
from suasion.experiments.chance import uniforms
from suasion.experiments.geo.design import GeoDesign, costs_of, one_of, tellable
from suasion.experiments.geo.panel import Bools, Floats, Panel
from suasion.stats import randomization

Ids = npt.NDArray[np.int64]
ASKED = "pairs of places"
NEAR, NEAREST = 60, 12
"""With more places than `NEAR`, each is paired with one of its `NEAREST`."""
DRAWS = 20_000
"""Assignments to compare with, where all would be too many."""


def matched(
    panel: Panel,
    salt: str,
    key: bytes = b"",
    costs: Mapping[str, float] | None = None,
    budget: float = np.inf,
    alpha: float = 0.05,
) -> GeoDesign:
    """As many pairs as the budget pays for, the nearest ones, and one of each treated by a keyed draw.

    Pairs are those whose sum of squared differences between outcomes per head, period by period, is
    smallest of all (optimal nonbipartite matching: Greevy, Lu, Silber, Rosenbaum 2004, Biostatistics 5:263),
    found by HiGHS. The budget holds whichever of a pair is drawn.

    Parameters
    ----------
    panel : Panel
        Before the campaign.
    salt : str
        Name of the experiment.
    key : bytes
        Secret of the draw, at most 64 bytes.
    costs : mapping of str to float, optional
        What treating each place costs.
    budget : float
        For all treated places together.
    alpha : float
        The level of the test to come.

    Returns
    -------
    GeoDesign
        Groups of its reference are the pairs; places in none are left out.

    Raises
    ------
    CampaignError
        No pair within the budget, or a place without a cost.
    UndefinedError
        So few pairs that no effect could be told from chance.

    Examples
    --------
    >>> from suasion.experiments.geo.panel import panel
    >>> names, week = [f"T{i:02}" for i in range(12)] * 2, np.repeat([1, 2], 12)
    >>> design = matched(panel(names, week, np.tile(np.arange(12.0) // 2, 2)), "spring")
    >>> design.reference.groups.tolist(), int(design.treated.sum()), design.least
    ([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], 6, 0.03125)
    """
    if len(panel.places) < 2:
        raise CampaignError(ASKED, f"{len(panel.places)} place(s)", "It takes more.")
    pairs = _nearest(panel.rates, costs_of(panel, costs), budget)
    rows = np.sort(pairs.ravel())
    group = np.empty(len(panel.places), np.int64)
    group[pairs] = np.arange(len(pairs))[:, None]
    # The pair's number for the draw is that of its first place: other pairs do not change it.
    first = uniforms(pairs[:, 0], f"geo pairs {salt}", key) < 0.5
    treated = np.zeros(len(panel.places), np.bool_)
    treated[np.where(first, pairs[:, 0], pairs[:, 1])] = True
    reference = _reference(treated[rows], group[rows], salt, key)
    return tellable(GeoDesign(tuple(panel.places[row] for row in rows), treated[rows], reference), alpha)


def _reference(treated: Bools, groups: Ids, salt: str, key: bytes) -> randomization.Reference:
    if randomization.number_of(treated, groups) <= DRAWS:
        return randomization.every(treated, groups)
    seed = one_of(2**53, f"geo reference {salt}", key)
    return randomization.drawn(treated, DRAWS, np.random.default_rng(seed), groups)


def _nearest(rates: Floats, costs: Floats, budget: float) -> Ids:
    """Rows of each pair, the first one smaller; ordered by it."""
    one, other = _candidates(rates)
    apart = ((rates[one] - rates[other]) ** 2).sum(axis=1)
    price = np.maximum(costs[one], costs[other])
    ways = np.arange(len(one))
    ends = coo_array(
        (np.ones(2 * len(one)), (np.concatenate([one, other]), np.tile(ways, 2))),
        shape=(len(rates), len(one)),
    )
    once = LinearConstraint(ends.tocsr(), ub=1)
    paid = [LinearConstraint(price[None], ub=budget)] if np.isfinite(budget) else []
    number = len(rates) // 2
    if paid:
        number = int(_solved(-np.ones(len(one)), [once, *paid]).sum())
    if number == 0:
        raise CampaignError(ASKED, "a budget below the cost of any pair", "Give more.")
    exactly = LinearConstraint(np.ones((1, len(one))), lb=number, ub=number)
    scale = apart.max(initial=0) or 1.0
    chosen = _solved(apart / scale, [once, *paid, exactly])
    return np.column_stack([one[chosen], other[chosen]]).astype(np.int64)


def _candidates(rates: Floats) -> tuple[Ids, Ids]:
    """Pairs worth looking at: all, or of many places those of near ones, and neighbors by level."""
    one, other = np.triu_indices(len(rates), 1)
    if len(rates) <= NEAR:
        return one, other
    apart = ((rates[:, None] - rates) ** 2).sum(axis=2)
    near = apart <= np.sort(apart, axis=1)[:, NEAREST, None]
    level = np.argsort(rates.mean(axis=1), kind="stable")
    near[level[:-1], level[1:]] = True
    kept = (near | near.T)[one, other]
    return one[kept], other[kept]


def _solved(weights: Floats, constraints: list[LinearConstraint]) -> Bools:
    """The 0-1 choice with the smallest sum of weights."""
    found = milp(
        weights,
        integrality=np.ones(len(weights), np.int64),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"mip_rel_gap": 1e-4},
    )
    if found.x is None:
        raise CampaignError(ASKED, "no solution", "Give fewer places, or costs that are not far apart.")
    return found.x > 0.5
