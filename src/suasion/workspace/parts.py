"""A campaign split by regime: the people of a part are under the same laws, and get its label and record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.disclosure import counts, facts_of_campaign
from suasion.errors import CampaignError
from suasion.ledger import Tables
from suasion.profiles import assemble_facts
from suasion.rules import Gate, Reason
from suasion.workspace.brief import Brief
from suasion.workspace.live import contact_gate, public_url
from suasion.workspace.settings import Settings

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """People of a campaign who are under the same regimes.

    Parameters
    ----------
    name : str
        The regimes.
    places : tuple of str
        Where these people are, sorted.
    persons : array of int64, shape (n,)
        Sorted.
    """

    name: str
    places: tuple[str, ...]
    persons: Ids

    @property
    def place(self) -> str:
        """All its places in one: what is said to everybody in the part is judged by the rules of all."""
        return "|".join(sorted({code for place in self.places for code in place.split("|")}))


@dataclass(frozen=True)
class Refusal:
    """What the rules of a part refuse.

    Parameters
    ----------
    campaign : tuple of Reason
        Against the whole part.
    treatments : dict of str to tuple of Reason
        Against single messages.
    """

    campaign: tuple[Reason, ...]
    treatments: dict[str, tuple[Reason, ...]]


def parts_of(tables: Tables, brief: Brief, at: datetime, persons: Ids) -> tuple[Part, ...]:
    """Split people who may be written to by the regimes that they are under, by name."""
    gate = contact_gate(brief, at)
    facts = assemble_facts(tables, brief.sources, brief.catalogue, gate.occasion)
    known = facts.filter(pc.is_in(facts["person"], value_set=pa.array(persons)))
    here = gate.occasion.jurisdiction.territory
    places = known["place"].combine_chunks().fill_null(here)
    found = gate.parts(known)
    rows = known["person"].to_numpy()
    return tuple(
        Part(name, tuple(sorted(places.filter(pa.array(np.isin(rows, ids))).unique().to_pylist())), ids)
        for name, ids in found.items()
    )


def refused_in(part: Part, brief: Brief, settings: Settings, gate: Gate) -> Refusal:
    """Judge the campaign and its messages by the rules of a part."""
    said = facts_of_campaign(
        brief.campaign,
        brief.segment,
        brief.messages,
        brief.catalogue,
        public_url(settings),
        part.name,
        len(part.persons),
        gate.occasion.at,
        brief.lookalikes,
    )
    messages = {
        name: brief.messages[terms.message or ""].judge(gate, brief.votes, terms.variant, place=part.place)
        for name, terms in brief.campaign.treatments.items()
    }
    return Refusal(
        gate.judge_one("campaign", said, part.place).reasons,
        {name: verdict.reasons for name, verdict in messages.items() if not verdict.allowed},
    )


def closed_by_law(
    tables: Tables, brief: Brief, settings: Settings, persons: Ids, treatments: Sequence[str]
) -> tuple[Bools, tuple[str, ...]]:
    """Close what the rules of each part refuse, and parts of too few people.

    Returns
    -------
    closed : array of bool, shape (n, k)
    notes : tuple of str

    Raises
    ------
    CampaignError
        The rules refuse the campaign in every part.
    """
    at = brief.gate.occasion.at
    gate, purpose = contact_gate(brief, at), brief.campaign.purpose
    closed = np.zeros((len(persons), len(treatments)), np.bool_)
    notes, refused = list[str](), list[str]()
    parts = parts_of(tables, brief, at, persons)
    for part in parts:
        rows, refusal = np.isin(persons, part.persons), refused_in(part, brief, settings, gate)
        told = "; ".join(map(str, refusal.campaign))
        if not told and not counts.enough(len(part.persons), purpose):
            told = (
                f"{len(part.persons):,} people are too few to aim at: {counts.least(purpose):,} is the least"
            )
        if told:
            closed[rows] = True
            refused.append(told)
            notes.append(
                f"Nothing is planned for the part {part.name} ({len(part.persons):,} people): {told}."
            )
        for name in refusal.treatments:
            closed[rows, treatments.index(name)] = True
            if name not in brief.refused:
                why = "; ".join(map(str, refusal.treatments[name]))
                notes.append(f"'{name}' is closed in the part {part.name}: {why}.")
    if parts and len(refused) == len(parts):
        todo = "Declare what is missing, in [disclosure] for the most part, and plan again."
        raise CampaignError(f"campaign '{brief.campaign.name}'", "; ".join(dict.fromkeys(refused)), todo)
    return closed, tuple(notes)


def refuse(
    parts: Sequence[Part], brief: Brief, settings: Settings, drawn: Mapping[str, Ids], at: datetime
) -> None:
    """Refuse to send what the rules of a part refuse now.

    Raises
    ------
    CampaignError
        Naming the part, and every rule against it.
    """
    gate = contact_gate(brief, at)
    for part in parts:
        refusal = refused_in(part, brief, settings, gate)
        if refusal.campaign and any(np.isin(part.persons, people).any() for people in drawn.values()):
            asked = f"the part {part.name} of campaign '{brief.campaign.name}'"
            raise CampaignError(asked, "; ".join(map(str, refusal.campaign)), "Declare what is missing.")
        for name, reasons in refusal.treatments.items():
            if np.isin(part.persons, drawn[name]).any():
                asked = f"treatment '{name}' of campaign '{brief.campaign.name}' in the part {part.name}"
                todo = "Change the message, or declare a campaign without it."
                raise CampaignError(asked, "; ".join(map(str, reasons)), todo)
