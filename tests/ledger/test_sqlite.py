"""A ledger in a file: durable, and refused where it is something else."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import DamageError, WorkspaceError
from suasion.ledger import Ledger


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """A file, whatever the other tests' ledgers are in."""
    return tmp_path / "ledger.db"


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_every_connection_waits_for_the_disk(place: Any, pragma: str, value: object):
    for _ in range(2):
        assert place.rows(f"PRAGMA {pragma}") == [(value,)]


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
    for rest in tmp_path.glob("ledger.db-*"):
        rest.unlink()
    garbage(path)
    with pytest.raises(DamageError, match=r"ledger\.db: not a readable ledger"):
        Ledger.open(path)


def _filled(place: Any) -> Path:
    """A ledger of some pages, all of them in its file."""
    with place.ledger.writing() as connection:
        row = (
            "INSERT INTO consents (person, purpose, channel, source, given, expires_on) "
            "VALUES (?, 'civic', 'email', ?, 1, NULL)"
        )
        connection.connection.cursor().executemany(row, [(n, f"source {n}" * 20) for n in range(400)])
    return place.where


def _read(place: Any) -> None:
    place.rows("SELECT sum(given) FROM consents")
    place.rows("PRAGMA integrity_check")


def _write(place: Any) -> None:
    with place.ledger.writing() as connection:
        cursor = connection.connection.cursor()
        cursor.executemany("DELETE FROM consents WHERE person = ?", [(n,) for n in range(400)])


@pytest.mark.parametrize("use", [_read, _write])
def test_garbage_in_the_middle_is_damage(place: Any, use: Callable[[Any], None]):
    path = _filled(place)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : -4096] = b"\xa5" * (len(content) - 4096 - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(DamageError, match=r"ledger\.db: not a readable ledger"):
        use(place)


def test_damage_is_told_without_what_the_cells_hold(place: Any):
    with place.ledger.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO pauses VALUES (1, CAST(x'5a616e7a69626172ff' AS TEXT), 1, 'x')"
        )
    with pytest.raises(DamageError) as error:
        place.rows("SELECT campaign FROM pauses")
    assert "Zanzibar" not in str(error.value)


@pytest.fixture
def small_files() -> Generator[None]:
    """No file grows beyond what it is: what a full disk does to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_is_no_damage(place: Any, request: pytest.FixtureRequest):
    path = _filled(place)
    request.getfixturevalue("small_files")
    for act in (lambda: _write(place), lambda: Ledger.open(path.with_name("new.db"))):
        with pytest.raises(WorkspaceError, match="the disk is full") as error:
            act()
        assert "Restore" not in str(error.value)


def test_after_a_full_disk_everything_is_there(place: Any):
    _filled(place)
    before = place.rows("SELECT count(*) FROM consents")
    with pytest.raises(WorkspaceError, match="the disk is full"):
        _grow(place)
    assert place.rows("SELECT count(*) FROM consents") == before == [(400,)]


def _grow(place: Any) -> None:
    """Write more than the file may hold."""
    row = (
        "INSERT INTO consents (person, purpose, channel, source, given, expires_on) "
        "VALUES (?, 'civic', 'sms', ?, 1, NULL)"
    )
    with place.ledger.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.connection.cursor().executemany(row, [(n, "x" * 500) for n in range(1000, 3000)])


def test_a_folder_may_have_any_name(tmp_path: Path):
    folder = tmp_path / "what now? 100%20 #1 żółw"
    folder.mkdir()
    Ledger.open(folder / "ledger.db")
    assert (folder / "ledger.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
