"""What a process of its own does to a workspace while a test kills it."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import suasion
from suasion.ingest import load_source
from suasion.rights import Holdings, erase

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WATCHED = {"open", "os.rename", "os.remove", "sqlite3.connect"}


def run(folder: Path, named: str) -> None:
    """Erase a person."""
    (folder.parent / "begun").touch()
    ws = suasion.open(folder, now=lambda: NOW, environment={"SUASION_KEY": "a secret of the test"})
    sources = tuple(load_source(path) for path in sorted((folder / "sources").glob("*.toml")))
    erase(Holdings(folder, ws.lake, ws.ledger, sources, folder / "outbox", ws.key), named, NOW)


def die(folder: Path, named: str, at: int) -> None:
    """Erase a person, and be killed at one of the moments in which files are written, moved or removed."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in WATCHED and str(folder) in str(arguments[0]) and arguments[1:2] != ("r",):
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    sys.addaudithook(watch)
    run(folder, named)
    (folder.parent / "moments").write_text(str(seen))
