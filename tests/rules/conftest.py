"""Occasions, facts and packs in one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from suasion.expressions import Type
from suasion.rules import (
    PERSON_FACTS,
    Gate,
    Jurisdiction,
    Occasion,
    Purpose,
    Use,
    load_packs,
)
from suasion.rules.pack import Pack

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CORE = {
    *("basis", "purpose", "adult", "voting_age", "replay", "consent", "refusal"),
    *("special_category", "name", "lookalike", "vulnerability", "protected", "health_outcome"),
    *("special_outcome", "third_persons", "demobilize", "proxy", "proxy_special", "proxy_protected"),
}
SHIPPED = load_packs([], Path("nowhere"))
_house = SHIPPED[0]
HOUSE = (_house.model_copy(update={"rule": tuple(r for r in _house.rule if r.id.split(".")[1] in CORE)}),)
"""What the engine is tried on: those rules of the house that the tests retell."""
OCCASION = Occasion(
    uses=frozenset({Use.LEARN, Use.EVALUATE}),
    purpose=Purpose.PUBLIC_HEALTH,
    campaign="vouchers",
    jurisdiction=Jurisdiction("MW", NOW.date()),
    at=NOW,
)
GRANTED = {"adult": True, "age": 30, "basis": "consent", "consent": True, "purpose_permitted": True}
COLUMNS = {Type.BOOLEAN: pa.bool_(), Type.INTEGER: pa.int64(), Type.TEXT: pa.string()}
TYPED = [(name, COLUMNS[kind]) for name, kind in PERSON_FACTS.items()]
SCHEMA = pa.schema([("person", pa.int64()), ("place", pa.string()), *TYPED])

MakeGate = Callable[..., Gate]
MakeFacts = Callable[..., pa.Table]
MakeRule = Callable[..., dict[str, Any]]
MakePack = Callable[..., Pack]


def gate(packs: Sequence[Pack] = HOUSE, **occasion: Any) -> Gate:
    """The house rules at noon in Malawi, for learning about public health, but for what is given."""
    place = OCCASION.jurisdiction
    place = replace(place, territory=occasion.pop("territory", place.territory))
    place = replace(place, on=occasion.pop("on", place.on), known=occasion.pop("known", None))
    return Gate(tuple(packs), replace(OCCASION, jurisdiction=place, **occasion))


def facts(*rows: dict[str, Any]) -> pa.Table:
    """One person a row, numbered from 1; what a row does not say is unknown."""
    # `place` stays out where no row has one, as it may.
    schema = SCHEMA if any("place" in row for row in rows) else SCHEMA.remove(1)
    numbered = ({"person": number} | row for number, row in enumerate(rows, 1))
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in numbered], schema)


def rule(require: str = "adult", **given: Any) -> dict[str, Any]:
    """A rule about persons, as a pack file has it."""
    known = ({"adult": True}, {"adult": True, "age": 40}, {}, {"adult": False})
    cases = [{"facts": facts, "allowed": "adult" in facts and facts["adult"]} for facts in known]
    about = {"id": "own.rule", "subject": "person", "kind": "targeting", "message": "Why.", "cite": "Where."}
    return about | {"valid_from": date(2020, 1, 1), "require": require, "case": cases} | given


def pack(*rules: dict[str, Any]) -> Pack:
    """A pack, not yet checked."""
    return Pack.model_validate({"id": "own", "title": "Our own", "status": "draft", "rule": list(rules)})


@pytest.fixture(scope="session")
def shipped() -> tuple[Pack, ...]:
    """All packs that ship with suasion."""
    return SHIPPED


@pytest.fixture(scope="session")
def political(rule: MakeRule, pack: MakePack) -> tuple[Pack, ...]:
    """The house, and a pack for politics in the European Union: a consent as ground, and no proxies."""
    scope = {"purposes": ["political"], "territories": ["EU"], "valid_from": date(2025, 10, 10)}
    consent = rule("basis = 'consent' AND consent", uses=["contact"], channels=["email", "sms"], **scope)
    special = "category IN ('health', 'belief', 'politics', 'origin', 'union', 'sex_life', 'genetic')"
    proxy = rule("auc < 0.8", subject="proxy", applies=special, id="own.proxy", **scope)
    return (*HOUSE, pack(consent, proxy))


@pytest.fixture(scope="session", name="gate")
def _gate() -> MakeGate:
    """The function ``gate``."""
    return gate


@pytest.fixture(scope="session", name="facts")
def _facts() -> MakeFacts:
    """The function ``facts``."""
    return facts


@pytest.fixture(scope="session", name="rule")
def _rule() -> MakeRule:
    """The function ``rule``."""
    return rule


@pytest.fixture(scope="session", name="pack")
def _pack() -> MakePack:
    """The function ``pack``."""
    return pack


@pytest.fixture(scope="session")
def granted() -> dict[str, Any]:
    """The facts of a person whom nothing speaks against."""
    return dict(GRANTED)
