"""A placement with all that it names, read and judged before anybody is decided for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from suasion.allocation import placement as declared
from suasion.declarations import closest, named
from suasion.disclosure import content_digest
from suasion.errors import CampaignError
from suasion.experiments import Assignment, Design, Treatment
from suasion.expressions import Type, parse
from suasion.ingest import Source
from suasion.ledger import Campaign
from suasion.messages import Message, Variant, fields, harm, message_from
from suasion.profiles import Trait, catalogue_from, types
from suasion.rules import Gate, Reason, Use
from suasion.segments import Segment, segment_from
from suasion.workspace.brief import Brief, gate_for, sources_from
from suasion.workspace.live import public_url
from suasion.workspace.settings import Settings

USES = frozenset({Use.CONTACT, Use.LEARN})
"""Whoever is decided for is learned from: who objects to either is shown what everybody is."""
FOLDER = "placements"
_NUMBERS = (Type.NUMBER, Type.INTEGER, Type.BOOLEAN)
_EVER = datetime(9999, 12, 31, tzinfo=UTC)
_SHOWN = "shown"


@dataclass(frozen=True)
class Prepared:
    """A placement that can be judged, approved and decided.

    Parameters
    ----------
    placement : Placement
    brief : Brief
        The same as a campaign whose treatments are its variants but the generic one: by it rules, records and
        notices are the same as those of messages. Its gate is for contact and learning, in the channel.
    settings : Settings
    content : str
        Digest of the file and all words that it shows, to which an approval is bound.
    """

    placement: declared.Placement
    brief: Brief
    settings: Settings
    content: str


def names(folder: Path) -> tuple[str, ...]:
    """The declared placements."""
    return tuple(sorted(path.stem for path in (folder / FOLDER).glob("*.toml")))


def prepare(folder: Path, settings: Settings, name: str, at: datetime) -> Prepared:
    """Read a placement and all that it names, and judge the traits and words that it uses.

    Parameters
    ----------
    folder : Path
        The workspace.
    settings : Settings
    name : str
    at : datetime

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        Something named does not exist or contradicts something else.
    TraitRefusedError
        The segment, a feature or a field of a message may not be used for the purpose.
    """
    placement = declared.placement_from(named(folder / FOLDER, name, CampaignError))
    sources, catalogue = sources_from(folder), catalogue_from(folder / "traits")
    gate = gate_for(folder, settings, placement.purpose, placement.record, USES, at, placement.channel)
    messages = _messages(folder, placement)
    segment = _segment(folder, placement, catalogue, gate)
    _admit(placement, catalogue, messages, gate)
    campaign = _as_campaign(placement, sources, messages)
    votes = harm.votes_from(folder / "votes.toml")
    made = Brief(
        campaign=campaign,
        source=sources[0],
        sources=sources,
        catalogue=catalogue,
        gate=gate,
        segment=segment,
        design=_design(placement),
        messages={one.name: one for one in messages.values()},
        refused=_refused(placement, messages, gate, votes),
        votes=votes,
        lookalikes=frozenset(),
    )
    return Prepared(placement, made, settings, _content(placement, made, messages, settings))


def words_of(prepared: Prepared, variant: str) -> tuple[Message, str | None]:
    """The message whose words a variant shows, and the name of the variant in it."""
    placement, shown = prepared.placement, prepared.placement.variants[variant]
    if shown.message is None:
        return prepared.brief.messages[_own(placement, variant)], _SHOWN
    return prepared.brief.messages[shown.message], shown.variant


def _own(placement: declared.Placement, variant: str) -> str:
    """What the words in a variant's value are called as a message; no file of a message has such a name."""
    return f"{placement.record}/{variant}"


def _messages(folder: Path, placement: declared.Placement) -> dict[str, Message]:
    """The words of every variant."""
    said: dict[str, Message] = {}
    for name, shown in placement.variants.items():
        if shown.message is not None:
            said[name] = message_from(named(folder / "messages", shown.message, CampaignError))
            said[name].variant(shown.variant)
            continue
        # A value is shown as it is: what looks like a field in it is none.
        plain = shown.words.replace("{", "{ ")
        said[name] = Message(
            name=_own(placement, name),
            variants={_SHOWN: Variant(text=plain)},
            written_by=placement.written_by,
            review=placement.review,
        )
    return said


def _segment(
    folder: Path, placement: declared.Placement, catalogue: Mapping[str, Trait], gate: Gate
) -> Segment:
    if placement.segment is not None:
        return segment_from(named(folder / "segments", placement.segment, CampaignError), catalogue, gate)
    everybody = parse("true", types(catalogue), asked="everybody")
    return Segment("everybody", "Everybody who may be shown it", everybody, "everybody")


def _admit(
    placement: declared.Placement, catalogue: Mapping[str, Trait], messages: Mapping[str, Message], gate: Gate
) -> None:
    """See that features and fields are traits that may be used for it."""
    asked = f"placement '{placement.name}'"
    for name in placement.features:
        if name not in catalogue:
            raise CampaignError(asked, f"unknown trait '{name}'", closest(name, catalogue))
        if catalogue[name].type not in _NUMBERS:
            found = f"feature '{name}' is a {catalogue[name].type}"
            raise CampaignError(asked, found, "Name traits that are numbers, or yes and no.")
    gate.admit_traits("score", [(name, catalogue[name].category, None) for name in placement.features])
    for name, shown in placement.variants.items():
        used = fields(messages[name].variant(shown.variant)) if shown.message is not None else ()
        if unknown := sorted(set(used) - set(catalogue)):
            raise CampaignError(asked, f"unknown trait '{unknown[0]}'", closest(unknown[0], catalogue))
        gate.admit_traits("message", [(one, catalogue[one].category, None) for one in sorted(used)])


def _as_campaign(
    placement: declared.Placement, sources: tuple[Source, ...], messages: Mapping[str, Message]
) -> Campaign:
    asked = f"placement '{placement.name}'"
    if not sources:
        raise CampaignError(asked, "no source in sources/", "Write a mapping, or run `suasion init FILE`.")
    said = {
        "name": placement.record,
        "sponsor": placement.sponsor,
        "purpose": placement.purpose,
        "source": sources[0].name,
        "segment": placement.segment or "everybody",
        "control": placement.generic,
        "outcome": placement.outcome,
        "features": placement.features,
        "budget": 0.0 if placement.budget is None else placement.budget.amount,
        "holdout": placement.holdout,
        "exploration": placement.exploration,
        "treatments": {
            name: {"message": messages[name].name, "variant": shown.variant, "cost": shown.cost}
            for name, shown in placement.variants.items()
            if name != placement.generic
        },
        "delivery": {
            "channel": placement.channel,
            "sender": placement.sponsor,
            "imprint": placement.imprint or placement.sponsor,
            "not_after": _EVER,
        },
        "disclosure": placement.disclosure,
    }
    try:
        return Campaign.model_validate(said)
    except ValidationError as cause:
        first = cause.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CampaignError(f"{asked}: {where}", first["msg"], "Correct it.") from None


def _design(placement: declared.Placement) -> Design:
    shown = (Treatment(placement.generic), *map(Treatment, placement.treatments))
    return Design(shown, Assignment.KNOWN)


def _refused(
    placement: declared.Placement, messages: Mapping[str, Message], gate: Gate, votes: tuple[harm.Vote, ...]
) -> dict[str, tuple[Reason, ...]]:
    """Variants whose words the rules refuse; the generic one is judged as the others are."""
    verdicts = {
        name: messages[name].judge(gate, votes, shown.variant) for name, shown in placement.variants.items()
    }
    return {name: verdict.reasons for name, verdict in verdicts.items() if not verdict.allowed}


def _content(
    placement: declared.Placement, made: Brief, messages: Mapping[str, Message], settings: Settings
) -> str:
    said = content_digest(made.campaign, made.segment, made.messages, public_url(settings))
    parts = [placement.digest, said, *(f"{name} {one.digest}" for name, one in messages.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
