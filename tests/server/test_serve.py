"""The server starts only where it can know its tokens, tells nobody about them, and ends politely."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest

from suasion.errors import WorkspaceError
from suasion.server import app, serve


def test_without_the_key_nothing_is_served(world: Any):
    with pytest.raises(WorkspaceError, match="SUASION_KEY is not set"):
        app(replace(world.workspace, key=b""))


def test_with_another_key_nothing_is_served(world: Any):
    app(world.workspace)
    with pytest.raises(WorkspaceError, match="not the key it was begun with"):
        app(replace(world.workspace, key=b"another key"))


def test_a_port_that_is_taken_is_said(world: Any, taken: int):
    with pytest.raises(OSError, match="in use"):
        serve(world.workspace, "127.0.0.1", taken)


def test_it_is_healthy(site: Any):
    answer = site.get("/health")
    assert (answer.status, answer.body) == (200, b"ok\n")


def test_no_token_is_written_anywhere(start: Any, world: Any, capfd: pytest.CaptureFixture[str]):
    site = start(world.workspace)
    world.change("CREATE TRIGGER t BEFORE INSERT ON replies BEGIN SELECT RAISE(ABORT, 'no room'); END")
    wrong = "A" * 32
    asked = [
        site.ask(method, f"{path}{token}").status
        for token in (world.token(3), wrong)
        for path in ("/o/", "/why/")
        for method in ("GET", "POST")
    ]
    with socket.create_connection(("127.0.0.1", site.port)) as raw:
        raw.sendall(f"NONSENSE /o/{world.token(3)}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    site.process.terminate()
    site.process.join(20)
    said = "".join(capfd.readouterr())
    assert asked == [200, 503, 200, 405, 404, 404, 404, 405]
    assert "503: IntegrityError" in said
    assert not [secret for secret in (world.token(3), wrong, "711000", "/o/", "/why/") if secret in said]


def test_it_ends_when_asked(site: Any):
    assert site.get("/health").status == 200
    site.process.terminate()
    site.process.join(20)
    assert not site.process.is_alive()
    with pytest.raises(ConnectionRefusedError):
        site.get("/health")
