"""Processes die and end; what was acknowledged stays, once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import WorkspaceError
from suasion.ingest import inbox
from suasion.server import serve

KEY = "wk_site_0123456789"
EACH = 20
"""Events of a batch."""


@dataclass
class Load:
    """Clients that send as fast as they are answered, and again where they are not, as Segment's do."""

    port: int
    acknowledged: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str) -> None:
        for turn in range(10**9):
            ids = [f"{name}-{turn}-{each}" for each in range(EACH)]
            while not self.ended.is_set():
                if self._is_taken(ids):
                    self.acknowledged.update(ids)
                    break
                time.sleep(0.01)
            if self.ended.is_set():
                return

    def wait(self, batches: int) -> None:
        """Until so many more are acknowledged."""
        enough = len(self.acknowledged) + batches * EACH
        _until(lambda: len(self.acknowledged) >= enough)

    def _is_taken(self, ids: list[str]) -> bool:
        events = [{"type": "track", "event": "Seen", "userId": "u", "messageId": one} for one in ids]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/v1/b", json.dumps({"batch": events, "writeKey": KEY}))
            answer = connection.getresponse()
            self.statuses.add(answer.status)
            return answer.read() == b'{"success":true}'
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()


@contextmanager
def _loaded(port: int, clients: int = 4) -> Iterator[Load]:
    load = Load(port)
    threads = [threading.Thread(target=load.run, args=(f"c{number}",)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.ended.set()
        for thread in threads:
            thread.join()


def _ids(workspace: Any) -> list[str]:
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        return [event.message_id for batch in box.batches(0, 10**6) for event in batch.events]


def _until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.02)


def test_a_worker_that_is_killed_loses_nothing_and_another_begins(streamed: Any, start: Any, tmp_path: Path):
    workspace = streamed(tmp_path / "town")
    site = start(workspace, workers=2)
    _until(lambda: len(site.children) == 3)  # the third drains the inbox
    with _loaded(site.port) as load:
        for _ in range(4):
            load.wait(10)
            before = site.children
            os.kill(before[0], signal.SIGKILL)
            _until(lambda before=before: len(set(site.children) - set(before)) == 1)
    stored = _ids(workspace)
    assert load.acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert load.statuses == {200}


def test_a_polite_end_under_load_loses_nothing(streamed: Any, start: Any, tmp_path: Path, wired: Any):
    workspace = streamed(tmp_path / "town")
    site = start(workspace, workers=2)
    silent, slow = wired(site), wired(site)
    slow.send(f"POST /v1/b HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 12\r\n\r\n".encode())
    with _loaded(site.port) as load:
        _until(lambda: len(load.acknowledged) > 10 * EACH)
        begun = time.monotonic()
        site.process.terminate()
        time.sleep(1)
        slow.send(b'{"batch":[]}')
        assert slow.answer().body == b'{"success":true}'  # it was under way
        site.process.join(20)
        assert time.monotonic() - begun < 15
        assert site.process.exitcode == 0
    assert silent.answer().status == 0
    stored = _ids(workspace)
    assert load.acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert load.statuses == {200}


def test_one_process_ends_politely_too(streamed: Any, start: Any, tmp_path: Path):
    workspace = streamed(tmp_path / "town")
    site = start(workspace)
    with _loaded(site.port) as load:
        _until(lambda: len(load.acknowledged) > 10 * EACH)
        site.process.terminate()
        site.process.join(20)
        assert site.process.exitcode == 0
    assert load.acknowledged <= set(_ids(workspace))
    assert not (tmp_path / "town" / "inbox.db-wal").exists() or not site.process.is_alive()


def test_whoever_is_killed_takes_the_workers_along(streamed: Any, start: Any, tmp_path: Path):
    site = start(streamed(tmp_path / "town"), workers=2)
    _until(lambda: len(site.children) == 3)  # the third drains the inbox
    workers = site.children
    site.process.kill()
    site.process.join(20)
    _until(lambda: not any(_is_alive(worker) for worker in workers))


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_workers_know_what_the_other_stored(streamed: Any, start: Any, tmp_path: Path):
    workspace = streamed(tmp_path / "town")
    site = start(workspace, workers=2)
    events = [{"type": "track", "event": "Seen", "userId": "u", "messageId": f"m{n}"} for n in range(200)]
    bodies = [json.dumps({"batch": events[n : n + 50], "writeKey": KEY}) for n in range(0, 150, 10)]
    answers: list[int] = []

    def post() -> None:
        for body in bodies:
            answers.append(site.ask("POST", "/v1/b", body).status)

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 90
    assert sorted(_ids(workspace)) == sorted(event["messageId"] for event in events[:190])


def test_workers_share_what_a_stream_may_send(streamed: Any, start: Any, tmp_path: Path):
    """In batches of 20, so that a slow machine can send more than 40 a second."""
    site = start(streamed(tmp_path / "town", 40), workers=2)
    assert site.get("/health").status == 200
    taken, waits, begun = 0, set[int](), time.monotonic()
    while time.monotonic() < begun + 5:
        events = [
            {"type": "track", "event": "Seen", "userId": "u"} | {"messageId": f"{taken}-{n}"}
            for n in range(20)
        ]
        answer = site.ask("POST", "/v1/b", json.dumps({"batch": events, "writeKey": KEY}))
        assert answer.status in (200, 429)
        if answer.status == 200:
            taken += 1
        else:
            waits.add(int(answer.headers["retry-after"]))
            time.sleep(0.05)
    assert waits == {1}
    assert 40 * 2 < 20 * taken <= 40 * (time.monotonic() - begun + 1) + 20


@pytest.mark.parametrize("workers", [1, 2])
def test_a_batch_beyond_the_limit_passes_and_waits_afterwards(
    streamed: Any, start: Any, tmp_path: Path, workers: int
):
    site = start(streamed(tmp_path / "town", 10), workers=workers)
    events = [{"type": "track", "event": "Seen", "userId": "u", "messageId": f"m{n}"} for n in range(100)]
    body = json.dumps({"batch": events, "writeKey": KEY})
    assert site.ask("POST", "/v1/b", body).status == 200
    again = site.ask("POST", "/v1/b", body)
    assert again.status == 429
    assert 7 <= int(again.headers["retry-after"]) <= 9
    assert json.loads(again.body)["code"] == "too_many"
    other = body.replace(KEY, "wk_shop_0123456789")
    assert site.ask("POST", "/v1/b", other).status == 200  # each stream has its own


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_is_said_before_anything_listens(streamed: Any, tmp_path: Path, workers: int):
    workspace = streamed(tmp_path / "town")
    text = (workspace.folder / "streams" / "site.toml").read_text()
    (workspace.folder / "streams" / "twin.toml").write_text(text)
    with pytest.raises(WorkspaceError, match="it is that of stream 'site', too"):
        serve(workspace, port=0, workers=workers)
