"""The loop: a client asks what to show, tells what was seen and done, and the next person is shown better."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from suasion.ingest import inbox, tracking
from suasion.learning.store import from_bytes
from suasion.ledger import draws
from suasion.ledger.said import wishes
from suasion.rights.search import Sought, files_under
from suasion.workspace import asked, deciding, streaming
from suasion.workspace.deciding.choose import policy_of

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
NOW, NAME, SECRET = PLACED["NOW"], PLACED["NAME"], PLACED["SECRET"]
KEY = SECRET["SUASION_KEY"].encode()
STREAM = """
write_key = "wk_site_0123456789"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
"""
PEOPLE = 1200
GOOD, BAD = 0.6, 0.1
"""How often a person does what is hoped for after the arm that is right for them, and after the other."""


class Site:
    """A workspace that is asked and told, at a time that the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.ws = PLACED["opened"](folder, lambda: self.now)
        self.inbox = inbox.Inbox.open(folder / streaming.INBOX)
        self.decider = deciding.Decider(self.ws)
        self.decider.refresh()
        lake = self.ws.folder / "lake"
        self.streamer = streaming.Streamer(folder, self.ws.ledger, lake, self.inbox, self.ws.key)
        self.learner = streaming.Learner(self.ws.ledger, lake)
        self.count = 0

    def ask(self, named: str) -> deciding.Answer:
        return self.decider.decide(NAME, named)

    def tell(self, *events: dict[str, Any]) -> None:
        for event in events:
            self.count += 1
            event |= {"messageId": f"m{self.count}", "timestamp": self.now.isoformat()}
        body = json.dumps({"batch": events, "sentAt": self.now.isoformat()}).encode()
        at = self.now.timestamp()
        self.inbox.offer("site", tracking.parse(body, "batch", at), at).result(30)

    def learn(self) -> int:
        self.streamer.turn(self.now)
        placements = streaming.placements_of(self.folder)
        version = self.learner.turn(placements, self.now)[NAME]
        self.decider.refresh()
        return version


def viewed(named: str, answer: deciding.Answer) -> dict[str, Any]:
    user = named.partition("=")[2]
    properties = {"decision_id": answer.decision_id}
    return {"type": "track", "event": deciding.EVENT, "userId": user, "properties": properties}


def booked(named: str) -> dict[str, Any]:
    return {"type": "track", "event": "Booked", "userId": named.partition("=")[2]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = PLACED["declared"](tmp_path_factory.mktemp("loop") / "town", PEOPLE)
    path = folder / "placements" / f"{NAME}.toml"
    PLACED["edit"](
        path,
        r"(?s)\[policy\].*?\n\n",
        '[policy]\nkind = "thompson"\nscales = { age = [50, 15], visits = [1, 1], distance = [3, 2] }\n\n',
    )
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(STREAM, "utf-8")
    ws = PLACED["opened"](folder)
    ws.ingest()
    deciding.approve(ws, NAME, "Bea", "read it aloud")
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path):
    site = Site(PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        yield site


def permitted(site: Site) -> list[tuple[str, deciding.Answer]]:
    asked = [(named, site.ask(named)) for named in PLACED["everybody"](PEOPLE)]
    return [(named, answer) for named, answer in asked if answer.decision_id]


def right_arm(site: Site, answer: deciding.Answer) -> str:
    """The young come by bus."""
    decided = deciding.decided_by(site.ws.key, answer.decision_id or "", site.now)
    assert decided is not None
    return "bus" if decided.seen[0] < 50 else "walk"


def shown(site: Site, people: Sequence[tuple[str, deciding.Answer]]) -> None:
    """All of them see what was decided; some do what is hoped for."""
    luck = np.random.default_rng(5)
    events = list[dict[str, Any]]()
    for named, answer in people:
        events.append(viewed(named, answer))
        rate = GOOD if answer.variant == right_arm(site, answer) else BAD
        if luck.random() < rate:
            events.append(booked(named))
    site.tell(*events)


def test_who_comes_later_is_shown_what_helped_people_like_them(site: Site):
    people = permitted(site)
    early, late = people[: len(people) // 2], people[len(people) // 2 :]
    shown(site, early)
    assert site.learn() >= 1
    site.now += timedelta(hours=25)  # whoever did nothing within a day did nothing
    assert site.learn() >= 2
    after = [(named, site.ask(named)) for named, _ in late]
    drawn = [(named, answer) for named, answer in after if answer.variant != "plain"]
    before = np.mean(
        [answer.variant == right_arm(site, answer) for _, answer in late if answer.variant != "plain"]
    )
    now = np.mean([answer.variant == right_arm(site, answer) for _, answer in drawn])
    assert before < 0.65 < 0.8 < now
    assert {answer.reason for _, answer in drawn} == {deciding.SPLIT}


def test_what_was_seen_is_frozen_and_what_was_only_asked_is_not(site: Site):
    (seen, first), (_, other), *_ = permitted(site)
    site.tell(viewed(seen, first))
    site.learn()
    again = site.ask(seen)
    assert (again.variant, again.probability, again.reason) == (
        first.variant,
        first.probability,
        deciding.CACHED,
    )
    with site.ws.ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT arm, chance FROM assignments").all()
    assert rows == [(first.variant, first.probability)]
    assert other.decision_id


def test_the_same_events_again_teach_nothing_twice(site: Site):
    people = permitted(site)[:200]
    shown(site, people)
    site.learn()
    site.now += timedelta(hours=25)
    version, before = site.learn(), draws.policies.newest(site.ws.ledger, NAME)
    shown(site, people)
    site.now += timedelta(hours=25)
    assert site.learn() == version
    assert draws.policies.newest(site.ws.ledger, NAME) == before


def test_cut_into_many_turns_it_learns_to_the_bit_what_it_learns_from_the_tables_again(site: Site):
    people = permitted(site)[:150]
    for start in range(0, 150, 30):
        shown(site, people[start : start + 30])
        site.learn()
        site.now += timedelta(hours=7)
    site.now += timedelta(hours=48)
    site.learn()
    learned = draws.policies.newest(site.ws.ledger, NAME)
    with site.ws.ledger.writing() as connection:
        connection.exec_driver_sql("DELETE FROM policies")
    site.learn()
    again = draws.policies.newest(site.ws.ledger, NAME)
    assert learned is not None
    assert again is not None
    assert (again.version, again.digest) == (1, learned.digest)


def test_who_is_erased_is_learned_without(site: Site):
    people = permitted(site)[:60]
    shown(site, people)
    site.learn()
    site.now += timedelta(hours=25)
    site.learn()
    before = draws.policies.newest(site.ws.ledger, NAME)
    named = next(named for named, answer in people if answer.variant != "plain")
    site.ws.erase_person(named)
    site.learn()
    after = draws.policies.newest(site.ws.ledger, NAME)
    assert before is not None
    assert after is not None
    policy = policy_of(streaming.placements_of(site.folder)[NAME])
    counts = [from_bytes(policy, one.state or b"").count.sum() for one in (before, after)]
    assert counts[1] == counts[0] - 1
    with site.ws.ledger.reading() as connection:
        told = text("SELECT state FROM policies WHERE placement = :name AND version = :version")
        (kept,) = connection.execute(told, {"name": NAME, "version": before.version}).one()
    assert kept is None


def lines_about(site: Site, person: int) -> dict[str, int]:
    """How many rows each file of the lake has of one person, whoever may read it."""
    counted = dict[str, int]()
    for path in (site.folder / "lake").rglob("*.parquet"):
        table = pq.read_table(path)
        if "person" in table.column_names:
            counted[path.name] = table["person"].to_pylist().count(person)
    return counted


def test_no_file_tells_what_the_erased_were_shown_and_what_they_did(site: Site):
    people = permitted(site)[:60]
    named, answer = next(one for one in people if one[1].variant != "plain")
    shown(site, people)
    site.tell(booked(named))
    site.learn()
    (person,) = {
        row["person"]
        for row in site.ws.tables().read("identities", "ingest").to_pylist()
        if row["value"] == named.partition("=")[2]
    }
    before = lines_about(site, person)
    assert {name.partition(".")[0] for name, rows in before.items() if rows} >= {"exposures", "rewards"}
    site.tell(viewed(named, answer), booked(named))
    assert site.ws.erase_person(named).found == ()
    after = lines_about(site, person)
    assert sum(after.values()) == 0
    assert any(name.startswith("exposures") for name in after), "the others' are left"
    sought = Sought.of([named.partition("=")[2], answer.decision_id or ""])
    assert [path.name for path in files_under([site.folder]) if sought.is_in(path)] == []
    site.learn()
    assert sum(lines_about(site, person).values()) == 0
    assert streaming.exposures(site.ws.tables(), NAME).num_rows == len(people) - 1


def test_a_decision_for_somebody_else_is_not_taken(site: Site):
    (one, _), (_, other), *_ = permitted(site)
    site.tell(viewed(one, other))
    turn = site.streamer.turn(site.now)
    assert sum(turn.not_taken.values()) == 1
    with site.ws.ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM assignments").scalar() == 0


def test_a_turn_that_was_killed_after_it_froze_arms_learns_from_them_when_done_again(site: Site):
    people = permitted(site)[:40]
    shown(site, people)
    points = site.streamer.turning(site.now)
    for point in points:
        if point == "written":
            break
    points.close()
    site.now += timedelta(minutes=1)
    site.learn()
    tables = site.ws.tables()
    assert streaming.exposures(tables, NAME).num_rows == len(people)


def test_from_whoever_objects_nothing_is_learned_any_more(site: Site):
    people = permitted(site)[:60]
    drawn = [(named, answer) for named, answer in people if answer.variant != "plain"]
    (first, _), (second, late) = drawn[:2]
    shown(site, [one for one in people if one[0] != second])
    site.now += timedelta(hours=25)
    site.learn()
    before = learned(site)
    asked.wish(site.ws, wishes.WishKind.OBJECTED, first)
    asked.wish(site.ws, wishes.WishKind.OBJECTED, second)
    site.tell(viewed(second, late), booked(second))
    site.learn()
    assert learned(site) == before - 1
    exposed = streaming.exposures(site.ws.tables(), NAME)["person"].to_pylist()
    assert PLACED["persons"](site.ws)[second] not in exposed


def test_features_of_another_name_start_anew(site: Site):
    shown(site, permitted(site)[:60])
    site.now += timedelta(hours=25)
    site.learn()
    assert learned(site) > 0
    path = site.folder / "placements" / f"{NAME}.toml"
    PLACED["edit"](path, r"features = .*", 'features = ["visits", "age", "distance"]')
    site.learn()
    assert learned(site) == 0


def test_an_event_of_no_possible_time_stops_nobody(site: Site):
    (named, answer), *_ = permitted(site)
    event = viewed(named, answer) | {"messageId": "ancient", "timestamp": "0001-01-01T00:00:00Z"}
    body = json.dumps({"batch": [event], "sentAt": "9999-12-31T23:59:59Z"}).encode()
    at = site.now.timestamp()
    site.inbox.offer("site", tracking.parse(body, "batch", at), at).result(30)
    assert site.streamer.turn(site.now).events == 1
    site.tell(viewed(named, answer))
    assert site.streamer.turn(site.now).events == 1


def learned(site: Site) -> int:
    found = draws.policies.newest(site.ws.ledger, NAME)
    assert found is not None
    policy = policy_of(streaming.placements_of(site.folder)[NAME])
    return int(from_bytes(policy, found.state or b"").count.sum())
