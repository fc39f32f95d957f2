"""The arm in which a person was first exposed stands, whoever says it and whenever they are killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import insert

from suasion.errors import BusyError
from suasion.ledger import Ledger, assignments, subject
from suasion.ledger.schema import erasing

BOOK = run_path(str(Path(__file__).with_name("book.py")))
WRITER = run_path(str(Path(__file__).with_name("writer.py")))
EXPOSED, BLOCKS, WRITERS, KILLS = *(WRITER[name] for name in ("EXPOSED", "BLOCKS", "WRITERS")), 3
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = np.array([5, -(2**63), 2**63 - 1, 0])
ARMS = ["none", "it's; --", "żółw", ""]
CHANCES = np.array([0.1, np.nextafter(0, 1), np.nextafter(1, 0), 1.0])
Start = Callable[..., BaseProcess]


def _record(place: Any, experiment: str, people: Any = PEOPLE, arms: Any = ARMS, chances: Any = CHANCES):
    return assignments.record(place.ledger, experiment, people, arms, chances, NOW)


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def test_what_is_recorded_comes_back_exactly_in_the_order_of_persons(place: Any):
    expected = [
        ("greeting", *row, NOW.timestamp())
        for row in sorted(zip(PEOPLE.tolist(), ARMS, CHANCES.tolist(), strict=True))
    ]
    assert _rows(_record(place, "greeting")) == expected
    assert _rows(assignments.standing(place.ledger, ["greeting"])) == expected


def test_the_first_word_stands(place: Any):
    first = _rows(_record(place, "greeting"))
    more, later = np.append(PEOPLE, 6), NOW + timedelta(days=1)
    again = assignments.record(place.ledger, "greeting", more, ["other"] * 5, np.full(5, 0.5), later)
    assert [row for row in _rows(again) if row[1] != 6] == first
    assert [row[1:4] for row in _rows(again) if row[1] == 6] == [(6, "other", 0.5)]


def test_a_person_named_twice_has_the_first_of_both(place: Any):
    found = _record(place, "greeting", np.array([3, 3]), ["a", "b"], np.array([0.2, 0.8]))
    assert [row[1:4] for row in _rows(found)] == [(3, "a", 0.2)]


def test_experiments_do_not_know_of_each_other(place: Any):
    _record(place, "greeting")
    other = _record(place, "color", PEOPLE[:1], ["red"], CHANCES[:1])
    assert [row[:4] for row in _rows(other)] == [("color", 5, "red", 0.1)]
    both = assignments.standing(place.ledger, ["greeting", "color", "no such"])
    assert both["experiment"].to_pylist() == ["color"] + ["greeting"] * 4
    assert assignments.standing(place.ledger, ["no such"]).num_rows == 0
    assert assignments.standing(place.ledger, []).schema == assignments.SCHEMA


def test_nobody_is_recorded_of_nobody(place: Any):
    found = _record(place, "greeting", PEOPLE[:0], [], CHANCES[:0])
    assert (found.num_rows, found.schema) == (0, assignments.SCHEMA)


def test_more_than_fit_at_once_come_back_in_order(place: Any):
    people = np.random.default_rng(1).permutation(60_000)
    chances = np.random.default_rng(2).random(60_000)
    found = _record(place, "greeting", people, [f"arm {one % 3}" for one in people.tolist()], chances)
    for table in (found, assignments.standing(place.ledger, ["greeting"])):
        assert np.array_equal(table["person"], np.arange(60_000))
        assert np.array_equal(table["chance"], chances[np.argsort(people)])
        assert table["arm"].to_pylist()[:4] == ["arm 0", "arm 1", "arm 2", "arm 0"]


@pytest.mark.parametrize("chances", [[0.5, float("nan")], [0.5]], ids=["no chance", "too few"])
def test_what_cannot_be_is_not_recorded_even_in_part(place: Any, chances: list[float]):
    with pytest.raises((place.integrity, ValueError)):
        _record(place, "greeting", np.array([1, 2]), ["a", "b"], np.array(chances))
    assert assignments.standing(place.ledger, ["greeting"]).num_rows == 0


def test_a_person_is_exported_and_erased(place: Any):
    for experiment in ("greeting", "color"):
        _record(place, experiment)
    told = subject.rows_of(place.ledger, [5], [])["assignments"]
    assert sorted((row["experiment"], row["person"], row["arm"]) for row in told) == [
        ("color", 5, "none"),
        ("greeting", 5, "none"),
    ]
    with subject.forgetting(place.ledger, [5], [], NOW):
        pass
    left = assignments.standing(place.ledger, ["greeting", "color"])
    assert Counter(left["person"].to_pylist()) == dict.fromkeys([-(2**63), 0, 2**63 - 1], 2)


def test_a_person_being_erased_is_not_recorded_again(place: Any):
    with place.ledger.writing() as connection:
        connection.execute(insert(erasing).values(person=5))
    assert 5 not in _record(place, "greeting")["person"].to_pylist()


def test_what_cannot_be_written_now_is_not_recorded(place: Any):
    other = Ledger.open(place.where)
    BOOK["make_impatient"](other.engine)
    with place.ledger.writing(), pytest.raises(BusyError):
        assignments.record(other, "greeting", PEOPLE, ARMS, CHANCES, NOW)
    assert assignments.standing(place.ledger, ["greeting"]).num_rows == 0


def test_processes_that_expose_the_same_people_agree_on_every_arm(place: Any, start: Start):
    processes = [start("expose", place.folder, place.where, number) for number in range(WRITERS)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    stand = assignments.standing(place.ledger, ["greeting"])
    assert stand["person"].to_pylist() == list(range(EXPOSED * BLOCKS))
    arms = stand["arm"].to_pylist()
    for number in range(WRITERS):
        assert (place.folder / f"stood {number}").read_text().split(" ") == arms
    assert len(set(arms)) > 1, "one process was always first: the test tested nothing"
    for block in range(BLOCKS):  # a call is one transaction
        assert len(set(arms[block * EXPOSED : (block + 1) * EXPOSED])) == 1


def test_what_was_acknowledged_before_a_kill_stands_and_no_call_is_half_done(place: Any, start: Start):
    chance, blocks = random.Random(5), 0
    for _ in range(KILLS):
        writer = start("expose_and_die", place.folder, place.where)
        end = time.monotonic() + 120
        while _told(place) <= blocks:
            assert time.monotonic() < end, "the other process did nothing for two minutes"
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))
        writer.kill()
        writer.join()
        stand = assignments.standing(place.ledger, ["greeting"])
        blocks, rest = divmod(stand.num_rows, EXPOSED)
        assert rest == 0
        assert stand["arm"].to_pylist() == [f"arm {block}" for block in range(blocks) for _ in range(EXPOSED)]
        assert blocks >= _told(place)


def _told(place: Any) -> int:
    """How many calls the other process has acknowledged."""
    path = place.folder / "acknowledged"
    return int(path.read_text()) if path.exists() else 0
