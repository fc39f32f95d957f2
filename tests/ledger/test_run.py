"""What one run writes is published together, or not at all; readers stay with what they opened."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from suasion.errors import BusyError, DamageError, OrderError


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
        connection.exec_driver_sql("INSERT INTO plans VALUES (1, 'x', 'd', 't', 0, ?)", (run,))

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
    ((command, at),) = place.rows("SELECT command, published_at FROM runs")
    assert command == "score vouchers"
    assert at.startswith("2025-12-31 21:30:00")
    assert place.rows("SELECT name, inputs, run FROM table_versions") == [("a", "made from nothing", 1)]


def test_a_second_run_in_the_same_process_is_refused(place: Any):
    place.publish(a=[1])
    with place.running() as run:
        run.write("a", pa.table({"x": [2]}))
        with pytest.raises(BusyError, match=f"process {os.getpid()} is at work"), place.running():
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
