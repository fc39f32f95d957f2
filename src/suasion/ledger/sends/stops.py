"""What keeps a whole campaign from sending; and the approvals and pauses behind it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, text

from suasion.errors import CampaignError, DamageError
from suasion.ledger.database import Ledger
from suasion.ledger.log import append
from suasion.ledger.schema import approvals, pauses

_NEWEST = text("SELECT paused FROM pauses WHERE campaign = :campaign ORDER BY id DESC LIMIT 1")

_APPROVED = text("""
SELECT EXISTS (SELECT 1 FROM approvals WHERE campaign = :campaign AND content = :content
    AND trim("by", :blanks) <> '' AND trim(why, :blanks) <> '')
""")

_RECORDS = text(
    "SELECT body FROM log WHERE kind = 'campaign' AND campaign = :campaign ORDER BY position DESC"
)

_BLANKS = " \t\r\n"


class Stop(StrEnum):
    """Why a campaign may not send now."""

    PAUSED = "it is paused"
    UNAPPROVED = "nobody has approved what it says now"
    UNRECORDED = "its record is not in the log"
    OVER = "its last day is over"
    CLOSED = "it is outside the hours in which it may send"
    BUDGET = "its budget is spent"


def stop_of(
    connection: Connection,
    campaign: str,
    content: str,
    not_after: datetime,
    hours: tuple[time, time] | None,
    at: datetime,
) -> Stop | None:
    """The first reason against sending now, budget aside; None where there is none."""
    if is_paused(connection, campaign):
        return Stop.PAUSED
    if at > not_after:
        return Stop.OVER
    if hours is not None and not hours[0] <= at.time() <= hours[1]:
        return Stop.CLOSED
    asked = {"campaign": campaign, "content": content, "blanks": _BLANKS}
    if not connection.execute(_APPROVED, asked).scalar():
        return Stop.UNAPPROVED
    return None if _is_recorded(connection, campaign, content) else Stop.UNRECORDED


def approve(ledger: Ledger, campaign: str, content: str, by: str, why: str, at: datetime) -> None:
    """Record who agrees to exactly this content.

    Parameters
    ----------
    ledger : Ledger
    campaign : str
    content : str
        Digest of what is said; with any other content the approval is worth nothing.
    by, why : str
    at : datetime

    Raises
    ------
    CampaignError
        Nobody is named, or no reason.
    """
    for asked, said in (("who approves", by), ("why it is approved", why)):
        if not any(map(str.isalnum, said)):
            raise CampaignError(asked, "blank", "Say who agrees, and on what grounds.")
    row = {"campaign": campaign, "content": content, "by": by, "why": why, "at": at.astimezone(UTC)}
    with ledger.writing() as connection:
        connection.execute(insert(approvals), row)


def approved(ledger: Ledger, campaign: str, content: str) -> tuple[str, datetime] | None:
    """Who approved this content last, and when; None if nobody did. One without name or reason is none."""
    same = (approvals.c.campaign == campaign) & (approvals.c.content == content)
    said = (func.trim(column, _BLANKS) != "" for column in (approvals.c.by, approvals.c.why))
    with ledger.engine.connect() as connection:
        chosen = select(approvals.c.by, approvals.c.at).where(same, *said).order_by(approvals.c.id.desc())
        row = connection.execute(chosen).first()
    return (row.by, row.at) if row else None


def set_paused(ledger: Ledger, campaign: str, at: datetime, *, paused: bool) -> None:
    """Pause or resume a campaign; once this returns, nothing more is handed over while it is paused."""
    with ledger.writing() as connection:
        if is_paused(connection, campaign) is not paused:
            row = {"campaign": campaign, "paused": int(paused), "at": at.astimezone(UTC)}
            connection.execute(insert(pauses), row)
            append(connection, "pause" if paused else "resume", campaign, {}, at)


def _is_recorded(connection: Connection, campaign: str, content: str) -> bool:
    """Whether an entry of the campaign in the log is of this content."""
    try:
        entries = connection.execute(_RECORDS, {"campaign": campaign}).scalars()
        return any(json.loads(body)["content"] == content for body in entries)
    except (ValueError, TypeError, KeyError):
        found = f"an entry of '{campaign}' is not what was appended"
        raise DamageError("the log", found, "Restore it from a backup.") from None


def is_paused(connection: Connection, campaign: str) -> bool:
    """Whether the newest word on a campaign is to pause it."""
    return bool(connection.execute(_NEWEST, {"campaign": campaign}).scalar())
