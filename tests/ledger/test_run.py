"""What one run writes is published together, or not at all; readers stay with what they opened."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from threading import Event, Thread
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from sqlalchemy import text

from suasion.errors import BusyError, DamageError, OrderError
from suasion.lake import load
from suasion.ledger import running, subject


def test_what_a_run_writes_is_seen_when_it_has_ended(place: Any):
    with place.running() as run:
        run.write("a", pa.table({"x": [1]}))
        assert run.read("a", "ingest")["x"].to_pylist() == [1]
        assert place.reading().versions == {}
    assert place.values("a") == [1]


def test_a_reader_keeps_the_version_it_opened(place: Any):
    place.publish(a=[1], b=[1])
    before = place.reading()
    for value in (2, 3):
        place.publish(a=[value], b=[value])
    assert [before.read(name, "ingest")["x"].to_pylist() for name in "ab"] == [[1], [1]]
    assert [place.values(name) for name in "ab"] == [[3], [3]]
    assert before.version("a", "b", "c") == "a@1 b@1 c@0"
    assert place.reading().version("a", "b", "c") == "a@3 b@3 c@0"


def test_a_table_that_a_run_does_not_write_stays_as_it_was(place: Any):
    place.publish(a=[1], b=[1])
    place.publish(b=[2])
    assert place.reading().version("a", "b") == "a@1 b@2"
    assert place.values("a") == [1]


def test_a_table_written_twice_in_a_run_is_one_version(place: Any):
    with place.running() as run:
        run.write("a", pa.table({"x": [1]}))
        run.write("a", pa.table({"x": [2]}))
    assert place.values("a") == [2]
    assert place.reading().version("a") == "a@1"
    place.publish(a=[3])
    assert place.reading().version("a") == "a@2"
    assert place.files() == place.known()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_run_that_raises_publishes_nothing(place: Any, error: type[BaseException]):
    place.publish(a=[1])

    def fail() -> None:
        with place.running() as run:
            run.write("a", pa.table({"x": [2]}))
            run.write("b", pa.table({"x": [2]}))
            run.writes.append(lambda *_: pytest.fail("a write of a run that failed"))
            raise error

    with pytest.raises(error):
        fail()
    assert place.values("a") == [1]
    assert place.reading().version("a", "b") == "a@1 b@0"
    assert len(place.files()) == 3
    place.publish(b=[3])
    assert place.files() == place.known()
    assert place.values("b") == [3]


def test_a_write_that_fails_takes_tables_and_other_writes_with_it(place: Any):
    def first(connection: Any, run: int) -> None:
        plan = text("INSERT INTO plans VALUES (1, 'x', 'd', 't', 0, :run)")
        connection.execute(plan, {"run": run})

    def second(_connection: Any, _run: int) -> None:
        raise RuntimeError("in the transaction")

    def fail() -> None:
        with place.running() as run:
            run.write("a", pa.table({"x": [1]}))
            run.writes.extend([first, second])

    with pytest.raises(RuntimeError, match="in the transaction"):
        fail()
    assert place.reading().versions == {}
    for table in ("runs", "plans", "table_versions"):
        assert place.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_run_that_writes_nothing_leaves_no_record(place: Any):
    with place.running():
        pass
    assert place.rows("SELECT count(*) FROM runs") == [(0,)]


def test_the_record_of_a_run_says_what_was_run_and_when_in_utc(place: Any):
    bombay = timezone(timedelta(hours=5, minutes=30))
    with place.running("score vouchers", datetime(2026, 1, 1, 3, tzinfo=bombay)) as run:
        run.write("a", pa.table({"x": [1]}), "made from nothing")
    ((command, at),) = place.rows("SELECT command, CAST(published_at AS VARCHAR) FROM runs")
    assert command == "score vouchers"
    assert at.startswith("2025-12-31 21:30:00")
    assert place.rows("SELECT name, inputs, run FROM table_versions") == [("a", "made from nothing", 1)]


def test_who_is_patient_runs_as_soon_as_the_run_before_has_ended(place: Any):
    begun, end, now = Event(), Event(), datetime(2026, 11, 21, tzinfo=UTC)

    def hold() -> None:
        with place.running() as run:
            run.write("a", pa.table({"x": [1]}))
            begun.set()
            end.wait(30)

    holder = Thread(target=hold)
    holder.start()
    assert begun.wait(30)
    since = time.monotonic()
    with pytest.raises(BusyError), running(place.ledger, place.lake, "test", now, patience=0.3):
        pytest.fail("two runs at once")
    assert time.monotonic() - since >= 0.3
    ender = Thread(target=lambda: (time.sleep(0.3), end.set()))
    ender.start()
    with running(place.ledger, place.lake, "test", now, patience=30) as run:
        assert run.read("a", "ingest")["x"].to_pylist() == [1], "it reads what the run before has published"
        run.write("a", pa.table({"x": [2]}))
    holder.join(30)
    ender.join(30)
    assert place.values("a") == [2]


def test_a_second_run_in_the_same_process_is_refused(place: Any):
    place.publish(a=[1])
    with place.running() as run:
        run.write("a", pa.table({"x": [2]}))
        with pytest.raises(BusyError, match=f"process {os.getpid()} .*is at work"), place.running():
            pytest.fail("two runs at once")
        assert place.values("a") == [1]
    assert place.values("a") == [2]


def test_a_run_that_raised_gives_the_workspace_free(place: Any):
    with pytest.raises(RuntimeError), place.running():
        raise RuntimeError
    place.publish(a=[1])
    assert place.values("a") == [1]


def test_published_files_can_be_read_by_others_while_a_run_is_open(place: Any):
    place.publish(a=[1, 2, 3])
    path = place.lake / place.reading().versions["a"].stored.file
    with place.running() as run:
        run.write("a", pa.table({"x": [4]}))
        assert duckdb.execute("SELECT sum(x) FROM read_parquet(?)", [str(path)]).fetchone() == (6,)
        assert place.values("a") == [1, 2, 3]
    assert duckdb.execute("SELECT sum(x) FROM read_parquet(?)", [str(path)]).fetchone() == (6,)


def test_a_stage_asked_too_early_names_the_command_to_run(place: Any):
    with pytest.raises(OrderError) as early:
        place.reading().read("scores.vouchers", "score vouchers")
    assert str(early.value) == (
        "table 'scores.vouchers': it was never made, or deleted since it held what somebody erased had "
        "taught. Run `suasion score vouchers` first."
    )


def test_a_table_made_from_older_inputs_names_the_command_to_run_again(place: Any):
    with place.running() as run:
        run.write("scores.x", pa.table({"x": [1]}), "traits@1")
    place.reading().read("scores.x", "score x", "traits@1")
    with pytest.raises(OrderError, match=r"changed since it was made\. Run `suasion score x` again"):
        place.reading().read("scores.x", "score x", "traits@2")


def test_a_published_file_that_is_gone_is_damage(place: Any):
    place.publish(a=[1])
    (place.lake / place.reading().versions["a"].stored.file).unlink()
    with pytest.raises(DamageError, match="table 'a'"):
        place.reading().read("a", "ingest")


def test_files_of_the_user_in_the_lake_survive_every_run(place: Any):
    place.lake.mkdir()
    (place.lake / "people.parquet").write_bytes(b"mine")
    place.publish(a=[1])
    place.publish(a=[2])
    assert (place.lake / "people.parquet").read_bytes() == b"mine"


def test_rows_are_added_without_writing_a_table_anew(place: Any):
    with place.running() as run:
        run.write("a", pa.table({"person": [1, 2]}), "made from this")
        run.add("b", pa.table({"person": [5]}))
    first = place.reading()
    for n in (3, 4):
        with place.running() as run:
            run.add("a", pa.table({"person": [n, n]}))
    now = place.reading()
    assert now.read("a", "ingest", "made from this")["person"].to_pylist() == [1, 2, 3, 3, 4, 4]
    assert now.about("a", [2, 4])["person"].to_pylist() == [2, 4, 4]
    assert now.only([4, 5]).read("a", "ingest")["person"].to_pylist() == [4, 4]
    assert now.names() == ["a", "b"]
    assert now.pieces("a") == ["a", "a+1", "a+2"]
    assert now.versions["a"].stored == first.versions["a"].stored
    assert first.read("a", "ingest")["person"].to_pylist() == [1, 2]
    assert now.read("b", "ingest")["person"].to_pylist() == [5]


def test_a_version_is_never_named_as_one_before(place: Any):
    named = list[str]()
    for step in range(6):
        with place.running() as run:
            (run.write if step % 3 == 0 else run.add)("a", pa.table({"x": [step]}))
        named.append(place.reading().version("a"))
    assert len(set(named)) == 6
    assert place.reading().pieces("a") == ["a", "a+1", "a+2"]


def test_a_table_written_anew_is_all_there_is_of_it_and_who_read_before_reads_on(place: Any):
    place.publish(a=[1])
    with place.running() as run:
        run.add("a", pa.table({"x": [2]}))
    before = place.reading()
    place.publish(a=[9])
    assert place.values("a") == [9]
    assert before.read("a", "ingest")["x"].to_pylist() == [1, 2]
    assert place.reading().pieces("a") == ["a"]


def test_history_tells_all_of_now_first_and_then_each_file_alone(place: Any):
    place.publish(a=[1])
    with place.running() as run:
        run.add("a", pa.table({"x": [2]}))
    place.publish(a=[3])
    with place.running() as run:
        run.add("a", pa.table({"x": [4]}))
    told = subject.history_of(place.ledger, "a", partial(load, place.lake))
    first, *others = [table["x"].to_pylist() for table in told]
    assert first == [3, 4]
    assert sorted(others) == [[1], [2]]
