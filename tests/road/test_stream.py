"""Events on the road: a streamer that is killed, a person who is erased."""

from __future__ import annotations

import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path
from runpy import run_path

import pytest

from suasion.ledger import running
from suasion.rights import Holdings, erase, stages
from suasion.rights.export import export
from suasion.rights.search import Sought, files_under
from suasion.workspace.brief import sources_from
from suasion.workspace.streaming import erase_waiting, waiting_of

STREAMED = run_path(str(Path(__file__).parents[1] / "workspace" / "streamed.py"))
TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
Site, declare, order, login = (STREAMED[name] for name in ("Site", "declare", "order", "login"))
NOW, MEMBERS = STREAMED["NOW"], STREAMED["MEMBERS"]
ONE, TWO, *_ = MEMBERS
POINTS = 6
"""That a turn passes."""
NO = {"gpc": False, "consent": {"categoryPreferences": {"advertising": False, "other": True}}}


@pytest.fixture(scope="session")
def read(tmp_path_factory) -> Path:
    folder = declare(tmp_path_factory.mktemp("road") / "shop")
    site = Site(folder)
    site.ws.ingest()
    site.close()
    return folder


@pytest.fixture
def folder(read: Path, tmp_path: Path) -> Path:
    shutil.copytree(read, tmp_path / "shop")
    return tmp_path / "shop"


def _die(folder: Path, after: int) -> None:
    """Begin a turn, and be killed after it passed so many points."""
    passing = Site(folder).streamer.turning(NOW)
    for _ in range(after):
        next(passing)
    os.kill(os.getpid(), signal.SIGKILL)


def killed(folder: Path, after: int) -> None:
    process = TOWN["start"](_die, folder, after)
    TOWN["ended"](process, killed=True)


def told(site) -> tuple:
    """What is known afterwards, by identifiers."""
    who = {site.person("member", member): member for member in (ONE, TWO, "R0000099")}
    return (
        sorted((row["message_id"], who[row["person"]]) for row in site.events()),
        {who[person]: row for person, row in site.traits().items() if person in who},
        [(who[row["person"]], row["given"]) for row in site.ws.tables().told.to_pylist()],
    )


def send_all(site) -> None:
    site.send(order(anonymous="d1", total=1, item="a"))
    site.turn()
    site.send(login(ONE, "d1"), order(ONE, total=2, item="b"), order(TWO, total=4), context=NO)
    site.send(order("R0000099", total=8))


def test_killed_at_any_point_a_turn_loses_nothing_and_counts_nothing_twice(folder: Path, tmp_path: Path):
    calm = tmp_path / "calm"
    shutil.copytree(folder, calm)
    site = Site(calm)
    send_all(site)
    site.turn()
    expected = told(site)
    site.close()
    assert len(expected[0]) == 5
    for after in range(1, POINTS + 1):
        here = tmp_path / f"killed-{after}"
        shutil.copytree(folder, here)
        site = Site(here)
        send_all(site)
        site.close()
        killed(here, after)
        site = Site(here)
        assert site.turn().events == (0 if after == POINTS else 4)
        assert told(site) == expected, f"killed after point {after}"
        assert site.inbox.waiting() == 0
        site.close()
        shutil.rmtree(here)


def test_a_turn_passes_as_many_points_as_it_is_killed_at(folder: Path):
    site = Site(folder)
    site.send(order(ONE))
    assert len([*site.streamer.turning(NOW)]) == POINTS
    site.close()


def holdings(site) -> Holdings:
    ws = site.ws
    return Holdings(ws.folder, ws.lake, ws.ledger, sources_from(ws.folder), ws.folder / "outbox", ws.key)


def test_an_erased_person_is_in_no_file_and_does_not_come_back(folder: Path):
    site, canary = Site(folder), "canary-device-4711"
    site.send(order(anonymous=canary, note="before the login"), order(TWO, total=2))
    site.turn()
    site.send(
        login(ONE, canary), order(ONE, total=3, note=f"from {canary}"), order(anonymous=canary, total=4)
    )
    site.send(order(ONE, total=1), stream="app")
    site.turn()
    assert site.of(ONE)["orders"] == 4
    shown = export(holdings(site), f"site.anonymous={canary}", NOW)["tables"]
    assert {name.partition(".")[0] for name in shown} >= {"events", "computed", "visitors", "identities"}

    site.send(order(ONE, total=9), order(TWO, total=5))
    erased = erase(holdings(site), f"member={ONE}", NOW)
    assert set(erased.found) <= {"inbox.db", "inbox.db-wal"}
    known = {"member": [ONE], "site.anonymous": [canary]}
    assert [event.message_id for event in waiting_of(folder, site.ws.ledger, known)["site"]] == ["m7"]
    assert erase_waiting(folder, site.ws.ledger, known) == 1
    site.send(order(ONE, total=9), login("R0000003", canary), order(anonymous=canary, total=7))
    turn = site.turn()
    assert turn.left_out == {"of a person who was erased": 2}
    assert site.of(TWO)["spent"] == 7
    assert site.persons("member", ONE) == set()
    assert {row["message_id"] for row in site.events()} == {"m2", "m8", "m10"}
    site.close()
    sought = Sought.of([ONE, canary])
    held = [path for path in files_under([folder]) if sought.is_in(path)]
    assert held == []


def test_an_erasure_that_waits_is_kept_to_by_the_next_turn(folder: Path):
    site = Site(folder)
    site.send(order(ONE, total=1))
    site.turn()
    site.send(order(ONE, total=2), order(TWO, total=4))
    with running(site.ws.ledger, site.ws.lake, "another", NOW):
        first = erase(holdings(site), f"member={ONE}", NOW)
    assert first.stage == 1
    assert site.turn().left_out == {"of a person who was erased": 1}
    assert erase_waiting(folder, site.ws.ledger, {"member": [ONE]}) == 0
    (done,) = stages.finish(holdings(site), NOW)
    assert done.found == ()
    assert all(row["user_id"] != ONE for row in site.events())
    site.close()


def test_the_loop_drains_until_it_is_told_to_stop(folder: Path):
    from threading import Event, Thread

    site, stop = Site(folder), Event()
    thread = Thread(target=site.streamer.run, args=(stop, 0.05))
    thread.start()
    try:
        site.send(order(ONE, total=1))
        for _ in range(400):
            if not site.inbox.waiting():
                break
            stop.wait(0.05)
    finally:
        stop.set()
        thread.join(30)
    assert site.inbox.waiting() == 0
    site.now += timedelta(seconds=1)
    assert site.of(ONE)["orders"] == 1
    site.close()
