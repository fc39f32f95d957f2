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
HOUSE = load_packs([], Path("nowhere"))
OCCASION = Occasion(
    uses=frozenset({Use.LEARN, Use.EVALUATE}),
    purpose=Purpose.PUBLIC_HEALTH,
    campaign="vouchers",
    jurisdiction=Jurisdiction("MW", NOW.date()),
    at=NOW,
)
GRANTED = {"adult": True, "age": 30, "basis": "consent", "consent": True, "purpose_permitted": True}
COLUMNS = {Type.BOOLEAN: pa.bool_(), Type.INTEGER: pa.int64(), Type.TEXT: pa.string()}
SCHEMA = pa.schema([("person", pa.int64()), *((name, COLUMNS[kind]) for name, kind in PERSON_FACTS.items())])

MakeGate = Callable[..., Gate]
MakeFacts = Callable[..., pa.Table]
MakeRule = Callable[..., dict[str, Any]]
MakePack = Callable[..., Pack]


def gate(packs: Sequence[Pack] = HOUSE, **occasion: Any) -> Gate:
    """The house rules at noon in Malawi, for learning about public health, but for what is given."""
    place = OCCASION.jurisdiction
    place = replace(place, territory=occasion.pop("territory", place.territory))
    place = replace(place, on=occasion.pop("on", place.on))
    return Gate(tuple(packs), replace(OCCASION, jurisdiction=place, **occasion))


def facts(*rows: dict[str, Any]) -> pa.Table:
    """One person a row, numbered from 1; what a row does not say is unknown."""
    numbered = ({"person": number} | row for number, row in enumerate(rows, 1))
    return pa.Table.from_pylist([dict.fromkeys(SCHEMA.names) | row for row in numbered], SCHEMA)


def rule(require: str = "adult", **given: Any) -> dict[str, Any]:
    """A rule about persons, as a pack file has it."""
    cases = [{"facts": {"adult": True}, "allowed": True}, {"facts": {}, "allowed": False}]
    about = {"id": "own.rule", "subject": "person", "message": "Why.", "cite": "Where."}
    return about | {"valid_from": date(2020, 1, 1), "require": require, "case": cases} | given


def pack(*rules: dict[str, Any]) -> Pack:
    """A pack, not yet checked."""
    return Pack.model_validate({"id": "own", "title": "Our own", "status": "draft", "rule": list(rules)})


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
