"""Whoever is erased is gone from every file, and everybody else is as before."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suasion.errors import InputError, WorkspaceError
from suasion.ledger import running, tokens
from suasion.rights import erase, stages

DETAILS = ("member", "email", "phone", "street", "card")


def hashes(town: Any) -> set[bytes]:
    kinds = {"street": "postal"}
    key = town.open().key
    return {tokens.hash_of(key, kinds.get(name, name), town.canary[name], tokens.folded) for name in DETAILS}


def test_the_canary_is_everywhere_before(town: Any):
    assert len(town.holding(town.canary["member"])) >= 4
    assert "sources/members.csv" in town.holding(town.canary["street"].split('"')[0])
    assert "ledger.db" in town.holding(town.canary["first_name"])
    assert sum(name.startswith("outbox/") for name in town.holding(town.canary["email"])) == 1


def test_nothing_but_keyed_hashes_is_left_of_the_person(town: Any):
    certificate = town.erase()
    values = [value for name, value in town.canary.items() if name not in ("year_of_birth", "agrees", "note")]
    assert town.holding(*values, "Nonesuch", "Löwen", "marmots", "and owls") == []
    assert {bytes.fromhex(one) for one in certificate.person} == hashes(town)
    kept = town.sql("SELECT person, address, channel FROM suppressions WHERE reason = 'erased'")
    assert {address for _, address, _ in kept} == hashes(town)
    assert {(person, channel) for person, _, channel in kept} == {(None, "*")}
    assert certificate.found == ()


def test_the_old_number_joins_to_no_row(town: Any):
    person = town.person()
    before = town.ledger_rows_about(person)
    assert {"draws", "sends", "consents", "suppressions"} <= {name for name, count in before.items() if count}
    assert sum(any(row.get("person") == person for row in rows) for rows in town.stored().values()) >= 8
    town.erase()
    assert set(town.ledger_rows_about(person).values()) == {0}
    assert not any(row.get("person") == person for rows in town.stored().values() for row in rows)


def test_no_deleted_byte_stays_while_others_keep_the_ledger_open(town: Any):
    """The last connection to close would empty the write-ahead log by itself; here it is not the last."""
    with town.open().ledger.engine.connect() as idle:
        idle.exec_driver_sql("SELECT 1").all()
        idle.rollback()
        town.sql("UPDATE sends SET reason = reason || '!' WHERE person = :p", p=town.person())
        assert "ledger.db-wal" in town.holding(town.canary["first_name"])
        town.erase()
        assert town.holding(town.canary["first_name"]) == []


def test_no_page_of_deleted_rows_stays_in_the_ledger(town: Any):
    """Some builds of SQLite overwrite what they delete, so that the bytes alone would prove nothing."""
    town.sql("CREATE TABLE big AS SELECT a.person FROM draws a CROSS JOIN draws")
    town.sql("DROP TABLE big")
    assert town.sql("PRAGMA freelist_count") > [(5,)]
    town.erase()
    assert town.sql("PRAGMA freelist_count") == [(0,)]


@pytest.mark.slow
def test_a_reader_that_does_not_end_keeps_the_erasure_from_being_certified(town: Any):
    with town.open().ledger.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT * FROM sends").all()
        first = town.erase()
        assert (first.stage, first.due[0].where) == (1, "this workspace")
        assert set(town.ledger_rows_about(1).values()) != {0}
    assert [one.stage for one in stages.finish(town.holdings, town.now)] == [3]


def test_everybody_else_is_as_before(town: Any):
    person = town.person()
    (send,) = town.sql("SELECT id FROM sends WHERE person = :p", p=person)[0]
    lake, ledger, mails = town.stored(), town.ledger_rows(), town.mails()
    versions = {name: (v.version, v.inputs) for name, v in town.open().tables().versions.items()}
    town.erase()
    assert town.stored() == {
        name: [row for row in rows if row.get("person") != person] for name, rows in lake.items()
    }
    assert {n: (v.version, v.inputs) for n, v in town.open().tables().versions.items()} == versions
    now = town.ledger_rows()
    for name in ("draws", "consents"):
        place = 1 if name == "draws" else 0
        assert now[name] == [row for row in ledger[name] if row[place] != person]
    assert now["sends"] == [row for row in ledger["sends"] if row[0] != send]
    assert now["replies"] == [row for row in ledger["replies"] if row[0] != send]
    assert now["campaigns"] == ledger["campaigns"]
    token = tokens.token_of(town.open().key, send)
    assert town.mails() == {name: m for name, m in mails.items() if not name.startswith(token)}
    assert len(town.mails()) == town.people - 1


def test_the_notes_of_tables_stay(town: Any):
    ws = town.open()
    before = {n: ws.tables().read(n, "ingest").schema for n in ws.tables().versions}
    assert before["identities"].metadata[b"last_person"] == str(town.people).encode()
    assert b"plan" in before["plans.flu"].metadata
    town.erase()
    for name, schema in before.items():
        assert ws.tables().read(name, "ingest").schema.equals(schema, check_metadata=True)


def test_only_the_newest_versions_stay_each_with_its_file(town: Any):
    assert town.sql("SELECT max(n) FROM (SELECT count(*) n FROM table_versions GROUP BY name)") == [(2,)]
    town.erase()
    assert town.sql("SELECT max(n) FROM (SELECT count(*) n FROM table_versions GROUP BY name)") == [(1,)]
    known = {file for (file,) in town.sql("SELECT file FROM table_versions")}
    assert {path.name for path in (town.folder / "lake").iterdir()} == known


def test_the_row_is_cut_out_of_the_csv_file_and_no_other_byte_changes(town: Any):
    rows = town.members()
    theirs = [i for i, row in enumerate(rows) if town.canary["member"].encode() in row]
    town.erase()
    left = (town.folder / "sources" / "members.csv").read_bytes()
    assert left == b"".join(row for i, row in enumerate(rows) if i not in theirs)
    assert not list((town.folder / "sources").glob(".*"))


def test_the_row_is_cut_out_of_the_parquet_file(town: Any):
    path = town.folder / "sources" / "visits.parquet"
    before = pq.read_table(path)
    town.erase()
    after = pq.read_table(path)
    others = [row for row in before.to_pylist() if row["member"] != town.canary["member"]]
    assert after.to_pylist() == others
    assert after.schema.equals(before.schema, check_metadata=True)


@pytest.mark.parametrize("state", ["planned", "claimed", "handed_over", "accepted", "failed", "unknown"])
def test_only_the_money_of_a_claim_is_given_back(town: Any, state: str):
    town.sql("UPDATE sends SET state = :state WHERE person = :p", state=state, p=town.person())
    town.erase()
    back = -town.cost if state == "claimed" else 0
    assert town.sql("SELECT sum(amount) FROM spend") == [(town.cost * town.people + back,)]
    assert town.sql("SELECT coalesce(sum(amount), 0) FROM spend WHERE amount < 0") == [(back,)]


def test_an_address_that_opted_out_stays_out_without_saying_whose_it_was(town: Any):
    asked = "SELECT address, channel, reason FROM suppressions WHERE reason = 'opted_out' ORDER BY id"
    before = town.sql(asked)
    town.erase()
    assert town.sql(asked) == before
    nobody = "SELECT count(*) FROM suppressions WHERE person IS NULL AND reason = 'opted_out'"
    assert town.sql(nobody) == [(1,)]


def test_every_table_of_the_ledger_with_a_person_is_reached(town: Any):
    """Whatever tables a later revision brings: each gets a row of the canary, made of its columns."""
    person = town.person()
    about = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE c.name = 'person'"
    for (name,) in town.sql(about):
        columns = town.sql(f"SELECT name, type FROM pragma_table_info('{name}') WHERE name <> 'id'")
        texts = {"VARCHAR": f"text of {name}", "BLOB": b"bytes", "DATETIME": "2026-01-01 00:00:00"}
        values = {column: texts.get(kind, 1) for column, kind in columns} | {"person": person}
        listed, given = ", ".join(f'"{c}"' for c in values), ", ".join(f":{c}" for c in values)
        town.sql(f"INSERT OR IGNORE INTO {name} ({listed}) VALUES ({given})", **values)
    reached = {name for name, count in town.ledger_rows_about(person).items() if count}
    assert reached == set(town.ledger_rows_about(person))
    town.erase()
    assert set(town.ledger_rows_about(person).values()) == {0}


def test_a_person_is_named_by_any_detail_or_number(town: Any):
    person = town.person()
    for named in (
        f"email={town.canary['email'].upper()}",
        f"phone={town.canary['phone']}",
        f"postal={town.canary['street']}",
        f"card= {town.canary['card']} ",
        str(person),
    ):
        with pytest.raises(InputError):
            town.erase(named + "0")
    town.erase(f"email={town.canary['email'].upper()}")
    assert set(town.ledger_rows_about(person).values()) == {0}


def test_one_of_two_who_share_an_address_is_named_by_number(town: Any):
    with pytest.raises(InputError) as error:
        town.erase("postal=Market Square 4")
    assert error.value.found.startswith("2 persons have it: ")
    assert "Market" not in str(error.value)
    first, second = error.value.found.rpartition(": ")[2].split(", ")
    town.erase(first)
    assert {row["person"] for row in town.rows("traits")} >= {int(second)}
    assert int(first) not in {row["person"] for row in town.rows("traits")}


@pytest.mark.parametrize("named", ["", "email", "=x", "email=", "email= ", "-1", "٣", "1.5"])
def test_a_person_is_named_as_kind_and_value(town: Any, named: str):
    with pytest.raises(InputError, match="KIND=VALUE"):
        town.erase(named)


@pytest.mark.parametrize("named", ["email=secret-person@example.org", "planet=secret", "999999"])
def test_nobody_found_is_said_without_the_value(town: Any, named: str):
    before = town.ledger_rows()
    with pytest.raises(InputError) as error:
        town.erase(named)
    assert named.partition("=")[2] == "" or named.partition("=")[2] not in str(error.value)
    assert {n: r for n, r in town.ledger_rows().items() if n != "secrets"} == {
        n: r for n, r in before.items() if n != "secrets"
    }


def test_erasing_needs_the_key_of_the_workspace(town: Any):
    tokens.require_key(town.open().ledger, town.open().key)
    for environment in ({}, {"SUASION_KEY": "another"}):
        other = replace(town.holdings, key=town.open(environment).key)
        with pytest.raises(WorkspaceError, match="SUASION_KEY"):
            erase(other, town.named, town.now)
    assert town.person()


def test_what_is_due_says_by_when(town: Any):
    certificate = town.erase()
    assert {one.by for one in certificate.due} == {date(2026, 12, 21)}
    assert {one.where for one in certificate.due} >= {"backups of this workspace"}


def test_the_certificate_holds_nothing_of_the_person(town: Any):
    said = json.dumps(town.erase().as_dict()).lower()
    assert json.loads(said)["searched"] > 200
    for value in (*town.canary.values(), "Nonesuch", "canary-mail"):
        assert value.lower() not in said or value in ("yes", "1971")


def test_a_model_that_learned_from_the_person_is_deleted_and_another_stays(town: Any):
    somebody = next(row["person"] for row in town.rows("identities") if row["person"] != town.person())
    ws = town.open()
    with running(ws.ledger, ws.lake, "score", town.now) as run:
        for name, learned_from in (("theirs", town.person()), ("others", somebody)):
            run.write(f"scores.{name}", pa.table({"person": [learned_from]}), "")
            run.write(f"models.{name}", pa.table({"model": [b"trees"]}), "")
    certificate = town.erase()
    assert {n for n in town.open().tables().versions if n.startswith("models.")} == {"models.others"}
    assert [due.what for due in certificate.due if due.where == "models.theirs"] == [
        "Learn again: run `suasion score`"
    ]
    assert "Models deleted, as they had learned from the person: 1" in certificate.done
