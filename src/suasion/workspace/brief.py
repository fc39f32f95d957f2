"""Everything declared about one campaign, read, checked and judged before any data are touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from suasion.declarations import closest, named
from suasion.errors import CampaignError
from suasion.experiments import Assignment, Design, Treatment
from suasion.ingest import PastTreatment, Source, load_source
from suasion.ledger import Campaign, Tables, campaign_from
from suasion.messages import Message, harm, message_from, used_traits
from suasion.profiles import FACT_TABLES, Trait, catalogue_from, inferred_tables
from suasion.rules import Channel, Gate, Jurisdiction, Occasion, Purpose, Reason, Use, load_packs
from suasion.scores import inferences
from suasion.segments import Segment, segment_from
from suasion.workspace.settings import Settings

RATES = ("opted_out", "complained", "bounced")
"""Replies to sends that a guardrail may watch."""
_UNWRITTEN = {
    ("inferred", "an inferred"): "A score is for choosing people: leave it out.",
    (
        "computed",
        "a computed",
    ): "It changes with every event, and would not be what was approved: leave it out.",
}
"""What no message writes, by how it is known and called."""


@dataclass(frozen=True)
class Brief:
    """A campaign with all that it names.

    Parameters
    ----------
    campaign : Campaign
    source : Source
        The experiment it learns from.
    sources : tuple of Source
    catalogue : dict of str to Trait
    gate : Gate
        For learning and evaluation.
    segment : Segment
    design : Design
    messages : dict of str to Message
        By name.
    refused : dict of str to tuple of Reason
        Treatments whose message the rules refuse.
    votes : tuple of Vote
        The official table of the workspace.
    lookalikes : frozenset of str
        Traits that say who is like those on a list.
    """

    campaign: Campaign
    source: Source
    sources: tuple[Source, ...]
    catalogue: dict[str, Trait]
    gate: Gate
    segment: Segment
    design: Design
    messages: dict[str, Message]
    refused: dict[str, tuple[Reason, ...]]
    votes: tuple[harm.Vote, ...]
    lookalikes: frozenset[str]

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The campaign's outcome first, then the others it measures or pays by."""
        paid = (t.price_if for t in self.design.treatments if t.price_if is not None)
        return tuple(dict.fromkeys([self.campaign.outcome, *self.campaign.also, *paid]))

    def facts(self, tables: Tables) -> str:
        """Version of the facts as they stand in `tables`."""
        return tables.version(*FACT_TABLES)

    def inputs(self, tables: Tables) -> str:
        """What scores depend on: people, rules, and and the declaration but for what plans use alone."""
        planned = ("budget", "holdout", "exploration", "worth", "cautious", "neutral", "limits", "analysis")
        planned = (*planned, "disclosure")
        free = {**dict.fromkeys(planned, True), "delivery": {"not_after", "hours"}}
        declared = self.campaign.model_dump_json(exclude=free)
        parts = [declared, self.segment.digest, self.gate.digest, repr(self.design)]
        digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
        used = {*self.campaign.features, *self.segment.expression.names}
        read = (f"records.{self.source.name}", *inferred_tables(self.catalogue, used))
        return f"{self.facts(tables)} {tables.version(*read)} {digest}"


def brief(folder: Path, settings: Settings, name: str, at: datetime) -> Brief:
    """Read a campaign and all that it names, and judge the traits and messages that it uses.

    Parameters
    ----------
    folder : Path
        The workspace.
    settings : Settings
    name : str
        Of the campaign.
    at : datetime

    Returns
    -------
    Brief

    Raises
    ------
    InputError
        Something named does not exist or contradicts something else.
    TraitRefusedError
        The segment, a feature or an outcome may not be used for the purpose.
    """
    campaign = campaign_from(named(folder / "campaigns", name, CampaignError))
    sources = sources_from(folder)
    source = _source(campaign, sources)
    catalogue = catalogue_from(folder / "traits")
    gate = gate_for(folder, settings, campaign.purpose, name, frozenset({Use.LEARN, Use.EVALUATE}), at)
    lookalikes = frozenset(one.trait for one in _inferences(folder) if one.kind == "lookalike")
    design = _design(campaign, source)
    segment = segment_from(named(folder / "segments", campaign.segment, CampaignError), catalogue, gate)
    _admit_features(campaign, source, catalogue, gate)
    messages = _messages(folder, campaign)
    votes = harm.votes_from(folder / "votes.toml")
    refused = _refused(campaign, messages, gate, votes)
    made = Brief(
        campaign, source, sources, catalogue, gate, segment, design, messages, refused, votes, lookalikes
    )
    _admit_outcomes(made)
    _admit_fields(made)
    _admit_analysis(made)
    return made


def sources_from(folder: Path) -> tuple[Source, ...]:
    """All sources of a workspace, by name."""
    return tuple(load_source(path) for path in sorted((folder / "sources").glob("*.toml")))


def gate_for(
    folder: Path,
    settings: Settings,
    purpose: Purpose,
    campaign: str,
    uses: frozenset[Use],
    at: datetime,
    channel: Channel | None = None,
) -> Gate:
    """The rules of the workspace held against an occasion, wherever its people and the workspace may be."""
    places = {settings.territory, *(source.territory for source in sources_from(folder))}
    territory = "|".join(sorted({code for place in places for code in place.split("|")}))
    jurisdiction = Jurisdiction(territory, at.date())
    occasion = Occasion(uses, purpose, campaign, jurisdiction, at, channel)
    return Gate(load_packs(settings.rules, folder / "rules"), occasion)


def _inferences(folder: Path) -> Iterator[inferences.Inference]:
    for path in sorted((folder / "inferences").glob("*.toml")):
        yield inferences.inference_from(path)


def _source(campaign: Campaign, sources: tuple[Source, ...]) -> Source:
    named = {source.name: source for source in sources}
    if campaign.source not in named:
        raise CampaignError(
            f"campaign '{campaign.name}'",
            f"unknown source '{campaign.source}'",
            closest(campaign.source, named),
        )
    return named[campaign.source]


def _design(campaign: Campaign, source: Source) -> Design:
    """The campaign's treatments as arms of the source's past experiment."""
    asked, past = f"campaign '{campaign.name}'", source.treatment
    if past is None:
        raise CampaignError(
            asked, f"source '{source.name}' maps no treatment", "Map [treatment] and its arms."
        )
    for arm in (campaign.control, *campaign.treatments):
        if arm not in past.arms:
            raise CampaignError(asked, f"unknown arm '{arm}'", closest(arm, past.arms))
    if set(past.arms) - {campaign.control, *campaign.treatments}:
        left = ", ".join(sorted(set(past.arms) - {campaign.control, *campaign.treatments}))
        raise CampaignError(asked, f"arms without terms: {left}", "Give each arm a [treatments.NAME] table.")
    terms = campaign.treatments
    treatments = (
        Treatment(campaign.control),
        *(Treatment(name, t.message, t.cost, t.price, t.price_if) for name, t in terms.items()),
    )
    chances = tuple(past.probabilities.get(t.name, 0.0) for t in treatments) if past.probabilities else None
    return Design(treatments, _assignment(past), chances)


def _assignment(past: PastTreatment) -> Assignment:
    if past.probabilities or past.probability:
        return Assignment.KNOWN
    return Assignment.RANDOMIZED if past.randomized else Assignment.OBSERVED


def _admit_features(campaign: Campaign, source: Source, catalogue: dict[str, Trait], gate: Gate) -> None:
    for name in campaign.features:
        if name not in catalogue:
            raise CampaignError(
                f"campaign '{campaign.name}'", f"unknown trait '{name}'", closest(name, catalogue)
            )
    used = [(name, catalogue[name].category, source.basis) for name in campaign.features]
    gate.admit_traits("score", used)


def _admit_outcomes(made: Brief) -> None:
    mapped = made.source.outcomes
    for name in made.outcomes:
        if name not in mapped:
            raise CampaignError(
                f"campaign '{made.campaign.name}'", f"unknown outcome '{name}'", closest(name, mapped)
            )
    used = [(name, mapped[name].category, made.source.basis) for name in made.outcomes]
    made.gate.admit_traits("outcome", used)


def _admit_fields(made: Brief) -> None:
    """Judge the traits that are written in messages, and see that each variant exists."""
    for terms in made.campaign.treatments.values():
        if terms.message is not None:
            variant = made.messages[terms.message].variant(terms.variant)
            used = used_traits(variant, made.catalogue)
            for (how, called), todo in _UNWRITTEN.items():
                if found := [name for name, _ in used if made.catalogue[name].provenance == how]:
                    said = f"it writes {called} trait ({', '.join(found)})"
                    raise CampaignError(f"message '{terms.message}'", said, todo)
            made.gate.admit_traits("message", [(name, category, None) for name, category in used])


def _admit_analysis(made: Brief) -> None:
    """Judge the traits of the analysis, and see that what is guarded exists: after sending it is too late."""
    asked, terms = f"the analysis of campaign '{made.campaign.name}'", made.campaign.analysis
    traits = [*([] if terms.before is None else [terms.before]), *terms.subgroups]
    for name in traits:
        if name not in made.catalogue:
            raise CampaignError(asked, f"unknown trait '{name}'", closest(name, made.catalogue))
    used = [(name, made.catalogue[name].category, made.source.basis) for name in traits]
    made.gate.admit_traits("group", used)
    for guard in terms.guardrails:
        if guard.watches not in (*RATES, *made.outcomes):
            found = f"a guardrail for '{guard.watches}'"
            raise CampaignError(asked, found, closest(guard.watches, (*RATES, *made.outcomes)))
        if guard.watches in RATES and guard.most >= 1:
            found = f"a guardrail for '{guard.watches}' that lets everybody do it"
            raise CampaignError(asked, found, "Give a share of the sends, 0.001 say.")


def _messages(folder: Path, campaign: Campaign) -> dict[str, Message]:
    names = {terms.message for terms in campaign.treatments.values() if terms.message is not None}
    return {name: message_from(named(folder / "messages", name, CampaignError)) for name in sorted(names)}


def _refused(
    campaign: Campaign, messages: Mapping[str, Message], gate: Gate, votes: Sequence[harm.Vote]
) -> dict[str, tuple[Reason, ...]]:
    refused: dict[str, tuple[Reason, ...]] = {}
    for name, terms in campaign.treatments.items():
        if terms.message is None:
            verdict = gate.judge_one("message", {})
        else:
            verdict = messages[terms.message].judge(gate, votes, terms.variant)
        if not verdict.allowed:
            refused[name] = verdict.reasons
    return refused
