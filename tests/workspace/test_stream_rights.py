"""Whoever streams know is answered, corrected and erased as others are; and commands wait for a turn."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path
from threading import Event, Thread
from typing import Any

import pytest

import suasion
from suasion.errors import BusyError, InputError
from suasion.ingest import inbox
from suasion.ledger import running
from suasion.profiles import catalogue_from
from suasion.rights import access, corrections, seals_of
from suasion.rights.search import Sought, files_under

STREAMED = run_path(str(Path(__file__).with_name("streamed.py")))
Site, declare, order, login = (STREAMED[name] for name in ("Site", "declare", "order", "login"))
NOW, SECRET, ONE, TWO = STREAMED["NOW"], STREAMED["SECRET"], *STREAMED["MEMBERS"][:2]
DEVICE = "canary-device-4711"
MAIL = STREAMED["DECLARED"]["streams/site.toml"].replace("wk_site", "wk_mail").replace('"member"', '"email"')
ADDRESS = f"{ONE.lower()}@mail.example"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace after its first ingest, to be copied."""
    folder = declare(tmp_path_factory.mktemp("rights") / "shop", **{"streams/mail.toml": MAIL})
    site = Site(folder)
    site.ws.ingest()
    site.close()
    return folder


@pytest.fixture
def site(read: Path, tmp_path: Path):
    made = Site(Path(shutil.copytree(read, tmp_path / "shop")))
    yield made
    made.close()


def held(folder: Path, *values: str) -> list[str]:
    """Files in which one of them is, byte by byte."""
    sought = Sought.of(values)
    return [path.name for path in files_under([folder]) if sought.is_in(path)]


def wait_for(site: Any, stream: str) -> list[str]:
    """Message ids of what waits, whoever did it."""
    return [e.message_id for b in site.inbox.batches(0, 99) if b.stream == stream for e in b.events]


def test_an_erasure_takes_what_waits_and_leaves_what_others_did(site: Any):
    site.send(login(ONE, DEVICE), order(TWO, total=1))
    site.turn()
    site.send(order(ONE, total=2), order(anonymous=DEVICE), order(f" {ONE} "), order(TWO, total=4))
    site.send(order(ONE, total=8), stream="app")
    certificate = site.ws.erase_person(f"member={ONE}")
    assert (wait_for(site, "site"), wait_for(site, "app")) == (["m6"], [])
    assert certificate.found == ()
    assert any("inbox" in line for line in certificate.done)
    assert held(site.folder, ONE, DEVICE) == []
    site.turn()
    assert site.of(TWO)["spent"] == 5


def test_an_erasure_overwrites_the_inbox_though_nothing_waits(site: Any):
    site.send(order(ONE, total=2), login(ONE, DEVICE))
    assert site.turn().events == 2
    assert site.inbox.waiting() == 0
    assert any("inbox" in name for name in held(site.folder, DEVICE)), "what was read is still in the log"
    assert site.ws.erase_person(f"member={ONE}").found == ()
    assert held(site.folder, ONE, DEVICE) == []


@pytest.mark.parametrize("drained", [False, True])
def test_whom_a_stream_knows_by_an_address_is_erased_from_what_waits(site: Any, drained: bool):
    """However it is spelled, and whether or not the stream was read before."""
    if drained:
        site.send(order(ADDRESS, total=1), stream="mail")
        site.turn()
    site.send(order(f" {ADDRESS.upper()} ", total=2), order("other@mail.example"), stream="mail")
    site.ws.erase_person(
        f"email={ADDRESS}"
        if not drained
        else str(site.ws.tables().read("events.mail.1", "serve")["person"][0].as_py())
    )
    assert len(wait_for(site, "mail")) == 1
    assert [name for name in held(site.folder, ADDRESS) if "inbox" in name] == []


def test_what_came_while_another_run_kept_the_erasure_waiting_goes_when_it_is_finished(site: Any):
    """The person's key is gone then: a sealed identifier is known by its hash alone."""
    site.send(order(ADDRESS, total=1), stream="mail")
    site.turn()
    person = site.ws.tables().read("events.mail.1", "serve")["person"][0].as_py()
    hurried = replace(site.ws, patience=0.0)
    with running(site.ws.ledger, site.ws.lake, "another", NOW):
        assert hurried.erase_person(str(person)).stage == 1
        site.send(order(ADDRESS, total=2), order("other@mail.example"), stream="mail")
    suasion.open(site.folder, now=lambda: NOW, environment=SECRET).finish_erasures()
    assert len(wait_for(site, "mail")) == 1
    assert [name for name in held(site.folder, ADDRESS) if "inbox" in name] == []


def test_where_no_stream_ever_sent_anything_an_erasure_needs_no_inbox(site: Any):
    site.inbox.close()
    for path in site.folder.glob("inbox.db*"):
        path.unlink()
    assert site.ws.erase_person(f"member={ONE}").found == ()
    assert not list(site.folder.glob("inbox.db*"))
    site.inbox = inbox.Inbox.open(site.folder / "inbox.db")


def test_whoever_asks_is_shown_what_waits_and_what_was_computed(site: Any):
    site.send(order(ONE, total=2.5, item="tea"), order(TWO, total=99, item="rum"))
    site.send(order(ONE, total=4, item="milk"), stream="app")
    site.turn()
    site.send(order(ONE, total=8, item="salt"), order(TWO, total=16, item="rum"))
    package = site.ws.access(f"member={ONE}")
    (waits,) = package.told["waiting"]
    assert (waits["stream"], waits["name"], waits["message_id"]) == ("site", "Order Completed", "m4")
    assert waits["payload"] == {"total": 8, "item": "salt"}
    told = {(one["trait"], one["value"]): one for one in package.told["data"] if one["how"] == "computed"}
    assert told["spent", 6.5]["purposes"] == ["commercial"]
    assert told["spent", 4.0]["purposes"] == ["public_health"], "of the app alone"
    assert told["spent", 6.5]["sources"] == ["#app", "#site"]
    assert told["spent", 6.5]["dates"] == ["2026-11-21", "2026-11-21"]
    assert told["last_item", "milk"]["how"] == "computed"
    assert package.told["sources"]["#site"]["basis"] == "contract"
    text = json.dumps(package.as_dict()) + package.html()
    assert "rum" not in text
    for said in (
        "we\ncomputed it from what you did, for commercial",
        "What you did that is not read yet (1)",
    ):
        assert said in package.html()
    portable = package.portable()
    assert {one["trait"] for one in portable["data"]} == {"year_of_birth"}, "what we computed is ours"
    assert {row["message_id"] for rows in portable["events"].values() for row in rows} == {"m1", "m3"}
    assert [one["message_id"] for one in portable["waiting"]] == ["m4"]


def test_without_the_key_access_shows_what_readable_identifiers_name(site: Any):
    site.send(order(ONE, total=2))
    site.send(order(ADDRESS, total=2), stream="mail")
    ws = suasion.open(site.folder, now=lambda: NOW, environment={})
    (waits,) = access(ws.holdings(), f"member={ONE}", NOW).told["waiting"]
    assert waits["stream"] == "site"


def test_what_is_computed_is_not_corrected_and_it_is_said_why(site: Any):
    site.send(order(ONE))
    site.turn()
    ws, person = site.ws, site.person("member", ONE)
    catalogue, seals = catalogue_from(site.folder / "traits"), seals_of(site.ws.ledger, site.ws.key)
    said = corrections.Correction(person, "orders", "7", NOW)
    with (
        pytest.raises(InputError, match="it is computed, not stated") as refused,
        running(ws.ledger, ws.lake, "correct", NOW) as run,
    ):
        corrections.correct(run, said, catalogue, seals)
    assert "events" in str(refused.value)
    assert corrections.corrections(ws.ledger, seals) == ()
    assert site.of(ONE)["orders"] == 1


def test_a_correction_of_what_is_computed_now_changes_nothing(site: Any):
    site.send(order(ONE))
    site.turn()
    ws, person = site.ws, site.person("member", ONE)
    catalogue, seals = catalogue_from(site.folder / "traits"), seals_of(site.ws.ledger, site.ws.key)
    with running(ws.ledger, ws.lake, "correct", NOW) as run:
        said = corrections.Correction(person, "year_of_birth", "1950", NOW)
        corrections.correct(run, said, catalogue, seals)
    path = site.folder / "traits" / "all.toml"
    old = path.read_text("utf-8")
    new = 'computed = { event = "Order Completed", of = "last", property = "year" }'
    path.write_text(old.replace('label = "Year of birth"', f'label = "Year of birth"\n{new}'), "utf-8")
    mapping = site.folder / "sources" / "members.toml"
    mapping.write_text(mapping.read_text("utf-8").replace("traits = ", "# "), "utf-8")
    ws.ingest()
    site.turn()
    assert site.of(ONE)["year_of_birth"] is None
    assert {one["how"] for one in ws.access(f"member={ONE}").told["data"]} == {"computed"}


class Holder:
    """Has the one run that there may be, until it is told to end."""

    def __init__(self, site: Any) -> None:
        self.begun, self.end = Event(), Event()
        self.thread = Thread(target=self._hold, args=(site,))

    def _hold(self, site: Any) -> None:
        ws = suasion.open(site.folder, environment=SECRET)
        with running(ws.ledger, ws.lake, "stream", datetime.now(UTC)):
            self.begun.set()
            self.end.wait(60)

    def __enter__(self) -> Holder:
        self.thread.start()
        assert self.begun.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.thread.join(30)


def test_a_command_waits_until_the_run_before_it_has_ended(site: Any):
    with Holder(site) as holder:
        done: list[Any] = []
        threads = [
            Thread(target=lambda: done.append(site.ws.ingest())),
            Thread(target=lambda: done.append(site.ws.erase_person(f"member={ONE}"))),
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        assert done == []
        holder.end.set()
        for thread in threads:
            thread.join(30)
    assert len(done) == 2
    assert site.persons("member", ONE) == set()


def test_a_command_gives_up_when_its_patience_ends(site: Any):
    hurried = replace(site.ws, patience=0.4)
    with Holder(site):
        begun = time.monotonic()
        with pytest.raises(BusyError, match="at work on this workspace"):
            hurried.ingest()
        assert 0.4 <= time.monotonic() - begun < 5
        begun = time.monotonic()
        assert hurried.erase_person(f"member={ONE}").stage == 1, "at once, whoever has the run"
        assert time.monotonic() - begun < 5
    assert site.ws.patience == 10


def test_a_turn_does_not_wait(site: Any):
    site.send(order(ONE))
    with Holder(site):
        begun = time.monotonic()
        with pytest.raises(BusyError):
            site.turn()
        assert time.monotonic() - begun < 2
