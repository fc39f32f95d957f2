"""Traits that are computed from events are what a loop over all events says, whatever came when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import WorkspaceError
from suasion.ledger import Ledger, Tables, reading, running
from suasion.profiles import Trait, assemble_facts, catalogue_from, computed, inferred_tables, traits_of
from suasion.profiles.events import EVENTS, STREAMS, VISITORS, events
from suasion.rules import Category, Jurisdiction, Occasion, Purpose, Use

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOW.date()


def trait(of: str, type: str = "integer", **how: Any) -> Trait:
    return Trait.model_validate(
        {"type": type, "category": "behavior", "label": "x", "computed": {"event": "Order", "of": of, **how}}
    )


CATALOGUE = {
    "orders": trait("count"),
    "orders_7": trait("count", days=7),
    "spent": trait("sum", "number", property="total"),
    "spent_3": trait("sum", "number", property="total", days=3),
    "first": trait("first", "text", property="item"),
    "last": trait("last", "text", property="item"),
    "last_5": trait("last", "text", property="item", days=5),
    "idle": trait("days_since"),
    "gift": trait("last", "boolean", property="extra.gift"),
    "boxes": trait("last", "integer", property="boxes"),
}


@dataclass(frozen=True)
class Done:
    """An event, as the oracle knows it."""

    person: int
    at: float
    id: str
    properties: dict[str, Any]
    name: str = "Order"
    type: str = "track"
    tracked: bool = True


def table(done: Sequence[Done]) -> pa.Table:
    rows = [
        {
            "person": one.person,
            "at": one.at,
            "type": one.type,
            "name": one.name,
            "message_id": one.id,
            "tracked": one.tracked,
            "payload": json.dumps(one.properties) if one.tracked else None,
        }
        for one in done
    ]
    return pa.Table.from_pylist(rows, EVENTS)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def oracle(done: Sequence[Done], person: int, now: datetime = NOW) -> dict[str, Any]:
    """What a loop over all events of a person says."""
    mine = [
        one
        for one in done
        if (one.person, one.name, one.type, one.tracked) == (person, "Order", "track", True)
    ]
    mine.sort(key=lambda one: (one.at, one.id))

    def ago(one: Done) -> int:
        return (now.astimezone(UTC).date() - datetime.fromtimestamp(one.at, UTC).date()).days

    past = [one for one in mine if ago(one) >= 0]
    totals = [(ago(one), one.properties["total"]) for one in past if number(one.properties.get("total"))]
    items = [
        (ago(one), one.properties["item"]) for one in past if isinstance(one.properties.get("item"), str)
    ]
    gifts = [g for one in past if isinstance(g := one.properties.get("extra", {}).get("gift"), bool)]
    boxes = [int(b) for one in past if number(b := one.properties.get("boxes")) and b == int(b)]
    return {
        "orders": len(past),
        "orders_7": sum(ago(one) < 7 for one in past),
        "spent": sum(total for _, total in totals),
        "spent_3": sum(total for days, total in totals if days < 3),
        "first": items[0][1] if items else None,
        "last": items[-1][1] if items else None,
        "last_5": [None, *(item for days, item in items if days < 5)][-1],
        "idle": min(map(ago, past)) if past else None,
        "gift": gifts[-1] if gifts else None,
        "boxes": boxes[-1] if boxes else None,
    }


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "total": st.one_of(st.integers(-50, 50), st.sampled_from([0.5, 1.25, "12", True, None])),
        "item": st.sampled_from(["a", "b", "", "ü\u2028", 5, None, "true"]),
        "extra": st.fixed_dictionaries({"gift": st.sampled_from([True, False, "yes"])}),
        "boxes": st.sampled_from([1, 2.0, 2.5, -3, "4", True]),
    },
)
DONE = st.lists(
    st.builds(
        Done,
        person=st.integers(1, 3),
        at=st.floats(-12, 1).map(lambda days: round(NOW.timestamp() + days * 86_400)),
        id=st.uuids().map(str),
        properties=PROPERTIES,
        name=st.sampled_from(["Order", "Order", "Seen"]),
        type=st.sampled_from(["track", "track", "page"]),
        tracked=st.sampled_from([True, True, True, False]),
    ),
    max_size=30,
    unique_by=lambda one: one.id,
)


def published(
    folder: Path, parts: Sequence[pa.Table], persons: Sequence[int] = (1, 2, 3), **more: pa.Table
) -> Tables:
    """Tables as a turn publishes them."""
    ledger = Ledger.open(folder / "ledger.db")
    streams = [{"source": "#site", "basis": "contract", "purposes": ["commercial"], "territory": "DE"}]
    visitors = [
        {"person": one, "source": "#site", "kind": "member", "link": f"R{one}", "since": None}
        for one in persons
    ]
    with running(ledger, folder / "lake", "stream", NOW) as run:
        run.write("streams", pa.Table.from_pylist(streams, STREAMS))
        run.write("visitors", pa.Table.from_pylist(visitors, VISITORS))
        for n, part in enumerate(parts, 1):
            run.write(f"computed.{n}", part)
        for name, one in more.items():
            run.write(name, one)
    return reading(ledger, folder / "lake")


def told(
    tables: Tables, now: datetime = NOW, purpose: Purpose = Purpose.COMMERCIAL
) -> dict[int, dict[str, Any]]:
    found = computed.values(tables, CATALOGUE, purpose, now).to_pylist()
    return {row.pop("person"): row for row in found}


@settings(max_examples=12, deadline=None)
@given(DONE, st.randoms(), st.integers(1, 4))
def test_neither_order_nor_cut_nor_joining_changes_what_traits_are(tmp_path_factory, done, chance, cuts):
    mixed = [*done]
    chance.shuffle(mixed)
    parts = [computed.days_of(table(mixed[n::cuts]), "#site", CATALOGUE) for n in range(cuts)]
    if chance.random() < 0.5:
        parts = [computed.added(pa.concat_tables(parts))]
    tables = published(tmp_path_factory.mktemp("lake"), parts)
    for now in (NOW, NOW + timedelta(days=3)):
        assert told(tables, now) == {person: pytest.approx(oracle(done, person, now)) for person in (1, 2, 3)}


def test_whoever_did_nothing_has_counts_of_zero_and_no_other_value(tmp_path):
    assert told(published(tmp_path, [])) == {person: oracle([], person) for person in (1, 2, 3)}
    assert oracle([], 1)["orders"] == 0


def test_a_purpose_that_the_stream_does_not_permit_gets_nothing(tmp_path):
    days = computed.days_of(table([Done(1, NOW.timestamp(), "m", {"total": 2})]), "#site", CATALOGUE)
    assert told(published(tmp_path, [days]), purpose=Purpose.PUBLIC_HEALTH) == {}


def test_what_cannot_be_read_adds_nothing():
    awkward = [
        *({"total": value} for value in (float("1e308"), -5)),
        {"boxes": 10**400},
        {"boxes": 2**63},
        {"extra": [1, 2]},
        {"extra": {"gift": {"gift": True}}},
    ]
    done = [Done(1, NOW.timestamp() + n, str(n), one) for n, one in enumerate(awkward)]
    days = computed.days_of(table(done), "#site", CATALOGUE).to_pylist()
    assert {row["trait"].partition("#")[0] for row in days} == {
        "orders",
        "orders_7",
        "spent",
        "spent_3",
        "idle",
    }


def test_a_trait_that_takes_something_else_has_another_name_and_more_days_have_not():
    name = computed.named("x", trait("count"))
    assert name == computed.named("x", trait("count", days=3)) == computed.named("x", trait("days_since"))
    others = (
        trait("sum", "number", property="total"),
        trait("last", "text", property="total"),
        trait("last", "number", property="total"),
    )
    assert len({name, *(computed.named("x", other) for other in others)}) == 4


def occasion(purpose: Purpose = Purpose.COMMERCIAL) -> Occasion:
    there = Jurisdiction("DE", date(2026, 11, 21))
    return Occasion(frozenset({Use.CONTACT}), purpose, "a test", there, NOW)


OBSERVED = {"age": Trait(type="integer", category=Category.AGE, label="Age")}  # pyright: ignore[reportArgumentType]


def test_computed_traits_stand_among_the_others_and_persons_of_streams_among_persons(tmp_path):
    days = computed.days_of(table([Done(2, NOW.timestamp(), "m", {"total": 2})]), "#site", CATALOGUE)
    traits = pa.table({"person": [1, 4], "age": [30, 40]})
    tables = published(tmp_path, [days], (1, 2), traits=traits)
    found = {
        row["person"]: row for row in traits_of(tables, {**OBSERVED, **CATALOGUE}, occasion()).to_pylist()
    }
    assert [found[person]["age"] for person in (1, 2, 4)] == [30, None, 40]
    assert [found[person]["orders"] for person in (1, 2, 4)] == [0, 1, None]
    assert list(found) == [1, 2, 4]


def test_no_scores_depend_on_tables_of_computed_traits():
    assert inferred_tables(CATALOGUE, CATALOGUE) == ()


def test_a_stream_permits_and_places_a_person_as_a_source_does(publish, make_source, catalogue):
    tables: Tables = publish((make_source("a", purposes=["commercial", "public_health"]), "id\n1\n2\n"))
    sources = (make_source("a", purposes=["commercial", "public_health"]),)
    ledger = Ledger.open(tables.lake.parent / "ledger.db")
    streams = [{"source": "#site", "basis": "consent", "purposes": ["commercial"], "territory": "FR"}]
    visitors = [{"person": p, "source": "#site", "kind": "k", "link": str(p), "since": None} for p in (2, 9)]
    with running(ledger, tables.lake, "stream", NOW) as run:
        run.write("streams", pa.Table.from_pylist(streams, STREAMS))
        run.write("visitors", pa.Table.from_pylist(visitors, VISITORS))
    now = reading(ledger, tables.lake)
    for purpose, permitted in (
        (Purpose.COMMERCIAL, [True] * 3),
        (Purpose.PUBLIC_HEALTH, [True, False, False]),
    ):
        facts = assemble_facts(now, sources, catalogue, occasion(purpose)).to_pylist()
        assert [row["person"] for row in facts] == [1, 2, 9]
        assert [row["purpose_permitted"] for row in facts] == permitted
        assert [row["place"] for row in facts] == ["DE", "DE|FR", "FR"]
        assert facts[2]["basis"] == "consent"
        assert facts[2]["adult"] is None
        assert facts[2]["consent"] is None


def test_events_of_all_parts_are_read_together(tmp_path):
    done = [Done(1, 5.0, "a", {}), Done(2, 6.0, "b", {})]
    tables = published(tmp_path, [], **{"events.site.1": table(done[:1]), "events.site.2": table(done[1:])})
    assert events(tables, "site", ["person", "message_id"]).to_pylist() == [
        {"person": 1, "message_id": "a"},
        {"person": 2, "message_id": "b"},
    ]
    assert events(tables, "sit").num_rows == 0


HEAD = '[traits.x]\ntype = "{type}"\ncategory = "behavior"\nlabel = "X"\n{more}\n'


@pytest.mark.parametrize(
    ("type", "more"),
    [
        ("integer", 'computed = { event = "E", of = "sum", property = "p" }'),
        ("number", 'computed = { event = "E", of = "count" }'),
        ("integer", 'computed = { event = "E", of = "count", property = "p" }'),
        ("text", 'computed = { event = "E", of = "last" }'),
        ("date", 'computed = { event = "E", of = "last", property = "p" }'),
        ("integer", 'computed = { event = "", of = "count" }'),
        ("integer", 'computed = { event = "E", of = "count", days = 0 }'),
        ("integer", 'computed = { event = "E", of = "median" }'),
        ("integer", 'provenance = "computed"'),
        ("integer", 'provenance = "observed"\ncomputed = { event = "E", of = "count" }'),
        ("integer", 'fact = "age"\ncomputed = { event = "E", of = "count" }'),
    ],
)
def test_what_cannot_be_computed_is_an_error(tmp_path: Path, type: str, more: str):
    (tmp_path / "x.toml").write_text(HEAD.format(type=type, more=more), "utf-8")
    with pytest.raises(WorkspaceError):
        catalogue_from(tmp_path)


def test_a_trait_says_that_it_is_computed(tmp_path: Path):
    text = HEAD.format(type="integer", more='computed = { event = "E", of = "count", days = 30 }')
    (tmp_path / "x.toml").write_text(text, "utf-8")
    assert catalogue_from(tmp_path)["x"].provenance == "computed"
