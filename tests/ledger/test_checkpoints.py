"""Checkpoints are signed notes that nobody else can make, and one log has one at a time."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import DamageError, InputError
from suasion.ledger import Ledger, checkpoints, log, tree
from suasion.ledger.checkpoints import Checkpoint, latest, opened, sign, verifier_key

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, NAME = b"k" * 32, "town.example/log"
VKEY = verifier_key(KEY, NAME)
NOTE = sign(KEY, Checkpoint(NAME, 7, bytes(range(32))))


def append(ledger: Ledger, n: int) -> None:
    with ledger.writing() as connection:
        log.append(connection, "result", "flu", {"n": n}, NOW)


def test_a_note_is_what_the_formats_say():
    """C2SP signed-note and tlog-checkpoint, taken apart without ours."""
    text, _, rest = NOTE.partition("\n\n")
    assert text == f"{NAME}\n7\n{base64.b64encode(bytes(range(32))).decode()}"
    dash, name, said = rest.removesuffix("\n").split(" ")
    assert (dash, name) == ("\N{EM DASH}", NAME)
    raw = base64.b64decode(said, validate=True)
    key_name, identity, encoded = VKEY.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    assert key_name == NAME
    assert public[0] == 1
    assert raw[:4].hex() == identity == hashlib.sha256(NAME.encode() + b"\n" + public).hexdigest()[:8]
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], f"{text}\n".encode())


def test_the_key_of_the_public_example_is_read():
    """The example of golang.org/x/mod/sumdb/note."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = "If you think cryptography is the answer to your problem,\n\n\N{EM DASH} PeterNeumann x08g\n"
    with pytest.raises(DamageError, match="it is none"):  # the key is one, and the note no checkpoint
        opened(note, key)


@given(st.integers(0, 2**59), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=64))
def test_what_is_signed_is_read(size: int, root: bytes, key: bytes):
    said = Checkpoint("a/log", size, root)
    assert opened(sign(key, said), verifier_key(key, "a/log")) == said


@given(st.data())
def test_no_character_of_a_note_can_be_changed(data: st.DataObject):
    at = data.draw(st.integers(0, len(NOTE) - 1))
    new = data.draw(st.sampled_from("aA0=+/\n \u2014") | st.characters(exclude_categories=["Cs"]))
    for other in (NOTE[:at] + new + NOTE[at + 1 :], NOTE[:at] + new + NOTE[at:], NOTE[:at] + NOTE[at + 1 :]):
        if other != NOTE:
            with pytest.raises(DamageError):
                opened(other, VKEY)


def test_a_witness_may_sign_below_and_counts_for_nothing():
    witness = Ed25519PrivateKey.generate().sign(b"x")
    line = f"\N{EM DASH} witness.example {base64.b64encode(b'1234' + witness).decode()}\n"
    assert opened(NOTE + line, VKEY) == opened(NOTE, VKEY)
    body = NOTE.partition("\n\n")[0]
    with pytest.raises(DamageError, match="not signed by this key"):
        opened(f"{body}\n\n{line}", VKEY)


def test_another_name_or_key_is_not_ours():
    for vkey in (verifier_key(b"another", NAME), verifier_key(KEY, "other.example/log")):
        with pytest.raises(DamageError):
            opened(NOTE, vkey)
    for vkey in ("", NAME, VKEY[:-1], VKEY + "A", VKEY.replace("+A", "+Q"), VKEY.upper()):
        with pytest.raises(InputError):
            opened(NOTE, vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_would_break_the_format_is_refused(name: str):
    with pytest.raises(InputError):
        sign(KEY, Checkpoint(name, 1, bytes(32)))


def test_a_log_has_one_checkpoint_until_it_grows(place: Any):
    ledger = place.ledger
    empty = latest(ledger, KEY, NAME, NOW)
    assert opened(empty, VKEY) == Checkpoint(NAME, 0, tree.EMPTY)
    for n in range(5):
        append(ledger, n)
        note = latest(ledger, KEY, NAME, NOW)
        assert latest(ledger, KEY, NAME, NOW) == note
        leaves = [bytes.fromhex(row.hash) for row in log.rows(ledger)]
        assert opened(note, VKEY) == Checkpoint(NAME, n + 1, tree.root(leaves))
    with ledger.engine.connect() as connection:
        assert [size for size, _ in checkpoints.handed_out(connection)] == list(range(6))


def test_a_log_that_moved_is_signed_under_its_new_name(place: Any):
    append(place.ledger, 1)
    first, moved = (latest(place.ledger, KEY, name, NOW) for name in (NAME, "city.example/log"))
    assert opened(moved, verifier_key(KEY, "city.example/log")).root == opened(first, VKEY).root
