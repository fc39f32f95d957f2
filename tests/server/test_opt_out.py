"""An opt-out is one POST, is on disk before it is confirmed, and never happens otherwise."""

from __future__ import annotations

import base64
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import pytest

from suasion.ledger import tokens

FORM = "application/x-www-form-urlencoded"
MULTIPART = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
BODIES = {
    "as Gmail does": (b"List-Unsubscribe=One-Click", FORM),
    "multipart": (MULTIPART.encode(), "multipart/form-data; boundary=x"),
    "broken multipart": (MULTIPART.encode(), "multipart/form-data"),
    "empty": (b"", FORM),
    "no body": (None, None),
    "something else": (b'{"List-Unsubscribe": "no"}', "application/json"),
    "no text": (bytes(range(256)), FORM),
    "as large as may be": (b"x" * 65_536, FORM),
}
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def _post(site: Any, token: str, body: Any = b"List-Unsubscribe=One-Click", kind: str | None = FORM) -> Any:
    return site.ask("POST", f"/o/{token}", body, {"Content-Type": kind} if kind else {})


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES)
def test_one_post_opts_out(site: Any, world: Any, body: bytes | None, kind: str | None):
    answer = _post(site, world.token(3), body, kind)
    assert answer.status == 200
    assert not {"set-cookie", "location", "refresh"} & answer.headers.keys()
    assert world.suppressed == {3}


def test_an_opt_out_is_recorded_once(site: Any, world: Any):
    assert [_post(site, world.token(3)).status for _ in range(3)] == [200] * 3
    assert world.rows("SELECT person, reason FROM suppressions") == [(711_000_003, "opted_out")]
    assert world.rows("SELECT send, kind FROM replies") == [(3, "opted_out")]


def test_a_send_that_waits_is_stopped(site: Any, world: Any):
    assert world.rows("SELECT state FROM sends WHERE id = 50") == [("planned",)]
    _post(site, world.token(50))
    assert world.rows("SELECT state, reason FROM sends WHERE id = 50") == [("failed", "suppressed")]
    assert world.rows("SELECT count(*) FROM sends WHERE state = 'failed'") == [(1,)]


@pytest.mark.parametrize("path", ["/o/", "/why/"])
def test_whoever_only_looks_changes_nothing(site: Any, world: Any, path: str):
    before = world.rows("SELECT id, state, reason, at FROM sends ORDER BY id")
    answers = {
        method: site.ask(method, path + world.token(3))
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
    }
    assert [answers[method].status for method in ("GET", "HEAD")] == [200, 200]
    assert {answer.status for method, answer in answers.items() if method not in ("GET", "HEAD")} == {405}
    assert answers["HEAD"].body == b""
    assert world.suppressed == set()
    assert world.rows("SELECT id, state, reason, at FROM sends ORDER BY id") == before


def test_what_may_be_asked_is_told(site: Any, world: Any):
    assert site.ask("OPTIONS", f"/o/{world.token(3)}").headers["allow"] == "GET, HEAD, POST"


def test_the_page_asks_and_its_button_acts(site: Any, world: Any):
    address = f"http://127.0.0.1/o/{world.token(3)}"
    asked = site.get(f"/o/{world.token(3)}").page
    assert "Town Health Office" in asked.text
    assert asked.values("form", "method") == ["post"]
    (action,) = asked.values("form", "action")
    assert not [name for name, _ in asked.elements if name == "input"]
    assert urljoin(address, action) == address
    assert _post(site, world.token(3), b"").status == 200
    assert world.suppressed == {3}


def _wrong(world: Any) -> Iterator[str]:
    token = world.token(3)
    raw = base64.urlsafe_b64decode(token)
    for bit in (0, 63, 64, 191):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        yield base64.urlsafe_b64encode(bytes(changed)).decode()
    yield from (token[:-1], token[:-4], f"{token}A", f"{token}AAAA", token.swapcase(), token[::-1])
    yield base64.urlsafe_b64encode(raw[:8]).decode()
    yield tokens.token_of(b"another key", 3)
    yield tokens.token_of(b"", 3)
    yield from (
        "3",
        "x",
        "A" * 32,
        "A" * 10_000,
        "===",
        quote("żółw"),
        "%00",
        "%2e%2e%2f",
        quote("' OR 1=1 --"),
    )


@pytest.mark.parametrize(("method", "path"), [("GET", "/o/"), ("POST", "/o/"), ("GET", "/why/")])
def test_every_wrong_token_gets_the_same_answer(site: Any, world: Any, method: str, path: str):
    answers = [site.ask(method, path + token) for token in _wrong(world)]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert len({tuple((k, v) for k, v in a.headers.items() if k != "date") for a in answers}) == 1
    assert world.suppressed == set()


def test_nothing_is_redirected(site: Any, world: Any):
    for path in (f"/o/{world.token(3)}/", f"/why/{world.token(3)}/", "/o/", "/o", "/campaigns/", "//o/x"):
        assert site.get(path).status == 404


@pytest.mark.parametrize("path", ["/o/", "/why/"])
def test_an_erased_person_is_told_that_nothing_is_held(site: Any, world: Any, path: str):
    world.change("DELETE FROM sends WHERE id = 3")
    answer = site.get(path + world.token(3))
    assert answer.status == 200
    assert "Nothing is held about you any more" in answer.page.text


def test_an_erased_person_can_opt_out_all_the_same(site: Any, world: Any):
    world.change("DELETE FROM sends WHERE id = 3")
    answer = _post(site, world.token(3))
    assert answer.status == 200
    assert "Nothing is held about you any more" in answer.page.text
    assert world.rows("SELECT * FROM suppressions") == []


def test_fifty_at_once_are_all_heard(site: Any, world: Any):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda send: _post(site, world.token(send)).status, range(1, 51)))
    assert answers == [200] * 50
    assert world.suppressed == set(range(1, 51))


def _chunks() -> Iterator[bytes]:
    yield from [b"x" * 1000] * 70


@pytest.mark.parametrize("body", [b"x" * 65_537, _chunks], ids=["said before", "in chunks"])
def test_a_body_beyond_measure_is_refused(site: Any, world: Any, body: bytes | Callable[[], Iterator[bytes]]):
    answer = _post(site, world.token(3), body if isinstance(body, bytes) else body())
    assert answer.status == 413
    assert world.suppressed == set()


@pytest.mark.parametrize("octets", [200_000, 5_000_000])
@pytest.mark.parametrize("path", ["/o/{}", "/why/{}/ask", "/why/{}/wish"])
@pytest.mark.parametrize("is_told", [True, False])
def test_whoever_sends_too_much_sees_the_answer(site: Any, world: Any, path: str, octets: int, is_told: bool):
    """They write all of it before they read: who is cut off meanwhile learns nothing."""
    there, body = path.format(world.token(3)), b"x" * octets
    answer = site.ask("POST", there, body if is_told else iter([body[:100], body[100:]]))
    assert answer.status == 413
    assert "too much" in answer.page.text
    assert world.suppressed == set()
    assert _post(site, world.token(3)).status == 200


def test_while_the_journal_cannot_be_written_nothing_is_confirmed(site: Any, world: Any):
    path = world.workspace.ledger.journal.path
    path.unlink(missing_ok=True)
    path.mkdir()
    assert _post(site, world.token(3)).status == 503
    assert world.suppressed == set()
    path.rmdir()
    assert _post(site, world.token(3)).status == 200
    assert world.suppressed == {3}


def test_an_opt_out_outlives_the_server(site: Any, world: Any):
    assert _post(site, world.token(3)).status == 200
    for process in site.processes:
        os.kill(process, signal.SIGKILL)
    site.process.join(10)
    assert site.process.exitcode == -signal.SIGKILL
    assert world.suppressed == {3}


@pytest.fixture
def hold() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Have another process take the write lock of a ledger."""
    held: list[subprocess.Popen[str]] = []

    def begin(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-c", HOLDER, str(path)]
        held.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert held[-1].stdout is not None
        assert held[-1].stdout.readline() == "held\n"
        return held[-1]

    yield begin
    for process in held:
        process.communicate()


def test_while_the_ledger_is_busy_nothing_is_confirmed(start: Any, world: Any, hold: Any):
    site = start(world.workspace, "busy_timeout=300")
    holder = hold(world.workspace.folder / "ledger.db")
    refused = _post(site, world.token(3))
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    assert "Nothing has changed" in refused.page.text
    assert world.suppressed == set()
    holder.communicate()
    assert _post(site, world.token(3)).status == 200
    assert world.suppressed == {3}


def test_while_an_opt_out_waits_others_are_answered(start: Any, world: Any, hold: Any):
    site = start(world.workspace)
    holder = hold(world.workspace.folder / "ledger.db")
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(_post, site, world.token(send)) for send in range(1, 6)]
        assert site.get("/health").status == 200
        assert site.get(f"/why/{world.token(1)}").status == 200
        assert not any(answer.done() for answer in waiting)
        holder.communicate()
        assert [answer.result().status for answer in waiting] == [200] * 5
    assert world.suppressed == {1, 2, 3, 4, 5}


@pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="limits of another process are set on Linux only"
)
def test_while_the_disk_refuses_nothing_is_confirmed(site: Any, world: Any):
    [before, *_] = [
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for process in site.processes
    ]
    refused = _post(site, world.token(3))
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    for process in site.processes:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
    assert world.suppressed == set()
    assert world.rows("SELECT * FROM replies") == []
    assert _post(site, world.token(3)).status == 200
    assert world.suppressed == {3}


def test_what_is_refused_halfway_is_undone(site: Any, world: Any):
    world.change("CREATE TRIGGER t BEFORE INSERT ON replies BEGIN SELECT RAISE(ABORT, 'no room'); END")
    assert _post(site, world.token(3)).status == 503
    assert world.suppressed == set()
    world.change("DROP TRIGGER t")
    assert _post(site, world.token(3)).status == 200
    assert world.suppressed == {3}


def test_a_sender_who_hangs_up_does_no_harm(start: Any, world: Any, capfd: pytest.CaptureFixture[str]):
    site = start(world.workspace)
    with pytest.raises(ValueError, match="hung up"):
        _post(site, world.token(3), _hang_up())
    assert site.get("/health").status == 200
    assert world.suppressed == set()
    assert "Traceback" not in capfd.readouterr().err


def _hang_up() -> Iterator[bytes]:
    yield b"List-Unsub"
    raise ValueError("hung up")
