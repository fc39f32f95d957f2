"""Reach groups alike without looking at the trait that makes them: choose among plans that do not know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from suasion.allocation.limits import Parity
from suasion.allocation.options import Options
from suasion.allocation.plan import Plan
from suasion.allocation.told import furthest
from suasion.errors import CampaignError

STEPS = 20
"""So many parts of the plan are given to the lot, one after another."""
DUST = 1e-9


@dataclass(frozen=True)
class Candidate:
    """A plan that does not know the groups, and what the groups make of it.

    Parameters
    ----------
    lot : float
        The part of everything that is given by lot among those whom it is not expected to harm.
    value : float
        Expected value.
    measure : float
        Of the group furthest off: the ratio, or the gap, that the parity is about.
    """

    lot: float
    value: float
    measure: float


def blind(
    plan: Callable[[Options], Plan], options: Options, parity: Parity
) -> tuple[Plan, tuple[Candidate, ...]]:
    """The best of candidate plans that reach groups alike, none of which looks at the groups.

    Candidates give a part of everything by what it changes for a person, and the rest as if everybody whom it
    is not expected to harm gained the average: from all to none of the first. The groups measure each
    candidate as a whole; no decision about a person depends on them. The candidate with the smallest lot that
    keeps to the parity is taken (policy selection under an aggregate audit; suasion design, section 1.6).

    Parameters
    ----------
    plan : callable
        From options to a plan within all other limits.
    options : Options
    parity : Parity

    Returns
    -------
    Plan
        A mixture of the two plans: people who are alike have the same probabilities.
    tuple of Candidate
        All that were looked at, the last of which was taken.

    Raises
    ------
    CampaignError
        Not even the lot reaches the groups alike.

    Examples
    --------
    >>> from suasion.allocation.plan import plan as spend
    >>> effects = np.array([[0.4], [0.3], [0.2], [0.1]])
    >>> options = Options(np.arange(4), "none", ("mail",), effects, np.ones((1, 1)), np.array([True]))
    >>> alike = Parity("sex", np.array([0, 0, 1, 1]), least_ratio=0.5)
    >>> taken, looked = blind(lambda these: spend(these, 2, 0, 0), options, alike)
    >>> looked[-1].lot, taken.probabilities[:, 1].round(3).tolist()
    (0.5, [0.75, 0.75, 0.25, 0.25])
    """
    targeted, lot = plan(options), plan(_average(options))
    one, other = 1 - targeted.probabilities[:, 0], 1 - lot.probabilities[:, 0]
    worth = np.where(np.isnan(options.worth), 0.0, options.worth)
    aside = float((lot.probabilities[:, 1:] * worth).sum())
    looked = list[Candidate]()
    for step in range(STEPS + 1):
        part = step / STEPS
        treated = np.bincount(parity.groups.astype(np.int64), (1 - part) * one + part * other)
        value = (1 - part) * targeted.value + part * aside
        looked.append(Candidate(part, value, furthest(parity, treated)))
        if _keeps(parity, looked[-1].measure):
            return _mixed(targeted, lot, part, value), tuple(looked)
    found = f"even by lot among those not expected to be harmed, one group is at {looked[-1].measure:.3g}"
    raise CampaignError(
        f"parity between the groups of {parity.name}", found, "Loosen it, or its other limits."
    )


def _average(options: Options) -> Options:
    """Everybody gains the average of those to whom an option is open."""
    worth, open_ = options.worth, options.open
    mean = np.where(open_, worth, 0).sum(axis=0) / np.maximum(open_.sum(axis=0), 1)
    return replace(options, values=np.where(open_, mean, worth))


def _keeps(parity: Parity, measure: float) -> bool:
    if parity.most_gap is not None:
        return measure <= parity.most_gap + DUST
    return measure >= (parity.least_ratio or 0) - DUST


def _mixed(targeted: Plan, lot: Plan, part: float, value: float) -> Plan:
    if part == 0:
        return targeted
    return replace(
        targeted,
        choices=np.hstack([targeted.choices, lot.choices]),
        shares=np.concatenate([(1 - part) * targeted.shares, part * lot.shares]),
        value=value,
        cost=(1 - part) * targeted.cost + part * lot.cost,
    )
