"""What a user sees when something is wrong: one clear message, exit code 2, and nothing lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

import suasion
from suasion.ledger import running

WRONG_SEGMENTS = {
    "an unknown trait": ("agee > 30", "Did you mean 'age'?"),
    "a quote": ("age > 30'", "segment 'wrong'"),
    "a semicolon": ("age > 30; DROP TABLE traits", "segment 'wrong'"),
    "10,000 levels": ("(" * 10_000 + "age > 30" + ")" * 10_000, "segment 'wrong'"),
    "10,000 times not": ("NOT " * 10_000 + "age > 30", "segment 'wrong'"),
    "text against a number": ("age = 'old'", "text"),
    "nothing": ("", "segment 'wrong'"),
}


def edit(path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def told(ended, *words: str) -> None:
    """The message is one, holds these words, and is no traceback."""
    assert ended.code == 2, ended.out + ended.err
    for word in words:
        assert word in " ".join(ended.err.split()), ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("wrong", WRONG_SEGMENTS)
def test_a_wrong_expression_is_told_and_names_the_segment(wrong, clinic, suasion_cli) -> None:
    where, word = WRONG_SEGMENTS[wrong]
    (clinic / "segments" / "wrong.toml").write_text(f'label = "Wrong"\nwhere = {json.dumps(where)}\n')
    assert suasion_cli("ingest", "-w", clinic).code == 0
    told(suasion_cli("segment", "wrong", "-w", clinic), "segment 'wrong'", word)


def test_an_empty_file_is_told(clinic, suasion_cli) -> None:
    (clinic / "sources" / "thornton_hiv.csv").write_text("")
    told(suasion_cli("ingest", "-w", clinic), "thornton_hiv.csv", "empty")


def test_a_wrong_header_is_told_with_the_right_one(clinic, suasion_cli) -> None:
    edit(clinic / "sources" / "trial.toml", '"distvct"', '"distvcd"')
    told(suasion_cli("ingest", "-w", clinic), "distvcd", "Did you mean 'distvct'?")


def test_duplicate_ids_go_to_the_rejects_with_line_and_reason(clinic, suasion_cli) -> None:
    edit(clinic / "sources" / "trial.toml", 'person = "#line"', 'person = "id"')
    rows = ["id,got,distvct,tinc,age,hiv2004", "1,1,2,0,30,0", "2,1,2,0,30,0", "1,0,2,0,40,0"]
    (clinic / "sources" / "thornton_hiv.csv").write_text("\n".join(rows))
    ended = suasion_cli("ingest", "-w", clinic, "--json")
    (summary,) = json.loads(ended.out)
    assert (summary["kept"], summary["rejected"]) == (2, 1)
    assert summary["reasons"] == {"id: same identifier as an earlier line": 1}
    rejects = suasion.open(clinic).tables().read("rejects.trial", "ingest")
    assert rejects["line"].to_pylist() == [4]


def test_a_budget_of_nothing_treats_nobody_and_says_so(clinic, suasion_cli) -> None:
    edit(clinic / "campaigns" / "vouchers.toml", "budget = 500.0", "budget = 0")
    ended = suasion_cli("run", "-w", clinic, "--json")
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert "the plan treats nobody" in report["sentences"][0].lower()
    assert report["drawn"]["none"] == 2511


@pytest.mark.parametrize("budget", ["-1", "nan", "inf", '"lots"'])
def test_a_budget_that_is_no_sum_of_money_is_told(budget, clinic, suasion_cli) -> None:
    edit(clinic / "campaigns" / "vouchers.toml", "budget = 500.0", f"budget = {budget}")
    told(suasion_cli("run", "-w", clinic), "vouchers.toml", "budget")


def test_one_arm_only_is_told(clinic, suasion_cli) -> None:
    data = clinic / "sources" / "thornton_hiv.csv"
    header, *rows = data.read_text().splitlines()
    place = header.split(",").index("tinc")
    kept = [row for row in rows if row.split(",")[place] in ("0.0", "")]
    data.write_text("\n".join([header, *kept]))
    told(suasion_cli("run", "-w", clinic), "'small' has 0", "'large' has 0")


def test_an_outcome_missing_for_an_arm_is_told(clinic, suasion_cli) -> None:
    data = clinic / "sources" / "thornton_hiv.csv"
    header, *rows = (line.split(",") for line in data.read_text().splitlines())
    tinc, got = header.index("tinc"), header.index("got")
    for row in rows:
        if row[tinc] and float(row[tinc]) > 1:
            row[got] = ""
    data.write_text("\n".join(",".join(row) for row in [header, *rows]))
    told(suasion_cli("run", "-w", clinic), "'large' has 0", "collected")


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("campaigns/vouchers.toml", '"distance"]', '"distanze"]', "Did you mean 'distance'?"),
        ("campaigns/vouchers.toml", 'outcome = "collected"', 'outcome = "colected"', "'collected'"),
        ("campaigns/vouchers.toml", 'source = "trial"', 'source = "trail"', "'trial'"),
        ("campaigns/vouchers.toml", 'segment = "everybody"', 'segment = "nobody"', "everybody"),
        ("campaigns/vouchers.toml", '"large_voucher"', '"larg_voucher"', "'large_voucher'"),
        ("campaigns/vouchers.toml", "[treatments.large]", "[treatments.huge]", "'huge'"),
        ("campaigns/vouchers.toml", "holdout = 0.05", "holdaut = 0.05", "Did you mean 'holdout'?"),
        ("campaigns/vouchers.toml", "holdout = 0.05", "holdout = 0.99", "more than 1"),
        ("campaigns/vouchers.toml", '"age", "distance"]', '"age", "hiv2004"]', "house.special_category"),
        ("sources/trial.toml", '"public_health"]', '"fundraising"]', "house.purpose"),
        ("campaigns/vouchers.toml", '"age", "distance"]', '"age", "age"]', "twice"),
        ("campaigns/vouchers.toml", 'price_if = "collected"', "", "price_if"),
        ("campaigns/vouchers.toml", 'segment = "everybody"', 'segment = "../segments/everybody"', "path"),
        ("sources/trial.toml", 'hiv2004 = "hiv2004"', 'hiv2004 = "got"', "also outcomes.collected"),
        ("sources/trial.toml", 'hiv2004 = "hiv2004"', 'hiv2004 = "age"', "also traits.age"),
        ("suasion.toml", 'territory = "MW"', 'territory = "Malawi"', "territory"),
    ],
)
def test_a_wrong_declaration_names_file_and_mend(file, old, new, word, clinic, suasion_cli) -> None:
    edit(clinic / file, old, new)
    told(suasion_cli("run", "-w", clinic), word)


def test_a_stage_before_its_turn_says_what_to_run_first(clinic, suasion_cli) -> None:
    told(suasion_cli("segment", "everybody", "-w", clinic), "suasion ingest")
    told(suasion_cli("score", "-w", clinic), "suasion ingest")
    assert suasion_cli("ingest", "-w", clinic).code == 0
    told(suasion_cli("plan", "-w", clinic), "suasion score vouchers")
    told(suasion_cli("report", "-w", clinic), "suasion score vouchers")
    assert suasion_cli("score", "-w", clinic).code == 0
    told(suasion_cli("report", "-w", clinic), "suasion plan vouchers")
    assert suasion_cli("plan", "-w", clinic).code == 0
    assert suasion_cli("ingest", "-w", clinic).code == 0
    told(suasion_cli("plan", "-w", clinic), "have changed", "suasion score vouchers")


def test_a_changed_budget_wants_a_new_plan_but_no_new_scores(clinic, suasion_cli) -> None:
    assert suasion_cli("run", "-w", clinic).code == 0
    edit(clinic / "campaigns" / "vouchers.toml", "budget = 500.0", "budget = 400.0")
    told(suasion_cli("report", "-w", clinic), "suasion plan vouchers")
    assert suasion_cli("plan", "-w", clinic).code == 0
    assert suasion_cli("report", "-w", clinic).code == 0


def test_a_source_declared_anew_counts_only_once_it_is_ingested(clinic, suasion_cli) -> None:
    assert suasion_cli("run", "-w", clinic).code == 0
    edit(clinic / "sources" / "trial.toml", '"research_replay"', '"consent"')
    told(suasion_cli("plan", "-w", clinic), "have changed", "suasion ingest")


def test_house_rules_are_not_replaced_by_the_workspace(clinic, suasion_cli) -> None:
    (clinic / "rules").mkdir()
    (clinic / "rules" / "house.toml").write_text('id = "house"')
    told(suasion_cli("run", "-w", clinic), "house.toml", "rename yours")


def test_an_outcome_that_never_varies_is_told(clinic, suasion_cli) -> None:
    data = clinic / "sources" / "thornton_hiv.csv"
    header, *rows = (line.split(",") for line in data.read_text().splitlines())
    for row in rows:
        row[header.index("got")] = "1.0"
    data.write_text("\n".join(",".join(row) for row in [header, *rows]))
    told(suasion_cli("run", "-w", clinic), "same 'collected'")


def test_a_refused_segment_shows_rule_and_source(clinic, suasion_cli) -> None:
    assert suasion_cli("ingest", "-w", clinic).code == 0
    told(suasion_cli("segment", "tested_positive", "-w", clinic), "hiv2004", "house.special_category")
    ended = suasion_cli("segment", "tested_positive", "-w", clinic, "--json")
    assert json.loads(ended.out)["error"]["code"] == "rules.trait"


def test_the_second_of_two_runs_at_once_is_told_who_works(clinic, suasion_cli) -> None:
    workspace = suasion.open(clinic)
    with running(workspace.ledger, workspace.lake, "a long run", datetime.now(UTC)):
        told(suasion_cli("ingest", "-w", clinic), "is at work on this workspace")
    assert suasion_cli("ingest", "-w", clinic).code == 0


def test_a_run_killed_in_the_middle_leaves_the_old_tables_whole(clinic, suasion_cli) -> None:
    assert suasion_cli("run", "-w", clinic).code == 0
    before = suasion.open(clinic).tables()
    luck = random.Random(7)
    for _ in range(2):
        command = [sys.executable, "-m", "suasion.cli", "run", "-w", str(clinic)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
            time.sleep(luck.uniform(2.0, 5.0))
            killed.send_signal(signal.SIGKILL)
        now = suasion.open(clinic).tables()
        versions = {table.version for table in now.versions.values()}
        assert len(versions) == 1, "tables of one run are published together"
        for name in before.versions:
            now.read(name, "run")
    assert suasion_cli("run", "-w", clinic).code == 0
    last = suasion.open(clinic).tables()
    ended = {table.stored.file for table in last.versions.values()}
    assert ended <= {path.name for path in (clinic / "lake").iterdir()}


def test_the_doctor_names_what_is_damaged(clinic, suasion_cli) -> None:
    assert suasion_cli("ingest", "-w", clinic).code == 0
    assert suasion_cli("doctor", "-w", clinic).code == 0
    stored = suasion.open(clinic).tables().versions["traits"].stored.file
    (clinic / "lake" / stored).write_bytes(b"PAR1")
    ended = suasion_cli("doctor", "-w", clinic)
    assert ended.code == 2
    assert "table 'traits'" in ended.out


def test_a_folder_that_is_no_workspace_is_told(tmp_path, suasion_cli) -> None:
    told(suasion_cli("run", "-w", tmp_path), "no suasion.toml", "suasion init")
    assert list(tmp_path.iterdir()) == []
