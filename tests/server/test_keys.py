"""Keys of programs: shown once, held as hashes, good for what they were made for, and gone when removed."""

from __future__ import annotations

import hashlib
import json
import stat
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from suasion.cli.keys import app as commands
from suasion.errors import InputError, WorkspaceError
from suasion.server import keys

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECIDE, READ = keys.Scope.DECIDE, keys.Scope.READ


def _bearer(key: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"authorization", f"Bearer {key}".encode())]


def test_a_key_is_good_for_its_scopes_and_no_other(tmp_path: Path):
    decide, both = keys.add(tmp_path, "shop", [DECIDE], NOW), keys.add(tmp_path, "all", [DECIDE, READ], NOW)
    known = keys.keys_of(tmp_path)
    assert known.allowed(_bearer(decide), "decide")
    assert not known.allowed(_bearer(decide), READ)
    assert known.allowed(_bearer(both), DECIDE)
    assert known.allowed([(b"x-api-key", both.encode())], READ)
    assert known.name(_bearer(both), READ) == "all"
    assert not known.allowed(_bearer(both), "write")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"x-api-key", b"")],
        [(b"x-api-key", b"\xff" * 100)],
        _bearer("sk_" + "A" * 43),
    ],
)
def test_nothing_else_opens(tmp_path: Path, headers: Any):
    keys.add(tmp_path, "shop", [DECIDE, READ], NOW)
    assert not keys.keys_of(tmp_path).allowed(headers, DECIDE)


def test_neither_the_hash_nor_the_name_nor_part_of_a_key_opens(tmp_path: Path):
    made = keys.add(tmp_path, "shop", [DECIDE], NOW)
    known = keys.keys_of(tmp_path)
    digest = hashlib.sha256(made.encode()).hexdigest()
    for wrong in (digest, "shop", made[:-1], made + "x", made.upper(), made[3:]):
        assert not known.allowed(_bearer(wrong), DECIDE)
    basic = (b"authorization", b"Basic " + made.encode())
    assert not known.allowed([basic], DECIDE)


def test_the_file_holds_hashes_only(tmp_path: Path):
    made = keys.add(tmp_path, "shop", [DECIDE], NOW)
    text = (tmp_path / keys.FILE).read_text()
    assert made not in text
    assert made[3:] not in text
    assert hashlib.sha256(made.encode()).hexdigest() in text
    assert not stat.S_IMODE((tmp_path / keys.FILE).stat().st_mode) & 0o022
    assert len({keys.add(tmp_path, f"k{n}", [READ], NOW) for n in range(5)}) == 5


def test_a_workspace_without_keys_lets_nobody_in(tmp_path: Path):
    assert not keys.keys_of(tmp_path).allowed(_bearer("sk_x"), DECIDE)
    assert keys.listed(tmp_path) == {}


def test_what_is_added_and_removed_is_known_a_second_later(tmp_path: Path):
    known = keys.keys_of(tmp_path)
    made = keys.add(tmp_path, "shop", [DECIDE], NOW)
    time.sleep(1.05)
    assert known.allowed(_bearer(made), DECIDE)
    keys.remove(tmp_path, "shop")
    time.sleep(1.05)
    assert not known.allowed(_bearer(made), DECIDE)


@given(name=st.text())
def test_only_names_are_names(tmp_path_factory: pytest.TempPathFactory, name: str):
    folder = tmp_path_factory.mktemp("keys")
    try:
        keys.add(folder, name, [READ], NOW)
    except InputError:
        assert not (folder / keys.FILE).exists()
    else:
        assert list(keys.listed(folder)) == [name]


def test_a_name_is_given_once_and_removed_once(tmp_path: Path):
    keys.add(tmp_path, "shop", [DECIDE], NOW)
    with pytest.raises(InputError, match="there already"):
        keys.add(tmp_path, "shop", [READ], NOW)
    with pytest.raises(InputError, match="no scope"):
        keys.add(tmp_path, "site", [], NOW)
    with pytest.raises(InputError, match="Did you mean 'shop'"):
        keys.remove(tmp_path, "shopp")


def test_all_who_add_at_once_are_heard(tmp_path: Path):
    threads = [threading.Thread(target=keys.add, args=(tmp_path, f"k{n}", [READ], NOW)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(keys.listed(tmp_path)) == sorted(f"k{n}" for n in range(12))


def test_a_damaged_file_is_said_and_no_door(tmp_path: Path):
    (tmp_path / keys.FILE).write_text(
        '[keys.x]\nsha256 = "0"\nscopes = ["decide"]\nadded = 2026-11-22T12:00:00Z\n'
    )
    with pytest.raises(WorkspaceError, match="sha256"):
        keys.keys_of(tmp_path)


def test_the_commands_make_list_and_remove(streamed: Any, tmp_path: Path):
    folder = str(streamed(tmp_path / "town").folder)
    run = CliRunner().invoke
    made = run(commands, ["add", "shop", "--scope", "decide", "--scope", "read", "-w", folder, "--json"])
    key = json.loads(made.output)["key"]
    assert keys.keys_of(tmp_path / "town").allowed(_bearer(key), DECIDE)
    shown = run(commands, ["list", "-w", folder])
    assert "shop" in shown.output
    assert key not in shown.output
    assert json.loads(run(commands, ["list", "-w", folder, "--json"]).output)["shop"]["scopes"] == [
        "decide",
        "read",
    ]
    assert run(commands, ["remove", "shop", "-w", folder]).exit_code == 0
    assert keys.listed(tmp_path / "town") == {}
    assert run(commands, ["add", "shop", "--scope", "write", "-w", folder]).exit_code == 2
