"""Opt-outs: durable, and in force, before they are acknowledged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select, text

from suasion.ledger.database import Ledger
from suasion.ledger.schema import replies, suppressions
from suasion.ledger.sends.money import give_back
from suasion.ledger.sends.send import SUPPRESSED
from suasion.rules import Channel

_FOUND = text("SELECT person, address, channel FROM sends WHERE id = :send")

_NEVER = text("""
INSERT INTO suppressions (person, address, channel, reason, at)
SELECT :person, :address, :channel, :why, :at WHERE NOT EXISTS (
    SELECT 1 FROM suppressions
    WHERE person = :person AND address = :address AND channel = :channel AND reason = :why)
""").bindparams(bindparam("at", type_=suppressions.c.at.type))

_REPLY = text("INSERT OR IGNORE INTO replies (send, kind, at) VALUES (:send, :why, :at)").bindparams(
    bindparam("at", type_=replies.c.at.type)
)

_CLAIMED = text("SELECT id FROM sends WHERE person = :person AND channel = :channel AND state = 'claimed'")

_UNDO = text("""
UPDATE sends SET state = 'failed', reason = :reason
WHERE person = :person AND channel = :channel AND state IN ('planned', 'claimed')
""")


class Why(StrEnum):
    """Why a person is never written to again in a channel."""

    OPTED_OUT = "opted_out"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    ERASED = "erased"


def suppress(ledger: Ledger, send: int, why: Why, at: datetime) -> bool:
    """Suppress the person whom a send was for, in its channel and for all campaigns.

    When this returns it is on disk, and no send to the person or the same contact detail is handed over
    any more: sends not handed over yet fail, and the guard of a hand-over excludes this transaction.

    Parameters
    ----------
    ledger : Ledger
    send : int
    why : Why
    at : datetime

    Returns
    -------
    bool
        Whether the send is known; a person who was erased is not, and needs no suppression any more.
    """
    with ledger.writing() as connection:
        found = connection.execute(_FOUND, {"send": send}).mappings().first()
        if found is None:
            return False
        asked = {**found, "send": send, "why": str(why), "at": at.astimezone(UTC)}
        connection.execute(_NEVER, asked)
        connection.execute(_REPLY, asked)
        _undo(connection, asked, at)
    return True


def suppressed(ledger: Ledger, channel: Channel) -> frozenset[int]:
    """Persons who are never written to in a channel."""
    there = suppressions.c.channel.in_([str(channel), "*"]) & suppressions.c.person.is_not(None)
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(select(suppressions.c.person).where(there)).scalars())


def _undo(connection: Connection, asked: Mapping[str, object], at: datetime) -> None:
    """Fail what is planned or claimed for the person, and give back the money of claims.

    Another person with the same contact detail is found when the claim or the hand-over looks.
    """
    give_back(connection, connection.execute(_CLAIMED, asked).scalars().all(), at)
    connection.execute(_UNDO, {**asked, "reason": SUPPRESSED})
