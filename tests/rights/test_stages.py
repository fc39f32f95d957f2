"""An erasure has stages, and its certificate says which is reached and what others were asked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from suasion.errors import InputError
from suasion.identity import opened
from suasion.lake import StoredTable, load
from suasion.ledger import keys, running, tokens
from suasion.rights import Holdings, erase, passed, stages, verify_certificate
from suasion.rights.certificate import certificate_from, public_key

BROKER = passed.Recipient(name="broker", kind="broker", address="privacy@broker.example")
PLATFORM = passed.Recipient(name="platform", kind="platform", address="https://x.example", details=("email",))


def asking(town: Any) -> Holdings:
    return replace(town.holdings, recipients=(BROKER, PLATFORM))


def lines(town: Any, name: str) -> list[dict[str, Any]]:
    path = town.folder / "passed" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def learned(town: Any) -> None:
    """A model that learned from everybody."""
    ws = town.open()
    with running(ws.ledger, ws.lake, "score", town.now) as run:
        run.write("models.flu", pa.table({"model": [b"trees"]}), "")


def test_at_the_first_stage_no_copy_of_the_lake_tells_a_contact_detail(town: Any):
    ws, person = town.open(), town.person()
    stored = "SELECT name, file, rows, size FROM table_versions WHERE name = :n ORDER BY version DESC"
    versions = [StoredTable(*row) for row in town.sql(stored, n="identities")]
    copies = [load(ws.lake, one) for one in versions]
    theirs = [copy.filter(pa.compute.equal(copy["person"], person)) for copy in copies]
    cells = [row for table in theirs for row in table.to_pylist() if row["sealed"]]
    assert len(versions) == 2
    assert {t for t in opened(theirs[1], ws.ledger, ws.key) if t} >= {town.canary["email"]}
    with running(ws.ledger, ws.lake, "test", town.now):
        assert town.erase().stage == 1
    assert (ws.lake / versions[1].file).exists()
    assert [t for table in theirs for t in opened(table, ws.ledger, ws.key) if t] == []
    others = keys.keys_of(ws.ledger, ws.key, range(1, town.people + 9))
    assert len(others) == town.people - 1
    for key in (ws.key, *list(others.values())[:20]):
        for row in cells:
            sealed, bound = row["sealed"], f"identities\x1f{person}\x1f{row['kind']}".encode()
            with pytest.raises(InvalidTag):
                AESGCM(key).decrypt(sealed[:12], sealed[12:], bound)


def test_at_the_first_stage_the_wrapped_key_is_not_in_the_ledgers_files(town: Any):
    ws, person = town.open(), town.person()
    ((wrapped,),) = town.sql("SELECT wrapped FROM keys WHERE person = :p", p=person)
    files = sorted(town.folder.glob("ledger.db*"))
    assert any(wrapped in path.read_bytes() for path in files)
    with running(ws.ledger, ws.lake, "test", town.now):
        town.erase()
        assert not any(wrapped in path.read_bytes() for path in sorted(town.folder.glob("ledger.db*")))


def test_the_stages_of_an_erasure_are_certified_and_the_newest_is_kept(town: Any):
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        first = town.erase()
    assert (first.stage, first.searched) == (1, 0)
    assert any("--finish" in one.what for one in first.due)
    (last,) = stages.finish(town.holdings, town.now)
    assert (last.stage, last.found) == (3, ())
    assert set(first.person) == set(last.person)
    assert set(first.done) < set(last.done)
    assert stages.certificates(town.holdings) == (last,)
    assert town.sql("SELECT stage FROM erasures") == [(3,)]
    assert stages.finish(town.holdings, town.now) == ()
    assert town.holding(town.canary["member"], town.canary["first_name"]) == []


def test_two_half_erased_persons_are_finished_each_with_a_certificate(town: Any):
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        first = [town.erase(named) for named in (town.named, "member=R0000005")]
    done = stages.finish(town.holdings, town.now)
    assert [set(one.person) for one in done] == [set(one.person) for one in first]
    assert {one.stage for one in done} == {3}
    assert town.holding("R0000005", town.canary["member"]) == []


def test_the_next_ingest_finishes_what_was_begun(town: Any):
    ws = town.open()
    with running(ws.ledger, ws.lake, "test", town.now):
        town.erase()
    ws.ingest()
    assert [one.stage for one in stages.certificates(town.holdings)] == [3]
    assert town.sql("SELECT * FROM erasing") == []


def test_a_certificate_is_signed_and_every_change_of_it_is_found(town: Any):
    made = town.erase().as_dict()
    public = public_key(town.open().key)
    assert verify_certificate(json.loads(json.dumps(made)), public)
    assert certificate_from(made).as_dict() == made
    changes = {
        "stage": 2,
        "searched": made["searched"] + 1,
        "done": [],
        "found": ["x"],
        "public": public_key(b"x"),
    }
    for name, value in changes.items():
        assert not verify_certificate({**made, name: value}, public), name
    assert not verify_certificate({**made, "more": 1}, public)
    assert not verify_certificate({k: v for k, v in made.items() if k != "signature"}, public)
    assert not verify_certificate(made, public_key(b"another"))
    assert not verify_certificate({**made, "signature": "zz"}, public)


def test_others_are_asked_by_the_hashes_they_need_and_no_more(town: Any):
    certificate = erase(asking(town), town.named, town.now)
    email = hashlib.sha256(town.canary["email"].lower().encode()).hexdigest()
    phone = hashlib.sha256(b"+493055507777").hexdigest()
    assert {(one["of"], one["hash"]) for one in lines(town, "broker")} == {("email", email), ("phone", phone)}
    assert [(one["of"], one["hash"]) for one in lines(town, "platform")] == [("email", email)]
    assert {one["asks"] for one in lines(town, "broker")} == {"deletion"}
    assert [vars(one) for one in certificate.asked] == [
        {"recipient": "broker", "state": "requested"},
        {"recipient": "platform", "state": "requested"},
    ]
    assert certificate.stage == 2
    assert {one.where for one in certificate.due} >= {"broker", "platform"}
    assert not any("broker" in line or "platform" in line for line in certificate.done)
    assert town.holding(town.canary["email"], town.canary["phone"], town.canary["street"]) == []


def test_what_others_confirm_is_noted_and_leaves_their_file(town: Any):
    erase(asking(town), town.named, town.now)
    ledger = town.open().ledger
    first, *rest = passed.requests(ledger)
    passed.answer(ledger, town.folder, first.id, "confirmed", town.now)
    assert [one["request"] for one in lines(town, "broker")] == [rest[0].id]
    (certificate,) = stages.finish(asking(town), town.now)
    assert (certificate.stage, [one.state for one in certificate.asked]) == (2, ["requested", "requested"])
    for one in rest:
        passed.answer(ledger, town.folder, one.id, "confirmed", town.now)
    (certificate,) = stages.finish(asking(town), town.now)
    assert (certificate.stage, {one.state for one in certificate.asked}) == (3, {"confirmed"})
    assert lines(town, "broker") == lines(town, "platform") == []


def test_a_refusal_is_never_said_to_be_done(town: Any):
    erase(asking(town), town.named, town.now)
    ledger = town.open().ledger
    for one in passed.requests(ledger):
        passed.answer(ledger, town.folder, one.id, "refused", town.now)
    (certificate,) = stages.finish(asking(town), town.now)
    assert (certificate.stage, {one.state for one in certificate.asked}) == (2, {"refused"})
    assert any("refused" in one.what for one in certificate.due)
    with pytest.raises(InputError, match="no request"):
        passed.answer(ledger, town.folder, 99, "confirmed", town.now)


def test_a_shared_detail_is_passed_on_to_nobody(town: Any):
    """Neighbors share a street, and two share an address: to delete by it would be about the other."""
    row = f"R9990001,Somebody,{town.canary['email']},1,Elm Street 1,1980,yes,\r\n".encode()
    town.write_members([*town.members(), row])
    town.open().ingest()
    erase(asking(town), town.named, town.now)
    assert {one["of"] for one in lines(town, "broker")} == {"phone"}
    assert not (town.folder / "passed" / "platform.jsonl").exists()


def test_what_a_process_that_died_left_in_a_file_is_taken_out(town: Any):
    stale = {"request": 1, "ours": "00" * 16, "asks": "deletion", "hash": "x", "by": "sha256", "of": "email"}
    (town.folder / "passed").mkdir()
    (town.folder / "passed" / "broker.jsonl").write_text(json.dumps(stale) + "\n", "utf-8")
    erase(asking(town), town.named, town.now)
    assert "x" not in {one["hash"] for one in lines(town, "broker")}
    assert len(lines(town, "broker")) == 2


def test_a_model_is_learned_again_where_it_can_be_and_else_stays_due(town: Any):
    learned(town)
    again: list[str] = []

    def learn(campaign: str) -> None:
        again.append(campaign)
        if len(again) > 1:
            learned(town)
        else:
            raise InputError("a score", "nobody is left", "Wait.")

    holdings = replace(town.holdings, learn_again=learn)
    certificate = erase(holdings, town.named, town.now)
    assert (certificate.stage, certificate.models) == (2, ("models.flu",))
    assert any(one.where == "models.flu" for one in certificate.due)
    (certificate,) = stages.finish(holdings, town.now)
    assert again == ["flu", "flu"]
    assert (certificate.stage, certificate.models) == (3, ())
    assert not any(one.where == "models.flu" for one in certificate.due)


def test_an_erasure_leaves_requests_without_their_person(town: Any):
    row = {"p": town.person(), "at": "2026-11-01 00:00:00"}
    town.sql(
        "INSERT INTO requests (person, kind, state, detail, received_at) "
        "VALUES (:p, 'erasure', 'open', 'says more than it should', :at)",
        **row,
    )
    town.erase()
    assert town.sql("SELECT person, kind, detail FROM requests") == [(None, "erasure", None)]


def test_a_person_told_apart_by_an_address_is_erased_from_its_file(town: Any):
    (town.folder / "sources" / "letters.csv").write_text(
        f"mail,x\n{town.canary['email'].upper()},1\nnew@example.org,2\n", "utf-8"
    )
    declared = (town.folder / "sources" / "visits.toml").read_text("utf-8").partition("identifiers")[0]
    declared = declared.replace("visits.parquet", "letters.csv") + 'identifiers = { email = "mail" }\n'
    (town.folder / "sources" / "letters.toml").write_text(declared, "utf-8")
    town.open().ingest()
    ws = town.open()
    table = ws.tables().read("identities", "ingest")
    address = tokens.hash_of(ws.key, "email", town.canary["email"])
    rows = [r for r in table.to_pylist() if r["hash"] == address and r["role"] == "identifier"]
    town.erase(str(rows[0]["person"]))
    assert (town.folder / "sources" / "letters.csv").read_text("utf-8") == "mail,x\nnew@example.org,2\n"
