"""What sends cost, by channel and treatment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import ColumnElement, func, select

from suasion.ledger.database import Ledger
from suasion.ledger.schema import sends, spend
from suasion.ledger.sends.send import NEVER_HANDED, State

_PAID_TO = pa.schema([("person", pa.int64()), ("channel", pa.string()), ("treatment", pa.string())])


@dataclass(frozen=True)
class Cost:
    """Sends of one treatment in one channel that were claimed and not undone, and their money.

    Parameters
    ----------
    channel, treatment : str or None
        None: sends to people who were erased since. Of these the ledger keeps the money alone.
    sends : int
    money : float
        As expected when the sends were planned, vouchers included.
    """

    channel: str | None
    treatment: str | None
    sends: int
    money: float


@dataclass(frozen=True)
class Costs:
    """What the sends of a campaign cost.

    Parameters
    ----------
    lines : tuple of Cost
        By channel and treatment; together they are what `progress` says was spent.
    committed, given_back : float
        Money of all claims, and of those that were undone.
    """

    lines: tuple[Cost, ...]
    committed: float
    given_back: float


def costs(ledger: Ledger, campaign: str) -> Costs:
    """Sum up what the sends of a campaign cost.

    Parameters
    ----------
    ledger : Ledger
    campaign : str

    Returns
    -------
    Costs
    """
    counted = select(sends.c.channel, sends.c.treatment, func.count(), func.sum(sends.c.cost))
    grouped = counted.where(_paid(campaign)).group_by(sends.c.channel, sends.c.treatment)
    given = func.coalesce(func.sum(spend.c.amount).filter(spend.c.amount < 0), 0.0)
    taken = func.coalesce(func.sum(spend.c.amount).filter(spend.c.amount > 0), 0.0)
    number = func.coalesce(func.sum(spend.c.sends), 0)
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # both sums are of the same moment
        rows = connection.execute(grouped.order_by(sends.c.channel, sends.c.treatment)).all()
        whole = connection.execute(select(number, taken, given).where(spend.c.campaign == campaign)).one()
    lines = tuple(Cost(*row) for row in rows)
    paid, committed, undone = whole
    gone = paid - sum(line.sends for line in lines)
    if gone:
        rest = max(0.0, committed + undone - sum(line.money for line in lines))
        lines = (*lines, Cost(None, None, gone, rest))
    return Costs(lines, committed, abs(undone))


def paid_to(ledger: Ledger, campaign: str) -> pa.Table:
    """To whom the sends in `costs` went, but for people erased since.

    Parameters
    ----------
    ledger : Ledger
    campaign : str

    Returns
    -------
    pyarrow.Table
        Columns ``person`` (int64), ``channel`` and ``treatment`` (text); a row a send.
    """
    chosen = select(sends.c.person, sends.c.channel, sends.c.treatment).where(_paid(campaign))
    with ledger.engine.connect() as connection:
        rows: Any = connection.execute(chosen.order_by(sends.c.id)).all()
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.table([pa.array(c, kind) for c, kind in zip(columns, _PAID_TO.types, strict=True)], _PAID_TO)


def _paid(campaign: str) -> ColumnElement[bool]:
    """Sends whose money was committed by a claim and has not been given back."""
    kept = func.coalesce(sends.c.reason, "").not_in(NEVER_HANDED)
    return (sends.c.campaign == campaign) & (sends.c.state != State.PLANNED) & kept
