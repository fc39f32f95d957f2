"""Who speaks, who pays, who is behind them, and which vote it is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from suasion.ledger import Campaign


@dataclass(frozen=True)
class Party:
    """Somebody who answers for a campaign; what was not said is None.

    Parameters
    ----------
    name : str
    legal_name, email, postal, place, register_no : str or None
    """

    name: str
    legal_name: str | None = None
    email: str | None = None
    postal: str | None = None
    place: str | None = None
    register_no: str | None = None

    @property
    def shown(self) -> str:
        """The name, and the legal name where that is another."""
        legal = self.legal_name
        return self.name if legal is None or legal == self.name else f"{self.name} ({legal})"


@dataclass(frozen=True)
class Parties:
    """All who answer for a campaign.

    Parameters
    ----------
    sponsor, payer : Party
        The payer is the sponsor unless another was named.
    promoter : Party or None
    controlled_by, controlled_from : str or None
        Who controls the sponsor, and from where: from its own place where nobody else does.
    """

    sponsor: Party
    payer: Party
    promoter: Party | None
    controlled_by: str | None
    controlled_from: str | None

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return asdict(self)


def parties_of(campaign: Campaign) -> Parties:
    """Who answers for a campaign.

    Parameters
    ----------
    campaign : Campaign

    Returns
    -------
    Parties
    """
    said = campaign.disclosure
    speaks, pays, promotes = said.sponsor, said.payer, said.promoter
    sponsor = _party(speaks.model_dump(), campaign.sponsor)
    payer = sponsor if pays is None else _party(pays.model_dump(), pays.legal_name or sponsor.name)
    promoter = promotes and _party(promotes.model_dump(), promotes.legal_name or sponsor.name)
    own = speaks.place if speaks.controlled_by is None else None
    return Parties(sponsor, payer, promoter, speaks.controlled_by, speaks.controlled_from or own)


def process_of(campaign: Campaign) -> str:
    """The vote or law that a campaign is linked to, in words; empty where there is none."""
    said = campaign.disclosure.process
    if said is None or said.kind == "none":
        return ""
    day = None if said.on is None else f"{said.on.day} {said.on:%B %Y}"
    return ", ".join(word for word in (said.name or said.kind, said.territory, day) if word)


def _party(said: dict[str, Any], default: str) -> Party:
    known = {key: said[key] for key in ("legal_name", "email", "postal", "place", "register_no")}
    return Party(said["name"] or default, **known)
