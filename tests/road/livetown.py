"""A small town whose campaign is approved and about to be sent; what was sent; and senders that die."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import suasion
from suasion.delivery import MaildirCarrier, SmtpCarrier
from suasion.town import Effects, Town, create
from suasion.workspace import Workspace

SECRET = {"SUASION_KEY": "a secret of the test"}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE, SEED, BUDGET = 400, 3, "12.00"
NAME = "checkup"
COSTS = {"reminder": 0.05, "invitation": 0.2}


def opened(folder: Path, now: Callable[[], datetime] = lambda: NOW) -> Workspace:
    return suasion.open(folder, now=now, environment=SECRET)


def declared(folder: Path) -> Path:
    """A town's workspace before anything is read."""
    create(folder, Town(PEOPLE, SEED, Effects.VARIED))
    edit(folder / "campaigns" / f"{NAME}.toml", r"budget = .*", f"budget = {BUDGET}")
    return folder


def approved(base: Path) -> Path:
    """The town after its plan was drawn and approved; made once a session, to be copied."""
    folder = base / "an approved town"
    if not folder.exists():
        ws = opened(declared(folder))
        ws.ingest()
        ws.score()
        ws.plan()
        ws.approve("Ada", "read it aloud")
    return folder


def edit(path: Path, pattern: str, new: str) -> None:
    """Replace in a file what a pattern finds, once; it must find something."""
    text, n = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert n, f"{path.name} has nothing like {pattern}"
    path.write_text(text, "utf-8")


def rows(ws: Workspace, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with ws.ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql, values)]


def mails(folder: Path) -> dict[str, bytes]:
    """What a reader of the outbox has seen: content by token, but for the day and hour."""
    found: dict[str, bytes] = {}
    for part in ("new", "cur", "taken"):
        for path in (folder / "outbox" / part).glob("*"):
            token = path.name.partition(":")[0]
            assert token not in found, f"{token} is there twice"
            found[token] = re.sub(rb"\r\nDate: [^\r]*\r\n", b"\r\n", path.read_bytes(), count=1)
    return found


def take(folder: Path) -> None:
    """An impatient reader: whatever is in the outbox is taken out of it."""
    taken = folder / "outbox" / "taken"
    taken.mkdir(parents=True, exist_ok=True)
    for path in (folder / "outbox" / "new").glob("*"):
        assert not (taken / path.name).exists(), f"{path.name} was seen before"
        path.rename(taken / path.name)


def start(function: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Run a function in a process of its own: a fork, for importing the package anew takes seconds."""
    process = get_context("fork").Process(target=function, args=arguments, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: other threads sleep meanwhile
        process.start()
    return process


def ended(process: BaseProcess, *, killed: bool) -> None:
    process.join(120)
    assert process.exitcode == (-signal.SIGKILL if killed else 0)


def sender(folder: Path, batch: int, at: dict[str, int], slow: float = 0.0) -> None:
    """Send, in batches so small, and die at a point when it was passed so often; the clock is real."""
    MaildirCarrier.batch = SmtpCarrier.batch = batch
    for point in opened(folder, lambda: datetime.now(UTC)).sending():
        time.sleep(slow)
        if point in at:
            at[point] -= 1
            if at[point] == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to))
