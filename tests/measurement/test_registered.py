"""A real campaign: its analysis is in the log before the first send, and harm stops it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import suasion
from suasion.ledger import log, sends
from suasion.measurement import page
from suasion.town import Effects, Town, answer, create
from suasion.workspace import Workspace
from suasion.workspace.lifted import registered
from suasion.workspace.record import OutcomeSummary

SENT_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
TERMS = """
[analysis]
subgroups = ["age"]
guardrails = [
    { watches = "complained", most = 0.002 },
    { watches = "came", most = 0.05, lower_is_worse = true },
]

[treatments.reminder]"""


def opened(folder: Path, days: int = 0) -> Workspace:
    environment = {"SUASION_KEY": "a secret of the test"}
    return suasion.open(folder, now=lambda: SENT_AT + timedelta(days=days), environment=environment)


def edit(folder: Path, pattern: str, new: str) -> None:
    path = folder / "campaigns" / "checkup.toml"
    text, n = re.subn(pattern, new, path.read_text("utf-8"), count=1)
    assert n == 1
    path.write_text(text, "utf-8")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town whose money ended before all sends were made, with the answers of everybody."""
    folder = tmp_path_factory.mktemp("begun") / "town"
    create(folder, Town(400, 3, Effects.VARIED))
    edit(folder, r"\n\[treatments\.reminder\]", TERMS)
    edit(folder, r"budget = .*", "budget = 27.0")
    edit(folder, r"holdout = .*", "holdout = 0.4")
    ws = opened(folder)
    ws.run()
    ws.approve("Ada", "read it aloud")
    edit(folder, r"budget = .*", "budget = 17.0")
    ws.send()
    edit(folder, r"budget = .*", "budget = 27.0")
    answer(folder, lambda _: False, SENT_AT, 3)
    return folder


@pytest.fixture
def town(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "town"))


def waiting(ws: Workspace) -> int:
    return sends.progress(ws.ledger, "checkup").states.get(sends.State.PLANNED, 0)


def handed_over(ws: Workspace) -> list[int]:
    with ws.ledger.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM sends WHERE state = 'accepted' ORDER BY id")
        return [row[0] for row in rows]


def record_parts(town: Path, parts: int) -> Workspace:
    """Record the register in parts, one a day."""
    with (town / "answers" / "register.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    ws = opened(town)
    for part in range(parts):
        path = town / "answers" / f"part {part}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows[part::parts]])
        ws = opened(town, days=part + 1)
        ws.record(path)
    return ws


def test_the_analysis_is_in_the_log_before_the_first_send(town: Path):
    ws = opened(town)
    found = registered(ws.ledger, "checkup")
    assert found is not None
    assert found.terms["subgroups"] == ["age"]
    assert found.terms["outcome"] == "came"
    first = sends.progress(ws.ledger, "checkup").first
    assert first is not None
    assert datetime.fromisoformat(found.at).timestamp() <= first
    assert registered(ws.ledger, "another") is None
    kinds = [row.kind for row in log.rows(ws.ledger)]
    assert kinds[0] == "campaign"


def test_a_group_that_is_thought_of_later_is_marked(town: Path):
    edit(town, r'subgroups = \["age"\]', 'subgroups = ["district"]')
    edit(town, r"most = 0.002", "most = 0.9")
    opened(town).score()
    ws = record_parts(town, 4)
    made = ws.report()
    found = made.analysis
    assert found is not None
    assert {(row.trait, row.status) for row in found.groups} == {
        ("Age, years", "planned"),
        ("District", "added"),
    }
    assert {row.status for row in found.effects} == {"planned"}
    said = [(rail.watches, rail.most, rail.status) for rail in found.guardrails]
    assert said == [
        ("complained", 0.002, "planned"),
        ("came", 0.05, "planned"),
        ("complained", 0.9, "added"),
    ]
    assert made.lift is not None
    assert found.course is not None
    assert [look.at[:10] for look in found.course.looks] == [f"2026-11-{22 + i}" for i in range(4)]
    assert found.course.looks[-1].people == found.answered == made.lift.measured
    html = page(made)
    assert html.index('id="tested"') < html.index('id="worth"')
    assert "What was tested" in html
    assert found.digest in html
    assert json.loads(json.dumps(made.as_dict(), allow_nan=False))["analysis"]["digest"] == found.digest


def test_the_headline_is_as_wide_as_its_way_to_look(town: Path):
    made = record_parts(town, 2).report()
    assert made.lift is not None
    assert made.analysis is not None
    assert made.analysis.course is not None
    latest = made.analysis.course.latest
    assert latest is not None
    assert made.lift.effect.value == pytest.approx(latest.value)
    assert made.lift.effect.low <= latest.low
    assert made.lift.effect.high >= latest.high


def test_a_person_keeps_the_time_at_which_the_outcome_was_first_recorded(town: Path):
    with (town / "answers" / "register.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    some, later = town / "some.csv", town / "later.csv"
    with some.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows[:10], [*rows[10][:-1], ""]])
    with later.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows[:20]])
    opened(town, days=1).record(some)
    opened(town, days=2).record(later)
    table = opened(town).tables().read("outcomes.checkup", "record")
    counted = {at: table["at"].to_pylist().count(at) for at in set(table["at"].to_pylist())}
    day = [(SENT_AT + timedelta(days=n)).timestamp() for n in (1, 2)]
    assert counted == {day[0]: 10, day[1]: 10}, "an empty cell is no answer yet"


def test_a_table_without_times_is_read_on(town: Path):
    with (town / "answers" / "register.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    path = town / "some.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows[:200]])
    ws = opened(town, days=1)
    ws.record(path)
    with ws._running("as an older suasion wrote it") as run:  # pyright: ignore[reportPrivateUsage]
        old = run.read("outcomes.checkup", "record").drop_columns("at")
        run.write("outcomes.checkup", old, "checkup")
    found = ws.report().analysis
    assert found is not None
    assert found.course is not None
    assert [look.at for look in found.course.looks] == [""], "when they were recorded, nobody noted"
    opened(town, days=2).record(town / "answers" / "register.csv")
    table = opened(town).tables().read("outcomes.checkup", "record")
    assert table["at"].null_count == old.num_rows


def complain(ws: Workspace, share: float) -> None:
    for send in handed_over(ws)[: round(share * len(handed_over(ws)))]:
        sends.suppress(ws.ledger, send, sends.Why.COMPLAINED, SENT_AT)


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    (tmp_path / "mailbox" / "new").mkdir(parents=True)
    return tmp_path / "mailbox"


def test_complaints_beyond_the_guardrail_pause_a_campaign(town: Path, mailbox: Path):
    ws = opened(town)
    assert waiting(ws) > 0
    assert ws.record(mailbox).paused == ()
    complain(ws, 0.2)
    (said,) = ws.record(mailbox).paused
    assert said.startswith("Campaign 'checkup' is paused, for harm is shown: of 1,000 messages 2")
    assert log.rows(ws.ledger)[-1].kind == "pause"
    assert ws.send().stop == "it is paused"
    assert ws.record(mailbox).paused == (), "it is said once"
    made = ws.report()
    assert made.sentences[0].startswith("Harm is shown: of 1,000 messages")
    assert made.sentences[1] == "The campaign is paused."


def test_taking_a_guardrail_away_does_not_let_harm_go_on(town: Path, mailbox: Path):
    edit(town, r"    \{ watches = \"complained\", most = 0.002 \},\n", "")
    ws = opened(town)
    ws.score()
    complain(ws, 0.2)
    assert len(ws.record(mailbox).paused) == 1


def test_a_campaign_that_is_over_is_not_paused(town: Path, mailbox: Path):
    ws = opened(town)
    ws.send()
    assert waiting(ws) == 0
    complain(ws, 0.2)
    assert ws.record(mailbox).paused == ()
    made = ws.report()
    assert made.sentences[0].startswith("Harm is shown")
    assert not any("suasion pause" in sentence for sentence in made.sentences)


@pytest.mark.parametrize(("visits", "paused"), [(lambda arm: "0" if arm else "1", 1), (None, 0)])
def test_an_outcome_that_gets_worse_pauses_a_campaign(
    town: Path, visits: Callable[[bool], str] | None, paused: int
):
    ws = opened(town, days=1)
    path = town / "answers" / "register.csv"
    if visits is not None:
        _worsen(town, path, visits)
    done = ws.record(path)
    assert isinstance(done, OutcomeSummary)
    assert len(done.paused) == paused
    assert all("the campaign makes 'came' worse by" in one for one in done.paused)


def _worsen(town: Path, path: Path, visits: Callable[[bool], str]) -> None:
    """Nobody who was drawn for a message comes, everybody else does."""
    ws = opened(town)
    tables = ws.tables()
    who = tables.read("identities", "ingest").to_pylist()
    member = {one["person"]: one["value"] for one in who if one["kind"] == "member"}
    with ws.ledger.engine.connect() as connection:
        drawn = connection.exec_driver_sql("SELECT person, treatment FROM draws").all()
    arms = {member[person]: treatment != "none" for person, treatment in drawn}
    with path.open(newline="") as file:
        head, *rows = csv.reader(file)
    at, came = head.index("member"), head.index("came")
    for row in rows:
        row[came] = visits(arms.get(row[at], False))
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
