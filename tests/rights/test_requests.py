"""A request has a clock and an asker who is known; an impostor learns nothing; nothing is done too early."""

from __future__ import annotations

import email
import json
import re
from datetime import date, timedelta
from email.policy import default
from typing import Any

import pytest

from suasion.cli import main
from suasion.cli.requests import SAME
from suasion.errors import InputError, OrderError, WorkspaceError
from suasion.ledger import tokens, wishes
from suasion.rights import requests, seals_of
from suasion.rights.requests import Request, RequestKind, RequestState
from suasion.workspace import Workspace, asked

CAMPAIGN = """
sponsor = "Town"
purpose = "public_health"
source = "members"
segment = "all"
control = "none"
outcome = "on"
features = ["visits"]
budget = 10.0
treatments.mail = { message = "due", cost = 0.5 }
[delivery]
channel = "email"
sender = "Town <town@town.example>"
imprint = "Town Hall, Market Square 1"
not_after = 2027-01-31T20:00:00+01:00
"""
ACCESS, CORRECT = RequestKind.ACCESS, RequestKind.RECTIFICATION


@pytest.fixture
def ws(town: Any) -> Workspace:
    """The canary's town, which can write mail."""
    folder = town.folder
    (folder / "campaigns").mkdir()
    (folder / "campaigns" / "flu.toml").write_text(CAMPAIGN, "utf-8")
    settings = (folder / "suasion.toml").read_text("utf-8")
    (folder / "suasion.toml").write_text(f'{settings}\npublic_url = "https://town.example"\n', "utf-8")
    return town.open()


def _open(ws: Workspace, town: Any, kind: RequestKind = ACCESS, detail: str | None = None) -> Request:
    return asked.open_request(ws, kind, town.named, detail)


def _proofs(town: Any) -> list[Any]:
    """Mails with a link to confirm, that a reader of the outbox sees."""
    found = [
        email.message_from_bytes(path.read_bytes(), policy=default)
        for path in (town.folder / "outbox" / "new").iterdir()
    ]
    return [mail for mail in found if "confirm" in str(mail["Subject"])]


def _link(mail: Any) -> str:
    (token,) = re.findall(r"https://town\.example/proof/(\S+)", mail.get_content())
    return token


def _verified(ws: Workspace, town: Any, kind: RequestKind = ACCESS, detail: str | None = None) -> Request:
    made = _open(ws, town, kind, detail)
    return requests.move(ws.ledger, made.id, RequestState.VERIFIED, town.now, verified_by="at the desk")


def test_a_request_has_a_clock_and_a_rule(ws: Workspace, town: Any):
    made = _open(ws, town)
    assert made.state is RequestState.RECEIVED
    assert town.now.date() <= made.due_on <= date(2026, 12, 21), "a month, at the most"
    assert made.rule
    assert not made.is_overdue(town.now)
    assert made.is_overdue(town.now + timedelta(days=40))


def test_a_flood_is_one_request(ws: Workspace, town: Any):
    made = [_open(ws, town).id for _ in range(20)]
    assert set(made) == {made[0]}
    assert _open(ws, town, RequestKind.PORTABILITY).id != made[0]
    assert len(requests.queue(ws.ledger, town.now)) == 2
    requests.move(ws.ledger, made[0], RequestState.REFUSED, town.now, "it was withdrawn")
    assert _open(ws, town).id not in made


def test_overdue_requests_come_first(ws: Workspace, town: Any):
    ledger, due = ws.ledger, (date(2026, 12, 1), "r")
    late = (date(2026, 11, 1), "r")
    first = requests.receive(ledger, 1, ACCESS, town.now, due)
    second = requests.receive(ledger, 2, ACCESS, town.now, late)
    third = requests.receive(ledger, 3, ACCESS, town.now, (date(2026, 11, 30), "r"))
    found = [one.id for one in requests.queue(ledger, town.now)]
    assert found == [second.id, third.id, first.id]


def test_what_a_person_writes_is_kept_sealed_and_read_back(ws: Workspace, town: Any):
    words = "My name is spelled Zephyrine-Quillfeather, without an h."
    made = _open(ws, town, RequestKind.COMPLAINT, words)
    assert words not in str(town.sql("SELECT * FROM requests"))
    seals = seals_of(ws.ledger, ws.key)
    assert requests.detail_of(made, seals) == words
    assert requests.detail_of(made) is None
    long = requests.receive(ws.ledger, None, ACCESS, town.now, (date(2026, 12, 1), "r"), "x" * 9000)
    assert len(requests.detail_of(long) or "") == requests.LONGEST


def test_a_link_goes_to_the_address_on_file_alone(ws: Workspace, town: Any):
    made = _open(ws, town)
    assert asked.ask_for_proof(ws) == {}
    (mail,) = _proofs(town)
    assert str(mail["To"]) == town.canary["email"]
    assert "shown all that we hold" in mail.get_content()
    assert requests.request(ws.ledger, made.id).state is RequestState.REQUESTED_PROOF
    assert asked.ask_for_proof(ws) == {}
    assert len(_proofs(town)) == 1, "not twice"


def test_the_link_confirms_once_and_for_a_week(ws: Workspace, town: Any):
    made = _open(ws, town)
    asked.ask_for_proof(ws)
    token = _link(_proofs(town)[0])
    late = town.now + timedelta(days=7, seconds=2)
    assert tokens.proved(ws.key, token, late) is None
    assert asked.waiting_for(ws, token) is not None
    found = asked.confirm(ws, token)
    assert found is not None
    assert (found.id, found.state) == (made.id, RequestState.VERIFIED)
    assert asked.confirm(ws, token) is None, "replayed"
    assert asked.waiting_for(ws, token) is None


def test_a_forged_link_confirms_nothing(ws: Workspace, town: Any):
    made = _open(ws, town)
    asked.ask_for_proof(ws)
    until = town.now + timedelta(days=7)
    right = tokens.proof_of(ws.key, made.id, until)
    wrong = [
        tokens.proof_of(b"another key", made.id, until),
        tokens.proof_of(ws.key, made.id + 1, until),
        tokens.token_of(ws.key, made.id),
        right[:-1],
        f"{right}A",
        right.swapcase(),
        tokens.proof_of(ws.key, made.id, town.now - timedelta(seconds=1)),
        "",
        "===",
    ]
    for token in wrong:
        assert asked.confirm(ws, token) is None
    assert requests.request(ws.ledger, made.id).state is RequestState.REQUESTED_PROOF
    assert tokens.send_of(ws.key, right) is None


def test_an_impostor_hears_the_same_of_the_known_and_the_unknown(
    ws: Workspace, town: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SUASION_KEY", "a secret of the test")
    heard: list[str] = []
    for named in (f"email={town.canary['email']}", "email=nobody@nowhere.example", "member=R999"):
        words = ["suasion", "requests", "open", "access", named, "-w", str(town.folder)]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit):
            main()
        heard.append(capsys.readouterr().out)
    assert len(set(heard)) == 1
    assert " ".join(SAME.split()) in " ".join(heard[0].split())
    assert len(asked.ask_for_proof(ws)) == 2, "the operator alone is told, and no mail goes anywhere else"
    assert len(_proofs(town)) == 1


def test_an_address_that_others_have_too_gets_no_link(ws: Workspace, town: Any):
    rows = town.members()
    rows[5] = rows[5].replace(b"person4@example.org", b"person3@example.org")
    town.write_members(rows)
    ws.ingest()
    asked.open_request(ws, ACCESS, "member=R0000003")
    (reason,) = asked.ask_for_proof(ws).values()
    assert "alone" in reason
    assert not _proofs(town)


def test_nothing_is_done_before_it_is_known_who_asks(ws: Workspace, town: Any):
    for kind in RequestKind:
        made = _open(ws, town, kind, "words")
        with pytest.raises(OrderError, match="received"):
            asked.do(ws, made.id)
        with pytest.raises(OrderError):
            requests.move(ws.ledger, made.id, RequestState.ANSWERED, town.now, "done")
    assert not (town.folder / "answers").exists()
    assert wishes.table(ws.ledger).num_rows == 0


def test_a_refusal_needs_a_reason_and_ends_it(ws: Workspace, town: Any):
    made = _open(ws, town)
    with pytest.raises(InputError, match="reason"):
        requests.move(ws.ledger, made.id, RequestState.REFUSED, town.now, "  ")
    done = requests.move(ws.ledger, made.id, RequestState.REFUSED, town.now, "we do not know who asks")
    assert (done.answered_at, done.is_open) == (town.now, False)
    with pytest.raises(OrderError):
        requests.move(ws.ledger, made.id, RequestState.VERIFIED, town.now)
    with pytest.raises(InputError, match="none of that number"):
        asked.do(ws, 99)


def test_access_writes_a_package_and_does_not_call_it_answered(ws: Workspace, town: Any):
    made = _verified(ws, town)
    done = asked.do(ws, made.id)
    assert done.state is RequestState.IN_WORK
    assert "not yet in the person's hands" in (done.outcome or "")
    folder = town.folder / "answers" / str(made.id)
    held = json.loads((folder / "data.json").read_text("utf-8"))
    assert town.canary["email"] in json.dumps(held, ensure_ascii=False)
    assert town.canary["first_name"] in (folder / "index.html").read_text("utf-8")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    ended = requests.move(ws.ledger, made.id, RequestState.ANSWERED, town.now, "handed over at the desk")
    assert not ended.is_open


def test_portability_holds_what_was_provided_and_nothing_of_ours(ws: Workspace, town: Any):
    done = asked.do(ws, _verified(ws, town, RequestKind.PORTABILITY).id)
    folder = town.folder / "answers" / str(done.id)
    portable = json.loads((folder / "portable.json").read_text("utf-8"))
    assert {one["trait"] for one in portable["data"]} == {"first_name", "year_of_birth", "visits"}
    assert not {"scores", "decisions", "reasons", "ledger"} & portable.keys()
    text = (folder / "portable.csv").read_text("utf-8")
    assert f"detail,email,{town.canary['email']}" in text
    assert "data,first_name,Zephyrine-Quillfeather" in text


@pytest.mark.parametrize("kind", [RequestKind.RESTRICTION, RequestKind.OBJECTION])
def test_a_wish_is_in_force_when_it_is_answered(ws: Workspace, town: Any, kind: RequestKind):
    done = asked.do(ws, _verified(ws, town, kind).id)
    assert done.state is RequestState.ANSWERED
    assert "In force" in (done.outcome or "")
    (row,) = wishes.table(ws.ledger).to_pylist()
    assert row["person"] == town.person()


def test_a_correction_is_in_force_and_outlives_the_next_ingest(ws: Workspace, town: Any):
    said = json.dumps({"trait": "year_of_birth", "value": "1972", "text": None})
    done = asked.do(ws, _verified(ws, town, CORRECT, said).id)
    assert done.state is RequestState.ANSWERED
    assert _born(town) == 1972
    (row,) = [one for one in town.rows("traits") if one["person"] == town.person()]
    assert row["first_name"] == town.canary["first_name"]
    assert {r["year_of_birth"] for r in town.rows("traits") if r["person"] != town.person()} >= {1940, 1999}
    ws.ingest()
    assert _born(town) == 1972
    assert "1972" not in str(town.sql("SELECT hex(value) FROM corrections"))
    with pytest.raises(WorkspaceError, match="SUASION_KEY"):
        town.open({}).ingest()


def test_a_correction_in_words_waits_for_somebody_who_reads_it(ws: Workspace, town: Any):
    made = _verified(ws, town, CORRECT, "I am younger than you think")
    with pytest.raises(InputError, match="does not name a trait"):
        asked.do(ws, made.id)
    with pytest.raises(InputError, match="no such trait"):
        asked.do(ws, made.id, "shoe_size", "44")
    with pytest.raises(InputError) as refused:
        asked.do(ws, made.id, "year_of_birth", "nineteen seventy")
    assert "nineteen" not in str(refused.value)
    assert requests.request(ws.ledger, made.id).state is RequestState.VERIFIED
    assert asked.do(ws, made.id, "year_of_birth", "1972").state is RequestState.ANSWERED
    assert _born(town) == 1972


def test_an_erasure_leaves_the_request_without_its_person(ws: Workspace, town: Any):
    made = _verified(ws, town, RequestKind.ERASURE, "please forget Zephyrine-Quillfeather")
    _open(ws, town, RequestKind.COMPLAINT, "words")
    done = asked.do(ws, made.id)
    assert done.state is RequestState.ANSWERED
    assert (done.person, done.detail) == (None, None)
    assert [one.person for one in requests.queue(ws.ledger, town.now, everything=True)] == [None, None]


def test_a_complaint_is_for_people(ws: Workspace, town: Any):
    made = _verified(ws, town, RequestKind.COMPLAINT, "too many")
    with pytest.raises(InputError, match="answered by people"):
        asked.do(ws, made.id)
    assert requests.move(ws.ledger, made.id, RequestState.ANSWERED, town.now, "wrote back").outcome


def test_near_a_vote_complaints_are_due_sooner(ws: Workspace, town: Any):
    campaign = town.folder / "campaigns" / "flu.toml"
    process = '[disclosure.process]\nkind = "election"\non = 2026-12-10\n'
    campaign.write_text(CAMPAIGN.replace("public_health", "political") + process, "utf-8")
    assert asked.due_of(ws, RequestKind.COMPLAINT) == asked.due_of(ws, RequestKind.COMPLAINT, near_vote=True)
    far, _ = asked.due_of(ws, RequestKind.COMPLAINT, near_vote=False)
    near, _ = asked.due_of(ws, RequestKind.COMPLAINT, near_vote=True)
    assert near <= far
    assert near <= town.now.date() + timedelta(days=2)


def _born(town: Any) -> int:
    person = town.person()
    (row,) = [one for one in town.rows("traits") if one["person"] == person]
    return row["year_of_birth"]
