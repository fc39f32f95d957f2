"""The OpenAPI document held against the server: schemathesis sends what fits it, and what does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.openapi import from_url

from suasion.server import keys
from suasion.workspace import deciding

PLACED = run_path(str(Path(__file__).parents[1] / "workspace" / "placed.py"))
WRITE_KEY = "wk_web_0123456789"
STREAM = f"""
write_key = "{WRITE_KEY}"
user_id = "member"
basis = "consent"
purposes = ["public_health"]
territory = "DE"
events_per_second = 100000
"""
EACH = 15
"""Requests of each path and mode."""
TAKEN_ANYHOW = ("negative_data_rejection", "unsupported_method", "ignored_auth")
"""A bad event is acknowledged and kept as a dead letter, for clients drop the whole batch of one that is not;
events need no header, for browsers put the write key into the body."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = PLACED["declared"](tmp_path_factory.mktemp("schema") / "town", 200)
    (folder / "streams").mkdir()
    (folder / "streams" / "web.toml").write_text(STREAM, "utf-8")
    ws = PLACED["opened"](folder, lambda: datetime.now(UTC))
    ws.ingest()
    deciding.approve(ws, PLACED["NAME"], "Bea", "read it aloud")
    return folder


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return keys.add(folder, "tests", list(keys.Scope), datetime.now(UTC))


@pytest.fixture(scope="module")
def url(folder: Path, key: str) -> Iterator[str]:
    command = [sys.executable, "-m", "suasion.cli", "serve", "-w", str(folder), "--port", "0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUASION_KEY", PLACED["SECRET"]["SUASION_KEY"])
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            yield server.stdout.readline().removeprefix("serving on ").strip()
            server.terminate()


@pytest.fixture(scope="module")
def document(url: str) -> schemathesis.BaseSchema:
    load_all_checks()
    return from_url(f"{url}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_whatever_is_sent_the_answer_is_one_that_the_document_tells(
    document: schemathesis.BaseSchema, key: str, mode: GenerationMode
):
    answered = dict[str, set[int]]()
    for found in document.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method.lower() == "get":
            continue
        bearer = WRITE_KEY if "events" in (operation.tags or []) else key
        answered[operation.path] = try_out(operation, mode, {"Authorization": f"Bearer {bearer}"})
    posted = [path for path in answered if path.startswith(("/v1/", "/ofrep/")) and "{key}/" not in path]
    assert len(posted) == 10
    if mode is GenerationMode.POSITIVE:
        assert [path for path in posted if 200 not in answered[path]] == []


def try_out(operation: APIOperation, mode: GenerationMode, headers: dict[str, str]) -> set[int]:
    """Send some that fit, or do not; how they were answered."""
    statuses = set[int]()
    left_out = [CHECKS.get_one(name) for name in TAKEN_ANYHOW]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EACH,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            aim(case)
        statuses.add(case.call_and_validate(headers=headers, excluded_checks=left_out).status_code)

    answered()
    return statuses


def aim(case: Case) -> None:
    """Ask for a placement that there is; any other is told to be none."""
    if case.operation.path == "/v1/decide":
        case.body["placement"] = PLACED["NAME"]
    if case.operation.path.startswith("/ofrep/") and case.path_parameters:
        case.path_parameters["key"] = PLACED["NAME"]
