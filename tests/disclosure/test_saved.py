"""Receipts and proofs check offline with the public key alone; ten thousand changed ones do not."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import time
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.disclosure import proof, saved
from suasion.errors import InputError
from suasion.ledger import checkpoints, log, schema, sends

MADE = run_path(str(Path(__file__).with_name("booked.py")))
NOW, KEY, NAME, VKEY, LATER = (MADE[name] for name in ("NOW", "KEY", "NAME", "VKEY", "LATER"))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return MADE["booked"](tmp_path_factory.mktemp("book"))


def receipt(book: Any, send: int) -> dict[str, Any]:
    made = proof.receipt(book.ledger, KEY, NAME, send, LATER)
    assert made is not None
    return json.loads(log.canonical(made))


def proofs(book: Any) -> list[dict[str, Any]]:
    made = [receipt(book, send) for send in range(1, 6)]
    made += [proof.inclusion(book.ledger, KEY, NAME, at, LATER) or {} for at in range(1, 7)]
    made += [proof.consistency(book.ledger, KEY, NAME, size, LATER) or {} for size in range(1, 7)]
    return json.loads(json.dumps(made))


def problems(said: Any, *notes: str) -> tuple[str, ...]:
    return saved.verify_proof(json.dumps(said), VKEY, notes).problems


def test_every_proof_that_is_handed_out_holds(book: Any):
    for said in proofs(book):
        found = saved.verify_proof(json.dumps(said), VKEY)
        assert (found.rows, found.problems) == (6, ()), said
        assert found.head in said["checkpoint"]


def test_a_receipt_tells_what_was_judged_and_names_nobody(book: Any):
    made = receipt(book, 1)
    content = made["receipt"]
    assert (content["campaign"], content["treatment"], content["record"]) == ("flu", "call", 1)
    assert content["at"] == log.time_of(NOW)
    assert content["rules"] == book.gate("flu").digest
    assert (made["batch"]["row"]["position"], made["record"]["row"]["kind"]) == (3, "campaign")
    text = json.dumps(made)
    for person, address in book.rows("SELECT person, address FROM sends"):
        assert f'"{person}"' not in text
        assert address.hex() not in text
    assert "person" not in text


def test_a_send_that_was_claimed_again_has_a_new_receipt(book: Any):
    assert [receipt(book, send)["receipt"]["at"] for send in range(1, 6)] == [log.time_of(NOW)] * 3 + [
        log.time_of(LATER)
    ] * 2
    assert [receipt(book, send)["batch"]["row"]["position"] for send in range(1, 6)] == [3, 3, 3, 5, 5]


def test_a_send_that_was_never_claimed_has_none(book: Any):
    assert proof.receipt(book.ledger, KEY, NAME, 6, LATER) is None
    assert proof.receipt(book.ledger, KEY, NAME, 2**62, LATER) is None
    assert proof.inclusion(book.ledger, KEY, NAME, 0, LATER) is None
    assert proof.inclusion(book.ledger, KEY, NAME, 2**80, LATER) is None
    assert proof.consistency(book.ledger, KEY, NAME, 7, LATER) is None


def test_who_has_the_salt_opens_facts_and_consent_and_nobody_else(tmp_path: Path):
    other = MADE["BOOK"]["Book"](tmp_path)
    said = {"source": "form", "given": 1, "capture": "form – “ja”", "said_at": "2026-01-01", "separate": 1}
    said["wording"] = "0" * 64
    with other.ledger.writing() as connection:
        row = {"person": 5, "purpose": "public_health", "channel": "email", **said}
        connection.execute(schema.consents.insert().values(**row))
    other.plan("flu", {5: 0.05})
    known = sends.Evidence.of(KEY, MADE["facts"](age=40, adult=True, basis="consent", place=None))
    terms, cleared = other.terms("flu"), other.clear("flu", [5])
    claimed = sends.claim(
        other.ledger, terms, cleared, other.gate("flu"), ("known_from",), NOW, 0, 9, 9, known
    )
    assert len(claimed.sends) == 1, claimed
    made = receipt(other, 1)["receipt"]
    with other.ledger.engine.connect() as connection:
        salt = sends.receipt.salt_of(connection, KEY, 1)
        assert sends.receipt.salt_of(connection, b"another", 1) != salt
        assert sends.receipt.salt_of(connection, KEY, 2) is None
    assert salt is not None
    facts = '{"adult":true,"age":40,"basis":"consent","place":null}'
    assert made["facts"] == hashlib.sha256(salt + facts.encode()).hexdigest()
    evidence = {"confirmed_at": None, "expires_on": None, "written": None, **said}
    consent = json.dumps([evidence], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert made["consent"] == hashlib.sha256(salt + consent.encode()).hexdigest()


def test_receipts_of_two_people_with_the_same_facts_differ(book: Any):
    made = [receipt(book, send)["receipt"] for send in range(1, 6)]
    assert len({one["facts"] for one in made} | {one["consent"] for one in made}) == 10
    assert len({one["send"] for one in made}) == 5


@given(
    tag=st.text("0123456789abcdef", min_size=64, max_size=64),
    texts=st.lists(st.text(), min_size=3, max_size=3),
    record=st.integers(1, 2**53),
    facts=st.binary(min_size=32, max_size=32),
)
def test_the_quick_way_to_a_leaf_is_the_plain_one(tag: str, texts: list[str], record: int, facts: bytes):
    campaign, treatment, rules = (text.encode("utf-8", "ignore").decode() for text in texts)
    batch = sends.receipt.Batch(campaign, "2026-11-21T12:00:00.000000+00:00", record, rules)
    plain = json.dumps(
        batch.content(tag, treatment, facts, facts[::-1]),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    quick = sends.receipt.leaves_of(batch)(tag, treatment, facts, facts[::-1])
    assert quick == hashlib.sha256(b"\0" + plain.encode()).digest()


def test_a_receipt_is_verified_in_time(book: Any):
    text, begun = json.dumps(receipt(book, 1)), time.perf_counter()
    for _ in range(20):
        assert not saved.verify_proof(text, VKEY).problems
    assert (time.perf_counter() - begun) / 20 < 0.05, "seconds"


# Mutations.


def places(said: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a JSON document."""
    inside = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    found = [so_far] if so_far else []
    for key, value in inside:
        found += places(value, (*so_far, key))
    return found


def otherwise(luck: random.Random, value: Any) -> Any:
    """Another value than this one, alike as far as may be."""
    if isinstance(value, str) and value:
        at, new = luck.randrange(len(value)), luck.choice("0aA=+/ \n\u2014{}")
        changed = value[:at] + new + value[at + 1 :]
        return luck.choice([changed, value[:at] + value[at + 1 :], value[:at] + new + value[at:]])
    if isinstance(value, bool) or value is None or value == "":
        return luck.choice([0, 1, "x", []])
    if isinstance(value, int):
        return luck.choice(
            [value + 1, value - 1, -value - 1, str(value), value + 2**64, float(value), value * 2 + 1]
        )
    if isinstance(value, list):
        return luck.choice([value[1:], value[:-1], [*value, "0" * 64], [*value, *value, 1], None])
    return luck.choice([{**value, "more": 1}, {}, None, list(value)])


def mutated(luck: random.Random, said: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    made = copy.deepcopy(said)
    *way, last = luck.choice(places(made))
    inner: Any = made
    for key in way:
        inner = inner[key]
    kind = luck.random()
    if kind < 0.1:
        del inner[last]
    elif kind < 0.25:
        other: Any = luck.choice(others)
        for key in (*way, last):
            other = other[key] if isinstance(other, dict) and key in other else None
        inner[last] = copy.deepcopy(other)
    else:
        inner[last] = otherwise(luck, inner[last])
    return made


def test_ten_thousand_changed_proofs_are_refused(book: Any):
    luck, honest, refused = random.Random(3), proofs(book), 0
    known = {log.canonical(one) for one in honest}
    while refused < 10_000:
        made = mutated(luck, luck.choice(honest), honest)
        if log.canonical(made) in known:
            continue
        assert problems(made), made
        refused += 1


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "7", "{", "[" * 200_000, '{"kind": 7}', '{"kind": "receipt"}', "\ud800", "9" * 9999],
)
def test_what_is_no_proof_is_refused(text: str):
    assert saved.verify_proof(text, VKEY).problems


def test_a_key_that_is_none_is_the_users_to_mend(book: Any):
    for key in ("", VKEY[:-4], VKEY.replace("town", "city"), VKEY.replace("+A", "+B"), NAME):
        with pytest.raises(InputError, match="the key of the log"):
            saved.verify_proof(json.dumps(receipt(book, 1)), key)
    stranger = checkpoints.verifier_key(b"another", NAME)
    assert saved.verify_proof(json.dumps(receipt(book, 1)), stranger).problems


def test_a_receipt_is_held_against_what_was_kept(book: Any):
    said, kept = receipt(book, 1), book.rows("SELECT note FROM checkpoints ORDER BY size")
    found = saved.verify_proof(json.dumps(said), VKEY, [kept[0][0], said["checkpoint"]])
    assert found.problems == ()
    assert len(found.unchecked) == 1, "whether it leads through the first takes another proof"
    root = bytes(32)
    forged = checkpoints.sign(KEY, checkpoints.Checkpoint(NAME, 6, root))
    assert any("forked" in one for one in problems(said, forged))
    grown = proof.consistency(book.ledger, KEY, NAME, 3, LATER)
    assert saved.verify_proof(json.dumps(grown), VKEY, [kept[0][0]]).unchecked == ()
