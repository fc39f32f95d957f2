"""What a campaign's scores expect of the variants of a placement: from there its policy can begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.declarations import closest
from suasion.disclosure import counts
from suasion.errors import CampaignError
from suasion.learning import priors
from suasion.ledger import Ledger, Tables
from suasion.profiles import traits_of
from suasion.segments import members
from suasion.workspace.brief import Brief, brief
from suasion.workspace.deciding.choose import policy_of
from suasion.workspace.deciding.prepare import Prepared, prepare
from suasion.workspace.deciding.snapshot import numbers_of, permitted_now
from suasion.workspace.deciding.standing import refusing
from suasion.workspace.scored import forecast_of
from suasion.workspace.workspace import Workspace

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
LEAST = 1_000
"""Persons, below which scores say nothing of features."""
MOST_SWAY = 0.05
"""Of a prior's word on any person, that person's own score may be no larger part."""
_DIGITS = 2
_FARTHEST, _UNLIKE = 1.0, 4.0
"""Units that the mean of a feature may be from its center; how often its spread may go into a unit, or it."""


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
        Of each treatment the coefficients of the constant and of the features, to two digits.
    """

    placement: str
    campaign: str
    outcome: str
    people: int
    features: tuple[str, ...]
    means: Mapping[str, tuple[float, ...]]


def expected(workspace: Workspace, name: str, campaign: str, *, challenger: bool = False) -> Expected:
    """What the newest scores of a campaign expect of a placement's treatments of the same names.

    Only persons of its segment count who permit the placement, and of whom all features are known.

    Parameters
    ----------
    workspace : Workspace
    name : str
        Of the placement.
    campaign : str
    challenger : bool
        Whether it is for the challenger's policy.

    Returns
    -------
    Expected

    Raises
    ------
    CampaignError
        The policy does not learn, the scores are of something else or for another purpose, a variant is no
        treatment there, people are too few, features are not measured by what is usual, or a prior would
        tell of single persons.
    TraitRefusedError
        The rules of the placement refuse what the scores were made from.
    OrderError
        Nothing was scored, or it no longer fits people, rules and declaration.
    """
    at = workspace.now()
    prepared = prepare(workspace.folder, workspace.settings, name, at)
    placement = prepared.placement.challenging if challenger else prepared.placement
    if placement is None:
        raise _refused(name, "no challenger", "Declare its policy as [challenger].")
    other = brief(workspace.folder, workspace.settings, campaign, at)
    _check(placement, prepared, other)
    tables, policy = workspace.tables(), policy_of(placement)
    forecast = forecast_of(tables, other)
    persons, features = _people(workspace.ledger, tables, prepared, forecast.persons)
    if len(persons) < LEAST or not counts.enough(len(persons), placement.purpose):
        found = f"{len(persons):,} people with scores and all features; {LEAST:,} are needed"
        raise _refused(name, found, "Begin without one.")
    _check_measured(placement, policy, features)
    columns = np.array([other.design.names.index(arm) for arm in placement.treatments])
    rows = np.searchsorted(forecast.persons, persons)
    scores = forecast.expected[other.outcomes[0]][np.ix_(rows, columns)]
    made = priors.from_scores(policy, features, scores)
    means = {
        arm: tuple(float(f"{one:.{_DIGITS}g}") for one in line)
        for arm, line in zip(placement.treatments, made.tolist(), strict=True)
    }
    return Expected(name, campaign, other.outcomes[0], len(persons), placement.features, means)


def _people(
    ledger: Ledger, tables: Tables, prepared: Prepared, scored: Ids
) -> tuple[Ids, npt.NDArray[np.float32]]:
    """Whose scores count, and their features."""
    made = prepared.brief
    traits = traits_of(tables, made.catalogue, made.gate.occasion)
    matching, _ = members(made.segment, traits)
    permitted = np.setdiff1d(permitted_now(prepared, tables), refusing(ledger), assume_unique=True)
    persons = np.intersect1d(np.intersect1d(scored, matching), permitted)
    features, unknown = numbers_of(traits, persons, prepared.placement.features)
    known = ~unknown.any(axis=1)
    return persons[known], features[known]


def _check(placement: declared.Placement, prepared: Prepared, other: Brief) -> None:
    campaign, name = other.campaign, placement.name
    if placement.policy.kind == "fixed":
        raise _refused(name, "a policy that learns nothing", "Declare one that does.")
    if placement.purpose != campaign.purpose:
        found = f"scores for {campaign.purpose}, and a placement for {placement.purpose}"
        raise _refused(name, found, "Take scores that were made for the same purpose.")
    outcome = other.source.outcomes.get(campaign.outcome)
    if placement.goals or (outcome is not None and outcome.money):
        found = "goals beside the outcome" if placement.goals else "scores of a sum of money"
        raise _refused(name, found, "Scores can stand in where one event is all that is hoped for.")
    for arm in placement.treatments:
        if arm not in other.design.names:
            found = f"no treatment '{arm}' in campaign '{campaign.name}'"
            raise _refused(name, found, f"Name variants as treatments. {closest(arm, other.design.names)}")
    traits = [(one, other.catalogue[one].category, None) for one in campaign.features]
    prepared.brief.gate.admit_traits("score", traits)


def _check_measured(
    placement: declared.Placement, policy: policies.Policy, features: npt.NDArray[np.float32]
) -> None:
    """See that a unit of each feature is a usual difference, and that nobody stands out."""
    for column, name in enumerate(placement.features):
        mean, spread = float(features[:, column].mean()), float(features[:, column].std())
        if not spread:
            raise _refused(placement.name, f"'{name}' is the same of everybody", "Leave it out of features.")
        far, unit = abs(mean - policy.center[column]), policy.scale[column]
        if far > _FARTHEST * unit or not 1 / _UNLIKE <= spread / unit <= _UNLIKE:
            found = f"'{name}', measured from {policy.center[column]:g} in units of {unit:g}"
            todo = f"Write scales = {{ {name} = [{mean:.2g}, {spread:.2g}] }}: its mean, and how it differs."
            raise _refused(placement.name, found, todo)
    rows = policies.design(policy, features)
    own = np.linalg.solve(np.eye(rows.shape[1]) * policy.ridge + rows.T @ rows, rows.T)
    if np.einsum("ni,in->n", rows, own).max() > MOST_SWAY:
        found = "somebody whose features are unlike anybody's: the prior would tell their score"
        raise _refused(placement.name, found, "Leave out the feature that few people have.")


def _refused(name: str, found: str, todo: str) -> CampaignError:
    return CampaignError(f"a prior for placement '{name}'", found, todo)
