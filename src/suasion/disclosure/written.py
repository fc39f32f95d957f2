"""Write the record of a part of a campaign from what is declared, counted and learned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from suasion.disclosure.content import Wording, content_digest, wordings
from suasion.disclosure.counts import Count, Planned, least
from suasion.disclosure.entry import (
    SCHEMA,
    Aim,
    Approved,
    Criterion,
    Entry,
    Model,
    Origin,
    Targeting,
    Told,
    Used,
)
from suasion.disclosure.label import labels_of, targets
from suasion.disclosure.parties import parties_of
from suasion.expressions import canonical, conjuncts
from suasion.ingest import Source
from suasion.ledger import Campaign, log
from suasion.messages import Message, used_traits
from suasion.profiles import Trait
from suasion.rules import Basis, Category, Gate
from suasion.scores import Findings
from suasion.segments import Segment

_APART = {"sponsor", "payer", "promoter", "publish", "epsilon"}
"""What is declared for disclosure and told elsewhere in the record, or not at all."""


def entry_of(
    campaign: Campaign,
    segment: Segment,
    messages: Mapping[str, Message],
    catalogue: Mapping[str, Trait],
    sources: Sequence[Source],
    counted: Planned,
    findings: Findings | None,
    gate: Gate,
    currency: str,
    public_url: str,
    approved: tuple[str, datetime] | None,
) -> Entry:
    """Write the record of a part of a campaign as it stands.

    Parameters
    ----------
    campaign : Campaign
    segment : Segment
    messages : mapping of str to Message
        By name.
    catalogue : mapping of str to Trait
    sources : sequence of Source
        All that the workspace knows people from.
    counted : Planned
        The people of the part.
    findings : Findings or None
        What learning found; None where nothing was learned.
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
    terms, parity = campaign.delivered, campaign.limits.parity
    used = _uses(campaign, segment, messages, catalogue, sources)
    return Entry(
        schema=SCHEMA,
        record_id=f"{campaign.name}:{counted.part}",
        content=content_digest(campaign, segment, messages, public_url),
        campaign=campaign.name,
        part=counted.part,
        places=counted.places,
        published=campaign.disclosure.publish,
        sponsor=campaign.sponsor,
        imprint=terms.imprint,
        sender=terms.sender,
        purpose=str(campaign.purpose),
        territory=gate.occasion.jurisdiction.territory,
        channel=str(terms.channel),
        public_url=public_url,
        parties=parties_of(campaign).as_dict(),
        labels=labels_of(campaign, segment, public_url, counted.part),
        disclosure=campaign.disclosure.model_dump(mode="json", exclude=_APART),
        not_after=terms.not_after.isoformat(),
        budget=campaign.budget,
        currency=currency,
        aim=Aim(segment.name, segment.label, canonical(segment.expression)),
        targeting=_targeting(campaign, segment, catalogue, gate, used),
        model=_model(campaign, findings, used, counted.trained),
        traits=used,
        sources=tuple(Origin(source.name, source.licence, str(source.basis)) for source in sources),
        treatments=_told(campaign, wordings(campaign, messages), counted),
        audience=counted.audience,
        least_audience=least(campaign.purpose),
        holdout=campaign.holdout,
        exploration=campaign.exploration,
        parity=None if parity is None else parity.model_dump(mode="json"),
        rules=gate.digest,
        approval=Approved(approved[0], approved[1].isoformat()) if approved else None,
        analysis=_analysis(campaign),
        analysis_digest=campaign.analysis.digest,
    )


def _analysis(campaign: Campaign) -> dict[str, Any]:
    outcomes = {"outcome": campaign.outcome, "also": list(campaign.also)}
    return outcomes | campaign.analysis.model_dump(mode="json")


def _told(campaign: Campaign, said: Mapping[str, Wording], counted: Planned) -> tuple[Told, ...]:
    return tuple(
        Told(
            treatment=name,
            says=said[name],
            creative=hashlib.sha256(log.canonical(asdict(said[name])).encode()).hexdigest(),
            cost=terms.cost,
            price=terms.price,
            price_if=terms.price_if,
            people=counted.treatments[name],
            share=counted.shares[name],
        )
        for name, terms in campaign.treatments.items()
    )


def _targeting(
    campaign: Campaign,
    segment: Segment,
    catalogue: Mapping[str, Trait],
    gate: Gate,
    used: tuple[Used, ...],
) -> Targeting:
    include, exclude = list[Criterion](), list[Criterion]()
    for condition, negated in conjuncts(segment.expression):
        labels = ", ".join(catalogue[name].label for name in sorted(condition.names)) or "everybody"
        (exclude if negated else include).append(Criterion(labels, condition.text, segment.label))
    if campaign.features:
        helped = f"people whom a message is expected to move to “{campaign.outcome}” come first"
        labels = ", ".join(catalogue[name].label for name in campaign.features)
        include.append(Criterion(labels, "expected effect of a message", helped))
    kept_out = [Criterion(rule.id, rule.message, rule.cite) for rule in gate.rules("person")]
    chosen = {trait.category for trait in used if {"segment", "score"} & {*trait.roles}}
    return Targeting(
        used=targets(campaign, segment),
        include=tuple(include),
        exclude=tuple(exclude),
        kept_out=tuple(kept_out),
        data_categories=tuple(sorted(chosen)),
        never_used=tuple(str(kind) for kind in Category if not _may_score(gate, kind)),
    )


def _may_score(gate: Gate, category: Category) -> bool:
    """Whether any ground lets a score use this kind of data for the purpose."""
    about = {"category": str(category), "role": "score", "purpose": str(gate.occasion.purpose)}
    return any(gate.judge_one("trait", {**about, "basis": str(basis)}).allowed for basis in Basis)


def _model(campaign: Campaign, findings: Findings | None, used: tuple[Used, ...], trained: Count) -> Model:
    features = tuple(trait.label for trait in used if "score" in trait.roles)
    purpose = f"to estimate for each person what a message changes in “{campaign.outcome}”"
    if findings is None:
        return Model(False, purpose, {}, features, {}, trained)
    learners = {one.learner: round(sum(one.weights) / len(one.weights), 2) for one in findings.compared}
    ranks = [ranking.ranks for ranking in findings.rankings]
    told = dict(zip(campaign.treatments, ranks, strict=False))
    return Model(any(ranks), purpose, learners, features, told, trained)


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
    return told if trait.provenance == "observed" else (trait.provenance,)
