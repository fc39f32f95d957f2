"""Where a workspace's inbox is: a file, or beside a ledger on a server."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from runpy import run_path
from typing import Any

from suasion.ingest.inbox.database import Database
from suasion.ingest.inbox.file import File
from suasion.ingest.tracking import parse
from suasion.ledger import Ledger
from suasion.workspace.streaming import erase_waiting, inbox_of, waiting_of

declare = run_path(str(Path(__file__).with_name("streamed.py")))["declare"]


def test_beside_a_ledger_on_a_server_is_its_inbox_and_what_waits_there_can_be_erased(
    postgres: Any, tmp_path: Path
):
    folder, ledger = declare(tmp_path / "shop"), Ledger.open(postgres.ledger())
    events = [{"type": "track", "event": "Seen", "userId": one, "messageId": one} for one in ("R1", "R2")]
    with closing(inbox_of(folder, ledger)) as box:
        assert isinstance(box.place, Database)
        box.offer("site", parse(json.dumps({"batch": events}).encode(), "batch", 9.0), 9.0).result(30)
    assert not (folder / "inbox.db").exists()
    known = {"member": ["R1"]}
    assert [one.message_id for one in waiting_of(folder, ledger, known)["site"]] == ["R1"]
    assert erase_waiting(folder, ledger, known) == 1
    with closing(inbox_of(folder, ledger)) as box:
        assert [event.user_id for batch in box.batches(0, 10) for event in batch.events] == ["R2"]


def test_a_file_that_is_there_stays_in_use(postgres: Any, tmp_path: Path):
    folder = declare(tmp_path / "shop")
    with closing(inbox_of(folder, Ledger.open(tmp_path / "ledger.db"))) as box:
        assert isinstance(box.place, File)
    with closing(inbox_of(folder, Ledger.open(postgres.ledger()))) as box:
        assert isinstance(box.place, File)


def test_who_has_no_streams_has_no_inbox(tmp_path: Path):
    ledger = Ledger.open(tmp_path / "ledger.db")
    assert waiting_of(tmp_path, ledger, {"member": ["R1"]}) == {}
    assert erase_waiting(tmp_path, ledger, {"member": ["R1"]}) == 0
    assert not (tmp_path / "inbox.db").exists()
