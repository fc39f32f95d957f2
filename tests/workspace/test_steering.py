"""What goes wrong in flight is said once, in the log; money that is shared goes where it brings most."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion import cli
from suasion.disclosure import verify
from suasion.errors import CampaignError, SuasionError
from suasion.ingest import inbox, tracking
from suasion.learning import steering
from suasion.ledger import log
from suasion.workspace import deciding, examine, streaming
from suasion.workspace.funds import all_funded, funded, shared_budgets

PLACED = run_path(str(Path(__file__).with_name("placed.py")))
NOW, NAME, SECRET = PLACED["NOW"], PLACED["NAME"], PLACED["SECRET"]
PEOPLE = 700
STREAM = """
write_key = "wk_site_0123456789"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
"""
BUDGET = """
label = "What the office may spend on its site"
amount = 1000.0
begins = 2026-11-21
ends = 2026-11-30
every_hours = 48
[parts.home]
least = 0.1
[parts.foot]
least = 0.1
"""


class Site:
    """A workspace that is asked and told, at a time that the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        self.ws = PLACED["opened"](folder, lambda: self.now)
        self.inbox = inbox.Inbox.open(folder / streaming.INBOX)
        self.decider = PLACED["decider"](self.ws)
        self.streamer = streaming.Streamer(folder, self.ws.ledger, self.ws.lake, self.inbox, self.ws.key)
        self.count = 0

    def tell(self, *events: dict[str, Any]) -> None:
        for event in events:
            self.count += 1
            event |= {"messageId": f"m{self.count}", "timestamp": self.now.isoformat()}
        body = json.dumps({"batch": events, "sentAt": self.now.isoformat()}).encode()
        at = self.now.timestamp()
        self.inbox.offer("site", tracking.parse(body, "batch", at), at).result(30)

    def show(self, placement: str, rates: dict[str, float], *, lost: float = 0.0) -> dict[str, int]:
        """Everybody sees what was decided, but a part of whom the generic variant is for; some then book."""
        luck, events, seen = np.random.default_rng(7), list[dict[str, Any]](), dict[str, int]()
        for named in PLACED["everybody"](PEOPLE):
            answer = self.decider.decide(placement, named)
            generic = answer.variant == "plain"
            if answer.decision_id is None or (generic and luck.random() < lost):
                continue
            seen[answer.variant] = seen.get(answer.variant, 0) + 1
            user = {"type": "track", "userId": named.partition("=")[2]}
            events.append(
                {**user, "event": deciding.EVENT, "properties": {"decision_id": answer.decision_id}}
            )
            if luck.random() < rates.get(answer.variant, 0.05):
                events.append({**user, "event": f"Booked {placement}"})
        self.tell(*events)
        self.streamer.turn(self.now)
        return seen

    def steer(self, **later: float) -> tuple[streaming.steering.Raised, ...]:
        """A look by a process that has just begun."""
        self.now += timedelta(**later)
        placements = all_funded(self.folder, self.ws.ledger, streaming.placements_of(self.folder))
        steering = streaming.steering.Steering(self.folder, self.ws.ledger, self.ws.lake)
        return steering.turn(placements, self.now)

    def rows(self, kind: str) -> list[log.LogRow]:
        return [row for row in log.rows(self.ws.ledger) if row.kind == kind]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = PLACED["declared"](tmp_path_factory.mktemp("steered") / "town", PEOPLE)
    home = folder / "placements" / f"{NAME}.toml"
    PLACED["edit"](home, r'"Booked"', '"Booked home"')
    text = re.sub(r"holdout = .*", "holdout = 0.3", home.read_text("utf-8"))
    text = text.replace("[variants.bus]", "[variants.bus]\ncost = 0.5")
    text = text.replace("[variants.walk]", "[variants.walk]\ncost = 0.5")
    home.write_text(text, "utf-8")
    foot = text.replace("Booked home", "Booked foot").replace("Top of", "Foot of")
    (folder / "placements" / "foot.toml").write_text(foot, "utf-8")
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(STREAM, "utf-8")
    ws = PLACED["opened"](folder)
    ws.ingest()
    for name in (NAME, "foot"):
        deciding.approve(ws, name, "Bea", "read it aloud")
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path):
    site = Site(PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        yield site


def alarms(site: Site) -> list[tuple[str, str]]:
    return [(one.name, one.about) for one in streaming.steering.alarms(site.ws.ledger)]


def test_a_healthy_placement_raises_nothing(site: Site):
    assert site.show(NAME, {"bus": 0.4, "walk": 0.4})["plain"] > 60
    assert site.steer(hours=1) == ()
    assert site.steer(hours=30) == ()
    assert site.rows("alarm") == []


def test_a_variant_that_is_not_told_of_is_said_once_whoever_looks(site: Site):
    site.show(NAME, {}, lost=0.8)
    (raised,) = site.steer(minutes=2)
    assert (raised.name, raised.about, raised.stands) == ("sample_ratio", "placement:home", True)
    assert site.steer(minutes=2) == ()
    (row,) = site.rows("alarm")
    assert "saw plain, for which 0.3 were drawn" in row.content["found"]
    figure = row.content["figures"]["generic share"]
    assert figure["low"] <= figure["value"] <= figure["high"] < 0.3
    assert verify(site.ws.ledger, site.ws.key).problems == ()


def test_an_answer_ends_an_alarm_and_what_came_before_counts_no_more(site: Site):
    site.show(NAME, {}, lost=0.8)
    site.steer(minutes=2)
    about = "placement:home"
    with pytest.raises(CampaignError, match="blank"):
        streaming.steering.answer(site.ws.ledger, "sample_ratio", about, "Ada", " ", site.now)
    with pytest.raises(CampaignError, match="does not stand"):
        streaming.steering.answer(site.ws.ledger, "pace", about, "Ada", "nothing", site.now)
    streaming.steering.answer(site.ws.ledger, "sample_ratio", about, "Ada", "the banner is mended", site.now)
    assert alarms(site) == []
    assert site.steer(minutes=2) == ()
    assert [row.content["state"] for row in site.rows("alarm")] == ["raised", "ended"]
    assert site.rows("alarm")[1].content["by"] == "Ada"


def test_a_placement_that_is_approved_anew_is_watched_anew(site: Site):
    site.show(NAME, {}, lost=0.8)
    site.steer(minutes=2)
    site.now += timedelta(minutes=1)
    deciding.approve(site.ws, NAME, "Bea", "mended")
    (ended,) = site.steer(minutes=2)
    assert (ended.name, ended.stands) == ("sample_ratio", False)
    assert alarms(site) == []


def test_a_stream_that_falls_silent_is_told_of_until_it_speaks_again(site: Site):
    for _ in range(9 * 144):
        site.now += timedelta(minutes=10)
        site.tell({"type": "track", "event": "Seen", "userId": "R0000001"})
    site.streamer.turn(site.now)
    assert site.steer(minutes=30) == ()
    (raised,) = site.steer(hours=12)
    assert (raised.name, raised.about) == ("silence", "stream:site")
    site.tell({"type": "track", "event": "Seen", "userId": "R0000001"})
    site.streamer.turn(site.now)
    (ended,) = site.steer(minutes=2)
    assert (ended.name, ended.stands) == ("silence", False)


def test_who_leaves_after_they_were_shown_something_is_counted(site: Site):
    site.show(NAME, {})
    site.now += timedelta(minutes=5)
    persons = list(PLACED["persons"](site.ws).values())
    with site.ws.ledger.writing() as connection:
        for person in persons[::8]:
            connection.exec_driver_sql(
                "INSERT INTO suppressions (person, channel, reason, at) VALUES (?, '*', 'opted_out', ?)",
                (person, site.now.isoformat()),
            )
    (raised,) = site.steer(minutes=1)
    assert (raised.name, raised.about) == ("opt_outs", "placement:home")
    assert "0.01 is the most" in raised.found


def test_a_file_that_is_too_old_is_told_of(site: Site):
    path = site.folder / "sources" / "residents.toml"
    path.write_text(f"every_days = 7\n{path.read_text('utf-8')}", "utf-8")
    site.now = max(site.now, NOW)
    mtime = (site.folder / "sources" / "residents.csv").stat().st_mtime
    site.now += timedelta(seconds=max(0.0, mtime - site.now.timestamp()))
    assert site.steer(days=6) == ()
    (raised,) = site.steer(days=2)
    assert (raised.name, raised.about) == ("stale_file", "source:residents")
    path.write_text(path.read_text("utf-8").replace("every_days = 7\n", ""), "utf-8")
    (ended,) = site.steer()
    assert not ended.stands, "nobody asks any more how old it is"


def test_alarms_are_in_the_doctors_checks_and_on_the_command_line(site: Site, capsys, monkeypatch):
    monkeypatch.setenv(*next(iter(SECRET.items())))

    def command(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["suasion", "alarms", *words, "-w", str(site.folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), capsys.readouterr().out

    assert "no alarm stands" in command()[1]
    site.show(NAME, {}, lost=0.8)
    site.steer(minutes=2)
    (check,) = (one for one in examine(site.ws) if one.name == "alarms")
    assert check.problem is not None
    assert "sample_ratio of placement:home" in command()[1]
    assert [one["name"] for one in json.loads(command("--json")[1])] == ["sample_ratio"]
    terms = ("answer", "sample_ratio", "placement:home", "--by", "Ada", "--why", "the banner is mended")
    assert command(*terms)[0] == 0
    assert json.loads(command("--json")[1]) == []
    assert command(*terms)[0] == 2


def share(site: Site) -> None:
    (site.folder / "budgets").mkdir()
    (site.folder / "budgets" / "site.toml").write_text(BUDGET, "utf-8")


def money(site: Site, name: str) -> Any:
    placement = streaming.placements_of(site.folder)[name]
    return funded(site.folder, site.ws.ledger, placement).budget


def test_shared_money_is_divided_evenly_until_something_is_known(site: Site):
    share(site)
    assert (money(site, NAME).amount, money(site, "foot").amount) == (500, 500)
    site.steer(hours=13)
    assert site.rows("moved") == []
    site.steer(hours=48)
    (row,) = site.rows("moved")
    assert row.content["after"] == row.content["before"]
    assert "too little is known" in row.content["reason"]
    site.steer(hours=1)
    assert len(site.rows("moved")) == 1


def test_shared_money_goes_where_it_brings_more_and_the_log_says_why(site: Site):
    share(site)
    site.decider.refresh()
    site.show(NAME, {"bus": 0.15, "walk": 0.15})
    site.show("foot", {"bus": 0.6, "walk": 0.6})
    site.steer(hours=37)
    (row,) = site.rows("moved")
    said = row.content
    assert said["number"] == 1
    assert said["after"]["foot"] > 0.85
    assert said["after"]["home"] >= 0.1
    assert said["gains"]["foot"]["low"] > 0
    spent = 1000 - said["left"]
    assert 0 < spent < 1000
    assert money(site, "foot").amount == pytest.approx(said["left"] * said["after"]["foot"])
    assert money(site, "foot").since == NOW.replace(hour=0).timestamp() + 48 * 3600
    assert verify(site.ws.ledger, site.ws.key).problems == ()


def test_a_move_is_seen_by_who_decides(site: Site):
    share(site)
    site.decider.refresh()
    before = site.decider.served()[NAME].prepared.placement.budget
    site.steer(hours=37)
    assert site.decider.is_stale()
    site.decider.refresh()
    after = site.decider.served()[NAME].prepared.placement.budget
    assert (before.since, after.since) == (before.since, before.since + 48 * 3600)
    assert site.decider.served()[NAME].stop is None


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text.replace("parts.foot", "parts.nowhere"), "no such placement"),
        (lambda text: text.replace("least = 0.1", "least = 0.6"), "sum to more than 1"),
        (lambda text: text.replace("amount = 1000.0", ""), "terms.amount"),
    ],
)
def test_shared_money_that_is_declared_wrongly_stops_who_has_it(site: Site, change: Any, found: str):
    share(site)
    path = site.folder / "budgets" / "site.toml"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    site.decider.refresh()
    told = {name: str(error) for name, error in site.decider.broken().items()}
    site.steer(hours=49)
    assert site.rows("moved") == []
    assert not told or any(found in one for one in told.values())


@pytest.mark.parametrize(
    ("old", "new", "amount"),
    [
        ("every_hours = 48", "every_hours = 24", 1000.0),
        ("ends = 2026-11-30", "ends = 2026-11-22", 1000.0),
        ("amount = 1000.0", "amount = 5000.0", 5000.0),
        ("begins = 2026-11-21\nends = 2026-11-30", "begins = 2026-12-01\nends = 2026-12-31", 1000.0),
    ],
)
def test_what_was_divided_by_other_terms_says_nothing_of_these(site: Site, old: str, new: str, amount: float):
    share(site)
    site.decider.refresh()
    site.show("foot", {"bus": 0.6, "walk": 0.6})
    site.steer(hours=37)
    assert len(site.rows("moved")) == 1
    path = site.folder / "budgets" / "site.toml"
    path.write_text(BUDGET.replace(old, new), "utf-8")
    terms = shared_budgets(site.folder)["site"].terms
    for name in (NAME, "foot"):
        assert (money(site, name).amount, money(site, name).since) == (amount / 2, terms.since)
    site.decider.refresh()
    assert site.decider.broken() == {}


def test_a_budget_that_is_wrong_stops_only_who_spends(site: Site):
    free = re.sub(r"cost = .*", "", (site.folder / "placements" / "foot.toml").read_text("utf-8"))
    (site.folder / "placements" / "free.toml").write_text(free.replace("Foot of", "Beside"), "utf-8")
    deciding.approve(site.ws, "free", "Bea", "read it aloud")
    share(site)
    (site.folder / "budgets" / "site.toml").write_text("amount = ", "utf-8")
    site.decider.refresh()
    assert site.decider.broken().keys() == {NAME, "foot"}
    assert site.decider.served()["free"].stop is None
    placements = streaming.placements_of(site.folder)
    assert all_funded(site.folder, site.ws.ledger, placements).keys() == {"free"}


def test_a_pause_is_heeded_though_no_snapshot_can_be_made(site: Site):
    (site.folder / "suasion.toml").write_text("nonsense", "utf-8")
    with pytest.raises(SuasionError):
        site.decider.refresh()
    site.decider.heed_log()
    everybody = PLACED["everybody"](PEOPLE)
    who = next(one for one in everybody if site.decider.decide(NAME, one).decision_id is not None)
    with site.ws.ledger.writing() as connection:
        log.append(connection, "pause", f"placement:{NAME}", {}, NOW)
    site.decider.heed_log()
    assert site.decider.decide(NAME, who).reason == deciding.DISABLED
    assert site.decider.decide("foot", who).reason != deciding.DISABLED


def test_a_placement_cannot_have_money_twice(site: Site):
    share(site)
    other = BUDGET.replace("[parts.home]", "[parts.third]")
    (site.folder / "budgets" / "other.toml").write_text(other, "utf-8")
    with pytest.raises(CampaignError, match=r"budgets/other\.toml, too"):
        money(site, NAME)


def blocks(kind: str) -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "steering.md").read_text("utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def test_the_page_runs(capsys, tmp_path: Path):
    for block in blocks("python"):
        exec(compile(block, "docs/steering.md", "exec"), {})
    assert "saw plain, for which 0.1 were drawn" in capsys.readouterr().out
    (tmp_path / "budgets").mkdir()
    (tmp_path / "budgets" / "site.toml").write_text(blocks("toml")[0], "utf-8")
    assert shared_budgets(tmp_path)["site"].evenly == {"banner": 0.5, "app": 0.5}


def test_the_page_tells_of_every_alarm():
    page = (Path(__file__).parents[2] / "docs" / "steering.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    folders = [Path(steering.__file__).parent, Path(streaming.steering.__file__).parent]
    code = "".join(path.read_text("utf-8") for folder in folders for path in folder.glob("*.py"))
    assert told == {"sample_ratio", "predictions", "population", "opt_outs", "complaints", "pace"} | {
        "silence",
        "stale_file",
    }
    assert all(f'"{name}"' in code for name in told)


def test_what_was_answered_stays_so_after_another_alarm_ended_by_itself(site: Site):
    key, at = ("sample_ratio", "placement:home"), NOW

    def settle(found: bool) -> None:
        nonlocal at
        at += timedelta(minutes=1)
        alarm = steering_of(*key) if found else None
        streaming.steering.settle(site.ws.ledger, {key: alarm}, at)

    settle(True)
    answered = at
    streaming.steering.answer(site.ws.ledger, *key, "Ada", "mended", at)
    settle(True)
    settle(False)
    (last,) = streaming.steering.said(site.ws.ledger).values()
    assert (last.stands, last.answered_at) == (False, answered)
    assert len(site.rows("alarm")) == 4


def test_an_answer_to_what_lasts_holds_for_a_day(site: Site):
    key = ("silence", "stream:site")
    found = {key: steering_of(*key)}
    streaming.steering.settle(site.ws.ledger, found, NOW)
    streaming.steering.answer(site.ws.ledger, *key, "Ada", "the shop is closed", NOW)
    assert streaming.steering.settle(site.ws.ledger, found, NOW + timedelta(hours=23)) == ()
    assert len(streaming.steering.settle(site.ws.ledger, found, NOW + timedelta(hours=25))) == 1
    assert streaming.steering.settle(site.ws.ledger, found, NOW + timedelta(hours=25)) == ()


def steering_of(name: str, about: str) -> steering.Alarm:
    return steering.Alarm(name, about, "something is found", "Look.")


def test_the_streamer_looks_by_itself(site: Site):
    path = site.folder / "sources" / "residents.toml"
    path.write_text(f"every_days = 0.00001\n{path.read_text('utf-8')}", "utf-8")
    stop = threading.Event()
    thread = threading.Thread(target=site.streamer.run, args=(stop, 0.1))
    thread.start()
    until = time.monotonic() + 90
    while not site.rows("alarm") and time.monotonic() < until:
        time.sleep(0.2)
    stop.set()
    thread.join(90)
    assert alarms(site) == [("stale_file", "source:residents")]
