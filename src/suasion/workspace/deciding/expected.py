"""What a campaign's scores expect of the variants of a placement: from there its policy can begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suasion.declarations import closest
from suasion.disclosure import counts
from suasion.errors import CampaignError
from suasion.learning import priors
from suasion.profiles import traits_of
from suasion.workspace.brief import Brief, brief
from suasion.workspace.deciding.choose import policy_of
from suasion.workspace.deciding.prepare import Prepared, prepare
from suasion.workspace.deciding.snapshot import numbers_of, permitted_now
from suasion.workspace.scored import forecast_of
from suasion.workspace.workspace import Workspace

LEAST = 1_000
"""Persons, below which scores say nothing of features."""
_DIGITS = 4


@dataclass(frozen=True)
class Expected:
    """A prior for a placement's policy.

    Parameters
    ----------
    placement, campaign, outcome : str
        `outcome`: what the campaign's scores foresee; the placement's reward is taken for the same.
    people : int
        Whose scores it is made of.
    features : tuple of str
    means : mapping of str to tuple of float
        Of each treatment the coefficients of the constant and of the features, to four digits.
    """

    placement: str
    campaign: str
    outcome: str
    people: int
    features: tuple[str, ...]
    means: Mapping[str, tuple[float, ...]]


def expected(workspace: Workspace, name: str, campaign: str) -> Expected:
    """What the newest scores of a campaign expect of a placement's treatments of the same names.

    Only persons count who permit the placement, and of whom all features are known.

    Parameters
    ----------
    workspace : Workspace
    name : str
        Of the placement.
    campaign : str

    Returns
    -------
    Expected

    Raises
    ------
    CampaignError
        The policy does not learn, purposes differ, a variant is no treatment there, or people are too few.
    OrderError
        Nothing was scored, or it no longer fits people, rules and declaration.
    """
    at = workspace.now()
    prepared = prepare(workspace.folder, workspace.settings, name, at)
    other = brief(workspace.folder, workspace.settings, campaign, at)
    _check(prepared, other)
    placement, tables = prepared.placement, workspace.tables()
    forecast = forecast_of(tables, other)
    persons = np.intersect1d(forecast.persons, permitted_now(prepared, tables))
    traits = traits_of(tables, prepared.brief.catalogue, prepared.brief.gate.occasion)
    features, unknown = numbers_of(traits, persons, placement.features)
    known = ~unknown.any(axis=1)
    if known.sum() < LEAST or not counts.enough(int(known.sum()), placement.purpose):
        found = f"{int(known.sum()):,} people with scores and all features; {LEAST:,} are needed"
        raise _refused(name, found, "Begin without one.")
    arms = [treatment.name for treatment in other.design.treatments]
    columns = np.array([arms.index(arm) for arm in placement.treatments])
    rows = np.searchsorted(forecast.persons, persons[known])
    scores = forecast.expected[other.outcomes[0]][np.ix_(rows, columns)]
    made = priors.from_scores(policy_of(placement), features[known], scores)
    means = {
        arm: tuple(float(f"{one:.{_DIGITS}g}") for one in line)
        for arm, line in zip(placement.treatments, made.tolist(), strict=True)
    }
    return Expected(name, campaign, other.outcomes[0], int(known.sum()), placement.features, means)


def _check(prepared: Prepared, other: Brief) -> None:
    placement, campaign = prepared.placement, other.campaign
    if placement.policy.kind == "fixed":
        raise _refused(placement.name, "a policy that learns nothing", "Declare one that does.")
    if placement.purpose != campaign.purpose:
        found = f"scores for {campaign.purpose}, and a placement for {placement.purpose}"
        raise _refused(placement.name, found, "Take scores that were made for the same purpose.")
    arms = [treatment.name for treatment in other.design.treatments]
    for arm in placement.treatments:
        if arm not in arms:
            found = f"no treatment '{arm}' in campaign '{campaign.name}'"
            raise _refused(placement.name, found, f"Name variants as treatments. {closest(arm, arms)}")


def _refused(name: str, found: str, todo: str) -> CampaignError:
    return CampaignError(f"a prior for placement '{name}'", found, todo)
