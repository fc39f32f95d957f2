"""Approve a placement, and put it on record before anybody is decided for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from suasion.allocation import Options, plan
from suasion.allocation import placement as declared
from suasion.disclosure import Entry, counts, entry_of, record
from suasion.errors import CampaignError
from suasion.ledger import Ledger, log, schema, sends, tokens
from suasion.rules import Reason
from suasion.workspace.deciding.challenge import (
    APPROVED,
    Challenge,
    approval_of,
    challenge_of,
    check_policies,
    read_challenge,
    ripe_of,
)
from suasion.workspace.deciding.prepare import Prepared, names, prepare, words_of
from suasion.workspace.deciding.snapshot import permitted_now
from suasion.workspace.deciding.standing import Standing, standing_of
from suasion.workspace.live import public_url
from suasion.workspace.parts import Part, closed_by_law, parts_of
from suasion.workspace.workspace import Workspace

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_ANY = "shown"
"""What every variant together is called where people are counted."""


@dataclass(frozen=True)
class Approved:
    """What an approval did.

    Parameters
    ----------
    placement, content : str
        `content`: digest of what it says.
    parts : tuple of str
        For whom it is on record.
    notes : tuple of str
        What is closed, and why.
    """

    placement: str
    content: str
    parts: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """How a placement stands.

    Parameters
    ----------
    placement, label, purpose, channel, policy : str
    variants : tuple of str
        The generic one first.
    content : str
    standing : Standing
    refused : dict of str to tuple of Reason
        Variants whose words the rules refuse.
    challenger : Challenger or None
        As declared.
    challenge : Challenge
        What the log says of champion and challenger.
    """

    placement: str
    label: str
    purpose: str
    channel: str
    policy: str
    variants: tuple[str, ...]
    content: str
    standing: Standing
    refused: dict[str, tuple[Reason, ...]]
    challenger: declared.Challenger | None
    challenge: Challenge


def approve(workspace: Workspace, name: str, by: str, why: str, shown: str | None = None) -> Approved:
    """Approve exactly what a placement says now, and append its record to the log.

    Parameters
    ----------
    workspace : Workspace
        With its key.
    name : str
    by, why : str
        Who agrees, and on what grounds.
    shown : str, optional
        Where there is a challenger: digest of the comparison that they saw.

    Returns
    -------
    Approved

    Raises
    ------
    CampaignError
        The rules refuse a variant, or the whole placement; or who approves wrote what it says and the rules
        want a second person; or a policy would decide whose estimate nobody saw; nothing is approved.
    """
    tokens.require_key(workspace.ledger, workspace.key)
    at = workspace.now()
    prepared = prepare(workspace.folder, workspace.settings, name, at)
    tables, brief = workspace.tables(), prepared.brief
    persons = permitted_now(prepared, tables)
    parts = parts_of(tables, brief, at, persons) or (_nobodys(prepared),)
    _check_words(prepared, parts, by)
    treatments = prepared.placement.treatments
    closed, notes = closed_by_law(tables, brief, workspace.settings, persons, treatments)
    ledger = workspace.ledger
    with ledger.reading() as connection:
        _check_policies(connection, prepared, shown, at)
    counted = [_counted(ledger, prepared, persons, closed, part, at) for part in parts]
    sends.approve(ledger, prepared.placement.record, prepared.content, by, why, at)
    with ledger.writing() as connection:  # before its record: without that nothing is decided
        said = approval_of(_check_policies(connection, prepared, shown, at), prepared, by, shown)
        log.append(connection, APPROVED, prepared.placement.record, said, at)
    for one in counted:
        record(ledger, _entry(prepared, one, (by, at)), at)
    return Approved(name, prepared.content, tuple(part.name for part in parts), notes)


def show(workspace: Workspace, name: str) -> Shown:
    """How a placement stands."""
    prepared = prepare(workspace.folder, workspace.settings, name, workspace.now())
    placement = prepared.placement
    return Shown(
        placement=placement.name,
        label=placement.label,
        purpose=str(placement.purpose),
        channel=str(placement.channel),
        policy=placement.policy.kind,
        variants=placement.arms,
        content=prepared.content,
        standing=standing_of(workspace.ledger, placement.record, prepared.content),
        refused=prepared.brief.refused,
        challenger=placement.challenger,
        challenge=read_challenge(workspace.ledger, placement.record),
    )


def shown(workspace: Workspace) -> tuple[Shown, ...]:
    """How all placements stand, by name."""
    return tuple(show(workspace, name) for name in names(workspace.folder))


def pause(workspace: Workspace, name: str, *, paused: bool) -> None:
    """Pause a placement, so that everybody is shown the generic variant, or let it go on."""
    prepared = prepare(workspace.folder, workspace.settings, name, workspace.now())
    sends.set_paused(workspace.ledger, prepared.placement.record, workspace.now(), paused=paused)


def _check_policies(connection: Connection, prepared: Prepared, shown: str | None, at: datetime) -> Challenge:
    """What the log says of the policies, if each that would decide may; see `check_policies`."""
    record, experiment = prepared.placement.record, schema.assignments.c.experiment
    exposed = connection.execute(select(experiment).where(experiment == record).limit(1)).first()
    challenge = challenge_of(connection, record)
    ripe = ripe_of(connection, prepared.placement, at)
    check_policies(challenge, prepared, shown, ripe, exposed=exposed is not None)
    return challenge


def _check_words(prepared: Prepared, parts: Sequence[Part], by: str) -> None:
    """See that the rules let every variant be shown, the generic one to everybody."""
    brief, places = prepared.brief, [None, *(part.place for part in parts)]
    for variant in prepared.placement.arms:
        message, chosen = words_of(prepared, variant)
        for place in places:
            verdict = message.judge(brief.gate, brief.votes, chosen, by, place)
            if not verdict.allowed:
                asked = f"variant '{variant}' of placement '{prepared.placement.name}'"
                todo = "Correct it, say in [review] what a person found, or have another person approve it."
                raise CampaignError(asked, "; ".join(map(str, verdict.reasons)), todo)


def _nobodys(prepared: Prepared) -> Part:
    """The part of whoever comes, where nobody is known yet."""
    gate = prepared.brief.gate
    regimes = "+".join(sorted({*gate.regimes()} - {"house"})) or "house"
    return Part(regimes, (gate.occasion.jurisdiction.territory,), np.zeros(0, np.int64))


def _counted(
    ledger: Ledger, prepared: Prepared, persons: Ids, closed: Bools, part: Part, at: datetime
) -> counts.Planned:
    """The people of a part, as the public is told.

    They are counted once in the life of a placement, however often it is changed: each count costs privacy.
    How many will be shown what nobody knows beforehand; fewer than there are.
    """
    placement, brief = prepared.placement, prepared.brief
    nothing, permitted = np.zeros((len(persons), 1)), np.ones(1, np.bool_)
    options = Options(persons, placement.generic, (_ANY,), nothing, nothing[:1], permitted)
    planned = plan(options, 0.0, placement.holdout, 1 - placement.holdout)
    rows = np.flatnonzero(np.isin(persons, part.persons) & ~closed.all(axis=1))
    segment = replace(brief.segment, digest=placement.record)
    told = counts.planned(ledger, brief.campaign, segment, part.name, part.places, planned, 0, at, rows)
    fewer = replace(told.audience, value=None, low=0)
    arms = placement.treatments
    shares = {arm: placement.policy.shares.get(arm, 1 / len(arms)) for arm in arms}
    return replace(told, treatments=dict.fromkeys(arms, fewer), shares=shares)


def _entry(prepared: Prepared, counted: counts.Planned, approved: tuple[str, datetime]) -> Entry:
    """The record of one part."""
    brief, settings = prepared.brief, prepared.settings
    made = entry_of(
        brief.campaign,
        brief.segment,
        brief.messages,
        brief.catalogue,
        brief.sources,
        counted,
        None,
        brief.gate,
        settings.currency,
        public_url(settings),
        approved,
    )
    return replace(made, content=prepared.content)
