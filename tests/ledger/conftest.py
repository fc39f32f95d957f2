"""A workspace's ledger and lake, and processes that work on them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from suasion.ledger import Ledger, Run, Tables, reading, running

WRITER = Path(__file__).with_name("writer.py")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

PROCESSES = get_context("forkserver")
# The package is imported once, and then every process is a fork: killing many stays quick.
PROCESSES.set_forkserver_preload(["__main__", "suasion.ledger"])

Start = Callable[..., BaseProcess]


@dataclass(frozen=True)
class Place:
    """A folder with a lake, and a ledger in it or elsewhere."""

    folder: Path
    where: Path | str
    ledger: Ledger

    @property
    def integrity(self) -> type[Exception]:
        """What the database's driver says of a row that cannot be."""
        return self.ledger.engine.dialect.loaded_dbapi.IntegrityError

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def running(self, command: str = "test", at: datetime = NOW) -> AbstractContextManager[Run]:
        return running(self.ledger, self.lake, command, at)

    def reading(self) -> Tables:
        return reading(self.ledger, self.lake)

    def publish(self, **tables: list[Any]) -> None:
        """One run that writes tables of one column ``x``."""
        with self.running() as run:
            for name, values in tables.items():
                run.write(name, pa.table({"x": values}))

    def values(self, name: str) -> list[Any]:
        return self.reading().read(name, "ingest")["x"].to_pylist()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the ledger holds, by a query."""
        with self.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def files(self) -> set[str]:
        """What the lake holds."""
        return {path.name for path in self.lake.glob("*")}

    def known(self) -> set[str]:
        """What the ledger says the lake holds."""
        return {file for (file,) in self.rows("SELECT file FROM table_versions")}


@pytest.fixture
def place(tmp_path: Path, where: Path | str) -> Place:
    """An empty one."""
    return Place(tmp_path, where, Ledger.open(where))


@pytest.fixture
def start() -> Generator[Start]:
    """Start a function of ``writer.py`` in a process of its own, which does not outlive the test."""
    started: list[BaseProcess] = []

    def begin(function: str, *arguments: Any) -> BaseProcess:
        code = "from runpy import run_path\nrun_path(writer)[function](*arguments)"
        names = {"writer": str(WRITER), "function": function, "arguments": arguments}
        process = PROCESSES.Process(target=exec, args=(code, names), daemon=True)
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.join()
