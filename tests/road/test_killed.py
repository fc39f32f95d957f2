"""Whenever the sender dies, the next one sends the rest: nothing twice, nothing lost, no cent too much."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from suasion.ledger import tokens

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
SECRET, approved, copy, declared, edit, ended = (
    TOWN[name] for name in ("SECRET", "approved", "copy", "declared", "edit", "ended")
)
mails, opened, rows, sender, start, take = (
    TOWN[name] for name in ("mails", "opened", "rows", "sender", "start", "take")
)
POINTS = ("claimed", "staged", "marked", "guarded", "handed", "settled")


@pytest.fixture
def town(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    return copy(approved(tmp_path_factory.getbasetemp()), tmp_path / "town")


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> dict[str, bytes]:
    """What a sender sends that nothing happens to."""
    folder = copy(approved(tmp_path_factory.getbasetemp()), tmp_path / "undisturbed")
    opened(folder).send()
    return mails(folder)


def _is_whole(folder: Path, whole: dict[str, bytes]) -> None:
    """The same messages as if nothing had happened, all accounted for, and no more."""
    ws = opened(folder)
    assert mails(folder) == whole
    assert dict(rows(ws, "SELECT state, count(*) FROM sends GROUP BY state")) == {"accepted": len(whole)}
    ((cost,),) = rows(ws, "SELECT sum(cost) FROM sends")
    again = ws.send()
    assert again.fates == {}
    assert again.progress.spent == pytest.approx(cost, abs=0.001)
    assert mails(folder) == whole
    assert [path.name for path in (folder / "outbox" / "tmp").iterdir()] == []
    assert ws.verify().problems == ()


def test_a_sender_killed_at_every_point_in_turn_loses_and_doubles_nothing(
    town: Path, whole: dict[str, bytes]
):
    luck = random.Random(7)
    left = 0
    for point in [*POINTS, *luck.sample(POINTS, len(POINTS))]:
        killed = start(sender, town, 10, {point: luck.randint(1, 2)})
        ended(killed, killed=True)
        left += len(rows(opened(town), "SELECT id FROM sends WHERE state IN ('claimed', 'handed_over')")) > 0
        assert mails(town).items() <= whole.items()
        if luck.random() < 0.7:
            take(town)
    assert left >= len(POINTS), "hardly a kill met a sender with mails in hand"
    ended(start(sender, town, 10, {}), killed=False)
    _is_whole(town, whole)


def test_a_sender_killed_at_any_time_loses_and_doubles_nothing(town: Path, whole: dict[str, bytes]):
    luck, left = random.Random(11), 0
    for _ in range(6):
        process = start(sender, town, 3, {}, 0.005)
        started = time.monotonic()
        while process.is_alive() and not (town / "outbox" / "new").is_dir():
            assert time.monotonic() < started + 60
        process.join(luck.uniform(0.3, 1.2))
        process.kill()
        process.join()
        left += len(rows(opened(town), "SELECT id FROM sends WHERE state IN ('claimed', 'handed_over')"))
        assert mails(town).items() <= whole.items()
        take(town)
    assert left, "no kill met a sender with mails in hand"
    ended(start(sender, town, 50, {}), killed=False)
    _is_whole(town, whole)


class Inbox:
    """A mail server's: what it took, by the token of each mail, as often as it took it."""

    def __init__(self) -> None:
        self.taken = Counter[str]()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        (token,) = re.findall(rb"^Message-ID: <([\w-]+)@", envelope.original_content, re.MULTILINE)
        self.taken[token.decode()] += 1
        return "250 2.0.0 queued"


@contextmanager
def _mail_server() -> Generator[tuple[int, Inbox]]:
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, inbox
    finally:
        controller.stop()


def test_what_a_mail_server_may_have_taken_is_unknown_and_not_sent_again(town: Path):
    with _mail_server() as (port, inbox):
        edit(town / "suasion.toml", "purpose = ", f'carrier = "smtp://127.0.0.1:{port}"\npurpose = ')
        unknown = dict[str, bool]()
        for point in POINTS:
            before = inbox.taken.copy()
            ended(start(sender, town, 7, {point: 2}), killed=True)
            marked = rows(opened(town), "SELECT id FROM sends WHERE state = 'handed_over'")
            assert len(marked) == (7 if point in ("marked", "guarded", "handed") else 0)
            assert (inbox.taken - before).total() == (14 if point in ("handed", "settled") else 7)
            for (number,) in marked:
                token = tokens.token_of(opened(town).key, number)
                unknown[token] = point == "handed"
                assert inbox.taken[token] == unknown[token]
        done = opened(town).send()
        planned = sum(done.progress.states.values())
        assert done.progress.states == {"accepted": planned - 21, "unknown": 21}
        assert done.progress.reasons == {}
        assert opened(town).send().fates == {}
    assert {inbox.taken[token] for token in inbox.taken} == {1}
    assert {token for token in unknown if token in inbox.taken} == {t for t, seen in unknown.items() if seen}
    assert len(inbox.taken) == planned - 14
    ((cost,),) = rows(opened(town), "SELECT sum(cost) FROM sends")
    assert done.progress.spent == pytest.approx(cost, abs=0.001)


KILLS = 20
COMMAND = """
from suasion.cli import main
from suasion.delivery import MaildirCarrier
MaildirCarrier.batch = 1
print("ready", flush=True)
main()
"""


def _suasion(folder: Path, *words: str, wait: float | None = None) -> float:
    """Run a command of suasion; kill it so many seconds after it began; returns how long it ran."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, "--json", "-w", str(folder)],
        env={**os.environ, **SECRET},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    began = time.monotonic()
    try:
        process.communicate(timeout=wait)
        assert process.returncode == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return time.monotonic() - began


@pytest.mark.slow
def test_the_road_killed_at_twenty_times_and_walked_again_is_the_road_walked_once(tmp_path: Path):
    luck, straight, stopped = (
        random.Random(5),
        declared(tmp_path / "straight"),
        declared(tmp_path / "stopped"),
    )
    took = _suasion(straight, "run")
    for _ in range(KILLS):
        _suasion(stopped, "run", wait=luck.uniform(0, took))
        versions = {made.version for made in opened(stopped).tables().versions.values()}
        assert len(versions) <= 1, "a run that was killed published some of its tables"
    _suasion(stopped, "run")
    for folder in (straight, stopped):
        opened(folder).approve("Ada", "read it aloud")
    took, left = _suasion(straight, "send"), Counter[str]()
    for _ in range(KILLS):
        _suasion(stopped, "send", wait=luck.uniform(0, took))
        left.update(state for (state,) in rows(opened(stopped), "SELECT DISTINCT state FROM sends"))
        assert mails(stopped).items() <= mails(straight).items()
        if luck.random() < 0.5:
            take(stopped)
    assert left["claimed"] + left["handed_over"] > 0, "no kill met a sender with a mail in hand"
    _suasion(stopped, "send")
    _is_whole(stopped, mails(straight))
    _suasion(stopped, "run")
    _is_whole(stopped, mails(straight))
