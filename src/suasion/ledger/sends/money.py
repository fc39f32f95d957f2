"""Money that claims have committed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select

from suasion.ledger.schema import spend

DUST = 1 + 1e-9
"""Sums of money in another order may differ by this factor."""


def commit(connection: Connection, campaign: str, costs: Sequence[float], at: datetime) -> None:
    """Write down what a claim costs; costs below 0 give back what an undone claim had committed."""
    if costs:
        row = {"campaign": campaign, "amount": sum(costs), "sends": len(costs), "at": at.astimezone(UTC)}
        connection.execute(insert(spend).values(row))


def spent(connection: Connection, campaign: str) -> float:
    """Money committed so far."""
    chosen = select(func.coalesce(func.sum(spend.c.amount), 0.0)).where(spend.c.campaign == campaign)
    return max(0.0, connection.execute(chosen).scalar_one())
