"""Events acknowledged when they are on disk: batches of 100 over HTTP, beside FastAPI with pydantic.

One is `suasion serve` as it is. Both servers have one core, validate the same, and write by the same inbox;
wrk has the other core. After each run all that was acknowledged must be in the file.

``python -m benchmarks.ingest [--quick]``
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.receiving import KEY
from benchmarks.timing import load

EVENTS, CONNECTIONS = 100, 16
LOADER = """
local number, run = 0, os.getenv("RUN")
local before = '{"type":"track","messageId":"'
local after = [[","userId":"user-%d","anonymousId":"680f78e9-8924-4b65-96be-c8ac0f025b5e",
"event":"Product Viewed","timestamp":"2026-11-22T13:12:38.123Z","properties":{"product_id":"sku-%d",
"price":12.5,"currency":"EUR","category":"books","position":%d,"quantity":1},"context":{"library":
{"name":"analytics","version":"2.4.0"},"page":{"url":"https://shop.example/p/1"},"locale":"de-DE"}}]]
local parts = {}
for i = 1, EVENTS do
  parts[3 * i - 2], parts[3 * i - 1] = (i > 1 and "," or "") .. before, ""
  parts[3 * i] = string.format(after:gsub("\\n", ""), i, i, i)
end
local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Basic AUTH"}
request = function()
  number = number + 1
  for i = 1, EVENTS do
    parts[3 * i - 1] = string.format("%s-%08d-4b65-96be-%012d", run, number, i)
  end
  local body = '{"batch":[' .. table.concat(parts) .. '],"sentAt":"2026-11-22T13:12:39.123Z"}'
  return wrk.format("POST", "/v1/batch", headers, body)
end
done = function(summary, latency)
  local wrong = summary.errors.connect + summary.errors.read + summary.errors.write
  io.write(string.format('{"requests":%d,"us":%d,"p99_ms":%.1f,"wrong":%d}\\n', summary.requests,
    summary.duration, latency:percentile(99) / 1000, wrong + summary.errors.status))
end
"""


def on_core(core: int, command: list[str]) -> list[str]:
    """The command, held to a core where that can be."""
    can = shutil.which("taskset") and (os.cpu_count() or 1) > core
    return ["taskset", "-c", str(core), *command] if can else command


@contextmanager
def served(kind: str, folder: Path) -> Generator[int]:
    """A server's process that answers at a port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.receiving", kind, str(port), str(folder)]
    process = subprocess.Popen(on_core(0, command), stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the server '{kind}' does not start")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answers(port: int) -> bool:
    """Whether somebody answers there, whatever it is."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as one:
        try:
            one.request("GET", "/health")
            one.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
    return True


def run(kind: str, seconds: int, turn: int) -> tuple[float, float]:
    """Events a second that were acknowledged, and the 99th percentile of the time that took in ms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "load.lua"
        auth = b64encode(f"{KEY}:".encode()).decode()
        script.write_text(LOADER.replace("EVENTS", str(EVENTS)).replace("AUTH", auth))
        with served(kind, folder) as port:
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
            command.append(f"http://127.0.0.1:{port}")
            said = subprocess.run(
                on_core(1, command), check=True, capture_output=True, env={**os.environ, "RUN": f"{turn:08x}"}
            )
        told = json.loads(said.stdout.splitlines()[-1])
        with closing(sqlite3.connect(folder / "inbox.db")) as connection:
            there = connection.execute("SELECT sum(json_array_length(events)) FROM batches").fetchone()[0]
        if told["wrong"] or there < told["requests"] * EVENTS:
            raise SystemExit(f"{kind}: {told}, but {there} events on disk")
        return told["requests"] * EVENTS / told["us"] * 1e6, told["p99_ms"]


def main() -> None:
    """Print the figures."""
    rounds, seconds = (2, 5) if "--quick" in sys.argv else (4, 10)
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed")
    ours, theirs = zip(
        *((run("suasion", seconds, turn), run("fastapi", seconds, turn)) for turn in range(rounds)),
        strict=True,
    )
    events, rival = (statistics.median(rate for rate, _ in figures) for figures in (ours, theirs))
    figures = {
        "benchmark": "ingest",
        "events_s": round(events),
        "fastapi_events_s": round(rival),
        "ratio_fastapi": round(statistics.median(a[0] / b[0] for a, b in zip(ours, theirs, strict=True)), 2),
        "p99_ms": round(statistics.median(late for _, late in ours), 1),
        "fastapi_p99_ms": round(statistics.median(late for _, late in theirs), 1),
        "load": load(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
