"""A live campaign: whether it can be delivered as declared, who may be written to, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.delivery import check_sender
from suasion.disclosure import content_digest
from suasion.errors import CampaignError, WorkspaceError
from suasion.identity import stored, unsealed
from suasion.lake import query
from suasion.ledger import Ledger, Tables, sends
from suasion.messages import Message, proof
from suasion.profiles import assemble_facts, traits_of, types
from suasion.rules import Category, Channel, Gate, Judgement, Use
from suasion.segments import CHANNELS, members
from suasion.workspace.brief import Brief
from suasion.workspace.settings import Settings

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """Who matches the segment, who of them may be written to, and who of these can be.

    Parameters
    ----------
    judgement : Judgement
        Verdicts on the matches, for contact.
    persons : array of int64, shape (n,)
        Permitted, with a contact detail, and not suppressed; sorted.
    drops : dict of str to int
        Why permitted persons are not among them.
    """

    judgement: Judgement
    persons: Ids
    drops: dict[str, int]


def public_url(settings: Settings) -> str:
    """Where recipients reach us; WorkspaceError where that is not said."""
    if settings.public_url is None:
        todo = 'Write public_url = "https://..." where recipients reach `suasion serve`.'
        raise WorkspaceError("suasion.toml: public_url", "the key is missing", todo)
    return settings.public_url


def check(brief: Brief, settings: Settings) -> None:
    """See that a campaign could be delivered as it is declared.

    Raises
    ------
    InputError
        What is missing or wrong.
    """
    terms, asked = brief.campaign.delivered, f"campaign '{brief.campaign.name}'"
    public_url(settings)
    check_sender(terms.sender)
    if terms.channel is not Channel.EMAIL:
        raise CampaignError(asked, f"channel {terms.channel}", "Only email can be delivered so far.")
    for name, treatment in brief.campaign.treatments.items():
        if treatment.message is None:
            raise CampaignError(asked, f"treatment '{name}' says nothing", "Name its message.")
        if brief.messages[treatment.message].variant(treatment.variant).subject is None:
            raise CampaignError(asked, f"the variant of treatment '{name}' has no subject", "Give it one.")


def contact_gate(brief: Brief, at: datetime) -> Gate:
    """The rules held against writing to people, now."""
    occasion = brief.gate.occasion
    there = replace(occasion.jurisdiction, on=at.date())
    uses, channel = frozenset({Use.CONTACT}), brief.campaign.delivered.channel
    now = replace(occasion, uses=uses, channel=channel, jurisdiction=there, at=at)
    return replace(brief.gate, occasion=now)


def reach(tables: Tables, ledger: Ledger, brief: Brief) -> Reach:
    """Judge who of the segment may be written to now, and see who can be."""
    matching, _ = members(brief.segment, traits_of(tables, brief.catalogue, brief.gate.occasion))
    gate = contact_gate(brief, brief.gate.occasion.at)
    judgement = judge(tables, brief, gate, matching)
    permitted, channel = judgement.clearance.persons, brief.campaign.delivered.channel
    never = sends.suppressed(ledger, channel)
    free = permitted[~np.isin(permitted, np.fromiter(never, np.int64, len(never)))]
    having = np.unique(details_of(tables, channel)["person"].to_numpy())
    reached = free[np.isin(free, having)]
    drops = {"opted out or suppressed": len(permitted) - len(free)}
    drops[unreachable(tables, channel)] = len(free) - len(reached)
    return Reach(judgement, reached, {reason: n for reason, n in drops.items() if n})


def judge(tables: Tables, brief: Brief, gate: Gate, persons: Ids) -> Judgement:
    """Judge persons on the facts as they stand."""
    facts = assemble_facts(tables, brief.sources, brief.catalogue, gate.occasion)
    return gate.judge(
        facts.filter(pc.is_in(facts["person"], value_set=pa.array(persons))), brief.facts(tables)
    )


def content_of(brief: Brief, settings: Settings) -> str:
    """Digest of what the campaign says, to which an approval is bound."""
    return content_digest(brief.campaign, brief.segment, brief.messages, public_url(settings))


def prove(tables: Tables, brief: Brief, persons: Mapping[str, Ids]) -> tuple[str, ...]:
    """Write every variant for the persons it is meant for, before any is sent.

    Parameters
    ----------
    tables : Tables
    brief : Brief
    persons : mapping of str to array of int64
        By treatment.

    Returns
    -------
    tuple of str
        What is wrong with the data of single people, who alone will get nothing.

    Raises
    ------
    CampaignError
        With every problem that was found.
    """
    traits = tables.read("traits", "ingest")
    problems, unwritable = list[str](), list[str]()
    for name, group in persons.items():
        message, variant = said_by(brief, name)
        theirs = traits.filter(pc.is_in(traits["person"], value_set=pa.array(group)))
        found = proof(message, variant, types(brief.catalogue), theirs, called(brief))
        problems += [f"treatment '{name}': {problem}" for problem in found.problems]
        unwritable += [f"treatment '{name}': {what}; mend their data" for what in found.unwritable]
    if problems:
        raise CampaignError(
            f"the proof of campaign '{brief.campaign.name}'",
            "; ".join(problems),
            "Correct the messages, or the data they name.",
        )
    return tuple(unwritable)


def called(brief: Brief) -> frozenset[str]:
    """The traits that hold what people are called."""
    return frozenset(name for name, trait in brief.catalogue.items() if trait.category is Category.NAME)


def said_by(brief: Brief, treatment: str) -> tuple[Message, str | None]:
    """The message of a treatment, and the name of its variant."""
    terms = brief.campaign.treatments[treatment]
    return brief.messages[terms.message or ""], terms.variant


def details_of(tables: Tables, channel: Channel) -> pa.Table:
    """One contact detail a person, for the channel, that messages can go to; nothing is opened for it.

    Returns
    -------
    pyarrow.Table
        Columns person, kind, hash (by which suppressions know it) and sealed; sorted by person.
    """
    identities = stored(tables.read("identities", "ingest"))
    wanted = pc.and_(pc.equal(identities["role"], "contact"), pc.equal(identities["kind"], CHANNELS[channel]))
    sql = """SELECT person, any_value(kind) AS kind, arg_min(coalesce(folded, hash), hash) AS hash,
                    arg_min(sealed, hash) AS sealed
             FROM i WHERE usable GROUP BY person ORDER BY person"""
    columns = ["person", "kind", "hash", "folded", "sealed", "usable"]
    return query(sql, {"i": identities.filter(wanted).select(columns)})


def unreachable(tables: Tables, channel: Channel) -> str:
    """Why somebody without a contact detail for the channel cannot be reached."""
    lost = f"no {CHANNELS[channel]} on record"
    if unsealed(tables.read("identities", "ingest")):
        return f"{lost}: SUASION_KEY was not set at the ingest; set it and run `suasion ingest` again"
    return lost
