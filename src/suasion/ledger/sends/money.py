"""Money that claims have committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, insert, text

from suasion.ledger.schema import spend

DUST = 1 + 1e-12
"""Sums of money in another order may differ by this factor."""


_GIVE_BACK = text("""
INSERT INTO spend (campaign, amount, sends, at)
SELECT campaign, -sum(cost), -count(*), :at FROM sends WHERE id IN :ids GROUP BY campaign
""").bindparams(bindparam("at", type_=spend.c.at.type), bindparam("ids", expanding=True))

_SPENT = text("SELECT coalesce(sum(amount), 0.0) FROM spend WHERE campaign = :campaign")


def commit(connection: Connection, campaign: str, costs: Sequence[float], at: datetime) -> None:
    """Write down what a claim costs."""
    if costs:
        row = {"campaign": campaign, "amount": sum(costs), "sends": len(costs), "at": at.astimezone(UTC)}
        connection.execute(insert(spend), row)


def give_back(connection: Connection, undone: Sequence[int], at: datetime) -> None:
    """Write down that the claims of these sends cost nothing after all; of any campaign."""
    if undone:
        connection.execute(_GIVE_BACK, {"ids": undone, "at": at.astimezone(UTC)})


def spent(connection: Connection, campaign: str) -> float:
    """Money committed so far."""
    return max(0.0, connection.execute(_SPENT, {"campaign": campaign}).scalar_one())
