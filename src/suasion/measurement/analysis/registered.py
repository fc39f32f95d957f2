"""What was said of the analysis before the first send, and what is said now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suasion.declarations import closest
from suasion.errors import CampaignError
from suasion.ledger import Campaign
from suasion.profiles import Trait
from suasion.rules import Category, Purpose

PLANNED, ADDED, UNREGISTERED = "planned", "added", "not registered"
CIVIC = {Purpose.CIVIC, Purpose.POLITICAL}
FIXED = ("alpha", "before", "looks", "people")
OUTCOMES = ("outcome", "also")


@dataclass(frozen=True)
class Registered:
    """The analysis as it stands in the log.

    Parameters
    ----------
    at : str
        When it was recorded, ISO 8601.
    digest : str
    terms : mapping
        As the campaign's first entry holds them.
    """

    at: str
    digest: str
    terms: Mapping[str, Any]


@dataclass(frozen=True)
class Grouping:
    """A trait by whose groups effects are told, what people call it, and whether that was planned."""

    trait: str
    label: str
    status: str


def groupings(
    campaign: Campaign, found: Registered | None, catalogue: Mapping[str, Trait]
) -> tuple[Grouping, ...]:
    """The traits by whose groups effects are told.

    Where a campaign is about registering or voting and declares none, sex and age as far as it knows them:
    who is kept from voting must not stay hidden in an average.

    Parameters
    ----------
    campaign : Campaign
        As `as_registered` makes it.
    found : Registered or None
    catalogue : mapping of str to Trait

    Returns
    -------
    tuple of Grouping

    Raises
    ------
    CampaignError
        A trait is unknown: what was planned is not left out.
    """
    named = campaign.analysis.subgroups if found is None else tuple(found.terms["subgroups"])
    if not named and campaign.purpose in CIVIC:
        protected = {Category.SEX, Category.AGE}
        named = tuple(name for name in campaign.features if catalogue[name].category in protected)
    planned = UNREGISTERED if found is None else PLANNED
    told = dict.fromkeys(campaign.analysis.subgroups, ADDED) | dict.fromkeys(named, planned)
    for name in told:
        if name not in catalogue:
            asked = f"the analysis of campaign '{campaign.name}'"
            raise CampaignError(asked, f"unknown trait '{name}'", closest(name, catalogue))
    return tuple(Grouping(name, catalogue[name].label, status) for name, status in told.items())


def as_registered(campaign: Campaign, found: Registered | None) -> tuple[Campaign, tuple[str, ...]]:
    """The campaign to be judged: as it was registered, with what was added since.

    Level, covariate, looks and the planned end stay those of the log; subgroups and guardrails of then and
    now are told.

    Parameters
    ----------
    campaign : Campaign
    found : Registered or None

    Returns
    -------
    Campaign
    tuple of str
        What is declared otherwise now, and not followed.
    """
    if found is None:
        return campaign, ()
    now = campaign.analysis
    kept = {key: value for key, value in found.terms.items() if key not in OUTCOMES}
    then = type(now).model_validate(kept)
    changed = [key for key in FIXED if getattr(now, key) != getattr(then, key)]
    gone = [name for name in found.terms.get("also", ()) if name not in campaign.also]
    added = {
        "subgroups": tuple(dict.fromkeys((*then.subgroups, *now.subgroups))),
        "guardrails": (*then.guardrails, *(rail for rail in now.guardrails if rail not in then.guardrails)),
    }
    notes = [
        f"The campaign says {key} = {getattr(now, key)} now. It is judged as it was registered, with "
        f"{getattr(then, key)}."
        for key in changed
    ] + [
        f"The outcome '{name}' was registered, and is declared no more: nothing is told of it."
        for name in gone
    ]
    judged = campaign.model_copy(update={"analysis": then.model_copy(update=added)})
    return judged, tuple(notes)


def outcome_status(found: Registered | None, outcome: str) -> str:
    """Whether an outcome was planned to be judged."""
    if found is None:
        return UNREGISTERED
    named = {found.terms.get("outcome"), *found.terms.get("also", ())}
    return PLANNED if outcome in named else ADDED


def rail_status(found: Registered | None, rail: Mapping[str, Any]) -> str:
    """Whether a guardrail was planned."""
    if found is None:
        return UNREGISTERED
    return PLANNED if dict(rail) in [dict(one) for one in found.terms["guardrails"]] else ADDED
