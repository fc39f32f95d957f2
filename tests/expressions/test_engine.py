"""One engine a process: its connections see nothing of each other, and a fork has its own."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from suasion.expressions import connected


def _sum(n: int) -> int:
    with connected() as connection:
        connection.register("numbers", pa.table({"x": pa.array(range(n), pa.int64())}))
        return connection.sql("SELECT sum(x)::BIGINT FROM numbers").fetchall()[0][0]


def test_what_one_registers_no_other_sees():
    with connected() as one, connected() as other:
        one.register("mine", pa.table({"x": [1]}))
        with pytest.raises(duckdb.CatalogException):
            other.sql("SELECT * FROM mine")


def test_many_at_once_each_have_their_own_table():
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(_sum, range(1, 101))) == [n * (n - 1) // 2 for n in range(1, 101)]


def _told(pipe: Any) -> None:
    pipe.send(_sum(50_000))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_of_a_process_that_asked_before_can_ask():
    assert _sum(50_000) == 50_000 * 49_999 // 2
    context = get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_told, args=(there,))
    child.start()
    assert here.poll(30)
    assert here.recv() == 50_000 * 49_999 // 2
    child.join(30)
    assert child.exitcode == 0


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM '/etc/passwd'", "INSTALL httpfs", "COPY (SELECT 1) TO '/tmp/x'"]
)
def test_it_reads_no_file_and_loads_nothing(sql: str):
    with connected() as connection, pytest.raises(duckdb.Error):
        connection.sql(sql)
