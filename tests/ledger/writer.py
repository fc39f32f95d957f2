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

from suasion.ledger import Ledger, Run, draws, running

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = ("people", "scores.x", "plans.x")
ROWS = 1_500


def write(run: Run, value: int) -> None:
    """Three tables and a draw that all say `value`."""
    for name in NAMES:
        run.write(name, pa.table({"value": [value] * ROWS}), str(value))
    people, chances = np.arange(ROWS), np.full(ROWS, 1 / value)
    run.writes.append(
        draws.record_draws("x", str(value), "terms", people, ["mail"] * ROWS, chances, keyed=False)
    )


def publish(folder: Path, value: int) -> None:
    """One run that ends well."""
    with running(Ledger.open(folder / "ledger.db"), folder / "lake", f"write {value}", NOW) as run:
        write(run, value)


def endless(folder: Path) -> None:
    """One run after the other, each a version further."""
    made = Ledger.open(folder / "ledger.db").current()
    for value in count(made[NAMES[0]].version + 1 if made else 1):
        publish(folder, value)


def hold(folder: Path) -> None:
    """A run that has written its tables and does not end."""
    with running(Ledger.open(folder / "ledger.db"), folder / "lake", "hold", NOW) as run:
        write(run, 7)
        (folder / "held").touch()
        time.sleep(600)


def die(folder: Path, point: str) -> None:
    """A run that is killed at a point."""
    with running(Ledger.open(folder / "ledger.db"), folder / "lake", "die", NOW) as run:
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


def _kill(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
