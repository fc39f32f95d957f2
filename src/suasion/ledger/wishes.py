"""What persons told us to keep to, in force when it is acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, delete, insert, select, text

from suasion.errors import InputError
from suasion.ledger.database import Ledger
from suasion.ledger.journal import WISH
from suasion.ledger.schema import erasing, sends, wishes
from suasion.ledger.sends.money import give_back

MOST = 1000
"""A wish for fewer is below it."""

_CLAIMED = text("SELECT id FROM sends WHERE person = :person AND state = 'claimed'")
_UNDO = text("""
UPDATE sends SET state = 'failed', reason = :kind WHERE person = :person AND state IN ('planned', 'claimed')
""")

_TABLE = pa.schema([("person", pa.int64()), ("kind", pa.string())])


class WishKind(StrEnum):
    """What a person may wish.

    ``objected``: not to be targeted: only the neutral treatment of plans made afterwards, and no learning
    from their data. ``restricted``: their data are stored, and nothing else. ``sale_opted_out``: no sale or
    sharing. ``fewer``: at most so many messages in 30 days, in all campaigns and channels; 0 is none at all.
    """

    OBJECTED = "objected"
    RESTRICTED = "restricted"
    SALE_OPTED_OUT = "sale_opted_out"
    FEWER = "fewer"


_STOPS = (WishKind.OBJECTED, WishKind.RESTRICTED)
"""Wishes by which what is planned or claimed falls."""


@dataclass(frozen=True)
class Wish:
    """What one person wishes.

    Parameters
    ----------
    kind : WishKind
    amount : int or None
        Messages in 30 days, where fewer are wished.
    source : str
        Where it was said: ``page``, ``operator``, or the signal that said it.
    at : datetime
    """

    kind: WishKind
    amount: int | None
    source: str
    at: datetime


def keep_to(
    ledger: Ledger, person: int, kind: WishKind, source: str, at: datetime, amount: int | None = None
) -> None:
    """Write a wish down; when this returns it is on disk and in force.

    Who objects or wants their data restricted: what is planned or claimed for them fails, and the guard of a
    hand-over excludes this transaction. The same wish again changes nothing but the amount.

    Parameters
    ----------
    ledger : Ledger
    person : int
    kind : WishKind
    source : str
    at : datetime
    amount : int, optional
        For ``fewer`` alone: messages in 30 days.

    Raises
    ------
    InputError
        ``fewer`` without an amount from 0 on, or another wish with one.
    """
    _check(kind, amount)
    with ledger.writing() as connection:
        _said(ledger, connection, person, Wish(kind, amount, source, at))


def keep_to_recipient(
    ledger: Ledger, send: int, kind: WishKind, source: str, at: datetime, amount: int | None = None
) -> bool:
    """Write down the wish of whom a send was for; see `keep_to`.

    Returns
    -------
    bool
        Whether the send is known; of a person who was erased nothing is, and nothing is sent to them.
    """
    _check(kind, amount)
    with ledger.writing() as connection:
        person = connection.execute(select(sends.c.person).where(sends.c.id == send)).scalar()
        if person is None:
            return False
        _said(ledger, connection, person, Wish(kind, amount, source, at))
    return True


def lift(ledger: Ledger, person: int, kind: WishKind) -> bool:
    """Take a wish back, at the person's word; returns whether there was one."""
    with ledger.writing() as connection:
        return connection.execute(delete(wishes).where(_this(person, kind))).rowcount > 0


def table(ledger: Ledger) -> pa.Table:
    """Everybody's wishes: columns ``person`` (int64) and ``kind`` (text), sorted."""
    chosen = select(wishes.c.person, wishes.c.kind).order_by(wishes.c.person, wishes.c.kind)
    with ledger.engine.connect() as connection:
        rows: Any = connection.execute(chosen).all()
    columns = list(zip(*rows, strict=True)) or [(), ()]
    return pa.table([pa.array(c, kind) for c, kind in zip(columns, _TABLE.types, strict=True)], _TABLE)


def _check(kind: WishKind, amount: int | None) -> None:
    if (amount is None) is (kind is WishKind.FEWER) or not 0 <= (amount or 0) < MOST:
        asked, todo = f"the wish '{kind}'", f"Give `fewer` an amount from 0 to {MOST - 1}, and no other wish."
        raise InputError(asked, "an amount that is missing or out of place", todo)


def _said(ledger: Ledger, connection: Connection, person: int, wish: Wish) -> None:
    """Keep to a wish, and journal it."""
    if keep(connection, person, wish) and ledger.journal is not None:
        amount = "" if wish.amount is None else str(wish.amount)
        ledger.journal.append(connection, f"{WISH}{wish.kind}", [person], (), amount, wish.at)


def keep(connection: Connection, person: int, wish: Wish) -> bool:
    """Keep to a wish, inside a transaction that holds the write lock; returns whether it is new."""
    if connection.execute(select(erasing.c.person).where(erasing.c.person == person)).first():
        return False  # nothing is held of whoever is being erased, and nothing is sent
    known = connection.execute(select(wishes.c.amount).where(_this(person, wish.kind))).first()
    if known is not None and known.amount == wish.amount:
        return False
    connection.execute(delete(wishes).where(_this(person, wish.kind)))
    row = {"person": person, "kind": str(wish.kind), "amount": wish.amount, "source": wish.source}
    connection.execute(insert(wishes).values(**row, at=wish.at.astimezone(UTC)))
    if wish.kind in _STOPS:
        asked = {"person": person, "kind": str(wish.kind)}
        give_back(connection, connection.execute(_CLAIMED, asked).scalars().all(), wish.at)
        connection.execute(_UNDO, asked)
    return True


def _this(person: int, kind: WishKind) -> Any:
    return (wishes.c.person == person) & (wishes.c.kind == str(kind))
