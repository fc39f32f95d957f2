"""The ledger's file: durable, made once, and refused where it is something else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from suasion.errors import BusyError, DamageError
from suasion.ledger import Ledger
from suasion.ledger.schema import metadata

OPENERS = 6


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_every_connection_waits_for_the_disk(place: Any, pragma: str, value: object):
    for _ in range(2):
        assert place.rows(f"PRAGMA {pragma}") == [(value,)]


def test_a_ledger_opened_again_holds_what_it_held(place: Any):
    place.publish(a=[1], b=[2])
    assert Ledger.open(place.ledger.path).current() == place.ledger.current()
    assert {v.version for v in place.ledger.current().values()} == {1}


def test_a_row_of_no_run_is_refused(place: Any):
    with place.ledger.engine.connect() as connection, pytest.raises(Exception, match="FOREIGN KEY"):
        connection.exec_driver_sql("INSERT INTO plans VALUES (1, 'x', 'd', 't', 0, 99)")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


GARBAGE: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("not a database\n" * 500),
    "noise": lambda path: path.write_bytes(b"\xa5" * 8192),
    "cut": _cut,
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_file_that_is_no_ledger_is_damage(tmp_path: Path, garbage: Callable[[Path], object]):
    path = tmp_path / "ledger.db"
    Ledger.open(path)
    for log in tmp_path.glob("ledger.db-*"):
        log.unlink()
    garbage(path)
    with pytest.raises(DamageError, match=r"ledger\.db: not a readable ledger"):
        Ledger.open(path)


def test_a_ledger_of_another_revision_is_damage_and_left_alone(tmp_path: Path):
    path = tmp_path / "ledger.db"
    Ledger.open(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DamageError, match="ledger revision 9999"):
        Ledger.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    connection.close()


def test_a_database_of_something_else_is_damage_and_left_alone(tmp_path: Path):
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (cake)")
    connection.close()
    with pytest.raises(DamageError, match="ledger revision unknown"):
        Ledger.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    connection.close()


def test_the_revisions_make_the_tables_that_the_code_declares(place: Any):
    with place.ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_folder_may_have_any_name(tmp_path: Path):
    folder = tmp_path / "what now? 100%20 #1 żółw"
    folder.mkdir()
    Ledger.open(folder / "ledger.db")
    assert (folder / "ledger.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_new_ledger_may_be_opened_by_many_at_once(tmp_path: Path):
    def open_at_once(path: Path, ready: Barrier) -> Ledger | None:
        ready.wait()
        try:
            return Ledger.open(path)
        except BusyError:
            return None

    with ThreadPoolExecutor(OPENERS) as pool:
        for attempt in range(8):
            path, ready = tmp_path / f"{attempt}.db", Barrier(OPENERS)
            opened = list(pool.map(open_at_once, [path] * OPENERS, [ready] * OPENERS))
            assert any(opened)
            assert Ledger.open(path).current() == {}
