"""The log only grows, and each row is a leaf of its tree; tokens are made by whoever holds the key."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from suasion.errors import DamageError, WorkspaceError
from suasion.ledger import Ledger, log, tokens

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = b"k" * 32


def unlock(connection: Any) -> None:
    """Make the database accept what it refuses."""
    locks = {"sqlite": "DROP TRIGGER log_update", "postgresql": "DROP TRIGGER log_changed ON log"}
    connection.execute(text(locks[connection.dialect.name]))


@pytest.fixture
def ledger(place: Any) -> Ledger:
    """One with a log of four rows."""
    for i, kind in enumerate(("campaign", "pause", "resume", "result")):
        with place.ledger.writing() as connection:
            log.append(connection, kind, "grippe – 2026", {"n": i, "ä": [1.5, None]}, NOW + timedelta(days=i))
    return place.ledger


def test_what_was_appended_is_there_and_holds(ledger: Ledger):
    rows = log.rows(ledger)
    assert [(row.position, row.kind, row.content["n"]) for row in rows] == [
        (1, "campaign", 0),
        (2, "pause", 1),
        (3, "resume", 2),
        (4, "result", 3),
    ]
    assert [leaf.hex() for leaf in log.leaves(rows)] == [row.hash for row in rows]


def test_a_leaf_is_what_rfc_9162_says_over_four_texts(ledger: Ledger):
    for row in log.rows(ledger):
        said = json.dumps(
            [row.kind, row.campaign, row.body, row.at], ensure_ascii=False, separators=(",", ":")
        )
        assert row.hash == hashlib.sha256(b"\0" + said.encode()).hexdigest()


def test_the_newest_row_of_a_kind_is_found(ledger: Ledger):
    with ledger.writing() as connection:
        assert log.append(connection, "pause", "flu", {"n": 9}, NOW) == 5
        found = log.newest(connection, "pause", "grippe – 2026"), log.newest(connection, "pause", "flu")
        assert [row and row.position for row in found] == [2, 5]
        assert log.newest(connection, "pause", "measles") is None
        assert log.row(connection, 2) == log.rows(ledger)[1]
        assert log.row(connection, 6) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log SET body = '{}' WHERE position = 2",
        "UPDATE log SET position = 9 WHERE position = 4",
        "DELETE FROM log WHERE position = 4",
        "DELETE FROM log",
        "INSERT INTO log VALUES (4, 'result', 'x', '{}', 'now', 'hash')"
        " ON CONFLICT (position) DO UPDATE SET body = excluded.body",
    ],
)
def test_the_database_refuses_to_change_the_log(ledger: Ledger, change: str):
    before = log.rows(ledger)
    with pytest.raises(IntegrityError, match="append-only"), ledger.writing() as connection:
        connection.execute(text(change))
    assert log.rows(ledger) == before


def test_what_the_database_was_made_to_accept_is_found_out(ledger: Ledger):
    with ledger.writing() as connection:
        unlock(connection)
        connection.execute(text("UPDATE log SET body = '{}' WHERE position = 2"))
    with pytest.raises(DamageError, match="row 2 of the log"):
        log.leaves(log.rows(ledger))


@pytest.mark.parametrize("change", ["hash = 'x'", "hash = upper(hash)", "hash = hash || '0'", "position = 9"])
def test_a_hash_that_is_none_is_found_out_without_reading_rows(ledger: Ledger, change: str):
    with ledger.writing() as connection:
        unlock(connection)
        connection.execute(text(f"UPDATE log SET {change} WHERE position = 4"))
        with pytest.raises(DamageError, match="row 4 of the log"):
            log.hashes(connection)


@pytest.mark.parametrize("field", ["position", "kind", "campaign", "body", "at", "hash"])
@pytest.mark.parametrize("row", range(4))
def test_a_changed_row_is_found_out(ledger: Ledger, field: str, row: int):
    rows = list(log.rows(ledger))
    new = 9 if field == "position" else getattr(rows[row], field) + " "
    rows[row] = replace(rows[row], **{field: new})
    with pytest.raises(DamageError, match=f"row {row + 1} of the log"):
        log.leaves(rows)


def test_removed_inserted_and_moved_rows_are_found_out(ledger: Ledger):
    rows = list(log.rows(ledger))
    for other in (rows[1:], rows[:1] + rows[2:], rows[:2] + rows[1:], rows[::-1]):
        with pytest.raises(DamageError):
            log.leaves(other)


def test_a_row_that_is_rolled_back_leaves_no_trace(ledger: Ledger):
    before = log.rows(ledger)
    with pytest.raises(KeyError), ledger.writing() as connection:
        _append_and_fail(connection)
    assert log.rows(ledger) == before


def _append_and_fail(connection: Any) -> None:
    log.append(connection, "pause", "flu", {}, NOW)
    raise KeyError


content = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), content, max_size=4))
def test_one_content_has_one_text(said: dict[str, Any]):
    made = log.canonical(said)
    assert log.canonical(dict(reversed(said.items()))) == made
    assert json.loads(made) == said
    assert log.canonical(json.loads(made)) == made


def test_a_number_that_is_none_has_no_text():
    with pytest.raises(ValueError, match="JSON"):
        log.canonical({"lift": float("nan")})


# Tokens.

numbers = st.integers(0, 2**64 - 1)
keys = st.binary(min_size=1, max_size=64)


@given(keys, numbers)
def test_a_token_names_its_send_and_is_safe_in_urls_and_file_names(key: bytes, send: int):
    token = tokens.token_of(key, send)
    assert tokens.send_of(key, token) == send
    assert len(token) == 32
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(numbers, st.integers(0, 8 * 24 - 1))
def test_no_bit_of_a_token_can_be_changed(send: int, bit: int):
    raw = bytearray(base64.urlsafe_b64decode(tokens.token_of(KEY, send)))
    raw[bit // 8] ^= 1 << bit % 8
    assert tokens.send_of(KEY, base64.urlsafe_b64encode(raw).decode()) is None


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_we_did_not_make_names_no_send(forged: str):
    assert tokens.send_of(KEY, forged) is None


@given(numbers, st.integers(0, 31), st.sampled_from(["=", " ", "\n", "\x00", "+", "/", "é", ""]))
def test_a_token_is_spelled_in_one_way(send: int, place: int, odd: str):
    token = tokens.token_of(KEY, send)
    assert tokens.send_of(KEY, token[:place] + odd + token[place + 1 :]) is None
    assert tokens.send_of(KEY, token[:place] + odd + token[place:]) == (None if odd else send)


@given(numbers, numbers)
def test_half_of_a_token_makes_no_other(one: int, other: int):
    first, second = (base64.urlsafe_b64decode(tokens.token_of(KEY, n)) for n in (one, other))
    mixed = base64.urlsafe_b64encode(first[:8] + second[8:]).decode()
    assert tokens.send_of(KEY, mixed) == (one if one == other else None)


@given(keys, keys, numbers)
def test_a_token_of_another_key_names_no_send(one: bytes, other: bytes, send: int):
    found = tokens.send_of(other, tokens.token_of(one, send))
    assert found == (send if one.ljust(64, b"\0") == other.ljust(64, b"\0") else None)


@given(st.emails(), st.sampled_from(["email", "phone", "postal"]))
def test_a_detail_is_known_again_by_its_hash(value: str, kind: str):
    made = tokens.hash_of(KEY, kind, value)
    assert tokens.hashes_of(KEY, kind, [f" {value}\n", value]) == [made, made]
    assert (tokens.hash_of(KEY, kind, value.upper()) == made) is (kind == "email" or value == value.upper())
    assert tokens.hash_of(KEY, f"{kind}s", value) != made != tokens.hash_of(b"another", kind, value)


def test_a_ledger_has_one_key(ledger: Ledger):
    tokens.require_key(ledger, KEY)
    tokens.require_key(ledger, KEY)
    for other in (b"", b"another", KEY[:-1]):
        with pytest.raises(WorkspaceError, match="SUASION_KEY"):
            tokens.require_key(ledger, other)
    tokens.require_key(ledger, KEY)
