"""What to show, over real sockets: single, many, refused."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import uvicorn

from suasion.ledger.said import opt_in
from suasion.rules import Channel, Purpose
from suasion.server import keys
from suasion.server.decisions import BURST, RATE, endpoints
from suasion.workspace import Workspace

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
NAME, NOW, everybody = PLACED["NAME"], PLACED["NOW"], PLACED["everybody"]


class Site:
    """The endpoints of a workspace, served by a thread."""

    def __init__(self, ws: Workspace) -> None:
        self.ws, self.made = ws, endpoints(ws)
        self.key = keys.add(ws.folder, "shop", [keys.Scope.DECIDE], NOW)
        self.reader = keys.add(ws.folder, "ops", [keys.Scope.READ], NOW)
        self.made._keys = keys.keys_of(ws.folder)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self.made, lifespan="off", access_log=False, log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def ask(self, path: str, body: Any, headers: dict[str, str] | None = None, method: str = "POST") -> Any:
        said = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, said, {"X-API-Key": self.key} if headers is None else headers)
            answer = connection.getresponse()
            made = answer.read()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, (json.loads(made) if made else None), named
        finally:
            connection.close()

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.made.close()


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    folder = PLACED["copy"](PLACED["on_record"](tmp_path_factory.getbasetemp()), tmp_path / "town")
    made = Site(PLACED["opened"](folder))
    yield made
    made.end()
    shutil.rmtree(folder)


def _one(site: Site, who: str, **more: Any) -> Any:
    status, said, _ = site.ask("/v1/decide", {"placement": NAME, "context": {"targetingKey": who}, **more})
    assert status == 200
    return said


def _drawn(site: Site) -> str:
    return next(who for who in everybody() if _one(site, who)["reason"] == "SPLIT")


def test_one_person_is_answered_as_the_decider_says(site: Site):
    who = _drawn(site)
    said, own = _one(site, who), site.made.decider.decide(NAME, who)
    assert said["variant"] == own.variant
    assert said["decision_id"] == own.decision_id
    assert 0 < said["probability"] < 1
    assert set(said) == {
        "placement",
        "variant",
        "value",
        "probability",
        "reason",
        "decision_id",
        "policy",
        "more",
    }
    as_user = site.ask("/v1/decide/", {"placement": NAME, "context": {"userId": who}})
    bearer = {"Authorization": f"Bearer {site.key}"}
    assert (
        as_user[1]
        == said
        == site.ask("/v1/decide", {"placement": NAME, "context": {"targetingKey": who}}, bearer)[1]
    )


def test_a_thousand_persons_get_what_each_would_get_alone(site: Site):
    people = [{"targetingKey": who} for who in (everybody() * 2)[:1000]]
    status, said, _ = site.ask("/v1/decide", {"placement": NAME, "context": people})
    assert status == 200
    assert len(said["decisions"]) == 1000
    for place in (0, 1, 17, 333, 999):
        assert said["decisions"][place] == _one(site, people[place]["targetingKey"])
    status, said, _ = site.ask("/v1/decide", {"placement": NAME, "context": [*people, people[0]]})
    assert (status, said["code"]) == (400, "invalid")
    assert site.ask("/v1/decide", {"placement": NAME, "context": []})[1] == {"decisions": []}


def test_candidates_and_count_are_kept_to(site: Site):
    who = _drawn(site)
    assert _one(site, who, candidates=["walk"])["variant"] in ("walk", "plain")
    assert _one(site, who, candidates=[])["variant"] == "plain"
    several = _one(site, who, count=3)
    assert several["variant"] not in [one["variant"] for one in several["more"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b'{"placement":"\xff"}', 400),
        (b'{"placement":1}', 400),
        (b'{"context":{}}', 400),
        (b'{"placement":"home","context":"x"}', 400),
        (b'{"placement":"home","context":{"targetingKey":{}}}', 400),
        (b'{"placement":"home","count":0}', 400),
        (b'{"placement":"home","count":1e999}', 400),
        (b'{"placement":"home","count":' + b"9" * 5000 + b"}", 400),
        (b'{"placement":"home","candidates":[1]}', 400),
        (b'{"placement":"nowhere"}', 404),
        (b'{"placement":"home"}', 200),
        (b'{"placement":"home","context":{}}', 200),
        (b'{"placement":"home","context":{"targetingKey":null,"userId":7}}', 200),
        (b'{"placement":"home","context":{"targetingKey":"a\\u0000b"}}', 200),
        (b'{"placement":"home","context":{"targetingKey":"\\ud800"}}', 400),
        (b"[" * 100_000, 400),
        (b'{"placement":"home","x":"' + b"x" * (1 << 20) + b'"}', 413),
    ],
)
def test_whatever_is_sent_is_answered_and_the_next_is_served(site: Site, body: bytes, status: int):
    found, said, headers = site.ask("/v1/decide", body)
    assert found == status, said
    assert headers["content-type"] == "application/json"
    if status == 200:
        assert (said["reason"], said["decision_id"], said["probability"]) == ("DISABLED", None, None)
    else:
        assert set(said) == {"code", "message"}
    _one(site, "member=R0000001")


def test_only_keys_that_may_decide_are_answered(site: Site):
    for headers in (
        {},
        {"X-API-Key": ""},
        {"X-API-Key": site.reader},
        {"Authorization": "Basic eDo="},
        {"X-API-Key": site.key[:-1]},
    ):
        status, said, _ = site.ask("/v1/decide", {"placement": NAME}, headers)
        assert (status, said["code"]) == (401, "unknown_key")
    assert site.ask("/v1/decide", b"", method="GET")[0] == 405
    assert site.ask("/v1/decide/x", {"placement": NAME})[0] == 404


def test_whoever_asks_too_much_is_told_when_to_come_back_in_whole_seconds(site: Site):
    site.made._until["shop"] = site.made._clock() + BURST + 2.4
    status, said, headers = site.ask("/v1/decide", {"placement": NAME})
    assert (status, said["code"], headers["retry-after"]) == (429, "too_many", "3")
    site.made._until.clear()
    site.made._take("shop", int(RATE))
    assert site.ask("/v1/decide", {"placement": NAME})[0] == 200


def test_a_body_in_pieces_is_waited_for(site: Site):
    body = json.dumps({"placement": NAME, "context": {"targetingKey": "member=R0000001"}}).encode()
    with socket.create_connection(("127.0.0.1", site.port), 20) as wire:
        wire.sendall(b"POST /v1/decide HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n" % site.key.encode())
        wire.sendall(b"Content-Length: %d\r\n\r\n" % len(body))
        for place in range(0, len(body), 20):
            time.sleep(0.02)
            wire.sendall(body[place : place + 20])
        assert wire.recv(100).startswith(b"HTTP/1.1 200")


def test_consent_taken_back_is_kept_to_in_the_next_answer(site: Site):
    who = _drawn(site)
    person = PLACED["persons"](site.ws)[who]
    opt_in.withdraw(site.ws.ledger, person, (Purpose.PUBLIC_HEALTH, Channel.WEB), datetime.now(UTC))
    time.sleep(0.01)
    assert _one(site, who)["reason"] == "DISABLED"
