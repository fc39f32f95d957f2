"""From a claim to a channel: marked before, guarded during, settled after; and what a dead sender left."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from suasion.ledger.database import Ledger
from suasion.ledger.rows import write_rows
from suasion.ledger.sends.money import give_back
from suasion.ledger.sends.receipt import take_back
from suasion.ledger.sends.send import OBJECTED, RESTRICTED, SUPPRESSED, UNWRITTEN, WITHHELD, State, Terms
from suasion.ledger.sends.stops import Stop, stop_of

_HELD = text("""
SELECT s.id,
    EXISTS (SELECT 1 FROM suppressions u WHERE u.person = s.person AND u.channel IN (s.channel, '*'))
    OR EXISTS (SELECT 1 FROM suppressions u WHERE u.address = s.address AND u.channel IN (s.channel, '*')),
    EXISTS (SELECT 1 FROM wishes w WHERE w.person = s.person AND w.kind = 'restricted'),
    EXISTS (SELECT 1 FROM wishes w JOIN plans p ON p.id = s.plan JOIN runs r ON r.id = p.run
            WHERE w.person = s.person AND w.kind = 'objected'
            AND (s.treatment <> :neutral OR r.published_at <= w.at))
FROM sends s WHERE s.id IN :ids AND s.state = 'handed_over'
""").bindparams(bindparam("ids", expanding=True))

_IN_STATE = text("SELECT id FROM sends WHERE state = :state ORDER BY id")

_STILL_CLAIMED = text("SELECT id FROM sends WHERE id IN :ids AND state = 'claimed'").bindparams(
    bindparam("ids", expanding=True)
)

_WAITING = text("""
SELECT id, person FROM sends WHERE id > :after AND state = 'planned' AND coalesce(campaign, '') = :campaign
ORDER BY id LIMIT :limit
""")

_MARK = "UPDATE sends SET state = 'handed_over' WHERE id = ? AND state = 'claimed'"
_FAIL = "UPDATE sends SET state = 'failed', reason = ? WHERE id = ? AND state = 'claimed'"
_SETTLE = """
UPDATE sends SET state = ?, reason = ?, at = CASE WHEN CAST(? AS VARCHAR) = 'planned' THEN NULL ELSE at END
WHERE id = ? AND state = 'handed_over'
"""
_RELEASE = "UPDATE sends SET state = 'planned', at = NULL WHERE id = ?"

AFTER_CRASH = "after a crash"
"""Reason of sends whose fate was concluded, not seen."""


@dataclass(frozen=True)
class Handover:
    """Sends that may be handed over while the guard is held.

    Parameters
    ----------
    free : tuple of int
        Ids of sends; all others of the batch may not go.
    stop : Stop or None
        Why none of them may go.
    settled : list of (id, State, reason)
        What became of them, filled in by the caller before the guard ends.
    """

    free: tuple[int, ...]
    stop: Stop | None
    settled: list[tuple[int, State, str]] = field(default_factory=list[tuple[int, State, str]])


def mark(ledger: Ledger, written: Sequence[int], unwritten: Sequence[int], at: datetime) -> None:
    """Mark claimed sends as handed over, before they are: after a crash nobody may think they were not.

    Whoever opted out since the claim is no longer claimed, and stays so.

    Parameters
    ----------
    ledger : Ledger
    written : sequence of int
    unwritten : sequence of int
        Claimed sends whose message could not be written; they fail, and their money is given back.
    at : datetime
        Now.
    """
    with ledger.writing() as connection:
        if unwritten:
            lost = connection.execute(_STILL_CLAIMED, {"ids": unwritten})
            give_back(connection, lost.scalars().all(), at)
        write_rows(connection, _MARK, [(id,) for id in written])
        write_rows(connection, _FAIL, [(UNWRITTEN, id) for id in unwritten])


@contextmanager
def handing_over(ledger: Ledger, terms: Terms, ids: Sequence[int], at: datetime) -> Generator[Handover]:
    """Hold the write lock while sends are handed to a channel.

    No opt-out can be acknowledged in between: it is either seen here, or acknowledged after the hand-over.
    If the block raises, the sends stay marked, for `stranded`.

    Parameters
    ----------
    ledger : Ledger
    terms : Terms
    ids : sequence of int
        Marked sends.
    at : datetime
        Now, in the time zone of the hours.

    Yields
    ------
    Handover
    """
    with ledger.writing() as connection:
        asked = {"ids": list(ids), "neutral": terms.neutral or ""}
        held = [(row[0], _against(*row[1:])) for row in connection.execute(_HELD, asked)]
        stop = stop_of(connection, terms.campaign, terms.content, terms.not_after, terms.hours, at)
        handover = Handover(() if stop else tuple(id for id, never in held if not never), stop)
        yield handover
        kept = [
            (id, State.FAILED, never) if never else (id, State.PLANNED, "")
            for id, never in held
            if id not in handover.free
        ]
        _settle(connection, [*handover.settled, *kept], at)


def _against(suppressed: bool, restricted: bool, objected: bool) -> str:
    """The reason against handing a send over; empty where there is none."""
    reasons = {SUPPRESSED: suppressed, RESTRICTED: restricted, OBJECTED: objected}
    return next((reason for reason, holds in reasons.items() if holds), "")


def settle(ledger: Ledger, ids: Sequence[int], state: State, at: datetime) -> None:
    """Conclude what became of marked sends of a dead sender; planned again costs nothing after all."""
    reason = "" if state is State.PLANNED else AFTER_CRASH
    with ledger.writing() as connection:
        _settle(connection, [(id, state, reason) for id in ids], at)


def _settle(connection: Connection, fates: Sequence[tuple[int, State, str]], at: datetime) -> None:
    # What was not handed over is not paid.
    undone = [id for id, state, reason in fates if state is State.PLANNED or reason in WITHHELD]
    give_back(connection, undone, at)
    rows = [(str(state), reason or None, str(state), id) for id, state, reason in fates]
    write_rows(connection, _SETTLE, rows)
    take_back(connection, [id for id, state, _ in fates if state is State.PLANNED])


def release(ledger: Ledger, at: datetime) -> None:
    """Plan again what a dead sender had claimed but not marked, whatever its campaign.

    The caller holds the sender's lock, so that the claims are nobody else's.
    """
    with ledger.writing() as connection:
        claimed = connection.execute(_IN_STATE, {"state": State.CLAIMED}).scalars().all()
        give_back(connection, claimed, at)
        write_rows(connection, _RELEASE, [(id,) for id in claimed])
        take_back(connection, claimed)


@contextmanager
def sending(ledger: Ledger) -> Generator[None]:
    """Be the one sender of the workspace; what claimed sends there are belong to a dead one.

    Raises
    ------
    BusyError
        Another sender is at work.
    """
    with ledger.alone("sending", "a send"), ledger.engine.connect() as idle:
        # SQLite empties its write-ahead log whenever the last connection closes; this one stays.
        idle.exec_driver_sql("SELECT 1")
        idle.rollback()
        yield


def waiting(ledger: Ledger, campaign: str, after: int, limit: int) -> tuple[list[int], list[int]]:
    """The next planned sends of a campaign, in order: their ids and their persons."""
    with ledger.engine.connect() as connection:
        asked = {"campaign": campaign, "after": after, "limit": limit}
        rows = connection.execute(_WAITING, asked).all()
    return [row[0] for row in rows], [row[1] for row in rows]


def stranded(ledger: Ledger) -> tuple[int, ...]:
    """Ids of sends that a dead sender had marked as handed over, whatever their campaign.

    The channel tells what became of them.
    """
    with ledger.engine.connect() as connection:
        return tuple(connection.execute(_IN_STATE, {"state": State.HANDED_OVER}).scalars())
