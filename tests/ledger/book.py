"""A ledger with campaigns that may send: planned, approved and on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import event, text

from suasion.ledger import Ledger, draws, log, running, sends
from suasion.rules import Channel, Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMAIL, HEALTH = Channel.EMAIL, Purpose.PUBLIC_HEALTH
FACTS = ("known_from",)
PACKS = load_packs((), Path("none"))


def no_patience(connection: Any, _record: object) -> None:
    """Do not wait for the write lock."""
    connection.execute("PRAGMA busy_timeout=0").close()


class Book:
    """The ledger, and what is asked of it."""

    def __init__(self, folder: Path, *, patient: bool = True) -> None:
        self.folder, self.ledger = folder, Ledger.open(folder / "ledger.db")
        if not patient:
            event.listen(self.ledger.engine, "connect", no_patience)

    def plan(
        self,
        campaign: str,
        costs: dict[int, float],
        *,
        ready: bool = True,
        addresses: dict[int, bytes] | None = None,
    ) -> None:
        """Plan a send to each of these persons; may they be sent at once?"""
        at = addresses or {}
        persons = np.array(list(costs), np.int64)
        with running(self.ledger, self.folder / "lake", "plan", NOW) as run:
            drawn = (campaign, campaign, "terms", persons, ["call"] * len(costs), np.full(len(costs), 0.5))
            run.writes.append(draws.record_draws(*drawn, keyed=True))
        rows = [
            (person, "call", cost, at.get(person, f"address {person}".encode()))
            for person, cost in costs.items()
        ]
        assert sends.plan_sends(self.ledger, campaign, campaign, EMAIL, rows) == len(costs)
        if ready:
            sends.approve(self.ledger, campaign, "content", "Ada", "read it", NOW)
            self.put_on_record(campaign)

    def put_on_record(self, campaign: str, content: str = "content") -> None:
        with self.ledger.writing() as connection:
            log.append(connection, "campaign", campaign, {"content": content}, NOW)

    def terms(self, campaign: str, budget: float = 1e6, **others: Any) -> sends.Terms:
        end = NOW + timedelta(days=30)
        return sends.Terms(campaign, HEALTH, EMAIL, "content", budget, end, **others)

    def gate(self, campaign: str, at: datetime = NOW, **others: Any) -> Gate:
        asked = {"uses": frozenset({Use.CONTACT}), "purpose": HEALTH, "channel": EMAIL} | others
        there = Jurisdiction("DE", at.date())
        return Gate(PACKS, Occasion(campaign=campaign, jurisdiction=there, at=at, **asked))

    def clear(self, campaign: str, persons: Sequence[int], at: datetime = NOW, **others: Any) -> Clearance:
        n = len(persons)
        known = {"adult": [True] * n, "age": [40] * n, "basis": ["consent"] * n}
        facts = {"person": list(persons), **known, "consent": [True] * n, "purpose_permitted": [True] * n}
        return self.gate(campaign, at, **others).judge(pa.table(facts), "known_from@0").clearance

    def claim(
        self,
        terms: sends.Terms,
        clearance: Clearance,
        at: datetime = NOW,
        after: int = 0,
        until: int = 2**62,
        limit: int = 100,
    ) -> sends.Claimed:
        gate = self.gate(terms.campaign, at)
        return sends.claim(self.ledger, terms, clearance, gate, FACTS, at, after, until, limit)

    def hand_over(
        self, terms: sends.Terms, claimed: Sequence[sends.Send], state: sends.State
    ) -> tuple[int, ...]:
        """Mark, hand over, and say what became of it; returns the sends that were free to go."""
        numbers = [one.id for one in claimed]
        sends.mark(self.ledger, numbers, [], NOW)
        with sends.handing_over(self.ledger, terms, numbers, NOW) as guard:
            guard.settled.extend((number, state, "") for number in guard.free)
        return guard.free

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def states(self) -> list[str]:
        return [state for (state,) in self.rows("SELECT state FROM sends ORDER BY id")]

    def spent(self, campaign: str) -> float:
        return sends.progress(self.ledger, campaign).spent
