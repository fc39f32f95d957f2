"""The package of one person, with the reasons of each decision where they can be told now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from suasion.errors import SuasionError
from suasion.rights import Holdings, Package, access, seals_of
from suasion.workspace.brief import brief
from suasion.workspace.settings import Settings
from suasion.workspace.why import why

STALE = "The reasons cannot be told now: people, rules or the campaign have changed since."


def package_of(holdings: Holdings, settings: Settings, named: str, at: datetime) -> Package:
    """Collect all that is held of a person, and why campaigns decided what they did.

    Parameters
    ----------
    holdings : Holdings
    settings : Settings
    named : str
        ``KIND=VALUE``, an identifier or a contact detail, or the person's number.
    at : datetime

    Returns
    -------
    Package

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    """

    def explain(campaign: str, person: int) -> dict[str, Any]:
        return explained(holdings, settings, campaign, person, at)

    seals = seals_of(holdings.ledger, holdings.key) if holdings.key else None
    return access(holdings, named, at, currency=settings.currency, explain=explain, seals=seals)


def explained(
    holdings: Holdings, settings: Settings, campaign: str, person: int, at: datetime
) -> dict[str, Any]:
    """Why a campaign decided what it did for a person; a sentence where that cannot be told now."""
    try:
        prepared = brief(holdings.folder, settings, campaign, at)
        found = why(holdings.tables(), holdings.ledger, prepared, person)
    except SuasionError:
        return {"sentences": [STALE], "effect": None, "interval": None}
    interval = None if found.interval is None else [found.interval.low, found.interval.high]
    return {"sentences": list(found.sentences), "effect": found.effect, "interval": interval}
