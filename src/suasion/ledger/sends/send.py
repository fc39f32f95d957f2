"""Sends: the one attempt at one person, where it stands, and how it comes to be planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import func, select

from suasion.errors import OrderError
from suasion.ledger.database import Ledger
from suasion.ledger.rows import write_rows
from suasion.ledger.schema import draws, plans, replies, sends
from suasion.ledger.sends.money import spent
from suasion.rules import Channel, Purpose

STEP = 1
"""Campaigns have one step so far; the key of a send has room for more."""
SUPPRESSED = "suppressed"
"""Reason of sends that failed because the person, or the contact detail, is never to be written to."""
UNWRITTEN = "unwritten"
"""Reason of sends that failed because their message could not be written."""
REPEATED = "the address has had this campaign"
"""Reason of sends that failed because another person with the same contact detail got theirs."""
OBJECTED, RESTRICTED = "objected", "restricted"
"""Reasons of sends that failed because the person wished it; see `wishes`."""
WITHHELD = (SUPPRESSED, OBJECTED, RESTRICTED)
"""Reasons of sends that failed because the person said no: what was claimed is not paid."""
NEVER_HANDED = (*WITHHELD, UNWRITTEN, REPEATED)
"""Reasons of failed sends that were not handed over."""


_PLAN = """
INSERT INTO sends (campaign, person, channel, step, plan, treatment, cost, address, state)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, 'planned'
WHERE NOT EXISTS (SELECT 1 FROM suppressions u WHERE u.address = ? AND u.reason = 'erased')
ON CONFLICT (campaign, person, channel, step) DO NOTHING
"""


class State(StrEnum):
    """Where a send stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Send:
    """One attempt to reach one person in one channel; `address` is the keyed hash of the contact detail."""

    id: int
    person: int
    treatment: str
    cost: float
    address: bytes


@dataclass(frozen=True)
class Cap:
    """The most sends a person or contact detail gets in a channel within so many days, in all campaigns."""

    sends: int
    days: int


@dataclass(frozen=True)
class Terms:
    """What claims of a campaign are held against, as it stands now.

    Parameters
    ----------
    campaign : str
    purpose : Purpose
    channel : Channel
    content : str
        Digest of what is said; it must be approved and on record in the log.
    budget : float
        Money for all sends of the campaign.
    not_after : datetime
    hours : tuple of time, optional
        Local times between which sends may be claimed.
    cap : Cap, optional
    neutral : str, optional
        The treatment that people get who object to being targeted.
    """

    campaign: str
    purpose: Purpose
    channel: Channel
    content: str
    budget: float
    not_after: datetime
    hours: tuple[time, time] | None = None
    cap: Cap | None = None
    neutral: str | None = None


@dataclass(frozen=True)
class Progress:
    """Where the sends of a campaign stand.

    Parameters
    ----------
    states : dict of str to int
        Sends by state.
    reasons : dict of str to int
        Failed sends by reason.
    replies : dict of str to int
        What came back, by kind.
    spent : float
        Money committed.
    first, last : float or None
        When sends were claimed, seconds since 1970.
    """

    states: dict[str, int]
    reasons: dict[str, int]
    replies: dict[str, int]
    spent: float
    first: float | None
    last: float | None


def plan_sends(
    ledger: Ledger,
    digest: str,
    campaign: str,
    channel: Channel,
    rows: Iterable[tuple[int, str, float, bytes]],
) -> int:
    """Write down the sends of a plan; those that are there already stay as they are.

    Nothing is planned for whoever was erased since the plan was read.

    Parameters
    ----------
    ledger : Ledger
    digest : str
        Of the plan.
    campaign : str
    channel : Channel
    rows : iterable of (person, treatment, cost, keyed hash of the contact detail)

    Returns
    -------
    int
        How many are new.

    Raises
    ------
    OrderError
        The ledger knows no such plan.
    """
    with ledger.writing() as connection:
        plan = connection.execute(select(plans.c.id).where(plans.c.digest == digest)).scalar()
        if plan is None:
            raise OrderError(
                f"sends of '{campaign}'", "its plan is not recorded", "Run `suasion plan` first."
            )
        counted = select(func.count()).where(sends.c.campaign == campaign)
        before = connection.execute(counted).scalar_one()
        planned = (
            (campaign, person, str(channel), STEP, plan, treatment, cost, address, address)
            for person, treatment, cost, address in rows
        )
        write_rows(connection, _PLAN, planned)
        return connection.execute(counted).scalar_one() - before


@dataclass(frozen=True)
class About:
    """What a recipient may be told of a send: the campaign, what was drawn, and with which probability."""

    campaign: str
    person: int
    channel: str
    treatment: str
    probability: float
    state: str


def about(ledger: Ledger, send: int) -> About | None:
    """Look a send up; None where there is none, or its person was erased."""
    drawn = (draws.c.plan == sends.c.plan) & (draws.c.person == sends.c.person)
    columns = [sends.c.campaign, sends.c.person, sends.c.channel, sends.c.treatment]
    chosen = select(*columns, draws.c.probability, sends.c.state).join(draws, drawn).where(sends.c.id == send)
    with ledger.engine.connect() as connection:
        row = connection.execute(chosen).first()
    return About(*row) if row else None


def planned_for(ledger: Ledger, campaign: str, channel: Channel) -> frozenset[int]:
    """Persons for whom a send is written down, wherever it stands."""
    theirs = (sends.c.campaign == campaign) & (sends.c.channel == str(channel))
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(select(sends.c.person).where(theirs)).scalars())


def progress(ledger: Ledger, campaign: str) -> Progress:
    """Count the sends of a campaign, by state and reason, with the money they committed."""
    mine = sends.c.campaign == campaign
    by_state = select(sends.c.state, sends.c.reason, func.count()).where(mine)
    by_reply = select(replies.c.kind, func.count()).join(sends, sends.c.id == replies.c.send).where(mine)
    states, reasons = Counter[str](), Counter[str]()
    with ledger.engine.connect() as connection:
        for state, reason, count in connection.execute(by_state.group_by(sends.c.state, sends.c.reason)):
            states[state] += count
            if state == State.FAILED:
                reasons[reason] += count
        came = {row[0]: row[1] for row in connection.execute(by_reply.group_by(replies.c.kind))}
        first, last = connection.execute(select(func.min(sends.c.at), func.max(sends.c.at)).where(mine)).one()
        return Progress(dict(states), dict(reasons), came, spent(connection, campaign), first, last)
