"""What rules may ask of a campaign, from what its sponsor declares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from suasion.disclosure.label import POLITICS, labels_of, targets
from suasion.disclosure.parties import parties_of
from suasion.expressions import Value
from suasion.ledger import Campaign
from suasion.messages import Message, used_traits
from suasion.profiles import Trait
from suasion.rules import Category, Channel
from suasion.segments import Segment

Known = dict[str, Value | None]
_HEALTH = frozenset({Category.HEALTH, Category.GENETIC, Category.DISABILITY})
_DAYS = 365


def facts_of_campaign(
    campaign: Campaign,
    segment: Segment,
    messages: Mapping[str, Message],
    catalogue: Mapping[str, Trait],
    public_url: str | None,
    part: str,
    people: int | None,
    at: datetime,
    lookalikes: Collection[str] | None = None,
) -> Known:
    """Every fact of `rules.CAMPAIGN_FACTS` about a part of a campaign; None where it was not said.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    messages : mapping of str to Message
        By name.
    catalogue : mapping of str to Trait
    public_url : str or None
        Where recipients reach us: without it there is no opt-out, and no notice.
    part : str
    people : int or None
        Of the part, exactly: rules are not the public.
    at : datetime
    lookalikes : collection of str, optional
        Traits that say who is like those on a list; unknown, if left out.

    Returns
    -------
    dict of str to value or None
    """
    used = _used(campaign, segment, messages, catalogue)
    return {
        **_chosen(campaign, segment, catalogue, used, lookalikes),
        **_spoken(campaign),
        **_published(campaign, segment, public_url, part, at),
        **_left(campaign, public_url),
        **_else(campaign, catalogue, used),
        "people": people,
    }


def lacking(campaign: Campaign) -> tuple[str, ...]:
    """What the transparency notice of a political advertisement lacks (Regulation (EU) 2024/900, Art. 12).

    Returns
    -------
    tuple of str
        Keys of ``[disclosure]``; empty where the notice is complete.
    """
    said, parties = campaign.disclosure, parties_of(campaign)
    sponsor = parties.sponsor
    needed = {
        "sponsor.legal_name": sponsor.legal_name,
        "sponsor.email": sponsor.email,
        "sponsor.postal": sponsor.postal,
        "sponsor.place": sponsor.place,
        "sponsor.controlled_from": parties.controlled_from,
        "process": said.process,
        "money.origin": said.money.origin,
        "money.inside_eu": said.money.inside_eu,
        "money.method": said.money.method,
        "complaint_url or complaint_email": said.complaint_url or said.complaint_email,
    }
    return tuple(key for key, value in needed.items() if value is None)


def _used(
    campaign: Campaign, segment: Segment, messages: Mapping[str, Message], catalogue: Mapping[str, Trait]
) -> frozenset[str]:
    told = [terms for terms in campaign.treatments.values() if terms.message in messages]
    variants = [messages[terms.message or ""].variant(terms.variant) for terms in told]
    written = {name for variant in variants for name, _ in used_traits(variant, catalogue)}
    return frozenset(segment.expression.names.union(campaign.features, written))


def _chosen(
    campaign: Campaign,
    segment: Segment,
    catalogue: Mapping[str, Trait],
    used: frozenset[str],
    lookalikes: Collection[str] | None,
) -> Known:
    # What is computed from events is what somebody did, not whom they are like.
    inferred = {name for name in used if catalogue[name].provenance == "inferred"}
    unknown = inferred and lookalikes is None
    channel = None if campaign.delivery is None else campaign.delivery.channel
    return {
        "targets": targets(campaign, segment),
        "lookalike": None if unknown else bool(inferred.intersection(lookalikes or ())),
        "radius_km": campaign.disclosure.radius_km,
        "online": None if channel is None else channel is not Channel.POST,
        "tracking": campaign.disclosure.tracking,
        "platform": None,  # messages go to people, not to platforms
    }


def _spoken(campaign: Campaign) -> Known:
    said, parties = campaign.disclosure, parties_of(campaign)
    return {
        "imprint": None if campaign.delivery is None else True,
        "sponsor_postal": _true(parties.sponsor.postal),
        "sponsor_email": _true(parties.sponsor.email),
        "sponsor_legal_name": _true(parties.sponsor.legal_name),
        "sponsor_place": parties.sponsor.place,
        "sponsor_controlled_from": parties.controlled_from,
        "sponsor_may_vote": said.sponsor.may_vote,
        "payer_named": bool(parties.payer.name),
        "committee": said.sponsor.committee,
        "authorization_said": _true(said.authorization),
    }


def _published(
    campaign: Campaign, segment: Segment, public_url: str | None, part: str, at: datetime
) -> Known:
    said, url = campaign.disclosure, public_url or ""
    labels = labels_of(campaign, segment, url, part) if campaign.delivery else ()
    days = None if said.process is None or said.process.on is None else (said.process.on - at.date()).days
    return {
        "days_to_vote": days,
        "process_linked": None if said.process is None else said.process.kind in ("election", "referendum"),
        "labelled": bool(labels) if campaign.purpose in POLITICS else None,
        "notice": public_url is not None and not lacking(campaign),
        "published": said.publish,
        "amounts_declared": _true(said.money.method),
        "origin_declared": None if said.money.inside_eu is None else _true(said.money.origin),
        "policy_url": _true(said.policy_url),
        "risk_assessment": _true(said.risk_assessment_url),
        "dpia": None if said.dpia_signed_by is None else _true(said.dpia),
        "complaint_channel": _true(said.complaint_url or said.complaint_email),
        "keep_years": said.keep_years,
    }


def _left(campaign: Campaign, public_url: str | None) -> Known:
    """How people get out: links work as long as the record is kept."""
    reached = campaign.delivery is not None and public_url is not None
    mail = reached and campaign.delivery is not None and campaign.delivery.channel is Channel.EMAIL
    days = campaign.disclosure.keep_years * _DAYS
    return {
        "opt_out": reached,
        "opt_out_one_click": mail,
        "opt_out_days": days if reached else None,
    }


def _else(campaign: Campaign, catalogue: Mapping[str, Trait], used: frozenset[str]) -> Known:
    said = campaign.disclosure
    return {
        "personal_price": said.personal_price,
        "price_disclosed": said.price_disclosed,
        "remunerated": said.remunerated,
        "remuneration_disclosed": said.remuneration_disclosed,
        "outside_transfer": said.outside_transfer,
        "transfer_safeguard": _true(said.transfer_safeguard),
        "health_data": any(catalogue[name].category in _HEALTH for name in used),
        "ai_text": None if said.ai is None else said.ai != "none",
        "ai_text_said": _true(said.ai_marking),
    }


def _true(said: object) -> bool | None:
    """True of what was said; what was not said is unknown."""
    return None if said is None else True
