"""An opt-out works before it is acknowledged, in whatever order things happen.

The invariant, for every schedule of two campaigns' senders, opt-outs, pauses, resumptions, crashes and
recoveries, where each mail becomes visible at one moment and each request is acknowledged at one moment:

1. No mail becomes visible after an opt-out was acknowledged that names its person or its contact detail.
2. No mail becomes visible while a pause of its campaign is acknowledged and its resumption is not.
3. No mail becomes visible twice, whatever crashed, and no mailbox sees two mails of one campaign.
4. When all is over, the ledger says ``accepted`` of what was visible (a mail server's may be ``unknown``);
   of an outbox everything else is ``failed`` because of an opt-out, because it could not be written, or
   because its mailbox had the campaign, so nothing is lost; and each campaign spent the costs of the sends
   that were handed over, to the cent.

Whoever needs the ledger's write lock while the sender holds it is not acknowledged, and tries again later.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import text

from suasion.ledger import Ledger, postgres, sends, tokens

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
INTERLEAVING = run_path(str(Path(__file__).with_name("interleaving.py")))
Schedule, fault = INTERLEAVING["Schedule"], INTERLEAVING["fault"]
FAST, SLOW, PARTS = {"sqlite": 500, "postgres": 100}, 100_000, 10
BROKEN = 1_000
"""A broken sender is caught within so many."""


@pytest.fixture(scope="module")
def world(anywhere: Callable[[Path], Path | str]) -> Generator[Any]:
    memory = Path("/dev/shm")  # the lock's file is cut and written at every start of a sender
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made = INTERLEAVING["World"](Path(folder), anywhere(Path(folder)))
        yield made
        made.ledger.engine.dispose()


def _made(world: Any, seeds: range) -> Generator[Any]:
    for seed in seeds:
        if seed % 500 == 0:
            world.tidy()
        yield Schedule(world, seed).run()


def _faults(world: Any, seeds: range) -> Generator[str]:
    for made in _made(world, seeds):
        if found := fault(made):
            seed = made.seed
            yield f"schedule {seed}: {found}"


def test_no_schedule_breaks_a_promise(world: Any, kind: str):
    met = Counter[str]()
    for made in _made(world, range(FAST[kind])):
        assert fault(made) is None, f"schedule {made.seed}"
        seen = {about for kind, about in made.events if kind == "seen"}
        pressed = {about for kind, about in made.events if kind == "acknowledged"}
        met.update({about if kind == "point" else kind for kind, about in made.events})
        met.update({"waited": made.waited, "in time": len(pressed - seen), "too late": len(pressed & seen)})
    points = {"begin", "check", "claim", "commit", "hand-off", "terms", "judged", "written", "handed over"}
    points |= {"stage", "carrier", "claimed", "staged", "marked", "guarded", "handed", "settled"}
    others = {"seen", "acknowledged", "paused", "resumed", "killed", "waited", "in time", "too late"}
    assert met.keys() == points | others
    assert min(met.values()) > FAST[kind] / 50, f"the schedules hardly test something: {met}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_schedules_break_no_promise(world: Any, part: int):
    size = SLOW // PARTS
    assert list(_faults(world, range(part * size, (part + 1) * size))) == []


@contextmanager
def _unguarded(
    ledger: Ledger, terms: sends.Terms, ids: Sequence[int], at: datetime
) -> Generator[sends.Handover]:
    """Broken: every check is made under the lock, and the lock is let go before anything is handed over."""
    with HANDING_OVER(ledger, terms, ids, at) as checked:
        pass
    yield checked
    with ledger.writing() as connection:
        for number, state, reason in checked.settled:
            row = {"id": number, "state": state, "reason": reason or None}
            connection.execute(text("UPDATE sends SET state = :state, reason = :reason WHERE id = :id"), row)


@contextmanager
def _unmarked(ledger: Ledger, _: sends.Terms, ids: Sequence[int], at: datetime) -> Generator[sends.Handover]:
    """Broken: what is handed over is marked only then, in the transaction that hands over."""
    with ledger.writing() as connection:
        held = connection.execute(text("SELECT id FROM sends WHERE state = 'claimed'")).scalars()
        checked = sends.Handover(tuple(set(held) & set(ids)), None)
        yield checked
        for number, state, reason in checked.settled:
            row = {"id": number, "state": state, "reason": reason or None}
            connection.execute(text("UPDATE sends SET state = :state, reason = :reason WHERE id = :id"), row)


HANDING_OVER = sends.handing_over


def test_a_sender_that_checks_outside_the_lock_is_caught(world: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sends, "handing_over", _unguarded)
    wanted = {"after an opt-out was acknowledged", "while its campaign was paused"}
    for found in _faults(world, range(BROKEN)):
        wanted -= {one for one in wanted if one in found}
        if not wanted:
            break
    assert not wanted


def test_a_sender_that_marks_after_handing_over_is_caught(world: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sends, "mark", lambda *_: None)
    monkeypatch.setattr(sends, "handing_over", _unmarked)
    assert any("was seen twice" in found for found in _faults(world, range(BROKEN)))


def test_writers_that_take_no_lock_are_caught(world: Any, kind: str, monkeypatch: pytest.MonkeyPatch):
    if kind == "sqlite":
        pytest.skip("a file of SQLite has one writer, whatever it takes")
    monkeypatch.setattr(postgres.PostgresSchema, "take_lock", lambda _, one: one.execute(text("SELECT 1")))
    assert any("after an opt-out was acknowledged" in found for found in _faults(world, range(BROKEN)))


JOURNAL = (
    "CREATE TABLE diary (place INTEGER PRIMARY KEY, what TEXT, person INTEGER)",
    "CREATE TRIGGER pressed AFTER INSERT ON suppressions "
    "BEGIN INSERT INTO diary (what, person) VALUES ('acknowledged', NEW.person); END",
    "CREATE TRIGGER sent AFTER UPDATE OF state ON sends WHEN NEW.state = 'accepted' "
    "BEGIN INSERT INTO diary (what, person) VALUES ('accepted', NEW.person); END",
)
"""The order in which transactions were committed, kept by the ledger itself."""
SHARES = 4


def _press(folder: Path, share: int) -> dict[int, bool]:
    """Press opt-outs of a share of the sends, near those being sent: was the mail there when acknowledged?"""
    ws, luck, seen = TOWN["opened"](folder), random.Random(share), dict[int, bool]()
    new, last = folder / "outbox" / "new", TOWN["rows"](ws, "SELECT max(id) FROM sends")[0][0]
    while not any(new.iterdir()):
        time.sleep(0.001)
    while (sent := len(list(new.iterdir()))) + len(seen) < last - 20:
        time.sleep(luck.uniform(0, 0.1))
        number = (sent + luck.randint(-8, 16)) // SHARES * SHARES + share
        if number not in seen and 0 < number <= last:
            assert sends.suppress(ws.ledger, number, sends.Why.OPTED_OUT, ws.now())
            seen[number] = (new / tokens.token_of(ws.key, number)).exists()
    return seen


def test_opt_outs_pressed_while_a_real_sender_sends(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path):
    """For each, the mail was visible before the acknowledgement, or never: also in the ledger's own order."""
    folder = TOWN["copy"](TOWN["approved"](tmp_path_factory.getbasetemp()), tmp_path / "town")
    ws = TOWN["opened"](folder)
    ws.pause()
    ws.send()
    ws.pause(paused=False)
    with ws.ledger.writing() as connection:
        for statement in JOURNAL:
            connection.execute(text(statement))
    sender = TOWN["start"](TOWN["sender"], folder, 3, {}, 0.01)
    with ThreadPoolExecutor(SHARES) as threads:
        found = list(threads.map(lambda share: _press(folder, share), range(SHARES)))
    TOWN["ended"](sender, killed=False)
    visible = {number: seen for one in found for number, seen in one.items()}
    mails, order = TOWN["mails"](folder), dict[tuple[str, int], int]()
    for place, what, person in TOWN["rows"](ws, "SELECT place, what, person FROM diary"):
        order[what, person] = place
    for number, person in TOWN["rows"](ws, "SELECT id, person FROM sends"):
        sent, asked = order.get(("accepted", person)), order.get(("acknowledged", person))
        assert (tokens.token_of(ws.key, number) in mails) is (sent is not None)
        assert (asked is not None) is (number in visible)
        assert visible.get(number, True) is (sent is not None)
        assert sent is None or asked is None or sent < asked
    assert min(Counter(visible.values()).values()) > 2, "all were too early, or too late"
    assert len(set(visible.values())) == 2
    assert ws.send().fates == {}
