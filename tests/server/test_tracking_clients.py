"""The clients that people use are served: nothing of theirs is replaced."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from suasion.ingest import inbox
from suasion.server.background import Background

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what they warn of is theirs
    from rudderstack.analytics.client import Client as RudderClient
    from segment.analytics.client import Client as SegmentClient

KEY = "wk_site_0123456789"


def _stored(workspace: Any) -> list[Any]:
    with closing(inbox.Inbox.open(workspace.folder / "inbox.db")) as box:
        return [event for batch in box.batches(0, 100_000) for event in batch.events]


def _say_everything(client: Any, who: str) -> None:
    client.identify(who, {"plan": "gold"})
    client.track(who, "Order Completed", {"total": 12.5})
    client.page(who, "Docs", "Start", {"url": "/"})
    client.screen(who, "App", "Home")
    client.group(who, "acme", {"size": 3})
    client.alias("before", who)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("make", [SegmentClient, RudderClient], ids=["segment", "rudder"])
@pytest.mark.parametrize("sync_mode", [True, False])
def test_a_client_is_served(taking: Any, make: Callable[..., Any], is_packed: bool, sync_mode: bool):
    workspace, site = taking
    who = f"{make.__module__} {is_packed} {sync_mode}"
    failed: list[object] = []
    client = make(
        KEY,
        host=f"http://127.0.0.1:{site.port}",
        gzip=is_packed,
        sync_mode=sync_mode,
        on_error=lambda *error: failed.append(error),
    )
    _say_everything(client, who)
    if not sync_mode:
        client.flush()
        client.join()
    assert not failed
    found = {event.type: event for event in _stored(workspace) if event.user_id == who}
    assert set(found) == {"identify", "track", "page", "screen", "group", "alias"}
    assert found["track"].name == "Order Completed"
    assert b"12.5" in bytes(found["track"].payload)
    assert b"gold" in bytes(found["identify"].payload)
    assert found["group"].group_id == "acme"


@pytest.mark.filterwarnings("ignore")
def test_a_client_that_is_told_to_wait_comes_again(streamed: Any, start: Any, tmp_path: Path):
    workspace = streamed(tmp_path / "town", 10)
    site = start(workspace)
    failed: list[object] = []
    client = SegmentClient(
        KEY,
        host=f"http://127.0.0.1:{site.port}",
        on_error=lambda *error: failed.append(error),
        upload_size=10,
    )
    for turn in range(40):
        client.track("ann", f"event {turn}")
    client.flush()
    client.join()
    assert not failed
    assert sorted(event.name for event in _stored(workspace)) == sorted(f"event {n}" for n in range(40))


def test_beside_requests_one_process_works_and_the_next_takes_over(tmp_path: Path):
    begun = [threading.Event(), threading.Event()]

    def run(number: int) -> Callable[[threading.Event], object]:
        def goes_on(stop: threading.Event) -> None:
            begun[number].set()
            stop.wait()

        return goes_on

    first = Background(tmp_path / "lock", run(0))
    assert begun[0].wait(5)
    second = Background(tmp_path / "lock", run(1))
    assert not begun[1].wait(1.5)
    first.close()
    assert begun[1].wait(5)
    second.close()


def test_what_fails_beside_requests_begins_anew(tmp_path: Path):
    turns = threading.Semaphore(0)

    def fails(_stop: threading.Event) -> None:
        turns.release()
        raise OSError(os.strerror(28))

    beside = Background(tmp_path / "lock", fails)
    assert all(turns.acquire(timeout=5) for _ in range(2))
    beside.close()
