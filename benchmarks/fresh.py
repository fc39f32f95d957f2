"""From an acknowledged event to what ``/v1/decide`` makes of it: trait, segment and decision, over HTTP.

Prints one JSON object as its last line: `fresh_s`, the 95th percentile of the seconds from the
acknowledgement of an event, at 1,000 others a second, until a person whom it brings into the placement's
segment is drawn for. That one answer needs the new value of a computed trait, the segment judged anew, and a
decision from it. The server has one core, whoever sends and asks the other.

``python -m benchmarks.fresh [--quick]``
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import suasion
from benchmarks.decide import SAID
from benchmarks.ingest import on_core
from benchmarks.timing import load
from suasion.server import keys
from suasion.workspace import deciding

SECRET = {"SUASION_KEY": "a secret of the benchmark"}
WRITE_KEY = "wk_fresh_0123456789"
RATE, BATCH = 1000, 100
EVERY, LOOK = 0.25, 0.02
"""Seconds from one person who is followed to the next, and from one look at them to the next."""
WARM, LATEST = 8.0, 20.0
"""Seconds that the server has for what it compiles at first, and after which nobody waits any longer."""
FILES = {
    "suasion.toml": """
name = "B"
territory = "DE"
currency = "EUR"
purpose = "public_health"
public_url = "http://127.0.0.1:8000"
""",
    "streams/site.toml": f"""
write_key = "{WRITE_KEY}"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
events_per_second = 1e9
""",
    "segments/readers.toml": 'label = "Readers"\nwhere = "reads >= 1"\n',
    "traits/people.toml": """
[traits.age]
type = "integer"
category = "age"
label = "Age"
fact = "age"
[traits.reads]
type = "integer"
category = "behavior"
label = "Pages read"
computed = { event = "Page Read", of = "count" }
""",
    "placements/home.toml": """
label = "Home"
purpose = "public_health"
sponsor = "Town"
generic = "plain"
segment = "readers"
features = ["age", "reads"]
outcome = "Booked"
variants = { plain = { value = "0" }, bus = { value = "1" }, walk = { value = "2" } }
policy = { kind = "thompson" }
review = { by = "Ada", on = 2026-10-01, exposes_third_persons = false, discourages_voting = false }
""",
    "sources/people.toml": """
file = "people.csv"
licence = "drawn at random"
purposes = ["public_health"]
basis = "consent"
observed_on = 2026-10-01
territory = "DE"
identifiers = { member = "member" }
traits = { age = "age" }
"""
    + SAID,
}


def built(folder: Path, people: int) -> str:
    """A workspace with a placement on record; returns a key that may decide."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    rows = (f"M{number:06},{18 + number % 60},yes,2026-01-01" for number in range(people))
    (folder / "sources" / "people.csv").write_text("\n".join(["member,age,ok,said", *rows]) + "\n", "utf-8")
    ws = suasion.open(folder, environment=SECRET)
    ws.ingest()
    deciding.approve(ws, "home", "Ada", "for the benchmark")
    return keys.add(folder, "bench", [keys.Scope.DECIDE], datetime.now(UTC))


@contextmanager
def served(folder: Path) -> Generator[int]:
    """The server as people start it, at a port that it chooses."""
    command = [sys.executable, "-m", "suasion.cli", "serve", "-w", str(folder), "--port", "0"]
    process = subprocess.Popen(
        on_core(0, command), env={**os.environ, **SECRET}, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if "serving on" not in said:
            raise SystemExit(f"the server does not start: {said}")
        yield int(said.strip().rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(30)


class Asker:
    """Speaks with the server over one connection."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        basic = b64encode(f"{WRITE_KEY}:".encode()).decode()
        self._as = {"/v1/decide": f"Bearer {key}", "/v1/batch": f"Basic {basic}"}

    def post(self, path: str, said: Any) -> Any:
        """The answer, which must be a good one."""
        headers = {"Authorization": self._as[path], "Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(said), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:200]!r}")
        return json.loads(body)

    def is_drawn(self, who: str) -> bool:
        """Whether chance decides what a person is shown: they are in the segment."""
        asked = {"placement": "home", "context": {"targetingKey": f"member={who}"}}
        return self.post("/v1/decide", asked)["reason"] == deciding.SPLIT

    def close(self) -> None:
        """End."""
        self._connection.close()


def event(who: str, name: str, number: int) -> dict[str, Any]:
    """Somebody did something."""
    return {"type": "track", "userId": who, "event": name, "messageId": f"{name}-{number:020}"}


def keep_sending(port: int, key: str, people: int, over: threading.Event, sent: list[int]) -> None:
    """Send 1,000 events a second of everybody, until told to stop; none of them changes a trait."""
    begun, others = time.monotonic(), people // 2
    with closing(Asker(port, key)) as asker:
        for turn in count():
            over.wait(max(0.0, begun + turn * BATCH / RATE - time.monotonic()))
            if over.is_set():
                return
            numbers = range(turn * BATCH, (turn + 1) * BATCH)
            # Every tenth adds to the trait of somebody who is in the segment by then.
            batch = [
                event(f"M{others + n * 7919 % others:06}", "Page Read" if n % 10 == 0 else "Seen", n)
                for n in numbers
            ]
            asker.post("/v1/batch", {"batch": batch})
            sent[0] += BATCH


def followed(port: int, key: str, seconds: float) -> list[float]:
    """Seconds from acknowledgement to decision, of persons of the first half, one after another."""
    late, waiting, begun = list[float](), dict[str, float](), time.monotonic()
    with closing(Asker(port, key)) as asker:
        while (now := time.monotonic() - begun) < seconds or waiting:
            number = len(late) + len(waiting)
            if number * EVERY <= now < seconds:
                who = f"M{number:06}"
                if asker.is_drawn(who):
                    raise SystemExit(f"{who} is in the segment before anything happened")
                asker.post("/v1/batch", {"batch": [event(who, "Page Read", 10**12 + number)]})
                waiting[who] = time.monotonic()
            for who, since in list(waiting.items()):
                if asker.is_drawn(who) or time.monotonic() > since + LATEST:
                    late.append(time.monotonic() - since)
                    del waiting[who]
            time.sleep(LOOK)
    return late


def measured(people: int, seconds: float) -> dict[str, Any]:
    """Send, follow, and say how late the answers were."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "town"
        folder.mkdir()
        key = built(folder, people)
        with served(folder) as port:
            over, sent = threading.Event(), [0]
            sending = threading.Thread(target=keep_sending, args=(port, key, people, over, sent))
            begun = time.monotonic()
            sending.start()
            try:
                time.sleep(WARM)
                late = followed(port, key, seconds)
            finally:
                over.set()
                sending.join()
            took = time.monotonic() - begun
    late.sort()
    return {
        "fresh_s": round(late[min(len(late) - 1, int(0.95 * len(late)))], 2),
        "median_s": round(statistics.median(late), 2),
        "most_s": round(late[-1], 2),
        "followed": len(late),
        "people": people,
        "events_s": round(sent[0] / took),
    }


def main() -> None:
    """Print the figures."""
    people, seconds = (2000, 12.0) if "--quick" in sys.argv else (20_000, 60.0)
    print(json.dumps({"benchmark": "fresh", **measured(people, seconds), "load": load()}))


if __name__ == "__main__":
    main()
