"""A published plan is read back as it was made, and is published only with permission."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from suasion.allocation import Capacity, Money, Options, Parity, Plan, decide, plan, plan_from, publish_plan
from suasion.errors import ClearanceError
from suasion.ledger import Ledger, draws, reading, running
from suasion.rules import Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS = "traits@1"
GATE = Gate(
    load_packs([], Path("none")),
    Occasion(
        frozenset({Use.LEARN, Use.EVALUATE}),
        Purpose.COMMERCIAL,
        "spring",
        Jurisdiction("DE", NOW.date()),
        NOW,
    ),
)


def cleared(persons: np.ndarray) -> Clearance:
    n = len(persons)
    facts = {
        "person": pa.array(persons, pa.int64()),
        "adult": pa.array([True] * n),
        "age": pa.nulls(n, pa.int64()),
        "basis": pa.array(["contract"] * n),
        "consent": pa.nulls(n, pa.bool_()),
        "purpose_permitted": pa.array([True] * n),
        "objected": pa.array([False] * n),
        "restricted": pa.array([False] * n),
    }
    return GATE.judge(pa.table(facts), FACTS).clearance


def simple() -> Plan:
    """More options than fit in one digit, so that column 10 must not come before column 2."""
    rng = np.random.default_rng(6)
    names = tuple(f"variant {i} 'é' \"x\"" for i in range(11))
    effects, costs = rng.normal(0.1, 0.2, (30, 11)), rng.random((30, 11))
    return plan(
        Options(np.arange(5, 35), "none", names, effects, costs, rng.random(11) < 0.8), 0.5, 0.05, 0.3
    )


def rich() -> Plan:
    """Everything that can be asked for."""
    rng = np.random.default_rng(7)
    effects = rng.normal(0.3, 0.2, (300, 3))
    options = Options(
        np.arange(5, 305),
        "none",
        ("a", "b", "c"),
        effects,
        np.array([[1.0, 2.0, 0.0]]),
        np.ones(3, np.bool_),
        values=2 * effects - 0.1,
        closed=rng.random((300, 3)) < 0.1,
    )
    limits = (
        Capacity("b or c", np.array([False, True, True]), np.inf, 20),
        Money("monday", np.array([True, False, False]), 30.0),
        Parity("sex", rng.integers(0, 2, 300), least_ratio=0.5),
        Parity("age", rng.integers(0, 2, 300), "share", most_gap=0.4),
    )
    return plan(options, 100, 0.05, 0.01, limits=limits, households=np.arange(300) // 2, least_segment=2)


@pytest.fixture(params=[simple, rich])
def made(request: pytest.FixtureRequest) -> Plan:
    return request.param()


def published(folder: Path, made: Plan, allowed: np.ndarray, digest: str = "d1") -> Ledger:
    ledger = Ledger.open(folder / "ledger.db")
    with running(ledger, folder / "lake", "plan spring", NOW) as run:
        decisions = decide(made, digest)
        publish_plan(
            run, "spring", made, decisions, digest, "t", "s@1", cleared(allowed), GATE, FACTS, keyed=False
        )
    return ledger


def test_a_published_plan_is_read_back_exactly(tmp_path: Path, made: Plan):
    ledger = published(tmp_path, made, made.options.persons)
    table = reading(ledger, tmp_path / "lake").read("plans.spring", "plan spring", "s@1")
    again, digest = plan_from(table)
    assert digest == "d1"
    for name in ("budget", "cost", "shadow_price", "notes", "prices", "bound", "value", "gap"):
        assert getattr(again, name) == getattr(made, name)
    for name in ("control", "treatments"):
        assert getattr(again.options, name) == getattr(made.options, name)
    for name in ("persons", "effects", "costs", "permitted", "values", "closed"):
        np.testing.assert_array_equal(getattr(again.options, name), getattr(made.options, name))
    for name in ("choices", "shares", "units"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert len(again.limits) == len(made.limits)
    for one, other in zip(
        [again.totals, again.floors, *again.limits], [made.totals, made.floors, *made.limits], strict=True
    ):
        assert type(one) is type(other)
        for name in vars(other):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (again.probabilities == made.probabilities).all()
    assert (decide(again, "x").chosen == decide(made, "x").chosen).all()


def test_the_draw_is_in_the_ledger_with_its_probability(tmp_path: Path, made: Plan):
    ledger = published(tmp_path, made, made.options.persons)
    decisions, names = decide(made, "d1"), ("none", *made.options.treatments)
    found = draws.drawn(ledger, "d1")
    assert found["person"].to_pylist() == decisions.persons.tolist()
    assert found["treatment"].to_pylist() == [names[option] for option in decisions.chosen]
    assert found["probability"].to_pylist() == decisions.probability.tolist()


def test_a_plan_is_drawn_once(tmp_path: Path, made: Plan):
    published(tmp_path, made, made.options.persons)
    ledger = published(tmp_path, made, made.options.persons)
    assert draws.drawn(ledger, "d1").num_rows == len(made.options.persons)


def test_one_person_too_many_publishes_nothing(tmp_path: Path, made: Plan):
    with pytest.raises(ClearanceError, match=r"1 person\(s\) it does not name"):
        published(tmp_path, made, made.options.persons[:-1])
    ledger = Ledger.open(tmp_path / "ledger.db")
    assert ledger.current() == {}
    assert draws.drawn(ledger, "d1").num_rows == 0


def test_the_terms_are_plain_json(tmp_path: Path, made: Plan):
    ledger = published(tmp_path, made, made.options.persons)
    metadata = reading(ledger, tmp_path / "lake").read("plans.spring", "plan").schema.metadata
    assert json.loads(metadata[b"plan"])["treatments"] == list(made.options.treatments)
