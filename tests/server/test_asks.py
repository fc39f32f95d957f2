"""What a recipient says on the page: in force at once, or requested; by a POST alone, by the right token."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from suasion.ledger import subject, tokens
from suasion.rights import requests, seals_of
from suasion.server.reasons import Reasons

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FIRST = 711_000_000
PERSONAL = ("access", "portability", "rectification", "erasure")
ASKS = (*PERSONAL, "restriction", "complaint")


def _post(site: Any, path: str, **said: str) -> Any:
    return site.ask("POST", path, urlencode(said).encode(), FORM)


def _ask(site: Any, world: Any, **said: str) -> Any:
    return _post(site, f"/why/{world.token(3)}/ask", **said)


def _wishes(world: Any) -> list[tuple[Any, ...]]:
    return world.rows("SELECT person, kind, amount FROM wishes ORDER BY person, kind")


def test_an_objection_is_in_force_when_it_is_confirmed(site: Any, world: Any):
    answer = _post(site, f"/why/{world.token(50)}/wish", kind="objected")
    assert answer.status == 200
    assert "in force now" in answer.page.text
    assert "stay subscribed" in answer.page.text
    assert _wishes(world) == [(FIRST + 50, "objected", None)]
    assert world.rows("SELECT state, reason FROM sends WHERE id = 50") == [("failed", "objected")]
    assert world.suppressed == set()


def test_fewer_is_a_number_in_thirty_days(site: Any, world: Any):
    assert "no more than 2" in _post(site, f"/why/{world.token(3)}/wish", kind="fewer", amount="2").page.text
    assert _wishes(world) == [(FIRST + 3, "fewer", 2)]
    assert world.rows("SELECT state FROM sends WHERE id = 50") == [("planned",)]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "restricted"},
        {"kind": "sale_opted_out"},
        {"kind": "fewer"},
        {"kind": "fewer", "amount": "-1"},
        {"kind": "fewer", "amount": "2.5"},
        {"kind": "fewer", "amount": "9" * 500},
        {"kind": "fewer", "amount": "²"},
        {"kind": "fewer", "amount": "٣"},
        {"kind": "fewer", "amount": "3３"},
        {"kind": "objected", "amount": "2"},
        {"kind": "' OR 1=1 --"},
    ],
)
def test_a_wish_that_is_none_changes_nothing(site: Any, world: Any, said: dict[str, str]):
    assert _post(site, f"/why/{world.token(3)}/wish", **said).status == 400
    assert _wishes(world) == []


@pytest.mark.parametrize("kind", ASKS)
def test_a_request_is_requested_and_not_done(site: Any, world: Any, kind: str):
    answer = _ask(site, world, kind=kind, text="Please do.")
    assert answer.status == 200
    text = answer.page.text
    assert "Requested" in text
    assert "not done yet" in text
    assert ("send a link to the address" in text) is (kind in PERSONAL)
    (found,) = requests.queue(world.workspace.ledger, world.workspace.now())
    assert (found.person, found.kind) == (FIRST + 3, kind)
    assert found.state == ("received" if kind in PERSONAL else "verified")
    assert f"{found.due_on.day} {found.due_on:%B %Y}" in text
    seals = seals_of(world.workspace.ledger, world.workspace.key)
    assert "Please do." in (requests.detail_of(found, seals) or "")
    assert _wishes(world) == []
    assert world.suppressed == set()


def test_a_correction_says_what_and_to_what(site: Any, world: Any):
    _ask(site, world, kind="rectification", trait="age", value="52", text="<b>really</b>")
    (found,) = requests.queue(world.workspace.ledger, world.workspace.now())
    detail = requests.detail_of(found, seals_of(world.workspace.ledger, world.workspace.key))
    assert json.loads(detail or "") == {"trait": "age", "value": "52", "text": "<b>really</b>"}


def test_a_flood_of_requests_is_one(site: Any, world: Any):
    answers = [_ask(site, world, kind="access") for _ in range(10)]
    assert len({answer.body for answer in answers}) == 1
    assert world.rows("SELECT count(*) FROM requests") == [(1,)]


@pytest.mark.parametrize(
    "said", [{}, {"kind": "everything"}, {"kind": "complaint"}, {"kind": "complaint", "text": " "}]
)
def test_a_request_that_is_none_is_not_taken_in(site: Any, world: Any, said: dict[str, str]):
    assert _ask(site, world, **said).status == 400
    assert world.rows("SELECT count(*) FROM requests") == [(0,)]


def test_a_complaint_is_counted_and_stops_nothing(site: Any, world: Any):
    _ask(site, world, kind="complaint", text="Too many")
    _ask(site, world, kind="complaint", text="Too many")
    assert world.rows("SELECT send, kind FROM replies") == [(3, "complained_on_page")]
    assert world.suppressed == set()


def test_a_second_complaint_of_a_message_is_the_first_even_when_it_was_answered(site: Any, world: Any):
    _ask(site, world, kind="complaint", text="Too many")
    ledger, now = world.workspace.ledger, world.workspace.now()
    (found,) = requests.queue(ledger, now)
    requests.move(ledger, found.id, requests.RequestState.ANSWERED, now, "We wrote to them.")
    again = _ask(site, world, kind="complaint", text="Too many")
    assert again.status == 200
    assert "answered it" in again.page.text
    assert "not done yet" not in again.page.text
    assert world.rows("SELECT id, state FROM requests") == [(found.id, "answered")]
    assert _post(site, f"/why/{world.token(4)}/ask", kind="complaint", text="Too many").status == 200
    assert world.rows("SELECT person FROM requests") == [(FIRST + 3,), (FIRST + 4,)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND"])
def test_a_scanner_that_follows_every_link_changes_nothing(site: Any, world: Any, method: str):
    token = world.token(3)
    until = world.workspace.now() + timedelta(days=7)
    _ask(site, world, kind="access")
    proof = tokens.proof_of(world.workspace.key, 1, until)
    before = [world.rows(f"SELECT * FROM {name}") for name in ("sends", "wishes", "requests", "suppressions")]
    page = site.get(f"/why/{token}").page
    links = {f"/why/{token}", f"/why/{token}/wish", f"/why/{token}/ask", f"/o/{token}", f"/proof/{proof}"}
    links |= {f"/why/{href}" for href in page.values("form", "action")}
    for path in sorted(links):
        query = "?kind=erasure&kind=objected&amount=1"
        assert site.ask(method, path + query).status in (200, 404, 405)
    after = [world.rows(f"SELECT * FROM {name}") for name in ("sends", "wishes", "requests", "suppressions")]
    assert after == before


def _wrong(world: Any) -> list[str]:
    right, another = world.token(3), tokens.token_of(b"another key", 3)
    wrong = [
        another,
        right[:-1],
        f"{right}A",
        right.swapcase(),
        "3",
        "A" * 32,
        "A" * 5000,
        quote("żółw"),
        "%00",
    ]
    # Sends that do not exist, by tokens that nobody could make without the key, and numbers in a row.
    wrong += [tokens.token_of(b"", number) for number in range(1, 4)]
    until = world.workspace.now() + timedelta(days=7)
    return [*wrong, tokens.proof_of(b"another key", 1, until)]


@pytest.mark.parametrize("path", ["/why/{}/wish", "/why/{}/ask", "/proof/{}"])
def test_every_wrong_token_gets_one_answer(site: Any, world: Any, path: str):
    _ask(site, world, kind="access")
    answers = [_post(site, path.format(token), kind="objected") for token in _wrong(world)]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert _wishes(world) == []
    assert world.rows("SELECT state FROM requests") == [("received",)]


def test_tokens_are_for_one_use(site: Any, world: Any):
    _ask(site, world, kind="access")
    proof = tokens.proof_of(world.workspace.key, 1, world.workspace.now() + timedelta(days=7))
    assert site.get(f"/proof/{world.token(1)}").status == 404
    for path in (f"/why/{proof}", f"/o/{proof}"):
        assert site.get(path).status == 404
    assert _post(site, f"/o/{proof}").status == 404


def test_a_link_confirms_once_by_a_button(site: Any, world: Any):
    _ask(site, world, kind="erasure")
    proof = tokens.proof_of(world.workspace.key, 1, world.workspace.now() + timedelta(days=7))
    path = f"/proof/{proof}"
    asked = site.get(path)
    assert asked.status == 200
    assert "to have your data erased" in asked.page.text
    assert asked.page.values("form", "method") == ["post"]
    assert "no-store" in asked.headers["cache-control"]
    assert world.rows("SELECT state FROM requests") == [("received",)]
    done = _post(site, path)
    assert done.status == 200
    assert "not done yet" in done.page.text
    assert world.rows("SELECT state FROM requests") == [("verified",)]
    assert [_post(site, path).status, site.get(path).status] == [404, 404], "replayed"


def test_a_link_that_is_over_is_wrong(site: Any, world: Any):
    _ask(site, world, kind="access")
    past = tokens.proof_of(world.workspace.key, 1, world.workspace.now() - timedelta(seconds=1))
    answers = [site.get(f"/proof/{past}"), site.get("/proof/wrong"), _post(site, f"/proof/{past}")]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}


def test_an_erased_person_is_told_that_nothing_is_held(site: Any, world: Any):
    world.change("DELETE FROM sends WHERE id = 3")
    token = world.token(3)
    told = [
        site.get(f"/why/{token}"),
        _post(site, f"/why/{token}/wish", kind="objected"),
        _ask(site, world, kind="access"),
    ]
    assert {answer.status for answer in told} == {200}
    assert all("Nothing is held about you" in answer.page.text for answer in told)
    assert _wishes(world) == []


def test_what_a_person_writes_comes_back_on_no_page(site: Any, world: Any):
    said = "<script>alert(1)</script>"
    answers = [_ask(site, world, kind="complaint", text=said), site.get(f"/why/{world.token(3)}")]
    assert all(b"alert(1)" not in answer.body for answer in answers)


def test_too_much_is_refused(site: Any, world: Any):
    many = urlencode([(f"f{i}", "x") for i in range(500)]).encode()
    assert site.ask("POST", f"/why/{world.token(3)}/ask", many, FORM).status == 413
    assert site.ask("POST", f"/why/{world.token(3)}/ask", b"x" * 70_000, FORM).status == 413
    assert site.ask("POST", f"/why/{world.token(3)}/ask", bytes(range(256)), FORM).status == 400


def test_every_form_of_the_page_is_answered(site: Any, world: Any):
    page = site.get(f"/why/{world.token(3)}").page
    actions = page.values("form", "action")
    assert len(actions) == len(page.values("form", "method")) >= 9
    assert set(page.values("form", "method")) == {"post"}
    assert "script" not in {name for name, _ in page.elements}
    ours = {f"../o/{world.token(3)}", f"{world.token(3)}/wish", f"{world.token(3)}/ask"}
    assert set(actions) == ours


def test_reasons_are_told_once_they_are_there_and_never_in_a_queue():
    slow = Reasons(wait=0.05)

    def late() -> tuple[str, ...]:
        time.sleep(0.3)
        return ("said",)

    assert slow.told(("flu", 0), late) is None
    assert [slow.told(("flu", n), late) for n in range(1, 30)] == [None] * 29
    time.sleep(0.5)
    assert slow.told(("flu", 0), lambda: ("other",)) == ("said",)


def test_a_wish_of_the_page_is_read_back(site: Any, world: Any):
    _post(site, f"/why/{world.token(3)}/wish", kind="fewer", amount="4")
    (found,) = subject.rows_of(world.workspace.ledger, [FIRST + 3], [])["wishes"]
    assert (found["kind"], found["amount"], found["source"]) == ("fewer", 4, "page")
