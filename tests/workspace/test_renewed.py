"""After a turn only those are judged anew of whom streams told something, and nobody sees a difference."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion.ingest.inbox import Inbox
from suasion.ingest.tracking import parse
from suasion.ledger.said import opt_in
from suasion.rules import Channel, Purpose
from suasion.workspace import Workspace, deciding
from suasion.workspace.streaming import Streamer

PLACED = run_path(str(Path(__file__).with_name("placed.py")))
NOW, NAME = PLACED["NOW"], PLACED["NAME"]
STREAM = """
write_key = "wk_web_0123456789"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
"""
CLICKS = """
[traits.clicks]
type = "integer"
category = "behavior"
label = "Clicks"
computed = { event = "Clicked", of = "count" }
"""
COLUMNS = ("persons", "aimed", "features", "arms", "chances", "luck", "unknown")


@pytest.fixture(scope="session")
def clicked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town whose placement goes by what people clicked."""
    folder = PLACED["declared"](tmp_path_factory.mktemp("clicked") / "town", 400)
    (folder / "streams").mkdir()
    (folder / "streams" / "web.toml").write_text(STREAM, "utf-8")
    (folder / "traits" / "clicks.toml").write_text(CLICKS, "utf-8")
    (folder / "segments" / "adults.toml").write_text(
        'label = "Adults"\nwhere = "age >= 18 and (clicks is null or clicks < 3)"\n', "utf-8"
    )
    PLACED["edit"](folder / "placements" / f"{NAME}.toml", r'"distance"\]', '"distance", "clicks"]')
    ws = PLACED["opened"](folder)
    ws.ingest()
    deciding.approve(ws, NAME, "Bea", "read it aloud")
    return folder


class Live:
    """The town, its inbox, its streamer, and a decider that goes on."""

    def __init__(self, folder: Path) -> None:
        self.now, self.sent = NOW, 0
        self.ws: Workspace = PLACED["opened"](folder, lambda: self.now)
        self.inbox = Inbox.open(folder / "inbox.db")
        self.streamer = Streamer(folder, self.ws.ledger, self.ws.lake, self.inbox, self.ws.key)
        self.streamer.turn(self.now)  # which knows streams from now on
        self.decider = PLACED["decider"](self.ws)
        self.refreshed = 0
        whole = self.decider.refresh

        def counting() -> None:
            self.refreshed += 1
            whole()

        self.decider.refresh = counting

    def send(self, *told: dict[str, Any]) -> None:
        batch = []
        for one in told:
            self.sent += 1
            batch.append({"messageId": f"m{self.sent}", "type": "track", "event": "Clicked", **one})
        at = self.now.timestamp()
        self.inbox.offer("web", parse(json.dumps({"batch": batch}).encode(), "batch", at), at).result(30)

    def turn(self) -> None:
        self.streamer.turn(self.now)
        self.decider.renew()

    def compare(self) -> None:
        """What is decided by is what somebody who begins now decides by."""
        fresh = PLACED["decider"](self.ws).served()[NAME].snapshot
        ours = self.decider.served()[NAME].snapshot
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(ours, name), getattr(fresh, name), name)
        for member in (*PLACED["everybody"](400), "nobody", "member=N1", "web.anonymous=d1"):
            mine, other = self.person(self.decider, member), self.person(PLACED["decider"], member)
            assert mine == other, member

    def person(self, decider: Any, named: str) -> int | None:
        if not hasattr(self, "_fresh") or self._fresh_at != self.sent:
            self._fresh, self._fresh_at = PLACED["decider"](self.ws), self.sent
        one = self._fresh if decider is not self.decider else decider
        return one._made.index.person(named)


@pytest.fixture
def live(clicked: Path, tmp_path: Path):
    made = Live(PLACED["copy"](clicked, tmp_path / "town"))
    yield made
    made.inbox.close()


def user(number: int) -> dict[str, Any]:
    return {"userId": f"R{number:07d}"}


def test_whom_a_turn_touched_is_decided_for_anew_and_nobody_else_is_looked_at(live: Live):
    live.send(*(user(number) for number in range(5) for _ in range(number)))
    live.turn()
    live.compare()
    assert live.refreshed == 0
    shown = live.decider.served()[NAME].snapshot
    clicks = shown.features[:, -1]
    assert {3.0, 4.0} & set(clicks.tolist())
    assert not shown.aimed[clicks >= 3].any()


def test_who_is_new_logs_in_or_turns_out_to_be_another_is_known(live: Live):
    live.send({"anonymousId": "d1"}, {"userId": "N1"}, {"anonymousId": "d2"})
    live.turn()
    live.compare()
    live.send({"type": "identify", **user(7), "anonymousId": "d1"}, {"anonymousId": "d1"})
    live.turn()
    live.compare()
    assert live.refreshed == 0
    known = live.decider._made.index
    assert known.person("web.anonymous=d1") == known.person("member=R0000007")


def test_many_turns_are_as_one_look_at_everything(live: Live):
    luck = random.Random(4)
    for _ in range(6):
        told = [user(luck.randrange(60)) for _ in range(20)]
        told += [{"anonymousId": f"d{luck.randrange(9)}"} for _ in range(5)]
        told += [{"type": "identify", **user(luck.randrange(60)), "anonymousId": f"d{luck.randrange(9)}"}]
        live.send(*told)
        live.now += timedelta(seconds=1)
        live.turn()
    live.compare()
    assert live.refreshed == 0


def test_who_takes_consent_back_is_out_of_the_snapshot_too(live: Live):
    person = live.person(live.decider, "member=R0000003")
    permitted = live.decider.served()[NAME].snapshot.persons.tolist()
    someone = next(one for one in permitted if one != person)
    pair = (Purpose.PUBLIC_HEALTH, Channel.WEB)
    opt_in.withdraw(live.ws.ledger, someone, pair, live.now)
    live.send(user(3))
    live.turn()
    assert live.refreshed == 0
    assert live.decider.served()[NAME].snapshot.row(someone) is None
    live.compare()


def test_what_is_not_told_by_streams_makes_everything_anew(live: Live):
    live.ws.ingest()
    live.decider.renew()
    assert live.refreshed == 1
    live.compare()


def test_after_ten_minutes_everybody_is_judged_anew(live: Live):
    live.send(user(1))
    live.now += timedelta(minutes=11)
    assert live.decider._is_old()
