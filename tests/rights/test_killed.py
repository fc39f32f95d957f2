"""An erasure that is killed has erased nothing or can be completed, and nobody else is lost."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

PROCESSES = get_context("forkserver")
# The package is imported once, and then every process is a fork: killing many stays quick.
PROCESSES.set_forkserver_preload(["__main__", "suasion"])
ERASER = Path(__file__).with_name("eraser.py")
assert set(run_path(str(ERASER))["WATCHED"])

EMPTY = ("erasing", "assignments", "requests", "wishes", "corrections")
"""Tables in which nobody has a row before."""
Start = Callable[..., BaseProcess]


@pytest.fixture
def start() -> Generator[Start]:
    """Start a function of ``eraser.py`` in a process of its own, which does not outlive the test."""
    started: list[BaseProcess] = []

    def begin(function: str, *arguments: Any) -> BaseProcess:
        code = "from runpy import run_path\nrun_path(eraser)[function](*arguments)"
        names = {"eraser": str(ERASER), "function": function, "arguments": arguments}
        process = PROCESSES.Process(target=exec, args=(code, names), daemon=True)
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.join()


@pytest.fixture
def anew(town: Any, built: Path) -> Callable[[], None]:
    """Put the workspace back as it was."""

    def restore() -> None:
        shutil.rmtree(town.folder)
        shutil.copytree(built, town.folder)

    return restore


def _complete(town: Any, person: int, others: dict[str, Any]) -> None:
    """Erase again, and look at everything."""
    certificate = town.erase()
    assert certificate.found == ()
    assert town.holding(*(town.canary[name] for name in ("member", "email", "first_name", "card"))) == []
    assert town.stored() == others
    assert set(town.ledger_rows_about(person).values()) == {0}
    assert town.sql("SELECT count(*) FROM sends") == [(town.people - 1,)]
    assert len(town.mails()) == town.people - 1
    assert sorted(path.name for path in (town.folder / "sources").iterdir()) == [
        "members.csv",
        "members.toml",
        "visits.parquet",
        "visits.toml",
    ]


def _others(town: Any, person: int) -> dict[str, Any]:
    return {n: [row for row in rows if row.get("person") != person] for n, rows in town.stored().items()}


def _check(town: Any, person: int) -> bool:
    """Whether the person is erased from what is read: everywhere, or nowhere yet."""
    about = town.ledger_rows_about(person)
    gone = {name: not count for name, count in about.items() if name not in EMPTY}
    assert len(set(gone.values())) == 1
    read = [row["person"] for row in town.rows("traits")]
    assert (person not in read) is gone["sends"]
    assert len(read) == town.people - gone["sends"]
    return gone["sends"]


def _moments(town: Any, start: Start, anew: Callable[[], None]) -> int:
    """How many moments an erasure has."""
    whole = start("die", town.folder, town.named, 10**6)
    whole.join(120)
    anew()
    return int((town.folder.parent / "moments").read_text())


def _killed_at(moments: Iterable[int], town: Any, start: Start, anew: Callable[[], None]) -> list[bool]:
    person, others = town.person(), _others(town, town.person())
    erased: list[bool] = []
    for moment in moments:
        killed = start("die", town.folder, town.named, moment)
        killed.join(120)
        assert killed.exitcode == -9, moment
        erased.append(_check(town, person))
        _complete(town, person, others)
        anew()
    return erased


def test_killed_at_a_moment_it_is_completed_by_doing_it_again(
    town: Any, start: Start, anew: Callable[[], None]
):
    last = _moments(town, start, anew) - 1
    erased = _killed_at([3, last // 2, last], town, start, anew)
    assert erased == sorted(erased)
    assert set(erased) == {False, True}


@pytest.mark.slow
def test_killed_at_every_moment_it_is_completed_by_doing_it_again(
    town: Any, start: Start, anew: Callable[[], None]
):
    moments = _moments(town, start, anew)
    assert moments > 40
    erased = _killed_at(range(moments), town, start, anew)
    assert erased == sorted(erased)


def test_killed_at_any_time_it_is_completed_by_doing_it_again(
    town: Any, start: Start, anew: Callable[[], None]
):
    person, others, chance = town.person(), _others(town, town.person()), random.Random(5)
    begun = town.folder.parent / "begun"
    for _ in range(2):
        begun.unlink(missing_ok=True)
        killed = start("run", town.folder, town.named)
        end = time.monotonic() + 120
        while not begun.exists():
            assert time.monotonic() < end, "the other process did nothing for two minutes"
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.5))
        killed.kill()
        killed.join()
        _check(town, person)
        _complete(town, person, others)
        anew()
