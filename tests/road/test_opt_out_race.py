"""Real senders, killed at any point or time, and opt-outs at the same time: none is written to afterwards.

A sender is a process of its own that sends to an outbox. While it is at work, opt-outs are acknowledged for
sends near those that it has in hand; then it is killed with SIGKILL, by itself at a named point or from
outside, and another one starts. Whatever was seen was seen before the acknowledgement, or never will be.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from runpy import run_path
from typing import Any

import pyarrow as pa
import pytest

from suasion.delivery import Dispatch, Mail, MaildirCarrier, send
from suasion.delivery.carriers import Handed
from suasion.errors import BusyError
from suasion.ledger import sends, tokens
from suasion.rules import Clearance

INTERLEAVING, TOWN = (
    run_path(str(Path(__file__).with_name(f"{name}.py"))) for name in ("interleaving", "livetown")
)
BOOK = run_path(str(Path(__file__).parents[1] / "ledger" / "book.py"))
Book, KEY, NOW, Watched = BOOK["Book"], BOOK["KEY"], BOOK["NOW"], INTERLEAVING["Watched"]
NAME, BATCH, COST = "flu", 3, 0.1
POINTS = ("begin", "check", "claim", "commit", "hand-off")
FEW, MANY, EACH = 10, 200, 8
"""Kills in the fast suite and in the slow one, and sends planned for each."""


class Outbox(MaildirCarrier):
    """One that passes a point before each mail."""

    batch = BATCH
    point: Callable[[str], None]

    def hand_over(self, mails: Sequence[Mail]) -> list[Handed]:
        handed: list[Handed] = []
        for mail in mails:
            self.point("hand-off")
            handed += super().hand_over([mail])
        return handed


def sender(book: Any, cleared: Clearance, point: Callable[[str], None]) -> None:
    """Send all there is."""
    asked, terms = book.gate(NAME), book.terms(NAME)
    gate = INTERLEAVING["WatchedGate"](asked.packs, asked.occasion, point=point)
    evidence = sends.Evidence.of(KEY, pa.table({"person": cleared.persons}))
    outbox = Outbox(book.folder / "outbox")
    outbox.point = point

    def written(claimed: Sequence[sends.Send]) -> list[Mail]:
        return [Mail(one.id, tokens.token_of(KEY, one.id), "", b"Hello.") for one in claimed]

    dispatch = Dispatch(
        ledger=Watched(book.ledger.place, book.ledger.engine, point=point),
        carrier=outbox,
        campaign=NAME,
        facts=BOOK["FACTS"],
        terms=lambda: (terms, gate),
        judge=lambda _: (cleared, evidence),
        write=written,
        token=lambda number: tokens.token_of(KEY, number),
        now=lambda: NOW,
    )
    for _ in range(200):
        try:
            for name in send(dispatch):
                point(name)
        except BusyError:  # a server takes a moment to see that the sender before is dead
            time.sleep(0.01)
        else:
            return


def mortal(book: Any, cleared: Clearance, where: str, passes: int) -> None:
    """A sender that dies at a point when it passed it so often."""
    left = {where: passes}

    def point(name: str) -> None:
        left[name] = left.get(name, 0) - 1
        if name == where and left[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sender(book, cleared, point)


@dataclass
class Race:
    """Senders one after the other, and what was seen of each send when its opt-out was acknowledged."""

    book: Any
    kills: int
    visible: dict[int, bool] = field(default_factory=dict[int, bool])
    met: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.luck, self.people = random.Random(17), range(1, self.kills * EACH + 1)
        self.book.plan(NAME, dict.fromkeys(self.people, COST))
        self.cleared = self.book.clear(NAME, list(self.people))
        self.new = self.book.folder / "outbox" / "new"
        MaildirCarrier(self.book.folder / "outbox")

    def run(self) -> None:
        for turn in range(self.kills):
            timed = turn % 2 == 0
            where = "" if timed else self.luck.choice(POINTS)
            process = TOWN["start"](mortal, self.book, self.cleared, where, self.luck.randint(1, 4))
            self._press_until_dead(process, self.luck.uniform(0.005, 0.15) if timed else 60)
            self.met.update(state for (state,) in self.book.rows("SELECT DISTINCT state FROM sends"))
        sender(self.book, self.cleared, lambda _: None)

    def _press_until_dead(self, process: BaseProcess, seconds: float) -> None:
        end = time.monotonic() + seconds
        while process.is_alive() and time.monotonic() < end:
            time.sleep(self.luck.uniform(0, 0.02))
            self._press()
        process.kill()
        process.join()
        self.met["killed"] += process.exitcode == -signal.SIGKILL

    def _press(self) -> None:
        last = max((tokens.send_of(KEY, path.name) or 0 for path in self.new.iterdir()), default=0)
        number = last + self.luck.randint(-BATCH, 2 * BATCH)
        if number in self.people and number not in self.visible:
            assert sends.suppress(self.book.ledger, number, sends.Why.OPTED_OUT, NOW)
            self.visible[number] = (self.new / tokens.token_of(KEY, number)).exists()


def _run(where: Path | str, folder: Path, kills: int) -> Race:
    race = Race(Book(folder, where), kills)
    race.run()
    seen = {tokens.send_of(KEY, path.name) for path in race.new.iterdir()}
    rows = race.book.rows("SELECT id, state, reason FROM sends")
    for number, state, reason in rows:
        assert race.visible.get(number, True) is (number in seen), f"send {number}"
        assert state == ("accepted" if number in seen else "failed"), f"send {number}"
        assert reason in ((None, "after a crash") if number in seen else ("suppressed",))
    assert race.book.spent(NAME) == pytest.approx(COST * len(seen))
    assert race.visible
    assert race.met["killed"] > kills * 0.8
    return race


def test_nobody_is_written_to_after_an_opt_out_however_senders_die(where: Path | str, tmp_path: Path):
    _run(where, tmp_path, FEW)


@pytest.mark.slow
def test_two_hundred_kills_break_no_opt_out(where: Path | str, tmp_path: Path):
    race = _run(where, tmp_path, MANY)
    assert len(set(race.visible.values())) == 2, "all opt-outs were too early, or too late"
    assert race.met["claimed"] + race.met["handed_over"] > MANY / 8, "hardly a sender had mails in hand"
