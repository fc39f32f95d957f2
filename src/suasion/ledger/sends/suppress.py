"""Opt-outs: durable, and in force, before they are acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select, text

from suasion.ledger.database import Ledger
from suasion.ledger.schema import replies, suppressions
from suasion.ledger.sends.money import give_back
from suasion.ledger.sends.send import SUPPRESSED
from suasion.rules import Channel

_FOUND = text("SELECT person, address, channel FROM sends WHERE id = :send")

_WHY = bindparam("why", type_=replies.c.kind.type)

_NEVER = text("""
INSERT INTO suppressions (person, address, channel, reason, at)
SELECT :person, :address, :channel, :why, :at WHERE NOT EXISTS (
    SELECT 1 FROM suppressions
    WHERE person = :person AND address = :address AND channel = :channel AND reason = :why)
""").bindparams(*(bindparam(name, type_=suppressions.c[name].type) for name in ("channel", "at")), _WHY)

_REPLY = text(
    "INSERT INTO replies (send, kind, at) VALUES (:send, :why, :at) ON CONFLICT DO NOTHING"
).bindparams(bindparam("at", type_=replies.c.at.type), _WHY)

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
        is_new = never(connection, found["person"], found["address"], found["channel"], why, at)
        connection.execute(_REPLY, {"send": send, "why": str(why), "at": at.astimezone(UTC)})
        if ledger.journal is not None and is_new:
            named = ([found["person"]], [found["address"]], found["channel"])
            ledger.journal.append(connection, str(why), *named, at)
    return True


def never(connection: Connection, person: int, address: bytes, channel: str, why: Why, at: datetime) -> bool:
    """Suppress a person and a contact detail in a channel; returns whether they were not before.

    What is planned or claimed for the person fails, and the money of claims is given back. Another person
    with the same contact detail is found when the claim or the hand-over looks.
    """
    said = {"person": person, "address": address, "channel": channel, "why": str(why)}
    is_new = connection.execute(_NEVER, {**said, "at": at.astimezone(UTC)}).rowcount > 0
    asked = {"person": person, "channel": channel}
    give_back(connection, connection.execute(_CLAIMED, asked).scalars().all(), at)
    connection.execute(_UNDO, {**asked, "reason": SUPPRESSED})
    return is_new


def suppressed(ledger: Ledger, channel: Channel) -> frozenset[int]:
    """Persons who are never written to in a channel."""
    there = suppressions.c.channel.in_([str(channel), "*"]) & suppressions.c.person.is_not(None)
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(select(suppressions.c.person).where(there)).scalars())
