"""A server that works for long: nothing is lost or doubled, memory stays, and no file is left open."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from runpy import run_path
from typing import Any

import pyarrow.compute as pc
import pytest

from suasion.ingest import inbox
from suasion.profiles import events
from suasion.server import keys
from suasion.workspace import deciding, streaming

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
NAME, PEOPLE, BATCH = PLACED["NAME"], 600, 100
KEY = "wk_site_0123456789"
STREAM = f"""
write_key = "{KEY}"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
events_per_second = 1e9
"""
TRAIT = """
[traits.reads]
type = "integer"
category = "behavior"
label = "Pages read"
computed = { event = "Page Read", of = "count" }
"""
AHEAD = 60_000
"""Events that may wait in the inbox before the site waits, too."""
GROWTH, AN_EVENT = 160 * 2**20, 80
"""Octets by which memory may grow after warming up, and so many an event: a message that comes again within
a day is known again (16 octets in tables that are doubled)."""


@dataclass
class Told:
    """What a site told, and what was seen of the server meanwhile."""

    sent: set[str] = field(default_factory=set[str])
    again: int = 0
    decided: int = 0
    series: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    failed: list[BaseException] = field(default_factory=list[BaseException])


@contextmanager
def served(folder: Path) -> Generator[tuple[int, int]]:
    """The server as people start it: its process, and its port."""
    command = [sys.executable, "-m", "suasion.cli", "serve", "-w", str(folder), "--port", "0"]
    environment = {**os.environ, **PLACED["SECRET"]}
    with (
        (folder / "serve.log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as server,
    ):
        assert server.stdout is not None
        said = server.stdout.readline()
        assert "serving on" in said, (folder / "serve.log").read_text("utf-8")
        yield server.pid, int(said.strip().rpartition(":")[2])
        server.terminate()


def family(process: int) -> list[int]:
    """A process and those that it began."""
    begun = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
    return [process, *(one for child in begun for one in family(int(child)))]


def memory(process: int) -> int:
    """Octets of it that are in use."""
    said = Path(f"/proc/{process}/status").read_text("utf-8")
    return 1024 * int(next(line for line in said.splitlines() if line.startswith("VmRSS")).split()[1])


def held(process: int) -> tuple[int, int]:
    """Octets and open files of all processes of a server."""
    every = family(process)
    return sum(map(memory, every)), sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in every)


class Asker:
    """One connection."""

    def __init__(self, port: int, authorization: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}

    def post(self, path: str, body: bytes) -> Any:
        """The answer; what is refused for now is sent again, as the answer says."""
        while True:
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            said = answer.read()
            if answer.status == 200:
                return json.loads(said)
            assert answer.status in (429, 503), (answer.status, said)
            time.sleep(int(answer.headers["Retry-After"]))

    def close(self) -> None:
        self._connection.close()


def event(name: str, person: int, message: str, properties: str = "{}") -> str:
    return (
        f'{{"type":"track","userId":"R{person:07d}","event":"{name}","messageId":"{message}",'
        f'"properties":{properties}}}'
    )


def tell(port: int, many: int, told: Told, seen: SimpleQueue[str], waits: Callable[[], bool]) -> None:
    """Send events, in each request two that came before; and what was seen, as it comes to be known."""
    basic = b64encode(f"{KEY}:".encode()).decode()
    with closing(Asker(port, f"Basic {basic}")) as asker:
        last = list[str]()
        for turn in range(many // BATCH):
            ids = [f"e{turn}-{place}" for place in range(BATCH)]
            names = ("Page Read", "Seen", "Seen", "Booked")
            made = [event(names[i % 4], (turn * BATCH + i) % PEOPLE, one) for i, one in enumerate(ids)]
            told.sent.update(ids)
            try:
                while True:
                    made.append(seen.get_nowait())
            except Empty:
                pass
            asker.post("/v1/batch", f'{{"batch":[{",".join([*made, *last])}]}}'.encode())
            told.again += len(last)
            last = made[:2]
            while waits():
                time.sleep(0.1)


def ask(port: int, key: str, many: int, told: Told, seen: SimpleQueue[str]) -> None:
    """Ask what to show; each person sees it the first time."""
    with closing(Asker(port, f"Bearer {key}")) as asker:
        for number in range(many):
            person = number * 7 % PEOPLE
            body = f'{{"placement":"{NAME}","context":{{"targetingKey":"member=R{person:07d}"}}}}'
            said = asker.post("/v1/decide", body.encode())
            told.decided += 1
            if number < PEOPLE and said["decision_id"]:
                message = f"viewed-{person}"
                told.sent.add(message)
                properties = json.dumps({"decision_id": said["decision_id"]})
                seen.put(event(deciding.EVENT, person, message, properties))


def guarded(told: Told, work: Callable[..., None], *given: Any) -> threading.Thread:
    def run() -> None:
        try:
            work(*given)
        except BaseException as error:
            told.failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def town(tmp_path: Path) -> tuple[Path, str]:
    folder = PLACED["declared"](tmp_path / "town")
    path = folder / "placements" / f"{NAME}.toml"
    learns = '[policy]\nkind = "thompson"\nscales = { age = [50, 15] }\n\n'
    PLACED["edit"](path, r"(?s)\[policy\].*?\n\n", learns)
    (folder / "streams").mkdir()
    (folder / "streams" / "site.toml").write_text(STREAM, "utf-8")
    (folder / "traits" / "live.toml").write_text(TRAIT, "utf-8")
    ws = PLACED["opened"](folder, lambda: datetime.now(UTC))
    ws.ingest()
    deciding.approve(ws, NAME, "Bea", "read it aloud")
    return folder, keys.add(folder, "site", [keys.Scope.DECIDE], datetime.now(UTC))


@pytest.mark.parametrize(
    ("many", "asked"),
    [(40_000, 4_000), pytest.param(2_000_000, 200_000, marks=pytest.mark.slow)],
    ids=["short", "long"],
)
def test_memory_is_flat_no_file_stays_open_and_nothing_is_lost_or_doubled(
    town: tuple[Path, str], many: int, asked: int
):
    folder, key = town
    told, seen = Told(), SimpleQueue[str]()
    with served(folder) as (process, port), closing(inbox.Inbox.open(folder / "inbox.db")) as box:
        waiting = [0]
        telling = guarded(told, tell, port, many, told, seen, lambda: waiting[0] * BATCH > AHEAD)
        asking = guarded(told, ask, port, key, asked, told, seen)
        begun = time.monotonic()
        while telling.is_alive() or asking.is_alive() or waiting[0]:
            waiting[0] = box.waiting()
            told.series.append((len(told.sent), *held(process)))
            assert not told.failed, told.failed[0]
            assert time.monotonic() - begun < 200 + many / 300, f"{waiting[0]} batches wait still"
            time.sleep(0.5)
        took = time.monotonic() - begun
        told.series.append((len(told.sent), *held(process)))
    print(json.dumps({"seconds": round(took), **figures(told)}))
    assert told.decided == asked
    stored_once(folder, told)
    flat(told)


def figures(told: Told) -> dict[str, Any]:
    """Ten moments: events told, megabytes, open files."""
    step = max(1, len(told.series) // 10)
    rows = [*told.series[::step], told.series[-1]]
    return {"events": len(told.sent), "series": [(n, round(rss / 2**20), fds) for n, rss, fds in rows]}


def stored_once(folder: Path, told: Told) -> None:
    """Every event that was acknowledged is in the lake, once; every other is not."""
    ws = PLACED["opened"](folder, lambda: datetime.now(UTC))
    tables = ws.tables()
    parts = [tables.read(part, "serve") for part in events.parts(tables, "events.site")]
    assert sum(part.num_rows for part in parts) == len(told.sent)
    read = sum(pc.sum(pc.equal(part["name"], "Page Read")).as_py() or 0 for part in parts)
    assert read == sum(1 for one in told.sent if one[0] == "e" and int(one.rpartition("-")[2]) % 4 == 0)
    seen = sum(1 for one in told.sent if one.startswith("viewed"))
    assert 0 < streaming.exposures(tables, NAME).num_rows <= seen
    assert inbox.Inbox.open(folder / "inbox.db").dead(10) == []


def flat(told: Told) -> None:
    """After a third, nothing grows but what knows messages again."""
    warm = len(told.series) // 3
    first = max(rss for _, rss, _ in told.series[: warm + 1])
    grown = told.series[-1][1] - first
    more = len(told.sent) - told.series[warm][0]
    assert grown < GROWTH + AN_EVENT * more, f"{grown / 2**20:.0f} MB more for {more:,} events"
    fds = [count for _, _, count in told.series]
    assert fds[-1] <= max(fds[: warm + 1]) + 4
