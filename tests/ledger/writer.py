"""What a process of its own does to a workspace while a test watches, or kills it."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa

from suasion.ledger import Ledger, Run, assignments, draws, running

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = ("people", "scores.x", "plans.x")
ROWS = 1_500
EXPOSED, BLOCKS, WRITERS = 200, 24, 3


def write(run: Run, value: int) -> None:
    """Three tables and a draw that all say `value`."""
    for name in NAMES:
        run.write(name, pa.table({"value": [value] * ROWS}), str(value))
    people, chances = np.arange(ROWS), np.full(ROWS, 1 / value)
    run.writes.append(
        draws.record_draws("x", str(value), "terms", people, ["mail"] * ROWS, chances, keyed=False)
    )


def publish(folder: Path, where: Path | str, value: int) -> None:
    """One run that ends well."""
    with running(Ledger.open(where), folder / "lake", f"write {value}", NOW) as run:
        write(run, value)


def endless(folder: Path, where: Path | str) -> None:
    """One run after the other, each a version further."""
    made = Ledger.open(where).current()
    for value in count(made[NAMES[0]].version + 1 if made else 1):
        publish(folder, where, value)


def hold(folder: Path, where: Path | str) -> None:
    """A run that has written its tables and does not end."""
    with running(Ledger.open(where), folder / "lake", "hold", NOW) as run:
        write(run, 7)
        (folder / "held").touch()
        time.sleep(600)


def die(folder: Path, where: Path | str, point: str) -> None:
    """A run that is killed at a point."""
    with running(Ledger.open(where), folder / "lake", "die", NOW) as run:
        if point == "before it writes":
            _kill()
        run.write(NAMES[0], pa.table({"value": [7]}))
        if point == "between two tables":
            _kill()
        write(run, 7)
        if point == "before it publishes":
            _kill()
        position = 0 if point == "before the draws" else 1
        run.writes.insert(position, _kill)


def expose(folder: Path, where: Path | str, number: int) -> None:
    """Expose each block of people to an arm of this writer's own, from another block on than the others."""
    ledger, stood = Ledger.open(where), [""] * BLOCKS
    _meet(folder, "ready", number)
    for turn in range(BLOCKS):
        if turn == 1:
            _meet(folder, "begun", number)  # each was first with a block of its own, however slow its start
        block = (turn + number * BLOCKS // WRITERS) % BLOCKS
        people, arms = np.arange(EXPOSED) + block * EXPOSED, [f"arm-{number}"] * EXPOSED
        found = assignments.record(ledger, "greeting", people, arms, np.full(EXPOSED, 0.5), NOW)
        stood[block] = " ".join(found["arm"].to_pylist())
        time.sleep(0.002)  # a database gives the lock to whoever asks at the right moment
    (folder / f"stood {number}").write_text(" ".join(stood))


def _meet(folder: Path, where: str, number: int) -> None:
    """Wait for all writers."""
    (folder / f"{where} {number}").touch()
    while len(list(folder.glob(f"{where} *"))) < WRITERS:
        time.sleep(0.001)


def expose_and_die(folder: Path, where: Path | str) -> None:
    """Expose everybody again and again, to an arm of each time."""
    ledger = Ledger.open(where)
    begun = assignments.standing(ledger, ["greeting"]).num_rows // EXPOSED
    for turn in count(begun):
        people = np.arange(EXPOSED) + turn * EXPOSED
        assignments.record(ledger, "greeting", people, [f"arm {turn}"] * EXPOSED, np.full(EXPOSED, 0.5), NOW)
        (folder / "told").write_text(str(turn + 1))
        (folder / "told").replace(folder / "acknowledged")


def _kill(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
