"""The erased do not come back: not by a file, not by a run that was under way, not by a crash."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from suasion.errors import InputError, WorkspaceError
from suasion.ingest import Records
from suasion.ledger import keys, running, sends, subject, tokens
from suasion.rights import refuse_erased, stages
from suasion.rules import Channel
from suasion.workspace.desk import hashes
from suasion.workspace.live import details_of

REASON = "row: erased: this person asked to be forgotten"
ANOTHER = b"%s,Somebody,%s,%s,Elm Street 1,1980,yes,\r\n"


def ingested(town: Any) -> dict[str, dict[str, int]]:
    return {one.source: one.reasons for one in town.open().ingest()}


def another(member: str = "R9990001", email: str = "new@example.org", phone: str = "1") -> bytes:
    return ANOTHER % (member.encode(), email.encode(), phone.encode())


def test_a_file_that_holds_the_person_again_brings_nobody_back(town: Any):
    traits, rows = town.rows("traits"), town.members()
    person = town.person()
    town.erase()
    town.write_members([*rows, b"too,few\r\n"])
    assert ingested(town)["members"] == {REASON: 1, "row: 2 fields, header has 8": 1}
    lines = [row["line"] for row in town.rows("rejects.members")]
    assert lines == sorted(lines)
    assert town.rows("traits") == [row for row in traits if row["person"] != person]
    assert set(town.ledger_rows_about(person).values()) == {0}
    assert town.holding(town.canary["member"]) == ["sources/members.csv"]


def test_erasing_again_cleans_what_came_back_since(town: Any):
    rows = town.members()
    town.erase()
    town.write_members(rows)
    certificate = town.erase()
    assert town.holding(town.canary["email"], town.canary["member"]) == []
    assert [bytes.fromhex(one) for one in certificate.person] == [
        tokens.hash_of(town.open().key, "member", town.canary["member"], tokens.folded)
    ]


def test_a_number_is_not_given_out_again(town: Any):
    town.write_members([*town.members(), another()])
    town.open().ingest()
    newest = town.person("member", "R9990001")
    town.erase("member=R9990001")
    town.write_members([*town.members(), another("R9990002", "other@example.org", "2")])
    town.open().ingest()
    assert town.person("member", "R9990002") == newest + 1


@pytest.mark.parametrize("by", ["email", "phone"])
def test_a_new_identifier_with_an_erased_address_is_refused(town: Any, by: str):
    town.erase()
    town.write_members([*town.members(), another(**{by: town.canary[by].lower()})])
    assert ingested(town)["members"] == {REASON: 2}


@pytest.mark.parametrize(
    "again", ["u0@xn--kln-sna.example", "u0@ko\u0308ln.example", "U0@KÖLN.example", "u0@köln.example"]
)
def test_an_erased_address_is_refused_in_every_spelling(town: Any, again: str):
    rows = town.members()
    path = town.folder / "sources" / "members.toml"
    path.write_text(path.read_text("utf-8").replace("cp1252", "utf-8"), "utf-8")
    plain = [row.decode("cp1252").encode() for row in rows]
    town.write_members([*plain, another(email="u0@köln.example")])
    town.open().ingest()
    town.erase("email=u0@xn--kln-sna.example")
    (town.folder / "letter.txt").write_text(f"To: {again}", "utf-8")
    town.write_members([*plain, another("R9990002", again)])
    assert ingested(town)["members"] == {REASON: 1}
    assert "letter.txt" in town.erase(f"email={again}").found


@pytest.mark.parametrize(
    ("by", "tag", "respell"),
    [
        ("member", "", str.lower),
        ("email", "", str.upper),
        ("email", "+news", str),
        ("email", "+a+b", str.upper),
        ("email", "+", str),
    ],
)
def test_another_case_or_a_tag_brings_nobody_back(
    town: Any, by: str, tag: str, respell: Callable[[str], str]
):
    again = respell(town.canary[by].replace("@", f"{tag}@"))
    town.erase()
    town.write_members([*town.members(), another(**{by: again})])
    assert ingested(town)["members"] == {REASON: 2}
    assert town.erase(f"{by}={again}").done


def test_what_was_erased_by_a_tag_does_not_return_without_it(town: Any):
    town.write_members([*town.members(), another(email="ada+shop@example.org")])
    town.open().ingest()
    town.erase("email=ada+shop@example.org")
    town.write_members([*town.members(), another("R9990002", "ada@example.org")])
    assert ingested(town)["members"] == {REASON: 1}


def test_who_was_erased_before_tags_and_case_were_folded_stays_away(town: Any):
    town.erase()
    made = tokens.hash_of(town.open().key, "member", town.canary["member"], tokens.folded)
    plain = tokens.hash_of(town.open().key, "member", town.canary["member"])
    town.sql("UPDATE suppressions SET address = :p WHERE address = :m", p=plain, m=made)
    town.write_members(town.members())
    assert ingested(town)["members"] == {REASON: 1}


def test_nothing_is_planned_for_an_erased_mailbox_by_a_tag(town: Any):
    """Somebody known may come to have it, and stays; another mailbox with a tag is written to."""
    two = [another(), another("R9990002", "other+shop@example.org", "2")]
    town.write_members([*town.members(), *two])
    town.open().ingest()
    town.erase()
    tagged = town.canary["email"].replace("@", "+news@")
    town.write_members([*town.members(), another(email=tagged), two[1]])
    assert ingested(town)["members"] == {REASON: 1}
    ws, planned = town.open(), dict[str, int]()
    for member, email in (("R9990001", tagged), ("R9990002", "other+shop@example.org")):
        person = town.person("member", member)
        assert town.person("email", email) == person
        made = hashes(details_of(ws.tables(), Channel.EMAIL), np.array([person]))
        rows = [(person, "mail", 0.5, made[0])]
        planned[member] = sends.plan_sends(ws.ledger, "digest", "flu", Channel.EMAIL, rows)
    assert planned == {"R9990001": 0, "R9990002": 1}


def test_a_mailbox_that_another_has_too_is_the_persons_alone_under_no_tag(town: Any):
    tagged = town.canary["email"].replace("@", "+mine@")
    first = next(row for row in town.members() if town.canary["member"].encode() in row)
    assert tagged.encode() not in first
    (town.folder / "sources" / "tags.csv").write_text(f"member,email\n{town.canary['member']},{tagged}\n")
    declared = (town.folder / "sources" / "visits.toml").read_text("utf-8")
    text = declared.replace("visits.parquet", "tags.csv").replace(', card = "card"', "")
    text = text.replace('traits = { visits = "visits" }', 'contacts = { email = "email" }')
    (town.folder / "sources" / "tags.toml").write_text(text, "utf-8")
    town.write_members([*town.members(), another(email=town.canary["email"])])
    town.open().ingest()
    town.erase()
    made = tokens.hash_of(town.open().key, "email", tagged, tokens.folded)
    assert made not in subject.erased_hashes(town.open().ledger)


def test_somebody_known_who_comes_to_have_the_address_stays(town: Any):
    town.write_members([*town.members(), another()])
    town.open().ingest()
    other = town.person("member", "R9990001")
    town.erase()
    town.write_members([*town.members(), another(email=town.canary["email"])])
    assert ingested(town)["members"] == {REASON: 1}
    assert town.person("email", town.canary["email"]) == other


def test_an_address_that_another_has_too_is_not_the_persons_alone(town: Any):
    """It stays the other's: neither suppressed, nor refused, nor searched for."""
    town.write_members([*town.members(), another(email=town.canary["email"].upper())])
    town.open().ingest()
    other = town.person("member", "R9990001")
    certificate = town.erase()
    hashed = tokens.hash_of(town.open().key, "email", town.canary["email"])
    assert hashed not in subject.erased_hashes(town.open().ledger)
    assert hashed.hex() not in certificate.person
    assert certificate.found == ()
    assert ingested(town)["members"] == {}
    assert town.person("email", town.canary["email"].upper()) == other


def test_an_address_of_two_who_are_both_erased_is_nobodys(town: Any):
    town.write_members([*town.members(), another(email=town.canary["email"])])
    town.open().ingest()
    town.erase("member=R9990001")
    town.erase()
    assert town.holding(town.canary["email"]) == []
    hashed = tokens.hash_of(town.open().key, "email", town.canary["email"])
    assert hashed in subject.erased_hashes(town.open().ledger)


def test_somebody_who_is_identified_by_the_address_stays(town: Any):
    """What is a contact detail of the one is an identifier of the other, who is another person."""
    content = f"email,x\n{town.canary['email']},1\nnew@example.org,2\n"
    (town.folder / "sources" / "letters.csv").write_text(content, "utf-8")
    declared = (town.folder / "sources" / "visits.toml").read_text("utf-8").partition("identifiers")[0]
    declared = declared.replace("visits.parquet", "letters.csv") + 'identifiers = { email = "email" }\n'
    (town.folder / "sources" / "letters.toml").write_text(declared, "utf-8")
    town.open().ingest()
    other = town.person("email", "new@example.org") - 1
    assert {row["person"] for row in town.rows("records.letters")} == {other, other + 1}
    assert town.person() != other
    town.erase()
    assert (town.folder / "sources" / "letters.csv").read_text("utf-8") == content
    assert ingested(town)["letters"] == {}
    assert {row["person"] for row in town.rows("records.letters")} == {other, other + 1}


def test_nobody_is_refused_before_anybody_is_erased(town: Any):
    assert town.open().ingest()[0].rejected == 0


def test_an_ingest_without_the_key_is_refused_once_somebody_is_erased(town: Any):
    town.erase()
    before = town.ledger_rows()
    for environment in ({}, {"SUASION_KEY": "another"}):
        with pytest.raises(WorkspaceError, match="SUASION_KEY"):
            town.open(environment).ingest()
    assert town.ledger_rows() == before


@pytest.mark.slow
def test_a_million_rows_are_refused_in_seconds(town: Any):
    town.erase()
    n = 1_000_000
    columns = {name: pa.array([f"{name} {i}" for i in range(n)]) for name in ("id:member", "contact:email")}
    table = pa.table({"line": pa.array(range(n)), **columns})
    rejects = pa.table({"line": pa.array([], pa.int64()), "column": pa.array([], pa.string()), "reason": []})
    ws = town.open()
    start = perf_counter()
    refuse_erased({"s": Records(table, rejects, n, ())}, None, ws.ledger, ws.key)
    assert perf_counter() - start < 30


def test_while_a_run_is_under_way_the_person_is_gone_from_what_is_read(town: Any):
    person, ws = town.person(), town.open()
    with running(ws.ledger, ws.lake, "test", town.now) as run:
        assert town.erase().stage == 1
        assert town.sql("SELECT person FROM erasing") == [(person,)]
        assert {n: c for n, c in town.ledger_rows_about(person).items() if c} == {"erasing": 1}
        tables = town.open().tables()
        for name in tables.versions:
            table = tables.read(name, "ingest")
            assert "person" not in table.column_names or person not in table["person"].to_pylist()
        assert len(town.mails()) == town.people - 1
        # What the run had read before, it still publishes.
        run.write("scores.flu", pa.table({"person": [person, person + 1], "effect:0": [1.0, 2.0]}), "i")
    assert [row["person"] for row in town.rows("scores.flu")] == [person + 1]
    certificate = town.erase()
    assert certificate.found == ()
    assert town.sql("SELECT person FROM erasing") == []
    assert town.holding(town.canary["member"], town.canary["email"], town.canary["first_name"]) == []


def test_a_run_that_had_read_the_person_before_is_cleaned_up_after(town: Any):
    """An ingest is under way, and publishes a new address of the person after the erasure began."""
    person, ws = town.person(), town.open()
    with running(ws.ledger, ws.lake, "test", town.now) as run:
        known = run.read("identities", "ingest")
        made = tokens.hash_of(ws.key, "email", "brand-new@canary-mail.example")
        own = keys.keys_of(ws.ledger, ws.key, [person])[person]
        cell = keys.seal(own, "identities", person, "email", "x")
        assert town.erase().stage == 1
        new = [person, "contact", "email", None, "members", made, cell, True, made]
        row = pa.Table.from_pylist([dict(zip(known.column_names, new, strict=True))], known.schema)
        run.write("identities", pa.concat_tables([known, row]).replace_schema_metadata(known.schema.metadata))
        insert = (
            "INSERT INTO consents (person, purpose, channel, source, given, expires_on) "
            "VALUES (:p, 'public_health', 'email', 'late', 1, NULL)"
        )
        run.writes.append(lambda connection, _: connection.exec_driver_sql(insert.replace(":p", str(person))))
    certificate = town.erase()
    assert tokens.hash_of(ws.key, "email", "brand-new@canary-mail.example").hex() in certificate.person
    assert set(town.ledger_rows_about(person).values()) == {0}
    assert town.holding("brand-new@canary-mail.example") == []
    assert subject.erased_hashes(ws.ledger) == {bytes.fromhex(one) for one in certificate.person}


def test_an_ingest_between_two_attempts_loses_no_detail(town: Any):
    """The newest identities no longer hold the person, so older ones say what to look for."""
    person, ws = town.person(), town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        assert town.erase().stage == 1
    assert ingested(town) == {"members": {REASON: 1}, "visits": {REASON: 1}}
    (certificate,) = stages.certificates(town.holdings)
    assert (certificate.stage, len(certificate.person)) == (3, 5)
    assert town.holding(town.canary["email"], town.canary["member"], town.canary["card"]) == []
    assert set(town.ledger_rows_about(person).values()) == {0}


def test_two_who_are_erased_while_a_run_is_under_way_are_both_cleaned_up(town: Any):
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        for named in (town.named, "member=R0000005"):
            assert town.erase(named).stage == 1
    town.erase()
    assert town.sql("SELECT person FROM erasing") == []
    assert town.holding("R0000005", "person5@example.org", town.canary["email"]) == []


def test_a_person_who_had_two_numbers_is_erased_under_both(town: Any):
    """A new source tells that two known persons are one: rows of the old number stay behind."""
    first, second = sorted((town.person(), town.person("member", "R0000150")))
    (town.folder / "sources" / "both.csv").write_text(f"old,new\n{town.canary['member']},R0000150\n", "utf-8")
    declared = (town.folder / "sources" / "visits.toml").read_text("utf-8")
    for name, column in (("linka", "old"), ("linkb", "new")):
        text = declared.replace("visits.parquet", "both.csv").replace('visits = "visits"', "")
        text = text.replace('member = "member", card = "card"', f'member = "{column}", link = "old"')
        (town.folder / "sources" / f"{name}.toml").write_text(text, "utf-8")
    town.open().ingest()
    assert town.person("member", "R0000150") == town.person() == first
    assert town.ledger_rows_about(second)["sends"] == 1
    with pytest.raises(InputError, match="nobody"):
        town.erase(str(second))
    town.erase()
    for person in (first, second):
        assert set(town.ledger_rows_about(person).values()) == {0}
        assert not any(row.get("person") == person for rows in town.stored().values() for row in rows)


@pytest.fixture
def lined(town: Any) -> Callable[[str], Any]:
    """The members' source with another identifier."""

    def change(identifiers: str) -> Any:
        path = town.folder / "sources" / "members.toml"
        path.write_text(path.read_text("utf-8").replace('{ member = "member" }', identifiers), "utf-8")
        town.open().ingest()
        return town

    return change


def test_a_file_whose_lines_are_identifiers_stays_and_is_due(lined: Callable[[str], Any]):
    town = lined('{ member = "member", line = "#line" }')
    before = (town.folder / "sources" / "members.csv").read_bytes()
    certificate = town.erase()
    assert (town.folder / "sources" / "members.csv").read_bytes() == before
    assert certificate.found == ("sources/members.csv",)
    assert any(
        "number of their line" in one.what and one.where == "sources/members.csv" for one in certificate.due
    )
    assert ingested(town)["members"] == {REASON: 1}


def test_a_file_outside_the_workspace_stays_and_is_due(town: Any):
    outside = town.folder.parent / "elsewhere.csv"
    path = town.folder / "sources" / "members.csv"
    path.rename(outside)
    path.symlink_to(outside)
    before = outside.read_bytes()
    certificate = town.erase()
    assert outside.read_bytes() == before
    assert any(
        "not in the workspace" in one.what and one.where == "sources/members.csv" for one in certificate.due
    )


def test_a_file_that_cannot_be_read_is_due(town: Any):
    town.write_members([*town.members(), b'"open\r\nand open'])
    certificate = town.erase()
    assert "sources/members.csv" in certificate.found
    assert any("is not closed" in one.what and one.where == "sources/members.csv" for one in certificate.due)


def test_files_that_nobody_declared_are_searched_and_due(town: Any):
    (town.folder / "notes").mkdir()
    (town.folder / "notes" / "ledger of ZEPHYRINE.quill@canary-mail.EXAMPLE.txt").write_text("x", "utf-8")
    (town.folder / "notes" / "a.txt").write_bytes(
        'Nonesuch "LÖWEN" lane 99, 3rd floor'.lower().encode("utf-16")
    )
    (town.folder / "notes" / "b.txt").write_text("880077001", "utf-8")
    (town.folder / "notes" / "c.txt").write_text("8800770011", "utf-8")
    found = set(town.erase().found)
    assert found == {"a file named after the person", "notes/b.txt", "notes/a.txt"}


def test_the_suppressed_cannot_be_planned_a_send_that_is_claimed(town: Any):
    """The keyed hash of the address stops whoever comes to hold it."""
    town.erase()
    hashed = tokens.hash_of(town.open().key, "email", town.canary["email"])
    stopped = "SELECT channel FROM suppressions WHERE address = :a"
    assert ("*",) in town.sql(stopped, a=hashed)


def test_the_lake_reads_as_before_while_nobody_is_being_erased(town: Any):
    tables = town.open().tables()
    assert tables.erasing == frozenset()
    traits = tables.read("traits", "ingest")
    assert pc.count_distinct(traits["person"]).as_py() == town.people
