"""Opt-outs: durable, and in force, before they are acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from suasion.ledger.database import Ledger
from suasion.ledger.schema import replies, sends, suppressions
from suasion.ledger.sends.money import give_back
from suasion.ledger.sends.send import SUPPRESSED, State
from suasion.rules import Channel


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
        found = connection.execute(select(sends).where(sends.c.id == send)).first()
        if found is None:
            return False
        _never(connection, found.person, found.address, found.channel, why, at)
        told = select(replies.c.send).where((replies.c.send == send) & (replies.c.kind == why))
        if connection.execute(told).first() is None:
            row = {"send": send, "kind": str(why), "at": at.astimezone(UTC)}
            connection.execute(insert(replies).values(row))
        _undo(connection, found.person, found.channel, at)
    return True


def suppressed(ledger: Ledger, channel: Channel) -> frozenset[int]:
    """Persons who are never written to in a channel."""
    there = suppressions.c.channel.in_([str(channel), "*"]) & suppressions.c.person.is_not(None)
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(select(suppressions.c.person).where(there)).scalars())


def _never(connection: Connection, person: int, address: bytes, channel: str, why: Why, at: datetime) -> None:
    same = (suppressions.c.person == person) & (suppressions.c.address == address)
    same &= (suppressions.c.channel == channel) & (suppressions.c.reason == why)
    if connection.execute(select(suppressions.c.id).where(same)).first() is None:
        row = {"person": person, "address": address, "channel": channel, "reason": str(why)}
        connection.execute(insert(suppressions).values(**row, at=at.astimezone(UTC)))


def _undo(connection: Connection, person: int, channel: str, at: datetime) -> None:
    """Fail what is planned or claimed for the person, and give back the money of claims.

    Another person with the same contact detail is found when the claim or the hand-over looks.
    """
    theirs = (sends.c.person == person) & (sends.c.channel == channel)
    claimed = select(sends.c.id).where(theirs & (sends.c.state == State.CLAIMED))
    give_back(connection, connection.execute(claimed).scalars().all(), at)
    waiting = theirs & sends.c.state.in_([State.PLANNED, State.CLAIMED])
    connection.execute(sends.update().where(waiting).values(state=State.FAILED, reason=SUPPRESSED))
