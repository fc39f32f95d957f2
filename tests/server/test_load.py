"""Under load of wrk every answer is one of the contract, and an inbox that is full loses nothing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
import warnings
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from suasion.ingest import inbox
from suasion.server import keys

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it warns of is its own
    from segment.analytics.client import Client as SegmentClient

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
KEY = "wk_site_0123456789"
BASIC = {"Authorization": "Basic " + b64encode(f"{KEY}:".encode()).decode()}
EVENTS, SECONDS = 20, 4
WRK = """
local threads, number = {}, 0
s200, s429, s503, other, untimed = 0, 0, 0, 0, 0
function setup(thread) table.insert(threads, thread) end
function request()
  number = number + 1
  return wrk.format("POST", "PATH", {["Authorization"] = "AUTHORIZATION"}, body(number))
end
function response(status, headers)
  if status == 200 then s200 = s200 + 1
  elseif status == 429 then s429 = s429 + 1
  elseif status == 503 then s503 = s503 + 1
  else other = other + 1 end
  local wait = headers["retry-after"] or headers["Retry-After"]
  if status ~= 200 and not string.match(wait or "", "^%d+$") then untimed = untimed + 1 end
end
function done(summary)
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do
    io.write(string.format('{"200":%d,"429":%d,"503":%d,"other":%d,"untimed":%d,"lost":%d}\\n',
      thread:get("s200"), thread:get("s429"), thread:get("s503"), thread:get("other"),
      thread:get("untimed"), lost))
  end
end
"""
BATCH = """
function body(number)
  local parts = {}
  for i = 1, EVENTS do
    local event = '{"type":"track","userId":"u%d","event":"Seen","messageId":"%d-%d"}'
    parts[i] = string.format(event, i, number, i)
  end
  return '{"batch":[' .. table.concat(parts, ",") .. ']}'
end
"""
DECIDE = """
function body(number)
  local who = number % 10 == 0 and "nobody" or string.format("member=R%07d", number % PEOPLE)
  return string.format('{"placement":"home","context":{"targetingKey":"%s"}}', who)
end
"""


def loaded(folder: Path, port: int, path: str, authorization: str, body: str) -> dict[str, int]:
    """How often wrk got which answer; `other` and `lost` are none of the contract's."""
    if shutil.which("wrk") is None:
        pytest.skip("Debian's package 'wrk' is not installed")
    script = folder / "load.lua"
    script.write_text(WRK.replace("PATH", path).replace("AUTHORIZATION", authorization) + body, "utf-8")
    command = ["wrk", "-t1", "-c24", f"-d{SECONDS}s", "--timeout", "20s", "-s", str(script)]
    ran = subprocess.run(
        [*command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True, timeout=60
    )
    return json.loads(ran.stdout.splitlines()[-1])


def stored(folder: Path) -> Counter[str]:
    """How often each message is in the inbox."""
    with closing(inbox.Inbox.open(folder / "inbox.db")) as box:
        return Counter(event.message_id for batch in box.batches(0, 1_000_000) for event in batch.events)


@pytest.mark.parametrize("rate", [1e9, 2000.0], ids=["any number", "2,000 a second"])
def test_events_under_load(streamed: Callable[..., Any], start: Any, tmp_path: Path, rate: float):
    workspace = streamed(tmp_path / "town", rate)
    site, body = start(workspace), BATCH.replace("EVENTS", str(EVENTS))
    told = loaded(tmp_path, site.port, "/v1/batch", BASIC["Authorization"], body)
    assert (told["other"], told["untimed"], told["lost"]) == (0, 0, 0)
    assert told["200"] > 0
    assert (told["429"] > 0) == (rate < 1e9)
    there = stored(workspace.folder)
    assert set(there.values()) == {1}
    # What was under way when wrk ended is stored, and was not counted by it.
    assert 0 <= len(there) - told["200"] * EVENTS <= 24 * EVENTS


def test_decisions_under_load(start: Any, tmp_path: Path):
    folder = PLACED["copy"](PLACED["on_record"](tmp_path), tmp_path / "town")
    key = keys.add(folder, "test", [keys.Scope.DECIDE], datetime.now(UTC))
    site = start(PLACED["opened"](folder))
    body = DECIDE.replace("PEOPLE", str(PLACED["PEOPLE"]))
    told = loaded(tmp_path, site.port, "/v1/decide", f"Bearer {key}", body)
    assert (told["other"], told["untimed"], told["lost"]) == (0, 0, 0)
    assert told["200"] > 100
    assert site.get("/health").status == 200


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Nobody else writes to the inbox meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def large(number: int) -> bytes:
    """A batch of nearly 4 MB."""
    events = [
        {
            "type": "track",
            "userId": "u",
            "event": "Seen",
            "messageId": f"large-{number}-{i}",
            "properties": text,
        }
        for i, text in enumerate([{"x": "y" * 30_000}] * 130)
    ]
    return json.dumps({"batch": events}).encode()


@pytest.mark.filterwarnings("ignore")
def test_a_client_that_finds_the_inbox_full_comes_again_and_everything_arrives_once(
    streamed: Callable[..., Any], start: Any, tmp_path: Path
):
    """The disk stands still while more comes than may wait: 503, and nothing of it is taken."""
    workspace = streamed(tmp_path / "town")
    site, failed = start(workspace), list[object]()
    bodies = [large(number) for number in range(21)]
    client = SegmentClient(
        KEY, host=f"http://127.0.0.1:{site.port}", on_error=lambda *error: failed.append(error), upload_size=1
    )

    def post(body: bytes) -> int:
        answer = site.ask("POST", "/v1/batch", body, BASIC)
        assert answer.status in (200, 503)
        assert answer.status == 200 or int(answer.headers["retry-after"]) >= 1
        return answer.status

    with ThreadPoolExecutor(len(bodies)) as pool:
        with locked(workspace.folder / "inbox.db"):
            under_way = [pool.submit(post, body) for body in bodies]
            while post(bodies[-1]) == 200:  # the inbox is full when a body is refused at once
                pass
            for number in range(3):
                client.track("ann", f"event {number}", message_id=f"small-{number}")
            threading.Event().wait(2)
        answers = [one.result(60) for one in under_way]
    client.flush()
    client.join()
    assert not failed
    for body, status in zip(bodies, answers, strict=True):
        while status != 200:
            status = post(body)
    there = stored(workspace.folder)
    assert set(there.values()) == {1}
    assert len(there) == 21 * 130 + 3
    assert {f"small-{number}" for number in range(3)} <= there.keys()
