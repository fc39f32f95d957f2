"""An export holds everything that is held of the person, and nothing of anybody else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pytest

from suasion.errors import InputError
from suasion.ledger import running, sends, tokens
from suasion.rights.export import OURS, export


@pytest.fixture
def said(town: Any) -> dict[str, Any]:
    made = export(town.holdings, town.named, town.now)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return made


def test_every_value_that_is_kept_is_there(town: Any, said: dict[str, Any]):
    text = json.dumps(said, ensure_ascii=False)
    for name in ("member", "first_name", "email", "phone", "year_of_birth", "card"):
        assert town.canary[name] in text
    assert {row["value"] for row in said["tables"]["identities"]} >= {town.canary["street"]}


def test_every_table_of_the_lake_with_the_person_is_there(town: Any, said: dict[str, Any]):
    person = town.person()
    expected = {
        name: [row for row in rows if row.get("person") == person] for name, rows in town.stored().items()
    }
    assert {n: len(rows) for n, rows in said["tables"].items()} == {
        n: len(r) for n, r in expected.items() if r
    }
    assert {"plans.flu", "scores.flu", "outcomes.flu", "records.members", "known_from"} <= set(said["tables"])
    assert said["person"] == [person]


def test_every_table_of_the_ledger_with_the_person_is_there(town: Any, said: dict[str, Any]):
    counted = {name: n for name, n in town.ledger_rows_about(town.person()).items() if name not in OURS}
    assert {name: len(rows) for name, rows in said["ledger"].items() if name in counted} == counted
    assert set(said["ledger"]) == {*counted, "replies"}
    (draw,), (send,) = said["ledger"]["draws"], said["ledger"]["sends"]
    assert (draw["campaign"], draw["treatment"], draw["probability"]) == ("flu", "mail", 0.25)
    assert said["ledger"]["replies"] == [
        {"send": send["id"], "kind": "opted_out", "at": "2026-11-02T00:00:00+00:00"}
    ]


def test_nobody_else_is_in_it(town: Any, said: dict[str, Any]):
    rows = [row for tables in (said["tables"], said["ledger"]) for found in tables.values() for row in found]
    assert {row["person"] for row in rows if "person" in row} == {town.person()}
    assert "@example.org" not in json.dumps(said)


def test_mails_in_the_outbox_can_be_read(town: Any, said: dict[str, Any]):
    (mail,) = said["mails"]
    assert (mail["To"], mail["Subject"]) == (town.canary["email"], "Flu")
    assert mail["text"] == f"Come, number {town.person()}!\n"


def test_sources_and_campaigns_are_named(said: dict[str, Any]):
    assert {name: one["licence"] for name, one in said["sources"].items()} == {
        "members": "our own members",
        "visits": "our own desk",
    }
    assert said["sources"]["members"]["basis"] == "consent"
    assert said["sources"]["members"]["purposes"] == ["public_health"]
    terms = {"sponsor": "Town", "purpose": "public_health", "arms": ["none", "mail"]}
    assert said["campaigns"] == {"flu": terms}


def test_a_suppression_of_the_address_alone_is_there(town: Any):
    address = tokens.hash_of(town.open().key, "email", town.canary["email"])
    row = {"a": address, "at": "2026-01-01 00:00:00"}
    town.sql(
        "INSERT INTO suppressions (address, channel, reason, at) VALUES (:a, 'email', 'bounced', :at)", **row
    )
    found = export(town.holdings, town.named, town.now)["ledger"]["suppressions"]
    assert {one["reason"] for one in found} == {"opted_out", "bounced"}


def test_without_a_key_all_but_what_is_known_by_it_is_there(town: Any, said: dict[str, Any]):
    made = export(replace(town.holdings, key=b""), town.named, town.now)
    assert made["mails"] == []
    for row in (*said["tables"]["identities"], *made["tables"]["identities"]):
        if row["role"] == "contact":
            row["value"] = "sealed"
    assert {**made, "mails": said["mails"]} == said


def test_a_reply_and_a_number_that_is_none_can_be_written(town: Any):
    (send,) = town.sql("SELECT id FROM sends WHERE person = :p", p=town.person())[0]
    assert sends.suppress(town.open().ledger, send, sends.Why.COMPLAINED, town.now)
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now) as run:
        scores = run.read("scores.flu", "test")
        nan = scores.set_column(1, "effect:0", [[float("nan")] * scores.num_rows])
        run.write("scores.flu", nan)
    made = export(town.holdings, town.named, town.now)
    assert json.dumps(made, allow_nan=False)
    assert {row["kind"] for row in made["ledger"]["replies"]} == {"opted_out", "complained"}
    assert made["tables"]["scores.flu"][0]["effect:0"] is None


def test_whoever_is_being_erased_is_shown_to_nobody(town: Any):
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        assert town.erase().stage == 1
    for named in (town.named, f"email={town.canary['email']}"):
        with pytest.raises(InputError, match="nobody"):
            export(town.holdings, named, town.now)


def test_nobody_is_known_in_an_empty_workspace(town: Any):
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (town.folder / name).unlink(missing_ok=True)
    for name in ("lake", "outbox"):
        shutil.rmtree(town.folder / name)
    with pytest.raises(InputError, match="nobody"):
        export(town.holdings, town.named, town.now)
