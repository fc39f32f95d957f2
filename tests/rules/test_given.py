"""Facts of another type are refused by both evaluators, and never judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suasion.errors import RefusedError
from suasion.expressions import Type
from suasion.rules import PERSON_FACTS, Basis
from suasion.rules.facts import FACTS

Make = Callable[..., Any]


class Word(StrEnum):
    """A text that is not quite one."""

    YES = "consent"


VALUES: dict[Type, list[Any]] = {
    Type.BOOLEAN: [True, False],
    Type.INTEGER: [0, -(2**63), 2**63 - 1],
    Type.NUMBER: [0.5, 1],
    Type.TEXT: ["", "consent"],
    Type.DATE: [date(2026, 1, 1)],
}
STRANGE = [b"", [], {}, object(), 2**63, Word.YES, Basis.CONSENT, np.True_, np.int64(3), datetime(2026, 1, 1)]


@pytest.mark.parametrize("subject", FACTS)
def test_one_fact_of_another_type_is_refused_whatever_the_others_are(gate: Make, subject: str):
    asked = gate()
    for name, kind in FACTS[subject].items():
        fits = [value for right, values in VALUES.items() for value in values if right is kind]
        fits += VALUES[Type.INTEGER][:1] if kind is Type.NUMBER else []
        other = [value for right, values in VALUES.items() for value in values if right is not kind]
        wrong = [value for value in other if type(value) not in {type(one) for one in fits}]
        for value in [*wrong, *STRANGE]:
            if type(value) is int and kind is Type.NUMBER:
                continue  # it is refused as beyond 64 bits, below
            with pytest.raises(RefusedError, match=name):
                asked.judge_one(subject, {name: value})
        for value in [*fits, None]:
            asked.judge_one(subject, {name: value})


def test_a_yes_that_is_a_number_is_no_yes(gate: Make):
    with pytest.raises(RefusedError, match="Python's type int, where the catalogue says boolean"):
        gate().judge_one("person", {"adult": 1, "basis": "consent", "purpose_permitted": True})


def test_a_fact_that_nobody_declared_is_refused(gate: Make, facts: Make, granted: dict[str, Any]):
    with pytest.raises(RefusedError, match="'adlut'"):
        gate().judge_one("person", granted | {"adlut": True})
    with pytest.raises(RefusedError, match="'adlut'"):
        gate().judge(facts(granted).append_column("adlut", pa.array([True])), "v")


COLUMNS: dict[Type, list[pa.Array]] = {
    Type.BOOLEAN: [pa.array([True])],
    Type.INTEGER: [pa.array([30], kind) for kind in (pa.int8(), pa.int32(), pa.int64(), pa.uint64())],
    Type.TEXT: [
        pa.array(["consent"]),
        pa.array(["consent"], pa.large_string()),
        pa.array(["consent"]).dictionary_encode(),
    ],
}
NO_FACT = [
    *(pa.array([30.0]), pa.array([True]), pa.array(["true"]), pa.array([1]), pa.array([b"consent"])),
    *(
        pa.array([["consent"]]),
        pa.array([date(2026, 1, 1)]),
        pa.array(["30"]),
        pa.array([1]).dictionary_encode(),
    ),
]


@pytest.mark.parametrize("name", PERSON_FACTS)
def test_a_column_of_another_type_is_refused(gate: Make, facts: Make, granted: dict[str, Any], name: str):
    table, kind = facts(granted), PERSON_FACTS[name]
    place = table.column_names.index(name)
    fits = {column.type for column in COLUMNS[kind]}
    for column in NO_FACT:
        if column.type not in fits:
            with pytest.raises(RefusedError, match=f"fact '{name}' of a person"):
                gate().judge(table.set_column(place, name, column), "v")
    for column in [*COLUMNS[kind], pa.nulls(1)]:
        gate().judge(table.set_column(place, name, column), "v")


def test_a_number_beyond_64_bits_is_refused(gate: Make, facts: Make, granted: dict[str, Any]):
    table = facts(granted)
    huge = pa.array([2**64 - 1], pa.uint64())
    with pytest.raises(RefusedError, match="64 bits"):
        gate().judge(table.set_column(table.column_names.index("age"), "age", huge), "v")


@pytest.mark.parametrize("name", ["adult", "place"])
def test_a_fact_told_twice_is_refused(gate: Make, facts: Make, granted: dict[str, Any], name: str):
    table = facts(granted | {"place": "DE"})
    with pytest.raises(RefusedError, match="two columns"):
        gate().judge(table.append_column(name, table[name]), "v")


@pytest.mark.parametrize("name", ["age", "auc", "radius_km"])
@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_a_whole_number_that_no_database_holds_is_refused(gate: Make, name: str, value: int):
    (subject,) = [subject for subject, facts in FACTS.items() if name in facts]
    with pytest.raises(RefusedError, match="beyond 64 bits"):
        gate().judge_one(subject, {name: value})


def test_a_fact_without_a_column_is_as_unknown_as_nulls(gate: Make, facts: Make, granted: dict[str, Any]):
    table = facts(granted, granted | {"age": 3})
    told = table.select(["person", *granted])
    for fewer in (told, table.drop_columns(["hour", "member"])):
        assert gate().judge(fewer, "v").drops == gate().judge(table, "v").drops
    assert gate().judge(told.drop_columns(["basis"]), "v").clearance.persons.size == 0


def test_a_refusal_says_the_type_and_not_the_value(gate: Make):
    with pytest.raises(RefusedError) as refused:
        gate().judge_one("person", {"basis": 4711})
    assert "4711" not in str(refused.value)
