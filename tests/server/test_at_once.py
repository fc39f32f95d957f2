"""Decisions answered before the call that brings the request returns: the same as by the way of ASGI."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import uvicorn

from suasion.server import keys
from suasion.server.application import Served, application
from suasion.server.connections import Protocol
from suasion.workspace import Workspace

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
NAME, NOW, everybody = PLACED["NAME"], PLACED["NOW"], PLACED["everybody"]


class Site:
    """A whole server in a thread."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.key = keys.add(ws.folder, "shop", [keys.Scope.DECIDE], NOW)
        self.made: Served = application(ws)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.made,
            http=Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def request(self, body: Any, key: str | None = None, more: str = "") -> bytes:
        said = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"POST /v1/decide HTTP/1.1\r\nHost: x\r\nX-API-Key: {key or self.key}\r\n{more}"
        return f"{head}Content-Length: {len(said)}\r\n\r\n".encode() + said

    def end(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.made.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    folder = PLACED["copy"](
        PLACED["on_record"](tmp_path_factory.getbasetemp()), tmp_path_factory.mktemp("once") / "town"
    )
    made = Site(PLACED["opened"](folder))
    yield made
    made.end()
    shutil.rmtree(folder)


class Line:
    """One connection."""

    def __init__(self, site: Site) -> None:
        self.socket = socket.create_connection(("127.0.0.1", site.port), timeout=30)
        self.file = self.socket.makefile("rb")

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        first, headers = self.file.readline().split(), dict[str, str]()
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return int(first[1]), headers, self.file.read(int(headers["content-length"]))

    def ask(self, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
        for number, part in enumerate(parts):
            if number:
                time.sleep(0.05)
            self.socket.sendall(part)
        return self.answer()

    def has_ended(self) -> bool:
        self.socket.settimeout(5)
        return self.file.read(1) == b""


@pytest.fixture
def line(site: Site) -> Generator[Line]:
    made = Line(site)
    yield made
    made.file.close()
    made.socket.close()


def _about(who: str | None = None, **more: Any) -> dict[str, Any]:
    return {"placement": NAME, "context": {"targetingKey": who}, **more}


def _body(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def _cases(site: Site) -> list[tuple[bytes, int]]:
    who = everybody()
    good = [site.request(_about(one)) for one in [*who[:20], "nobody", None]]
    more = [site.request(_about(who[0], count=2)), site.request(_about(who[1], candidates=["none"]))]
    many = site.request({"placement": NAME, "context": [{"userId": one} for one in who[:60]]})
    wrong = [site.request(b"{"), site.request(b'{"placement": "\xff"}'), site.request(_about(count=0))]
    return [
        *((one, 200) for one in (*good, *more, many)),
        *((one, 400) for one in wrong),
        (site.request(_about(), key="sk_of_nobody"), 401),
        (site.request({"placement": "nowhere"}), 404),
        (site.request(_about()).replace(b"POST", b"PUT"), 405),
    ]


def test_who_sends_all_at_once_is_answered_as_who_sends_in_parts(site: Site, line: Line):
    for request, status in _cases(site):
        cut = len(request) - len(_body(request)) + 3
        at_once, in_parts = line.ask(request), line.ask(request[:cut], request[cut:])
        assert at_once[0] == in_parts[0] == status
        assert at_once[2] == in_parts[2]
        for one in (at_once[1], in_parts[1]):
            assert one.pop("date")
        assert at_once[1] == in_parts[1]


def test_only_what_is_good_and_of_one_person_is_answered_at_once(site: Site):
    headers = [(b"x-api-key", site.key.encode())]
    for request, status in _cases(site):
        body = _body(request)
        is_many = isinstance(json.loads(body).get("context"), list) if status == 200 else False
        if status in (200, 400, 404):
            made = site.made.quick[b"/v1/decide"](headers, body)
            assert (made is not None) == (status == 200 and not is_many)
    assert site.made.quick[b"/v1/decide"]([], _body(site.request(_about()))) is None


def test_who_asks_again_with_the_same_head_is_answered_as_the_first_time(site: Site, line: Line):
    longer = [_about("nobody"), _about("nobody!"), _about("nobody")]
    bodies = [*(_about(one) for one in everybody()[:40]), *longer]
    first = [_once(site, site.request(one)) for one in bodies]
    for _ in range(3):
        assert [line.ask(site.request(one))[2] for one in bodies] == first
    assert line.ask(site.request({"placement": "n" * 300}))[0] == 404
    assert line.ask(site.request(b"{" * len(json.dumps(bodies[0]))))[0] == 400
    assert line.ask(site.request(bodies[0]))[2] == first[0]


def test_a_key_that_was_removed_is_refused_though_its_head_is_known(site: Site, line: Line):
    key = keys.add(site.ws.folder, "for_a_while", [keys.Scope.DECIDE], NOW)
    request = site.request(_about(everybody()[0]), key=key)
    end = time.monotonic() + 30
    while line.ask(request)[0] != 200:
        assert time.monotonic() < end
    assert [line.ask(request)[0] for _ in range(3)] == [200] * 3
    keys.remove(site.ws.folder, "for_a_while")
    while line.ask(request)[0] != 401:
        assert time.monotonic() < end


def test_what_comes_in_chunks_is_read_anew_each_time(site: Site, line: Line):
    head = (
        f"POST /v1/decide HTTP/1.1\r\nHost: x\r\nX-API-Key: {site.key}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for one in everybody()[:10]:
        body = json.dumps(_about(one)).encode()
        chunks = b"%x\r\n%b\r\n" % (len(body), body) + b"0\r\n\r\n"
        assert line.ask(head.encode() + chunks)[2] == _once(site, site.request(_about(one)))


def _once(site: Site, request: bytes) -> bytes:
    """The answer on a connection of its own."""
    line = Line(site)
    try:
        return line.ask(request)[2]
    finally:
        line.file.close()
        line.socket.close()


def test_requests_in_one_row_are_answered_in_their_order(site: Site, line: Line):
    who = everybody()
    slow = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    quick = [site.request(_about(one)) for one in who[:6]]
    alone = [line.ask(one)[2] for one in quick]
    line.socket.sendall(b"".join([*quick[:3], slow, *quick[3:]]))
    found = [line.answer()[2] for _ in range(7)]
    assert found == [*alone[:3], b"ok\n", *alone[3:]]


def test_hundreds_of_requests_in_one_row_are_all_answered(site: Site, line: Line):
    line.socket.sendall(site.request(_about(everybody()[0])) * 300)
    assert {line.answer()[0] for _ in range(300)} == {200}


def test_a_connection_ends_where_its_client_wants_it_to(site: Site, line: Line):
    status, headers, _ = line.ask(site.request(_about(), more="Connection: close\r\n"))
    assert (status, headers["connection"]) == (200, "close")
    assert line.has_ended()


def test_after_an_answer_what_is_no_request_is_refused(site: Site, line: Line):
    assert line.ask(site.request(_about()))[0] == 200
    assert line.ask(b"nonsense\r\n\r\n")[0] == 400
    assert line.has_ended()


def test_an_answer_comes_before_the_refusal_of_what_follows(site: Site, line: Line):
    assert line.ask(site.request(_about()) + b"nonsense\r\n\r\n")[0] == 200
    assert line.answer()[0] == 400


def test_who_waits_for_leave_to_send_the_body_gets_it(site: Site, line: Line):
    request = site.request(_about(), more="Expect: 100-continue\r\n")
    line.socket.sendall(request[: -len(_body(request))])
    assert line.file.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert line.file.readline() == b"\r\n"
    assert line.ask(_body(request))[0] == 200
