"""Python and SQL judge alike, and the house rules say what a plain function says."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.expressions import Type
from suasion.rules import PERSON_FACTS, Gate, Purpose, Use
from suasion.rules.pack import Pack

Make = Callable[..., Any]
Row = dict[str, Any]
VALUES: dict[str, list[Any]] = {
    "adult": [None, True, False],
    "age": [None, -1, 0, 17, 18, 19, 2**40],
    "basis": [
        None,
        "consent",
        "CONSENT",
        "",
        "public_task",
        "legitimate_interest",
        "research_replay",
        "'; --",
    ],
    "consent": [None, True, False],
    "purpose_permitted": [None, True, False],
}
EVERY_ROW = [dict(zip(VALUES, values, strict=True)) for values in product(*VALUES.values())]
LEARN, CONTACT = frozenset({Use.LEARN}), frozenset({Use.CONTACT})
OCCASIONS: dict[str, Row] = {
    "learning": {"uses": LEARN},
    "mail": {"uses": CONTACT, "channel": "email"},
    "post": {"uses": CONTACT, "channel": "post"},
    "political mail": {
        "uses": CONTACT,
        "channel": "email",
        "purpose": Purpose.POLITICAL,
        "territory": "FR",
    },
}


def _may(row: Row, occasion: Row) -> bool:
    """The house rules and those for politics in Europe, retold without their engine."""
    lawful = row["basis"] in ("consent", "public_task", "legitimate_interest", "research_replay")
    grown = row["age"] >= 18 if row["age"] is not None else row["adult"] is True
    if not (lawful and grown and row["purpose_permitted"] is True):
        return False
    if occasion["uses"] == LEARN:
        return True
    yes = row["consent"] is True or (occasion["channel"] == "post" and row["consent"] is None)
    political = occasion.get("purpose") is Purpose.POLITICAL
    return yes and row["basis"] != "research_replay" and (row["basis"] == "consent" or not political)


def _by_person(gate: Gate, rows: list[Row]) -> tuple[list[int], Counter[Any]]:
    """Permitted and dropped as the evaluator of one person says."""
    verdicts = [gate.judge_one("person", row) for row in rows]
    allowed = [person for person, verdict in enumerate(verdicts, 1) if verdict.allowed]
    return allowed, Counter(verdict.reasons[0] for verdict in verdicts if not verdict.allowed)


@pytest.mark.parametrize("name", OCCASIONS)
def test_packs_say_what_they_are_meant_to_say(
    gate: Make, facts: Make, political: tuple[Pack, ...], name: str
):
    asked = gate(political, **OCCASIONS[name])
    judged = asked.judge(facts(*EVERY_ROW), "v")
    expected = [person for person, row in enumerate(EVERY_ROW, 1) if _may(row, OCCASIONS[name])]
    assert judged.clearance.persons.tolist() == expected
    assert (expected, judged.drops) == _by_person(asked, EVERY_ROW)


def test_fifty_thousand_rows_are_judged_as_one_by_one(gate: Make, facts: Make, political: tuple[Pack, ...]):
    asked = gate(political, **OCCASIONS["political mail"])
    chance = random.Random(11)
    weights = [20 if _may(row, OCCASIONS["post"]) else 1 for row in EVERY_ROW]
    rows = chance.choices(EVERY_ROW, weights, k=50_000)
    judged = asked.judge(facts(*rows), "v")
    allowed, drops = _by_person(asked, rows)
    assert judged.clearance.persons.tolist() == allowed
    assert judged.drops == drops
    assert len(allowed) + sum(judged.drops.values()) == 50_000
    assert min(len(allowed), *drops.values()) > 0


ATOMS = [
    "adult",
    "consent",
    "purpose_permitted",
    "true",
    "false",
    "age >= 18",
    "age <> 17",
    "age BETWEEN 0 AND 18",
    "age IN (17, 19)",
    "age IS NULL",
    "basis = 'consent'",
    "basis NOT IN ('public_task', '''; --')",
    "basis LIKE 'con%'",
    "basis IS NOT NULL",
    "adult = consent",
    "adult IS NOT TRUE",
]
conditions = st.recursive(
    st.sampled_from(ATOMS),
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["AND", "OR"]), part).map(lambda p: f"({' '.join(p)})"),
        part.map(lambda text: f"NOT ({text})"),
        part.map(lambda text: f"({text}) IS NOT FALSE"),
    ),
    max_leaves=5,
)
scopes = st.fixed_dictionaries(
    {},
    optional={
        "uses": st.sampled_from([["learn"], ["contact"], ["contact", "evaluate"]]),
        "purposes": st.sampled_from([["civic"], ["public_health", "civic"]]),
        "territories": st.sampled_from([["MW"], ["DE", "FR"]]),
        "channels": st.sampled_from([["email"], ["sms", "post"]]),
        "valid_to": st.sampled_from([date(2025, 1, 1), date(2026, 11, 21)]),
    },
)
occasions = st.fixed_dictionaries(
    {
        "uses": st.sampled_from([LEARN, CONTACT, LEARN | CONTACT]),
        "purpose": st.sampled_from([Purpose.PUBLIC_HEALTH, Purpose.CIVIC]),
        "territory": st.sampled_from(["MW", "DE", "ZZ"]),
        "channel": st.sampled_from([None, "email", "post"]),
    }
)
written = st.lists(st.tuples(conditions, conditions | st.just("true"), scopes), min_size=1, max_size=5)
people = st.lists(
    st.fixed_dictionaries({n: st.sampled_from(values) for n, values in VALUES.items()}), max_size=30
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=written, rows=people, occasion=occasions)
def test_any_pack_says_the_same_in_python_and_in_sql(
    gate: Make,
    facts: Make,
    rule: Make,
    pack: Make,
    written: list[tuple[str, str, Row]],
    rows: list[Row],
    occasion: Row,
):
    rules = [
        rule(require, applies=applies, id=f"own.{i}", **scope)
        for i, (require, applies, scope) in enumerate(written)
    ]
    asked = gate([pack(*rules)], **occasion)
    judged = asked.judge(facts(*rows), "v")
    assert (judged.clearance.persons.tolist(), judged.drops) == _by_person(asked, rows)


PLACES = [
    *("DE", "FR", "IS", "GB", "US", "US-CA", "US-WA", "US-NY", "CA", "MW", "ZZ", "PR", "RE", None, "UK", ""),
    *("CA|US", "DE|US-CA", "DE|GB", "US-CA|US-WA", "GB|MW", "DE|ZZ", "us-ca"),
]
GOOD: Row = {
    **dict.fromkeys((name for name, kind in PERSON_FACTS.items() if kind is Type.BOOLEAN), True),
    **dict.fromkeys(("objected", "restricted", "sale_opted_out", "do_not_call", "election_filing"), False),
    **dict.fromkeys((name for name, kind in PERSON_FACTS.items() if kind is Type.INTEGER), 0),
    "age": 40,
    "hour": 12,
    "basis": "consent",
    "patient": False,
}
ALL_OCCASIONS: list[Row] = [
    {"uses": uses, "purpose": purpose, "channel": channel}
    for purpose in Purpose
    for uses, channel in [(LEARN, None), (CONTACT, "email"), (CONTACT, "sms"), (CONTACT | LEARN, None)]
]


def _edges(packs: tuple[Pack, ...]) -> dict[str, list[Any]]:
    """Unknown, and around each number and text that any rule compares with."""
    rules = [rule for pack in packs for rule in pack.rule if rule.subject == "person"]
    texts = " ".join(f"{rule.applies} {rule.require}" for rule in rules)
    numbers = {int(found) + by for found in re.findall(r"\b\d+\b", texts) for by in (-1, 0, 1)}
    of = {
        Type.BOOLEAN: [None, True, False],
        Type.INTEGER: [None, -(2**63), 2**63 - 1, -1, *sorted(numbers)],
        Type.TEXT: [None, "", "CONSENT", *sorted(set(re.findall(r"'([^']*)'", texts)))],
    }
    return {name: of[kind] for name, kind in PERSON_FACTS.items()}


def _random_rows(chance: random.Random, edges: dict[str, list[Any]], count: int) -> Iterator[Row]:
    """People who are mostly as they should be, with any number of facts at random, somewhere."""
    names = list(PERSON_FACTS)
    for _ in range(count):
        wild = chance.sample(names, chance.choice([0, 1, 3, 10, len(names)]))
        yield GOOD | {n: chance.choice(edges[n]) for n in wild} | {"place": chance.choice(PLACES)}


def _agree(gate: Make, facts: Make, packs: tuple[Pack, ...], count: int, seed: int) -> None:
    chance, edges = random.Random(seed), _edges(packs)
    refused, permitted = Counter[str](), 0
    for occasion in ALL_OCCASIONS:
        asked = gate(packs, territory="FR", **occasion)
        rows = list(_random_rows(chance, edges, count // len(ALL_OCCASIONS) + 1))
        judged = asked.judge(facts(*rows), "v")
        verdicts = [
            asked.judge_one("person", {name: row[name] for name in PERSON_FACTS}, row["place"])
            for row in rows
        ]
        allowed = [person for person, verdict in enumerate(verdicts, 1) if verdict.allowed]
        assert judged.clearance.persons.tolist() == allowed
        assert judged.drops == Counter(verdict.reasons[0] for verdict in verdicts if not verdict.allowed)
        permitted += len(allowed)
        refused.update(reason.rule for verdict in verdicts for reason in verdict.reasons)
    assert permitted > count / 20
    unheard = {rule.id for pack in packs for rule in pack.rule if rule.subject == "person"} - set(refused)
    assert not unheard, f"rules that refused nobody: {unheard}"


def test_twenty_thousand_fact_sets_are_judged_alike_by_all_shipped_packs(
    gate: Make, facts: Make, shipped: tuple[Pack, ...]
):
    _agree(gate, facts, shipped, 20_000, 3)


@pytest.mark.slow
def test_a_million_fact_sets_are_judged_alike_by_all_shipped_packs(
    gate: Make, facts: Make, shipped: tuple[Pack, ...]
):
    _agree(gate, facts, shipped, 1_000_000, 4)
