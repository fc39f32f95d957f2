"""A run that is killed publishes nothing; what it leaves behind is swept by the next."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion.errors import BusyError
from suasion.ledger import draws

WRITER = run_path(str(Path(__file__).with_name("writer.py")))
NAMES, ROWS, KILLS = WRITER["NAMES"], WRITER["ROWS"], 4
Start = Callable[..., BaseProcess]


def _wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, "the other process did nothing for two minutes"
        time.sleep(0.002)


def _version(place: Any) -> int:
    made = place.ledger.current()
    return made[NAMES[0]].version if made else 0


def _agreed(place: Any) -> int:
    """The value that every published table, draw and run says; 0 where nothing is published."""
    tables = place.reading()
    if not tables.versions:
        assert place.rows("SELECT count(*) FROM runs") == place.rows("SELECT count(*) FROM draws") == [(0,)]
        return 0
    value = tables.versions[NAMES[0]].version
    assert {tables.versions[name].version for name in NAMES} == {value}
    for name in NAMES:
        assert tables.read(name, "ingest", str(value))["value"].to_pylist() == [value] * ROWS
    last = draws.drawn(place.ledger, str(value))
    assert np.array_equal(last["person"], np.arange(ROWS))
    assert set(last["probability"].to_pylist()) == {1 / value}
    assert place.rows("SELECT count(*), count(DISTINCT id) FROM runs") == [(value, value)]
    assert place.rows("SELECT count(*) FROM draws") == [(value * ROWS,)]
    return value


def test_a_reader_sees_all_of_a_run_or_nothing_however_often_runs_are_killed(place: Any, start: Start):
    chance, orphans, agreed = random.Random(3), 0, [0]
    for turn in range(KILLS):
        writer = start("endless", place.folder, place.where)
        _wait_until(lambda: _version(place) > agreed[-1])
        if turn % 2:
            _wait_until(lambda: not place.files() <= place.known())
        else:
            time.sleep(chance.uniform(0, 0.08))
        writer.kill()
        writer.join()
        agreed.append(_agreed(place))
        orphans += len(place.files() - place.known())
        assert place.known() <= place.files()
    assert agreed == sorted(set(agreed))
    assert orphans > 0, "no kill met a run at work: the test tested nothing"
    WRITER["publish"](place.folder, place.where, agreed[-1] + 1)
    assert _agreed(place) == agreed[-1] + 1
    assert place.files() == place.known()


@pytest.mark.parametrize(
    "point",
    [
        "before it writes",
        "between two tables",
        "before it publishes",
        "before the draws",
        "after the draws",
    ],
)
@pytest.mark.parametrize("published", [0, 1])
def test_a_run_killed_at_a_point_publishes_nothing(place: Any, start: Start, point: str, published: int):
    if published:
        WRITER["publish"](place.folder, place.where, 1)
    killed = start("die", place.folder, place.where, point)
    killed.join(120)
    assert killed.exitcode == -9
    assert _agreed(place) == published
    assert (place.files() == place.known()) is (point == "before it writes")
    WRITER["publish"](place.folder, place.where, published + 1)
    assert _agreed(place) == published + 1
    assert place.files() == place.known()


def test_a_second_run_is_told_which_process_is_at_work(place: Any, start: Start):
    WRITER["publish"](place.folder, place.where, 1)
    holder = start("hold", place.folder, place.where)
    _wait_until((place.folder / "held").exists)
    with pytest.raises(BusyError) as busy, place.running():
        pytest.fail("two runs at once")
    assert f"process {holder.pid} " in busy.value.found
    assert _agreed(place) == 1
    holder.kill()
    holder.join()
    WRITER["publish"](place.folder, place.where, 2)
    assert _agreed(place) == 2
    assert place.files() == place.known()


def test_a_run_that_is_refused_sweeps_nothing(place: Any, start: Start):
    start("hold", place.folder, place.where)
    _wait_until((place.folder / "held").exists)
    unpublished = place.files()
    with pytest.raises(BusyError), place.running():
        pytest.fail("two runs at once")
    assert place.files() == unpublished
    assert len(unpublished) == len(NAMES)
