"""A ledger with campaigns that may send: planned, approved and on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Engine, event, text

from suasion.ledger import Ledger, draws, log, running, sends
from suasion.rules import Channel, Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMAIL, HEALTH = Channel.EMAIL, Purpose.PUBLIC_HEALTH
FACTS, KEY = ("known_from",), b"k" * 32
PACKS = load_packs((), Path("none"))


YES = ("adult", "purpose_permitted", "consent", "consent_separate", "consent_written", "consent_confirmed")
NO = ("objected", "restricted", "sale_opted_out", "do_not_call", "patient", "election_filing")
WILLING = {
    **dict.fromkeys((*YES, "noticed", "opt_out_offered", "collected_from_person"), True),
    **dict.fromkeys(NO, False),
    "age": 40,
    "basis": "consent",
    "place": "DE",
    "consent_days": 1,
    "hour": 12,
    "contacts_today": 0,
}
"""Facts of somebody to whom every rule lets us write."""
NO_PATIENCE = {"sqlite": "PRAGMA busy_timeout=0", "postgresql": "SET lock_timeout='1ms'"}


def make_impatient(engine: Engine) -> None:
    """Do not wait for the write lock."""

    def say(connection: Any, _record: object) -> None:
        connection.cursor().execute(NO_PATIENCE[engine.dialect.name])
        connection.commit()

    event.listen(engine, "connect", say)


class Book:
    """The ledger, and what is asked of it."""

    def __init__(self, folder: Path, where: Path | str | None = None, *, patient: bool = True) -> None:
        self.folder, self.where = folder, where or folder / "ledger.db"
        self.ledger = Ledger.open(self.where)
        if not patient:
            make_impatient(self.ledger.engine)

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
        facts = {"person": list(persons), **{name: [said] * len(persons) for name, said in WILLING.items()}}
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
        known = sends.Evidence.of(KEY, pa.table({"person": clearance.persons}))
        return sends.claim(self.ledger, terms, clearance, gate, FACTS, at, after, until, limit, known)

    def hand_over(
        self, terms: sends.Terms, claimed: Sequence[sends.Send], state: sends.State
    ) -> tuple[int, ...]:
        """Mark, hand over, and say what became of it; returns the sends that were free to go."""
        numbers = [one.id for one in claimed]
        sends.mark(self.ledger, numbers, [], NOW)
        with sends.handing_over(self.ledger, terms, numbers, NOW) as guard:
            guard.settled.extend((number, state, "") for number in guard.free)
        return guard.free

    def change(self, sql: str, **values: Any) -> None:
        with self.ledger.writing() as connection:
            connection.execute(text(sql), values)

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def states(self) -> list[str]:
        return [state for (state,) in self.rows("SELECT state FROM sends ORDER BY id")]

    def spent(self, campaign: str) -> float:
        return sends.progress(self.ledger, campaign).spent
