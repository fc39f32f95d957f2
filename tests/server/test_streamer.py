"""A process drains the inbox beside those that answer; however it ends, nothing is lost or counted twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from suasion.ingest import inbox
from suasion.server.application import STREAMING
from suasion.workspace import Workspace, open_workspace, streaming

KEY = "wk_site_0123456789"
EACH = 20


@pytest.fixture
def workspace(streamed: Any, tmp_path: Path) -> Workspace:
    """A workspace whose streamer nobody keeps from its work."""
    streamed(tmp_path / "town")
    shutil.copytree(tmp_path / "town", tmp_path / "live")
    return open_workspace(tmp_path / "live", environment={"SUASION_KEY": "of the test"})


def _until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)


def _streamers(site: Any, workspace: Workspace) -> list[int]:
    """Processes that hold the lock of who drains the inbox."""
    inode = (workspace.folder / STREAMING).stat().st_ino if (workspace.folder / STREAMING).exists() else 0
    lines = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    held = [int(words[4]) for words in lines if words[1] == "FLOCK" and words[5].endswith(f":{inode}")]
    return [one for one in held if one in site.children]


def _send(site: Any, first: int, batches: int) -> None:
    for batch in range(first, first + batches):
        events = [
            {"type": "track", "event": "Seen", "userId": f"u{n % 7}", "messageId": f"m{batch}-{n}"}
            for n in range(EACH)
        ]
        assert site.ask("POST", "/v1/b", json.dumps({"batch": events, "writeKey": KEY})).status == 200


def _published(workspace: Workspace) -> list[str]:
    tables = workspace.tables()
    names = [name for name in tables.names() if name.startswith("events.site.")]
    return [one for name in names for one in tables.read(name, "serve")["message_id"].to_pylist()]


def _waiting(workspace: Workspace) -> int:
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        return box.waiting()


def test_whenever_the_streamer_is_killed_every_event_is_published_once(start: Any, workspace: Workspace):
    site = start(workspace)
    for turn in range(4):
        _send(site, 10 * turn, 10)
        _until(lambda: _streamers(site, workspace))
        time.sleep(0.15 * turn)
        for one in _streamers(site, workspace):
            os.kill(one, signal.SIGKILL)
    _until(lambda: _waiting(workspace) == 0)
    found = Counter(_published(workspace))
    assert found == Counter(f"m{batch}-{n}" for batch in range(40) for n in range(EACH))


def test_there_is_one_streamer_however_many_answer(start: Any, workspace: Workspace):
    site = start(workspace, workers=2)
    _until(lambda: _streamers(site, workspace))
    assert len(_streamers(site, workspace)) == 1
    assert len(site.children) == 3


def test_it_ends_with_the_server_and_what_waits_stays(start: Any, workspace: Workspace):
    site = start(workspace)
    _until(lambda: _streamers(site, workspace))
    _send(site, 0, 5)
    children, begun = site.children, time.monotonic()
    site.process.terminate()
    site.process.join(30)
    assert time.monotonic() - begun < 16
    assert site.process.exitcode == 0
    assert not [one for one in children if Path(f"/proc/{one}").exists()]
    published, waiting = len(_published(workspace)), _waiting(workspace)
    assert published + EACH * waiting == 5 * EACH


def test_whoever_kills_the_server_ends_the_streamer(start: Any, workspace: Workspace):
    site = start(workspace)
    _until(lambda: _streamers(site, workspace))
    (streamer,) = _streamers(site, workspace)
    site.process.kill()
    site.process.join(20)
    _until(lambda: not Path(f"/proc/{streamer}").exists() or _is_zombie(streamer))


def _is_zombie(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_how_it_stands_can_be_told(start: Any, workspace: Workspace):
    assert streaming.beat_of(workspace.folder) is None
    start(workspace)
    _until(lambda: (beat := streaming.beat_of(workspace.folder)) and beat.good_at)
    beat = streaming.beat_of(workspace.folder)
    assert beat is not None
    assert beat.failed is None
    assert beat.good_at == beat.at
    (workspace.folder / "traits").mkdir(exist_ok=True)
    (workspace.folder / "traits" / "wrong.toml").write_text("[traits", "utf-8")
    _until(lambda: (beat := streaming.beat_of(workspace.folder)) and beat.failed)
    later = streaming.beat_of(workspace.folder)
    assert later is not None
    assert later.failed is not None
    assert later.good_at is not None
    assert later.good_at < later.at
    assert set(json.loads((workspace.folder / streaming.BEAT).read_text())) == {"at", "good_at", "failed"}
