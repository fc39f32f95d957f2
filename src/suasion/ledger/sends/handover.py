"""From a claim to a channel: marked before, guarded during, settled after; and what a dead sender left."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from suasion.ledger.database import Ledger
from suasion.ledger.lock import locked
from suasion.ledger.schema import sends
from suasion.ledger.sends.money import commit
from suasion.ledger.sends.send import SUPPRESSED, UNWRITTEN, State, Terms
from suasion.ledger.sends.stops import stop_of

_HELD = text("""
SELECT s.id, s.cost,
    EXISTS (SELECT 1 FROM suppressions u WHERE u.person = s.person AND u.channel IN (s.channel, '*'))
    OR EXISTS (SELECT 1 FROM suppressions u WHERE u.address = s.address AND u.channel IN (s.channel, '*'))
FROM sends s WHERE s.id IN :ids AND s.state = 'handed_over'
""").bindparams(bindparam("ids", expanding=True))


_WAITING = text("""
SELECT id, person FROM sends WHERE id > :after AND state = 'planned' AND +campaign = :campaign
ORDER BY id LIMIT :limit
""")


@dataclass(frozen=True)
class Handover:
    """Sends that may be handed over while the guard is held.

    Parameters
    ----------
    free : tuple of int
        Ids of sends; all others of the batch may not go.
    settled : list of (id, State, reason)
        What became of them, filled in by the caller before the guard ends.
    """

    free: tuple[int, ...]
    settled: list[tuple[int, State, str]] = field(default_factory=list[tuple[int, State, str]])


def mark(
    ledger: Ledger, campaign: str, written: Sequence[int], unwritten: Sequence[int], at: datetime
) -> None:
    """Mark claimed sends as handed over, before they are: after a crash nobody may think they were not.

    Whoever opted out since the claim is no longer claimed, and stays so.

    Parameters
    ----------
    ledger : Ledger
    campaign : str
    written : sequence of int
    unwritten : sequence of int
        Claimed sends whose message could not be written; they fail, and their money is given back.
    at : datetime
        Now.
    """
    with ledger.writing() as connection:
        lost = sends.c.id.in_(unwritten) & (sends.c.state == State.CLAIMED)
        costs = connection.execute(select(sends.c.cost).where(lost)).scalars().all() if unwritten else []
        commit(connection, campaign, [-cost for cost in costs], at)
        cursor = connection.connection.cursor()
        cursor.executemany(
            "UPDATE sends SET state = 'handed_over' WHERE id = ? AND state = 'claimed'",
            [(id,) for id in written],
        )
        cursor.executemany(
            "UPDATE sends SET state = 'failed', reason = ? WHERE id = ? AND state = 'claimed'",
            [(UNWRITTEN, id) for id in unwritten],
        )


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
        Now.

    Yields
    ------
    Handover
    """
    with ledger.writing() as connection:
        held = connection.execute(_HELD, {"ids": list(ids)}).all()
        stopped = stop_of(connection, terms.campaign, terms.content, terms.not_after, terms.hours, at)
        handover = Handover(() if stopped else tuple(id for id, _, never in held if not never))
        yield handover
        fates = {id: (state, reason) for id, state, reason in handover.settled}
        for id, _, never in held:
            if id not in handover.free:
                fates[id] = (State.FAILED, SUPPRESSED) if never else (State.PLANNED, "")
        undone = [cost for id, cost, _ in held if _is_undone(*fates.get(id, (State.HANDED_OVER, "")))]
        _settle(connection, terms.campaign, fates, undone, at)


def _is_undone(state: State, reason: str) -> bool:
    """Whether nothing was handed over, so that nothing is paid."""
    return state is State.PLANNED or reason == SUPPRESSED


def settle(ledger: Ledger, campaign: str, ids: Sequence[int], state: State, at: datetime) -> None:
    """Conclude what became of marked sends that are known not to be in hand any more."""
    with ledger.writing() as connection:
        _settle(connection, campaign, dict.fromkeys(ids, (state, "after a crash")), [], at)


def _settle(
    connection: Connection,
    campaign: str,
    fates: dict[int, tuple[State, str]],
    undone: Sequence[float],
    at: datetime,
) -> None:
    rows = [(str(state), reason or None, str(state), id) for id, (state, reason) in fates.items()]
    connection.connection.cursor().executemany(
        "UPDATE sends SET state = ?, reason = ?, at = CASE WHEN ? = 'planned' THEN NULL ELSE at END "
        "WHERE id = ? AND state = 'handed_over'",
        rows,
    )
    commit(connection, campaign, [-cost for cost in undone], at)


def release(ledger: Ledger, campaign: str, at: datetime) -> int:
    """Give back what a dead sender had claimed but not marked; returns how many.

    The caller holds the sender's lock, so that the claims are nobody else's.
    """
    claimed = (sends.c.campaign == campaign) & (sends.c.state == State.CLAIMED)
    with ledger.writing() as connection:
        costs = connection.execute(select(sends.c.cost).where(claimed)).scalars().all()
        connection.execute(sends.update().where(claimed).values(state=State.PLANNED, at=None))
        commit(connection, campaign, [-cost for cost in costs], at)
    return len(costs)


@contextmanager
def sending(ledger: Ledger) -> Generator[None]:
    """Be the one sender of the workspace; what claimed sends there are belong to a dead one.

    Raises
    ------
    BusyError
        Another sender is at work.
    """
    with locked(ledger.path.with_suffix(".sending"), "a send"), ledger.engine.connect() as idle:
        # SQLite empties its write-ahead log whenever the last connection closes; this one stays.
        idle.exec_driver_sql("SELECT 1")
        yield


def waiting(ledger: Ledger, campaign: str, after: int, limit: int) -> tuple[list[int], list[int]]:
    """The next planned sends of a campaign, in order: their ids and their persons."""
    with ledger.engine.connect() as connection:
        asked = {"campaign": campaign, "after": after, "limit": limit}
        rows = connection.execute(_WAITING, asked).all()
    return [row[0] for row in rows], [row[1] for row in rows]


def stranded(ledger: Ledger, campaign: str) -> tuple[int, ...]:
    """Ids of sends that a dead sender had marked as handed over; the channel tells what became of them."""
    marked = (sends.c.campaign == campaign) & (sends.c.state == State.HANDED_OVER)
    with ledger.engine.connect() as connection:
        return tuple(connection.execute(select(sends.c.id).where(marked).order_by(sends.c.id)).scalars())
