"""Whatever the system refuses, the user is told what to do."""

from __future__ import annotations

import errno
import json
import socket
import sys
from pathlib import Path

import pytest

from suasion.cli import main, public

WORKSPACE = 'name = "Town"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "public_health"\n'


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What the command line says on standard error when it ends with 2."""
    monkeypatch.setattr(sys, "argv", ["suasion", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    return capsys.readouterr().err


def test_a_file_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    said = told(monkeypatch, capsys, "verify", "--log", tmp_path / "nothing")
    assert "The system refused" in said
    assert "Check the path" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is at hand on Linux only")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert "Free space" in told(monkeypatch, capsys, "verify", "--page", "/dev/full")


def test_a_port_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setenv("SUASION_KEY", "a secret")
    (tmp_path / "suasion.toml").write_text(WORKSPACE, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        assert "--port" in told(monkeypatch, capsys, "serve", "-w", tmp_path, "--port", port)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EISDIR, errno.EIO, errno.EMFILE]
)
def test_an_error_of_the_system_has_a_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
):
    def refused() -> str:
        raise OSError(number, "No")

    monkeypatch.setattr(public.checks, "page", refused)
    monkeypatch.setattr(sys, "argv", ["suasion", "verify", "--page", "x", "--json"])
    with pytest.raises(SystemExit):
        main()
    said = json.loads(capsys.readouterr().out)["error"]
    assert (said["asked"], said["todo"][-1]) == ("The system refused", ".")
