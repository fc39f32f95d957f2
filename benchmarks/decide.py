"""Decisions over HTTP: one core serves ``/v1/decide``, the other asks.

Prints one JSON object as its last line: `decide_s` decisions a second, each with consent, cap, segment mask,
10 variants and 20 features; `decide_p99_ms` at 5,000 a second, from when each request was due;
`ratio_fastapi` against the same decider behind FastAPI and pydantic, taking turns; `revoke_ms`, the longest
from the acknowledgement of a withdrawn consent to the last answer that does not keep to it, of two
processes.
"""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
import uvloop
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

import suasion
from benchmarks.ingest import answers
from suasion.ledger.said import opt_in
from suasion.rules import Channel, Purpose
from suasion.server import keys, serve
from suasion.server.decisions import Decisions, endpoints
from suasion.workspace import Workspace, deciding

SECRET = {"SUASION_KEY": "a secret of the benchmark"}
PEOPLE, VARIANTS, FEATURES, RATE = 20_000, 10, 20, 5000
PAIR = (Purpose.PUBLIC_HEALTH, Channel.WEB)
SERVING, ASKING = "0", "1"
"""Cores."""
_WRK = """
math.randomseed({seed})
local headers = {{["Authorization"]="Bearer {key}", ["Content-Type"]="application/json"}}
local asked = '{{"placement":"home","context":{{"targetingKey":"member=M%06d"}}}}'
request = function()
  return wrk.format("POST", "/v1/decide", headers, string.format(asked, math.random(0, {last})))
end
"""


class Context(BaseModel):
    targetingKey: str | int | None = None  # noqa: N815
    userId: str | int | None = None  # noqa: N815


class Asked(BaseModel):
    placement: str
    context: Context | None = None
    candidates: list[str] | None = None
    count: int = 1


class Answered(BaseModel):
    placement: str
    variant: str
    value: Any
    probability: float | None
    reason: str
    decision_id: str | None
    policy: int | None


def main(quick: bool) -> None:
    seconds = 2 if quick else 15
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "town"
        key = build(folder, PEOPLE // 10 if quick else PEOPLE)
        last = (PEOPLE // 10 if quick else PEOPLE) - 1
        rates: dict[str, list[float]] = {"suasion": [], "fastapi": []}
        with Server(folder, "suasion") as ours:
            late = [
                float(np.percentile(uvloop.run(latencies(ours.port, key, last, seconds)), 99))
                for _ in range(3)
            ]
            with Server(folder, "fastapi") as theirs:
                for turn in range(2 if quick else 4):
                    for kind, server in (("suasion", ours), ("fastapi", theirs)):
                        rates[kind].append(asked(Path(temporary), server.port, key, last, seconds, turn))
            with Server(folder, "suasion") as second:
                revoked = revocations(folder, (ours.port, second.port), key, 10 if quick else 50)
    told = {
        "decide_s": round(max(rates["suasion"])),
        "decide_p99_ms": round(1000 * statistics.median(late), 2),
        "ratio_fastapi": round(statistics.median(a / b for a, b in zip(*rates.values(), strict=True)), 2),
        "revoke_ms": round(revoked, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(told))


def build(folder: Path, people: int) -> str:
    """A workspace with a placement on record; returns a key that may decide."""
    luck = np.random.default_rng(1)
    names = [f"f{number:02}" for number in range(FEATURES)]
    for part in ("sources", "segments", "traits", "placements"):
        (folder / part).mkdir(parents=True)
    said = 'name = "B"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "public_health"\n'
    said += 'public_url = "http://127.0.0.1:8000"\ncap = { sends = 3, days = 7 }\n'
    (folder / "suasion.toml").write_text(said, "utf-8")
    columns = "\n".join(f'{name} = "{name}"' for name in ("age", *names))
    (folder / "sources" / "people.toml").write_text(_SOURCE.format(columns=columns) + SAID, "utf-8")
    (folder / "segments" / "adults.toml").write_text('label = "Adults"\nwhere = "age >= 18"\n', "utf-8")
    traits = '[traits.age]\ntype = "integer"\ncategory = "age"\nlabel = "Age"\nfact = "age"\n'
    for name in names:
        traits += f'[traits.{name}]\ntype = "number"\ncategory = "behavior"\nlabel = "{name}"\n'
    (folder / "traits" / "people.toml").write_text(traits, "utf-8")
    variants = "".join(f'[variants.v{n}]\nvalue = {{ title = "Variant {n}" }}\n' for n in range(VARIANTS))
    (folder / "placements" / "home.toml").write_text(
        _PLACEMENT.format(features=json.dumps(names)) + variants, "utf-8"
    )
    rows = luck.normal(size=(people, FEATURES)).round(3)
    lines = [",".join(["member", "age", "ok", "said", *names])]
    for number, row in enumerate(rows.tolist()):
        answer = "no" if number % 10 == 0 else "yes"
        lines.append(f"M{number:06},{18 + number % 60},{answer},2026-01-01,{','.join(map(str, row))}")
    (folder / "sources" / "people.csv").write_text("\n".join(lines) + "\n", "utf-8")
    ws = suasion.open(folder, environment=SECRET)
    ws.ingest()
    deciding.approve(ws, "home", "Ada", "for the benchmark")
    return keys.add(folder, "bench", [keys.Scope.DECIDE], datetime.now(UTC))


SAID = """
[[consents]]
column = "ok"
purpose = "public_health"
channel = "web"
said_at = "said"
capture = "form"
wording = "Yes, show me what helps me most."
separate = true
written = true
[[attest]]
fact = "noticed"
value = true
who = "Ada"
why = "for the benchmark"
"""
"""Of a source of the benchmarks: a yes to the site, and what its owner vouches for."""
_SOURCE = """
file = "people.csv"
licence = "drawn at random"
purposes = ["public_health"]
basis = "consent"
observed_on = 2026-10-01
territory = "DE"
[identifiers]
member = "member"
[traits]
{columns}
"""
_PLACEMENT = """
label = "Home"
purpose = "public_health"
sponsor = "Town"
generic = "v0"
segment = "adults"
features = {features}
outcome = "Booked"
exploration = 0.01
policy = {{ kind = "thompson" }}
review = {{ by = "Ada", on = 2026-10-01, exposes_third_persons = false, discourages_voting = false }}
"""


class Server:
    """A process of its own on the serving core."""

    def __init__(self, folder: Path, kind: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = [*pinned(SERVING), sys.executable, "-m", "benchmarks.decide", "--serve", kind]
        words += [str(self.port), str(folder)]
        self._process = subprocess.Popen(words, env={**os.environ, **SECRET}, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server {kind} does not start")
            time.sleep(0.05)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def served(kind: str, port: int, folder: Path) -> None:
    """Serve until ended: by `suasion serve`, or as most would write it."""
    workspace = suasion.open(folder, environment=SECRET)
    if kind == "suasion":
        serve(workspace, port=port)
        return
    uvicorn.run(
        with_fastapi(endpoints(workspace), folder),
        port=port,
        access_log=False,
        log_level="error",
        lifespan="off",
        timeout_keep_alive=120,
        loop="uvloop",
        http="httptools",
    )


def with_fastapi(made: Decisions, folder: Path) -> FastAPI:
    """The same decider as its users would write it."""
    app, known = FastAPI(), keys.keys_of(folder)

    def allowed(request: Request) -> None:
        if not known.allowed(request.headers.raw, "decide"):
            raise HTTPException(401)

    @app.post("/v1/decide", dependencies=[Depends(allowed)])
    async def decide(asked: Asked) -> Answered:
        context = asked.context or Context()
        named = context.targetingKey or context.userId
        one = made.decider.decide(
            asked.placement, None if named is None else str(named), asked.candidates, asked.count
        )
        value = json.loads(bytes(one.value))
        return Answered(
            placement=one.placement,
            variant=one.variant,
            value=value,
            probability=one.probability,
            reason=one.reason,
            decision_id=one.decision_id,
            policy=one.policy,
        )

    return app


def asked(temporary: Path, port: int, key: str, last: int, seconds: int, seed: int) -> float:
    """Decisions a second, by wrk with 32 connections."""
    script = temporary / "ask.lua"
    script.write_text(_WRK.format(seed=seed, last=last, key=key), "utf-8")
    words = [*pinned(ASKING), "wrk", "-t1", "-c32", "--timeout", "20s", f"-d{seconds}s", "-s", str(script)]
    out = subprocess.run(
        [*words, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
    ).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", out)
    if wrong:
        raise RuntimeError(wrong.group(0))
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", out)[0])


async def latencies(port: int, key: str, last: int, seconds: int) -> list[float]:
    """Seconds from when each of 5,000 requests a second was due until it was answered."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {int(ASKING)})
    gc.freeze()  # whoever asks must not be late because of what it built before
    loop, free, late = asyncio.get_running_loop(), list[Asker](), list[float]()
    for _ in range(64):
        _, one = await loop.create_connection(lambda: Asker(free, late), "127.0.0.1", port)
        free.append(one)
    luck, begun, sent, many = random.Random(1), time.perf_counter() + 0.1, 0, RATE * (seconds + 1)
    end = begun + 3 * (seconds + 1)  # on a machine that is too slow, what is late by then is late
    while sent < many and time.perf_counter() < end:
        due = min(many, int((time.perf_counter() - begun) * RATE))
        while sent < due and free:
            free.pop().ask(message(key, luck.randint(0, last)), begun + sent / RATE)
            sent += 1
        await asyncio.sleep(0.001)
    while len(late) < sent and time.perf_counter() < end + 5:
        await asyncio.sleep(0.01)
    gc.unfreeze()
    late += [time.perf_counter() - begun] * (many - len(late))
    return late[RATE:]  # without the first second


class Asker(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, free: list[Asker], late: list[float]) -> None:
        self._free, self._late = free, late
        self._due, self._heard = 0.0, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._heard += data  # head and body come one after the other
        if not self._heard.endswith(b"}"):
            return
        if not self._heard.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self._heard[:60])
        self._heard = b""
        self._late.append(time.perf_counter() - self._due)
        self._free.append(self)


def message(key: str, number: int) -> bytes:
    body = b'{"placement":"home","context":{"targetingKey":"member=M%06d"}}' % number
    head = f"POST /v1/decide HTTP/1.1\r\nHost: l\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def revocations(folder: Path, ports: tuple[int, ...], key: str, many: int) -> float:
    """The longest, in ms, from an acknowledged withdrawal to an answer without it; 0 where none was."""
    ws: Workspace = suasion.open(folder, environment=SECRET)
    rows = ws.tables().read("identities", "ingest")
    persons = dict(zip(rows["value"].to_pylist(), rows["person"].to_pylist(), strict=True))
    connections = [http.client.HTTPConnection("127.0.0.1", port) for port in ports]
    slowest = 0.0
    for number in range(1, many + 1):
        who = f"M{number * 10 + 1:06}"
        assert all(reason(one, key, who) != deciding.DISABLED for one in connections), who
        opt_in.withdraw(ws.ledger, persons[who], PAIR, datetime.now(UTC))
        acknowledged = time.perf_counter()
        for one in connections:
            while reason(one, key, who) != deciding.DISABLED:
                slowest = max(slowest, time.perf_counter() - acknowledged)
    return 1000 * slowest


def reason(connection: http.client.HTTPConnection, key: str, who: str) -> str:
    body = json.dumps({"placement": "home", "context": {"targetingKey": f"member={who}"}})
    connection.request("POST", "/v1/decide", body, {"Authorization": f"Bearer {key}"})
    said = json.loads(connection.getresponse().read())
    if "reason" not in said:
        raise RuntimeError(said)
    return said["reason"]


def pinned(core: str) -> list[str]:
    many = (os.cpu_count() or 1) > 1
    return ["taskset", "-c", core] if many and shutil.which("taskset") else []


if __name__ == "__main__":
    if "--serve" in sys.argv:
        _, _, kind, port, folder = sys.argv
        served(kind, int(port), Path(folder))
    else:
        main("--quick" in sys.argv)
