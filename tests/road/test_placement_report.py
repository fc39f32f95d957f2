"""What a live placement changed, told from a real run through inbox, streamer and policy."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from suasion.cli.app import app
from suasion.disclosure import verify
from suasion.ledger import log
from suasion.ledger.said import wishes
from suasion.workspace import asked, deciding, streaming

LOOP = run_path(str(Path(__file__).parent / "test_loop.py"))
PLACED, NAME = LOOP["PLACED"], LOOP["NAME"]
PEOPLE = 1600
GENERIC, DAYS = 0.15, 4
HORIZON = timedelta(hours=25)
"""The placement's is a day."""


def rate(answer: Any, arm: str, day: int) -> float:
    """How often a person does what is hoped for; what helps the young helps the old by the end."""
    if arm == "plain":
        return GENERIC
    right = "bus" if (answer < 50) == (day < DAYS // 2) else "walk"
    return 0.5 if arm == right else 0.1


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town whose variants cost something."""
    folder = PLACED["declared"](tmp_path_factory.mktemp("reported") / "town", PEOPLE)
    path = folder / "placements" / f"{NAME}.toml"
    learns = '[policy]\nkind = "thompson"\nkeep = 0.7\nscales = { age = [50, 15] }\n\n'
    PLACED["edit"](path, r"(?s)\[policy\].*?\n\n", learns)
    PLACED["edit"](path, r"holdout = .*", "holdout = 0.2")
    PLACED["edit"](path, r"\[variants.bus\]", "[variants.bus]\ncost = 0.4")
    PLACED["edit"](path, r"\[variants.walk\]", "[variants.walk]\ncost = 0.1")
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(LOOP["STREAM"], "utf-8")
    ws = PLACED["opened"](folder)
    ws.ingest()
    deciding.approve(ws, NAME, "Bea", "read it aloud")
    return folder


class Lived:
    """A site some days later, with what was true of everybody who saw it."""

    def __init__(self, folder: Path) -> None:
        self.site = LOOP["Site"](folder)
        self.gains, self.costs = list[float](), list[float]()
        self.people = list[tuple[str, Any]]()
        luck = np.random.default_rng(8)
        everybody = PLACED["everybody"](PEOPLE)
        for day in range(DAYS):
            self.day(day, everybody[day::DAYS], luck)
            self.site.learn()
            self.site.now += HORIZON
            self.site.learn()

    def day(self, day: int, named: list[str], luck: np.random.Generator) -> None:
        """Somebody asks, sees it, and does what is hoped for or not."""
        events = list[dict[str, Any]]()
        for one in named:
            answer = self.site.ask(one)
            decided = deciding.decided_by(self.site.ws.key, answer.decision_id or "", self.site.now)
            if decided is None:
                continue
            self.people.append((one, answer))
            age = float(decided.seen[0])
            mine = rate(age, answer.variant, day)
            self.gains.append(mine - GENERIC)
            self.costs.append({"plain": 0.0, "bus": 0.4, "walk": 0.1}[answer.variant])
            events.append(LOOP["viewed"](one, answer))
            if luck.random() < mine:
                events.append(LOOP["booked"](one))
        self.site.tell(*events)


@pytest.fixture(scope="module")
def lived(made: Path, tmp_path_factory: pytest.TempPathFactory):
    lived = Lived(PLACED["copy"](made, tmp_path_factory.mktemp("lived") / "town"))
    with closing(lived.site.inbox):
        yield lived


def test_the_interval_holds_what_is_true(lived: Any):
    made = streaming.report(lived.site.ws, NAME)
    effect = made.together.effect
    assert effect is not None
    assert made.measured == len(lived.people) == made.exposed
    assert effect.low <= np.mean(lived.gains) <= effect.high
    assert effect.high - effect.low < 0.4
    assert made.spent == pytest.approx(sum(lived.costs))
    assert made.generic == sum(answer.variant == "plain" for _, answer in lived.people)
    assert {one.variant: one.people for one in made.variants} == {
        arm: sum(answer.variant == arm for _, answer in lived.people) for arm in ("bus", "walk")
    }


def test_it_is_written_and_in_the_log_once(lived: Any):
    site = lived.site
    made = streaming.report(site.ws, NAME)
    page = (site.folder / "reports" / f"placement-{NAME}.html").read_text("utf-8")
    assert made.sentences[0].replace("'", "&#x27;") in page
    said = json.loads((site.folder / "reports" / f"placement-{NAME}.json").read_text("utf-8"))
    assert said["together"]["people"] == made.together.people
    streaming.report(site.ws, NAME)
    results = [row for row in log.rows(site.ws.ledger) if row.kind == "result"]
    assert [row.campaign for row in results] == [f"placement:{NAME}"]
    lift = results[0].content["lift"]
    assert lift["low"] <= np.mean(lived.gains) <= lift["high"]
    assert "n" not in lift
    assert not verify(site.ws.ledger, site.ws.key).problems


def test_the_command_says_it(lived: Any, monkeypatch: pytest.MonkeyPatch):
    for name, value in LOOP["SECRET"].items():
        monkeypatch.setenv(name, value)
    folder = str(lived.site.folder)
    told = CliRunner().invoke(app, ["placement", "report", NAME, "-w", folder, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["about"]["placement"] == NAME
    shown = CliRunner().invoke(app, ["placement", "report", NAME, "-w", folder])
    assert shown.exit_code == 0, shown.output
    assert "placement-home.html" in shown.stdout.replace("\n", "")
    lost = CliRunner().invoke(app, ["placement", "report", "nowhere", "-w", folder])
    assert lost.exit_code != 0


def test_whose_horizon_has_not_passed_does_not_count_yet(made: Path, tmp_path: Path):
    site = LOOP["Site"](PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        people = LOOP["permitted"](site)[:200]
        LOOP["shown"](site, people)
        site.learn()
        early = streaming.report(site.ws, NAME)
        assert (early.exposed, early.waiting, early.measured) == (200, 200, 0)
        assert early.together.effect is None
        assert early.together.more is not None
        site.now += HORIZON
        assert streaming.report(site.ws, NAME).measured == 200


def test_the_generic_variant_counts_only_where_it_was_seen(made: Path, tmp_path: Path):
    site = LOOP["Site"](PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        people = LOOP["permitted"](site)
        treated = [one for one in people if one[1].variant != "plain"]
        LOOP["shown"](site, treated)
        site.learn()
        site.now += HORIZON
        found = streaming.report(site.ws, NAME)
        assert (found.measured, found.generic) == (len(treated), 0)
        assert found.together.effect is None
        assert "Experiment Viewed" in found.sentences[0]


def test_nothing_is_told_where_a_variant_that_was_drawn_was_never_told_as_shown(made: Path, tmp_path: Path):
    site = LOOP["Site"](PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        people = [one for one in LOOP["permitted"](site)[:300] if one[1].variant != "bus"]
        LOOP["shown"](site, people)
        site.learn()
        site.now += HORIZON
        found = streaming.report(site.ws, NAME)
        assert found.measured == len(people)
        assert all(one.effect is None for one in (found.together, *found.variants))
        assert "bus 0, " in found.sentences[0]
        assert not [row for row in log.rows(site.ws.ledger) if row.kind == "result"]


def test_who_objected_or_was_erased_is_left_out(made: Path, tmp_path: Path):
    site = LOOP["Site"](PLACED["copy"](made, tmp_path / "town"))
    with closing(site.inbox):
        people = LOOP["permitted"](site)[:100]
        LOOP["shown"](site, people)
        site.learn()
        site.now += HORIZON
        (first, _), (second, _), *_ = people
        asked.wish(site.ws, wishes.WishKind.OBJECTED, first)
        assert streaming.report(site.ws, NAME).measured == 99
        site.ws.erase_person(second)
        assert streaming.report(site.ws, NAME).measured == 98
