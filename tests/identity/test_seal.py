"""Contact details are sealed: nothing but the person's own key opens them, for that person alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from suasion.errors import DamageError, WorkspaceError
from suasion.identity import Sealing, known_by, opened, resolve, seal, unsealed
from suasion.ledger import Ledger, keys, tokens

KEY = bytes(range(32))
ANN, BOB = "Ann.Zq@example.org", "bob.zq@example.org"
Row = dict[str, str | None]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db")


@pytest.fixture
def ingest(ledger: Ledger) -> Callable[..., pa.Table]:
    """Resolve and seal the rows of one source; called again it is a later ingest."""
    known: list[pa.Table] = []

    def stored(*rows: Row, key: bytes = KEY) -> pa.Table:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        table = pa.table({c: pa.array([row.get(c) for row in rows], pa.string()) for c in columns})
        before = known[-1] if known else None
        who = resolve({"s": table}, before, key)
        sealing = Sealing(ledger, key, lambda kind, value: kind != "email" or "@" in value)
        known.append(seal(who.identities, before, sealing))
        return known[-1]

    return stored


def person(member: str, email: str | None = None, **more: str) -> Row:
    return {"id:member": member, "contact:email": email} | {f"contact:{k}": v for k, v in more.items()}


def cells(table: pa.Table) -> dict[tuple[int, str], bytes]:
    rows = (row for row in table.to_pylist() if row["sealed"] is not None)
    return {(row["person"], row["kind"]): row["sealed"] for row in rows}


def everything(table: pa.Table) -> bytes:
    return repr(table.to_pylist()).encode() + repr(table.schema.metadata).encode()


@given(st.binary(min_size=32, max_size=32), st.text(), st.integers(0, 2**60), st.text())
def test_what_is_sealed_opens_with_the_key_for_the_same_person_table_and_kind_alone(
    key: bytes, content: str, number: int, kind: str
):
    sealed = keys.seal(key, "identities", number, kind, content)
    assert keys.unseal(key, "identities", number, kind, sealed) == content
    for other in (
        (key, "corrections", number, kind, sealed),
        (key, "identities", number + 1, kind, sealed),
        (key, "identities", number, kind + "x", sealed),
        (bytes(32 * [1 ^ key[0]]), "identities", number, kind, sealed),
        (key, "identities", number, kind, sealed[:-1]),
        (key, "identities", number, kind, sealed[:5]),
        (key, "identities", number, kind, sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]),
    ):
        with pytest.raises(DamageError) as error:
            keys.unseal(*other)
        assert len(content) < 4 or content not in str(error.value)


def test_it_is_aes_gcm_with_a_new_nonce_each_time():
    first, second = (keys.seal(KEY, "t", 7, "email", ANN) for _ in range(2))
    assert first[:12] != second[:12]
    assert AESGCM(KEY).decrypt(first[:12], first[12:], b"t\x1f7\x1femail") == ANN.encode()


def test_no_contact_detail_can_be_read_from_what_is_stored(ingest: Any, ledger: Ledger):
    table = ingest(person("m1", ANN, phone="+49 30 123", postal="Zq Street 9"), person("m2"))
    for value in (ANN, ANN.lower(), "+49 30 123", "Zq Street"):
        assert value.encode() not in everything(table)
    assert b"m1" in everything(table)
    assert sorted(t for t in opened(table, ledger, KEY) if t) == ["+49 30 123", ANN, "Zq Street 9"]
    rows = {row["kind"]: row for row in table.to_pylist() if row["person"] == 1}
    assert rows["email"]["hash"] == tokens.hash_of(KEY, "email", ANN.upper())
    assert rows["member"]["hash"] is None


def test_a_cell_that_is_moved_to_another_person_or_kind_does_not_open(ingest: Any, ledger: Ledger):
    table = ingest(person("m1", ANN, phone="1"), person("m2", BOB, phone="2"))
    cell = cells(table)
    for (number, kind), other in (((1, "email"), (2, "email")), ((1, "email"), (1, "phone"))):
        row = {"person": number, "kind": kind, "sealed": cell[other]}
        with pytest.raises(DamageError):
            opened(pa.Table.from_pylist([row]), ledger, KEY)


def test_where_the_key_is_gone_nothing_opens_and_others_do(ingest: Any, ledger: Ledger):
    table = ingest(person("m1", ANN), person("m2", BOB))
    with ledger.writing() as connection:
        connection.execute(text("DELETE FROM keys WHERE person = 1"))
    assert [t for t in opened(table, ledger, KEY) if t] == [BOB]


def test_with_an_absent_or_another_workspace_key_it_is_said(ingest: Any, ledger: Ledger):
    table = ingest(person("m1", ANN))
    for key in (b"", b"another"):
        with pytest.raises(WorkspaceError, match="SUASION_KEY"):
            opened(table, ledger, key)


def test_two_persons_have_two_keys_and_a_wrapped_key_is_of_its_person_alone(ledger: Ledger):
    found = keys.keys_for(ledger, KEY, [1, 2, 2])
    assert len(set(found.values())) == 2
    assert keys.keys_for(ledger, KEY, [2, 3])[2] == found[2]
    with ledger.writing() as connection:
        connection.execute(text("DELETE FROM keys WHERE person = 3"))
        connection.execute(text("UPDATE keys SET person = 3 WHERE person = 2"))
    with pytest.raises(WorkspaceError):
        keys.keys_of(ledger, KEY, [3])


def test_whoever_is_being_erased_gets_no_key(ledger: Ledger, ingest: Any):
    with ledger.writing() as connection:
        connection.execute(text("INSERT INTO erasing VALUES (1)"))
    assert set(keys.keys_for(ledger, KEY, [1, 2])) == {2}
    table = ingest(person("m1", ANN), person("m2", BOB))
    assert set(cells(table)) == {(2, "email")}


def test_what_is_as_before_keeps_its_seal_and_what_is_new_gets_one(ingest: Any, ledger: Ledger):
    first = cells(ingest(person("m1", ANN, phone="1"), person("m2", BOB)))
    table = ingest(person("m1", ANN.upper(), phone="2"), person("m2", BOB), person("m3", ANN))
    then = cells(table)
    assert {place for place, cell in first.items() if then[place] == cell} == {(1, "email"), (2, "email")}
    assert sorted(t for t in opened(table, ledger, KEY) if t) == sorted(["2", ANN, ANN, BOB])


def test_a_person_whose_key_was_lost_is_sealed_anew(ingest: Any, ledger: Ledger):
    """As after a backup of the ledger was put back that is older than the person."""
    first = cells(ingest(person("m1", ANN)))
    with ledger.writing() as connection:
        connection.execute(text("DELETE FROM keys"))
    table = ingest(person("m1", ANN))
    assert cells(table) != first
    assert [t for t in opened(table, ledger, KEY) if t] == [ANN]


def test_persons_who_turn_out_to_be_one_are_sealed_under_the_number_that_stays(ingest: Any, ledger: Ledger):
    ingest(person("m1", ANN), {"id:member": "m2", "id:email": BOB, "contact:email": BOB})
    both: Row = {"id:member": "m1", "id:email": BOB.upper(), "contact:email": ANN}
    table = ingest(both)
    assert set(table["person"].to_pylist()) == {1}
    assert {t.lower() for t in opened(table, ledger, KEY) if t} == {ANN.lower(), BOB}


def test_an_identifier_that_is_an_address_links_in_every_spelling_and_is_sealed(ingest: Any, ledger: Ledger):
    table = ingest({"id:email": ANN}, {"id:email": f" {ANN.upper()} "}, {"id:email": BOB})
    assert set(table["person"].to_pylist()) == {1, 2}
    assert ANN.lower().encode() not in everything(table).lower()
    again = ingest({"id:email": ANN.lower()})
    assert set(again["person"].to_pylist()) == {1, 2}
    assert again["sealed"].null_count == 0
    found = again.filter(known_by(again, "email", BOB.upper(), KEY))
    assert opened(found, ledger, KEY) == [BOB]


def test_an_identifier_kept_while_its_source_is_gone_moves_to_the_number_that_stays(
    ingest: Any, ledger: Ledger
):
    ingest({"id:member": "m1", "id:email": None}, {"id:member": None, "id:email": BOB})
    ingest({"id:member": "m1", "id:card": "c"}, {"id:member": None, "id:card": None})
    ingest({"id:card": "c", "id:email": BOB})
    table = ingest({"id:card": "c", "id:email": None})
    assert set(table["person"].to_pylist()) == {1}
    assert [t for t in opened(table, ledger, KEY) if t] == [BOB]


def test_without_a_key_no_contact_detail_is_stored_and_it_is_noted(ingest: Any):
    table = ingest(person("m1", ANN, phone="1"), person("m2"), key=b"")
    assert {row["role"] for row in table.to_pylist()} == {"identifier"}
    assert unsealed(table) == 2
    assert unsealed(ingest(person("m1", ANN))) == 0


def test_without_a_key_nothing_that_was_sealed_is_lost_silently(ingest: Any):
    ingest(person("m1", ANN))
    with pytest.raises(WorkspaceError, match="would be lost"):
        ingest(person("m1", ANN), key=b"")


def test_without_a_key_nobody_is_told_apart_by_an_address(ingest: Any):
    with pytest.raises(WorkspaceError, match="SUASION_KEY is not set"):
        ingest({"id:email": ANN}, key=b"")


def test_whether_messages_can_go_there_is_noted_when_it_is_sealed(ingest: Any):
    table = ingest(person("m1", ANN, phone="1"), person("m2", "no address"))
    usable = {(row["person"], row["kind"]): row["usable"] for row in table.to_pylist() if row["sealed"]}
    assert usable == {(1, "email"): True, (1, "phone"): True, (2, "email"): False}


def test_a_table_of_an_older_suasion_is_known_by_its_plain_values(ledger: Ledger):
    old = [("member", "identifier", "m1"), ("email", "identifier", BOB), ("email", "contact", ANN)]
    rows = [{"person": 1, "role": r, "kind": k, "value": v, "source": "s"} for k, r, v in old]
    known = pa.Table.from_pylist(rows)
    told = pa.table({"id:email": [BOB.upper()], "contact:email": [ANN]})
    who = resolve({"s": told}, known, KEY)
    assert who.persons["s"].tolist() == [1]
    table = seal(who.identities, known, Sealing(ledger, KEY, lambda _kind, _value: True))
    assert sorted(t.lower() for t in opened(table, ledger, KEY) if t) == sorted([ANN.lower(), BOB])
    assert BOB.encode() not in everything(table)
