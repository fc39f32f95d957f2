"""The campaign's record: who pays, what is said to whom and why, for everybody to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from suasion.allocation import Plan
from suasion.disclosure.content import Wording, content_digest, wordings
from suasion.disclosure.notice import delivery_of
from suasion.expressions import canonical
from suasion.ingest import Source
from suasion.ledger import Campaign
from suasion.messages import Message, used_traits
from suasion.profiles import Trait
from suasion.rules import Gate
from suasion.segments import Segment

OPT_OUT = "Every message has a link that stops all further ones; it is in force before it is confirmed."


@dataclass(frozen=True)
class Aim:
    """The people aimed at: the name and label of the segment, and its expression in normal spelling."""

    segment: str
    label: str
    expression: str


@dataclass(frozen=True)
class Used:
    """A trait that was used: in the ``segment``, the ``score`` or a ``message``; and who it is known from.

    Nobody told what is known from ``inferred``: it is a score.
    """

    trait: str
    label: str
    category: str
    roles: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where data come from, and on what ground they are held."""

    source: str
    licence: str
    basis: str


@dataclass(frozen=True)
class Told:
    """A treatment: its words, what it costs a person, and how many people are planned to get it.

    `price` is paid only where the outcome `price_if` comes true.
    """

    treatment: str
    says: Wording
    cost: float
    price: float
    price_if: str | None
    people: int


@dataclass(frozen=True)
class Approved:
    """Who agreed to the content, and when (ISO 8601)."""

    by: str
    at: str


@dataclass(frozen=True)
class Entry:
    """The record of a campaign. It holds nothing about any recipient.

    Parameters
    ----------
    content : str
        Digest of what is said; the ledger lets nothing be sent that has another.
    campaign, sponsor, imprint, sender, purpose, territory, channel, public_url : str
    not_after : str
        ISO 8601.
    budget : float
    currency : str
    aim : Aim
    traits : tuple of Used
    sources : tuple of Origin
    treatments : tuple of Told
    people : int
        Who are eligible.
    holdout, exploration : float
        The least probability of getting nothing, and the share that chance spreads over all treatments.
    rules : str
        Digest of the rules in force.
    approval : Approved or None
    analysis : dict
        How the campaign will be judged: outcomes, and the terms of its analysis.
    analysis_digest : str
        Of these terms.
    opt_out : str
        How recipients stop it.
    """

    content: str
    campaign: str
    sponsor: str
    imprint: str
    sender: str
    purpose: str
    territory: str
    channel: str
    public_url: str
    not_after: str
    budget: float
    currency: str
    aim: Aim
    traits: tuple[Used, ...]
    sources: tuple[Origin, ...]
    treatments: tuple[Told, ...]
    people: int
    holdout: float
    exploration: float
    rules: str
    approval: Approved | None
    analysis: dict[str, Any]
    analysis_digest: str
    opt_out: str = OPT_OUT

    def as_dict(self) -> dict[str, Any]:
        """The record for the log: what JSON can hold."""
        return asdict(self)


def entry_of(
    campaign: Campaign,
    segment: Segment,
    messages: Mapping[str, Message],
    catalogue: Mapping[str, Trait],
    sources: Sequence[Source],
    plan: Plan,
    gate: Gate,
    currency: str,
    public_url: str,
    approved: tuple[str, datetime] | None,
) -> Entry:
    """Write the record of a campaign as it stands.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    messages : mapping of str to Message
        By name.
    catalogue : mapping of str to Trait
    sources : sequence of Source
        All that the workspace knows people from.
    plan : Plan
    gate : Gate
        The rules in force, and where.
    currency, public_url : str
    approved : (str, datetime) or None
        Who agreed to this content, and when.

    Returns
    -------
    Entry

    Raises
    ------
    CampaignError
        The campaign is not delivered, or one of its treatments says nothing.
    """
    terms, said = delivery_of(campaign), wordings(campaign, messages)
    return Entry(
        content=content_digest(campaign, segment, messages, public_url),
        campaign=campaign.name,
        sponsor=campaign.sponsor,
        imprint=terms.imprint,
        sender=terms.sender,
        purpose=str(campaign.purpose),
        territory=gate.occasion.jurisdiction.territory,
        channel=str(terms.channel),
        public_url=public_url,
        not_after=terms.not_after.isoformat(),
        budget=campaign.budget,
        currency=currency,
        aim=Aim(segment.name, segment.label, canonical(segment.expression)),
        traits=_uses(campaign, segment, messages, catalogue, sources),
        sources=tuple(Origin(source.name, source.licence, str(source.basis)) for source in sources),
        treatments=_told(campaign, said, plan),
        people=len(plan.options.persons),
        holdout=campaign.holdout,
        exploration=campaign.exploration,
        rules=gate.digest,
        approval=Approved(approved[0], approved[1].isoformat()) if approved else None,
        analysis=_analysis(campaign),
        analysis_digest=campaign.analysis.digest,
    )


def _analysis(campaign: Campaign) -> dict[str, Any]:
    outcomes = {"outcome": campaign.outcome, "also": list(campaign.also)}
    return outcomes | campaign.analysis.model_dump(mode="json")


def _told(campaign: Campaign, said: Mapping[str, Wording], plan: Plan) -> tuple[Told, ...]:
    planned = dict(zip(plan.options.treatments, plan.probabilities[:, 1:].sum(axis=0).tolist(), strict=True))
    return tuple(
        Told(name, said[name], terms.cost, terms.price, terms.price_if, round(planned[name]))
        for name, terms in campaign.treatments.items()
    )


def _uses(
    campaign: Campaign,
    segment: Segment,
    messages: Mapping[str, Message],
    catalogue: Mapping[str, Trait],
    sources: Sequence[Source],
) -> tuple[Used, ...]:
    """Every trait used, in the order of the catalogue."""
    variants = [messages[t.message].variant(t.variant) for t in campaign.treatments.values() if t.message]
    used = {
        "segment": segment.expression.names,
        "score": campaign.features,
        "message": {name for variant in variants for name, _ in used_traits(variant, catalogue)},
    }
    roles = {trait: tuple(role for role, traits in used.items() if trait in traits) for trait in catalogue}
    return tuple(
        Used(name, trait.label, str(trait.category), roles[name], _known_from(name, trait, sources))
        for name, trait in catalogue.items()
        if roles[name]
    )


def _known_from(name: str, trait: Trait, sources: Sequence[Source]) -> tuple[str, ...]:
    told = tuple(source.name for source in sources if name in source.traits)
    return ("inferred",) if trait.provenance == "inferred" else told
