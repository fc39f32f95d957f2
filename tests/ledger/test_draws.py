"""A plan is drawn once, and what was drawn is kept to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from suasion.ledger import draws

PEOPLE = np.array([5, -(2**63), 2**63 - 1, 0])
TREATMENTS = ["none", "it's; --", "żółw", ""]
CHANCES = np.array([0.1, np.nextafter(0, 1), np.nextafter(1, 0), 1.0])


def _record(
    place: Any, digest: str, people: Any = PEOPLE, treatments: Any = TREATMENTS, chances: Any = CHANCES
):
    with place.running() as run:
        run.write("plans.x", pa.table({"person": people}))
        run.writes.append(draws.record_draws("x", digest, "terms", people, treatments, chances, keyed=True))


def _rows(place: Any, digest: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in draws.drawn(place.ledger, digest).to_pylist()]


def test_draws_come_back_exactly_in_the_order_of_persons(place: Any):
    _record(place, "d")
    expected = sorted(zip(PEOPLE.tolist(), TREATMENTS, CHANCES.tolist(), strict=True))
    assert _rows(place, "d") == expected


def test_a_hundred_thousand_draws_come_back_to_the_last_bit(place: Any):
    chance = np.random.default_rng(1)
    people, chances = chance.permutation(100_000), chance.random(100_000) ** 20
    treatments = chance.choice(["none", "mail", "call"], 100_000)
    _record(place, "d", people, treatments.tolist(), chances)
    found, order = draws.drawn(place.ledger, "d"), np.argsort(people)
    assert np.array_equal(found["person"], people[order])
    assert np.array_equal(found["probability"].to_numpy().view(np.int64), chances[order].view(np.int64))
    assert found["treatment"].to_pylist() == treatments[order].tolist()


def test_the_same_plan_is_drawn_once(place: Any):
    _record(place, "d")
    first = _rows(place, "d")
    _record(place, "d", PEOPLE, ["changed"] * 4, np.full(4, 0.5))
    assert _rows(place, "d") == first
    assert place.rows("SELECT campaign, digest, keyed, run FROM plans") == [("x", "d", 1, 1)]
    assert place.reading().version("plans.x") == "plans.x@2"


def test_another_plan_is_another_draw(place: Any):
    _record(place, "d")
    _record(place, "e", PEOPLE[:1], ["mail"], CHANCES[:1])
    assert len(_rows(place, "d")) == 4
    assert _rows(place, "e") == [(5, "mail", 0.1)]


def test_a_plan_that_nobody_drew_has_no_draws(place: Any):
    found = draws.drawn(place.ledger, "no such plan")
    assert found.num_rows == 0
    assert found.schema == pa.schema(
        [("person", pa.int64()), ("treatment", pa.string()), ("probability", pa.float64())]
    )


def test_a_plan_for_nobody_is_recorded(place: Any):
    _record(place, "d", PEOPLE[:0], [], CHANCES[:0])
    assert _rows(place, "d") == []
    assert place.rows("SELECT count(*) FROM plans") == [(1,)]


@pytest.mark.parametrize(
    ("people", "chances"), [([1, 1], [0.5, 0.5]), ([1, 2], [0.5, float("nan")])], ids=["twice", "no chance"]
)
def test_a_draw_that_cannot_be_is_not_published(place: Any, people: list[int], chances: list[float]):
    with pytest.raises(place.integrity):
        _record(place, "d", np.array(people), ["mail", "mail"], np.array(chances))
    assert place.reading().versions == {}
    assert place.rows("SELECT count(*) FROM plans") == place.rows("SELECT count(*) FROM draws") == [(0,)]


def test_a_draw_of_unequal_lengths_is_not_published(place: Any):
    with pytest.raises(ValueError, match="zip"):
        _record(place, "d", PEOPLE, TREATMENTS[:3], CHANCES)
    assert place.reading().versions == {}
