"""A campaign with all that its record is written from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from suasion.allocation import Options, Plan, plan
from suasion.disclosure import Entry, content_digest, counts, entry_of
from suasion.ingest import Source
from suasion.ledger import Campaign, Ledger, draws, log, running, sends
from suasion.messages import Message
from suasion.profiles import Trait
from suasion.rules import Channel, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs
from suasion.scores import Findings
from suasion.segments import Segment, segment_from

KEY = b"k" * 32
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST = 711_000_001
PEOPLE = 4000
PERSONS = tuple(range(FIRST, FIRST + 4))
TRAITS: dict[str, dict[str, str]] = {
    "first_name": {"type": "text", "category": "name", "label": "First name"},
    "age": {"type": "integer", "category": "age", "label": "Age, years", "fact": "age"},
    "visits": {"type": "integer", "category": "behavior", "label": "Past visits"},
    "district": {"type": "text", "category": "place", "label": "District"},
}


def _declared() -> dict[str, Any]:
    return {
        "name": "checkup",
        "sponsor": "Town Health Office",
        "purpose": "public_health",
        "source": "pilot",
        "segment": "adults",
        "control": "none",
        "outcome": "came",
        "features": ("visits", "age"),
        "budget": 100.0,
        "holdout": 0.1,
        "exploration": 0.02,
        "treatments": {
            "reminder": {"message": "due", "cost": 0.05},
            "invitation": {"message": "visit", "variant": "warm", "price": 2.0, "price_if": "came"},
        },
        "delivery": {
            "channel": "email",
            "sender": "Town Health Office <health@town.example>",
            "imprint": "Town Health Office, Market Square 1, 12345 Town",
            "not_after": "2027-01-31T20:00:00+01:00",
            "hours": ("08:00", "20:00"),
        },
    }


def _messages() -> dict[str, dict[str, Any]]:
    due = {
        "subject": "Your check-up is due",
        "text": "Dear {{ first_name }}, it is time.",
        "html": "<p>It is.</p>",
    }
    visit = {"subject": "A place is kept", "text": "Come{% if age > 64 %} by bus{% endif %}."}
    return {
        "due": {"variants": {"plain": due}, "fallbacks": {"first_name": "neighbor", "district": "town"}},
        "visit": {"variants": {"warm": visit, "cold": {"text": "Come."}}},
    }


@dataclass
class Declared:
    """What is declared, to be changed before it is read."""

    folder: Path
    campaign: dict[str, Any] = field(default_factory=_declared)
    messages: dict[str, dict[str, Any]] = field(default_factory=_messages)
    label: str = "Adults of the town"
    where: str = "age >= 18 AND district IS NOT NULL"
    findings: Findings | None = None
    public_url: str = "https://town.example"
    part: str = "house"
    people: int = PEOPLE

    @property
    def gate(self) -> Gate:
        occasion = Occasion(
            frozenset({Use.CONTACT}),
            Purpose.PUBLIC_HEALTH,
            "checkup",
            Jurisdiction("DE", NOW.date()),
            NOW,
            Channel.EMAIL,
        )
        return Gate(load_packs((), self.folder), occasion)

    @property
    def catalogue(self) -> dict[str, Trait]:
        return {name: Trait.model_validate(said) for name, said in TRAITS.items()}

    def read_campaign(self) -> Campaign:
        return Campaign.model_validate(self.campaign)

    def read_segment(self) -> Segment:
        path = self.folder / f"{self.campaign['segment']}.toml"
        path.write_text(f"label = '''{self.label}'''\nwhere = '''{self.where}'''", "utf-8")
        return segment_from(path, self.catalogue, self.gate)

    def read_messages(self) -> dict[str, Message]:
        return {name: Message.model_validate({"name": name, **said}) for name, said in self.messages.items()}

    def digest(self) -> str:
        return content_digest(
            self.read_campaign(), self.read_segment(), self.read_messages(), self.public_url
        )

    def counted(self, part: str | None = None) -> counts.Planned:
        campaign, segment = self.read_campaign(), self.read_segment()
        ledger = Ledger.open(self.folder / "counts.db")
        named = (part or self.part, ("DE",))
        return counts.planned(ledger, campaign, segment, *named, made_plan(self.people), self.people, NOW)

    def entry(self, approved: tuple[str, datetime] | None = None) -> Entry:
        return entry_of(
            self.read_campaign(),
            self.read_segment(),
            self.read_messages(),
            self.catalogue,
            _sources(),
            self.counted(),
            self.findings,
            self.gate,
            "EUR",
            self.public_url,
            approved,
        )


def _sources() -> list[Source]:
    shared: dict[str, Any] = {
        "file": "x.csv",
        "purposes": ("public_health",),
        "observed_on": date(2026, 1, 1),
        "territory": "DE",
        "identifiers": {"id": "id"},
    }
    pilot = {"name": "pilot", "licence": "our own", "basis": "research_replay", "traits": {"age": "a"}}
    register = {"name": "register", "licence": "Town act, 4", "basis": "public_task"}
    traits = {"age": "age", "district": "d", "first_name": "n", "visits": "v"}
    return [
        Source.model_validate({**shared, **pilot}),
        Source.model_validate({**shared, **register, "traits": traits}),
    ]


@cache
def made_plan(people: int = PEOPLE) -> Plan:
    """Reminders for half of the people, invitations for a quarter, nothing for the last quarter."""
    effects = np.array([[0.2, 0.1], [0.2, 0.1], [0.1, 0.2], [-0.1, -0.1]])[np.arange(people) % 4]
    free, names = np.zeros((people, 2)), ("reminder", "invitation")
    persons = FIRST + np.arange(people)
    options = Options(persons, "none", names, effects, free, np.array([True, True]))
    return plan(options, budget=100.0, holdout=0.1, exploration=0.0)


@pytest.fixture
def declared(tmp_path: Path) -> Declared:
    return Declared(tmp_path)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db")


@pytest.fixture
def claim(ledger: Ledger, tmp_path: Path) -> Callable[[str, datetime], None]:
    """Plan two sends of a campaign and claim the first at a time, behind the back of all checks.

    It has a receipt if the campaign has a record.
    """

    def claimed(campaign: str, at: datetime) -> None:
        with running(ledger, tmp_path / "lake", "test", NOW) as run:
            people, chances = np.array(PERSONS[:2]), np.full(2, 0.5)
            run.writes.append(
                draws.record_draws(campaign, campaign, "t", people, ["a"] * 2, chances, keyed=True)
            )
        rows = [(person, "a", 0.1, bytes(16)) for person in PERSONS[:2]]
        sends.plan_sends(ledger, campaign, campaign, Channel.EMAIL, rows)
        with ledger.writing() as connection:
            first = text(
                "UPDATE sends SET state = 'handed_over', at = :at WHERE campaign = :c AND person = :p"
            )
            connection.execute(first, {"at": at.timestamp(), "c": campaign, "p": PERSONS[0]})
            record = log.newest(connection, "campaign", campaign)
            if record is not None:
                held = (Purpose.PUBLIC_HEALTH, Channel.EMAIL, record.content["content"], 1e6, NOW)
                number = text("SELECT id FROM sends WHERE campaign = :c AND person = :p")
                found = connection.execute(number, {"c": campaign, "p": PERSONS[0]}).scalar_one()
                one = sends.Send(found, PERSONS[0], "a", 0.1, bytes(16))
                known = sends.Evidence.of(KEY, pa.table({"person": PERSONS}))
                sends.receipt.issue(connection, sends.Terms(campaign, *held), "rules", known, [one], at)

    return claimed
