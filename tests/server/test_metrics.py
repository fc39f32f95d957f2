"""What is counted and logged tells of no person, and is right over all processes."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from suasion.ledger import log
from suasion.server import keys
from suasion.workspace import streaming

KEY = "wk_site_0123456789"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _figures(site: Any, key: str) -> dict[str, float]:
    answer = site.ask("GET", "/metrics", None, {"Authorization": f"Bearer {key}"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def _post(site: Any, *events: Any, key: str = KEY) -> int:
    return site.ask("POST", "/v1/batch", json.dumps({"batch": events, "writeKey": key})).status


def _event(name: str) -> dict[str, str]:
    return {"type": "track", "event": "Seen", "userId": "secret-person", "messageId": name}


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_is_counted_once(streamed: Any, start: Any, tmp_path: Path, workers: int):
    workspace = streamed(tmp_path / "town")
    key = keys.add(workspace.folder, "prometheus", [keys.Scope.READ], NOW)
    site = start(workspace, workers=workers)
    for turn in range(12):
        assert _post(site, _event(f"m{turn}"), _event(f"m{turn}x"), _event("again"), {"type": "bad"}) == 200
    for _ in range(5):
        assert _post(site, _event("y"), key="wk_nobody_0123456789") == 401
    assert site.ask("POST", "/v1/t", b"{", {"Authorization": f"Bearer {KEY}"}).status == 400
    assert site.get("/nothing/here").status == 404
    found = _figures(site, key)
    assert found['suasion_events_total{outcome="acknowledged"}'] == 25
    assert found['suasion_events_total{outcome="duplicate"}'] == 11
    assert found['suasion_events_total{outcome="dead"}'] == 12
    assert found['suasion_refused_total{code="unknown_key",route="batch"}'] == 5
    assert found['suasion_refused_total{code="invalid",route="track"}'] == 1
    assert found['suasion_refused_total{code="404",route="pages"}'] == 1
    assert found['suasion_request_seconds_count{route="batch"}'] == 17
    assert found['suasion_request_seconds_bucket{le="+Inf",route="batch"}'] == 17
    assert not re.search(r"secret|m1x|wk_|nothing/here|u\d", " ".join(found))


def test_figures_are_for_who_has_a_key(taking: Any):
    workspace, site = taking
    decide = keys.add(workspace.folder, "decides", [keys.Scope.DECIDE], NOW)
    for headers in ({}, {"X-API-Key": KEY}, {"X-API-Key": decide}, {"Authorization": "Bearer "}):
        answer = site.ask("GET", "/metrics", None, headers)
        assert answer.status == 401
        assert set(json.loads(answer.body)) == {"code", "message"}


def test_it_is_ready_while_events_can_be_stored(taking: Any):
    workspace, site = taking
    answer = site.get("/ready")
    fine = {"ledger": "ok", "inbox": "ok", "running": "ok"}
    assert (answer.status, json.loads(answer.body)) == (200, {"ready": True, "checks": fine})
    with closing(sqlite3.connect(workspace.folder / "inbox.db", isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")  # for longer than anybody waits
        answer = site.get("/ready")
        assert answer.status == 503
        assert json.loads(answer.body)["checks"] == fine | {"inbox": "BusyError"}
        assert site.get("/health").status == 200
        raw.execute("ROLLBACK")
    assert site.get("/ready").status == 200


def test_logs_are_json_and_hold_nothing_of_a_request(
    streamed: Any, start: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str], wired: Any
):
    workspace = streamed(tmp_path / "town")
    site = start(workspace)
    assert _post(site, _event("secret-message")) == 200
    with closing(sqlite3.connect(workspace.folder / "inbox.db")) as raw, raw:
        raw.execute("CREATE TRIGGER no BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert _post(site, _event("secret-other")) == 503
    assert _post(site, _event("secret-other"), key="secret-key") == 401
    with closing(sqlite3.connect(workspace.folder / "ledger.db")) as raw, raw:
        raw.execute("ALTER TABLE log RENAME TO gone")
    assert site.get("/?secret=1").status >= 500
    wire = wired(site)
    wire.send(b"SECRET /secret\r\n\r\n")
    assert wire.answer().status == 400
    site.process.terminate()
    site.process.join(20)
    said = capfd.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    assert {"at", "level", "message"} <= set.intersection(*map(set, lines))
    assert any(line.get("route") == "pages" and line["status"] >= 500 for line in lines)
    assert not re.search(r"secret|wk_", said, re.IGNORECASE)


def test_programs_are_told_what_they_may_ask(taking: Any):
    said = json.loads(taking[1].get("/openapi.json").body)
    assert said["openapi"].startswith("3.1")
    assert {"/v1/batch", "/v1/track", "/ready", "/metrics", "/proof/inclusion/{number}"} <= set(said["paths"])
    names = [each["operationId"] for path in said["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_what_fails_behind_the_requests_is_told_and_it_stays_ready(streamed: Any, start: Any, tmp_path: Path):
    workspace = streamed(tmp_path / "town")
    key = keys.add(workspace.folder, "prometheus", [keys.Scope.READ], NOW)
    (workspace.folder / "placements").mkdir()
    (workspace.folder / "placements" / "home.toml").write_text('label = "Home"\n', "utf-8")
    with workspace.ledger.writing() as connection:
        raised = {"alarm": "silence", "state": "raised", "found": "nothing has come", "todo": "Look."}
        log.append(connection, streaming.steering.ALARM, "stream:site", raised, NOW)
    beat = {"at": 2e9, "good_at": time.time() - 100, "failed": "InputError"}
    (workspace.folder / streaming.BEAT).write_text(json.dumps(beat), "utf-8")
    site = start(workspace)
    said = json.loads(site.get("/ready").body)
    assert said["ready"] is True
    assert said["told"] == {
        "placement home": "CampaignError",
        "streaming": "InputError",
        "alarms": "silence of stream:site",
    }
    found = _figures(site, key)
    assert found['suasion_alarms{about="stream:site",name="silence"}'] == 1
    assert found['suasion_placements_unserved{error="CampaignError",placement="home"}'] == 1
    assert found["suasion_streamer_failing"] == 1
    assert 100 <= found["suasion_streamer_good_seconds"] < 200
