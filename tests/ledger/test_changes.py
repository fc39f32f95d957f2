"""A look tells of each commit, and takes no lock."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suasion.ledger import Ledger, log

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def write(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        log.append(connection, "pause", "spring", {}, NOW)


def test_a_look_tells_of_what_was_committed_since_the_last(place: Any):
    changes = place.ledger.changes()
    assert changes()
    assert not changes()
    for _ in range(3):
        write(Ledger.open(place.where))
        assert changes()
        assert not changes()
    changes.close()
    assert changes()


def test_what_only_reads_is_no_change_and_what_looks_holds_no_lock(place: Any):
    changes = place.ledger.changes()
    changes()
    with place.ledger.reading() as connection:
        log.newest(connection, "pause", "spring")
    assert not changes()
    with place.ledger.writing() as connection:
        log.append(connection, "pause", "spring", {}, NOW)
        changes()
    assert changes()
    changes.close()


def test_a_file_that_was_put_in_its_place_is_seen_and_so_is_what_is_written_to_it(tmp_path: Path):
    there, saved = tmp_path / "ledger.db", tmp_path / "saved.db"
    ledger = Ledger.open(there)
    write(ledger)
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{saved}'")
    changes = ledger.changes()
    changes()
    there.with_name("ledger.db-wal").unlink(missing_ok=True)
    there.with_name("ledger.db-shm").unlink(missing_ok=True)
    shutil.move(saved, there)
    assert changes()
    assert not changes()
    write(Ledger.open(there))
    assert changes()
    changes.close()
