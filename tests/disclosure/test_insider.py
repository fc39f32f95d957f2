"""Whoever can write to the ledger is found out: by the ledger, or by what somebody outside has kept."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from sqlalchemy import text

from suasion.disclosure import line_of, proof, saved, verify
from suasion.errors import DamageError
from suasion.ledger import Ledger, checkpoints, log, sends

MADE = run_path(str(Path(__file__).with_name("booked.py")))
NOW, KEY, NAME, VKEY, LATER = (MADE[name] for name in ("NOW", "KEY", "NAME", "VKEY", "LATER"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return MADE["booked"](tmp_path_factory.mktemp("original"))


@pytest.fixture
def ledger(original: Any, tmp_path: Path) -> Generator[Ledger]:
    """A copy to be attacked, unlocked."""
    copy = MADE["copied"](original.ledger, tmp_path / "copy")
    attack(copy, "DROP TRIGGER log_update", "DROP TRIGGER log_delete")
    yield copy
    copy.engine.dispose()


def attack(ledger: Ledger, *statements: str, **values: Any) -> None:
    with ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        for statement in statements:
            if values:
                connection.execute(text(statement), values)
            else:
                connection.exec_driver_sql(statement)
        connection.commit()


def problems(ledger: Ledger, *notes: str) -> tuple[str, ...]:
    return verify(ledger, KEY, notes).problems


def note_of(ledger: Ledger) -> str:
    return checkpoints.latest(ledger, KEY, NAME, LATER)


def rehash(ledger: Ledger) -> None:
    """Make all hashes of the log right again: the code is open, and this takes no key."""
    with ledger.engine.connect() as connection:
        for row in log.read(connection):
            leaf = log.leaf_of(row.kind, row.campaign, row.body, row.at).hex()
            found = {"hash": leaf, "position": row.position}
            connection.execute(text("UPDATE log SET hash = :hash WHERE position = :position"), found)
        connection.commit()


def test_an_honest_ledger_has_no_problem(original: Any):
    found = verify(original.ledger, KEY)
    assert (found.rows, found.problems, found.unchecked) == (6, (), ())
    assert found.campaigns == ("flu", "measles")


LOG = {
    "kind": "kind || 'x'",
    "campaign": "'measles' || campaign",
    "body": "body || ' '",
    "at": "replace(at, '2026', '2025')",
    "hash": "substr(hash, 2) || 'f'",
    "position": "position + 100",
}
SENDS = {
    "id": "id + 100",
    "campaign": "'rubella'",
    "person": "person + 100",
    "channel": "'sms'",
    "step": "step + 1",
    "plan": "plan + 1",
    "treatment": "treatment || 'x'",
    "cost": "cost * 2",
    "address": "address || x'00'",
    "at": "at + 1e-3",
}
RECEIPTS = {
    "batch": "batch + 100",
    "place": "place + 1000",
    "send": "send + 100",
    "leaf": "zeroblob(32)",
    "facts": "zeroblob(32)",
    "consent": "zeroblob(32)",
}


@pytest.mark.parametrize("column", LOG)
@pytest.mark.parametrize("position", range(1, 7))
def test_a_row_of_the_log_that_was_changed_is_found(ledger: Ledger, column: str, position: int):
    attack(ledger, f"UPDATE log SET {column} = {LOG[column]} WHERE position = {position}")
    assert problems(ledger)


@pytest.mark.parametrize("column", ["kind", "campaign", "body", "at"])
@pytest.mark.parametrize("position", range(1, 7))
def test_with_hashes_made_anew_what_was_kept_outside_betrays_it(
    ledger: Ledger, original: Any, column: str, position: int
):
    kept = note_of(original.ledger)
    attack(ledger, f"UPDATE log SET {column} = {LOG[column]} WHERE position = {position}")
    rehash(ledger)
    attack(ledger, "DELETE FROM checkpoints")
    assert any("rewritten" in problem for problem in problems(ledger, kept))
    lines = [line_of(row) for row in log.rows(ledger)]
    assert saved.verify_lines(lines).problems == (), "the file alone cannot tell"
    (problem,) = saved.verify_lines(lines, [kept], VKEY).problems
    assert "rewritten" in problem


@pytest.mark.parametrize("position", range(1, 7))
def test_a_row_that_was_taken_out_is_found(ledger: Ledger, original: Any, position: int):
    kept = note_of(original.ledger)
    attack(ledger, f"DELETE FROM log WHERE position = {position}")
    attack(
        ledger, *(f"UPDATE log SET position = {n - 1} WHERE position = {n}" for n in range(position + 1, 7))
    )
    attack(ledger, "DELETE FROM checkpoints")
    assert any("cut off" in problem for problem in problems(ledger, kept))


@pytest.mark.parametrize("column", SENDS)
@pytest.mark.parametrize("send", range(1, 6))
def test_a_send_that_was_changed_is_found(ledger: Ledger, column: str, send: int):
    attack(ledger, f"UPDATE sends SET {column} = {SENDS[column]} WHERE id = {send}")
    assert problems(ledger)


def test_the_reason_and_the_state_of_a_send_are_not_sealed_but_its_claim_is(ledger: Ledger):
    """What became of a mail is known after its receipt; that it was claimed cannot be taken back."""
    attack(ledger, "UPDATE sends SET state = 'failed', reason = '550' WHERE id = 1")
    assert not problems(ledger)
    attack(ledger, "DELETE FROM sends WHERE id = 1")
    assert problems(ledger) == ("send 1: it has a receipt and is gone",)


@pytest.mark.parametrize("at", ["at", "NULL"])
def test_a_send_that_was_set_back_is_found(ledger: Ledger, at: str):
    attack(ledger, f"UPDATE sends SET state = 'planned', at = {at} WHERE id = 1")
    assert any(one.endswith("send 1: it is planned, and has a receipt already") for one in problems(ledger))


def test_a_send_that_was_slipped_in_has_no_receipt(ledger: Ledger):
    columns = "campaign, person, channel, step, plan, treatment, cost, address, state, at"
    attack(
        ledger,
        f"INSERT INTO sends ({columns}) SELECT campaign, 711, channel, step, plan, treatment, cost, address, "
        "state, at FROM sends WHERE id = 1",
    )
    (problem,) = problems(ledger)
    assert problem.endswith("it was sent without a receipt")


@pytest.mark.parametrize("column", RECEIPTS)
@pytest.mark.parametrize("place", range(5))
def test_a_receipt_that_was_changed_is_found(ledger: Ledger, column: str, place: int):
    rows = "SELECT batch, place FROM receipts WHERE send IS NOT NULL ORDER BY send, batch"
    with ledger.engine.connect() as connection:
        batch, at = connection.execute(text(rows)).all()[place]
    sql = f"UPDATE receipts SET {column} = {RECEIPTS[column]} WHERE batch = :batch AND place = :place"
    attack(ledger, sql, batch=batch, place=at)
    assert problems(ledger)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM receipts WHERE batch = 3 AND place = 2",
        "DELETE FROM receipts WHERE batch = 3",
        "DELETE FROM receipts",
        "UPDATE receipts SET send = NULL WHERE batch = 3 AND send IS NOT NULL",
        "UPDATE receipts SET send = 3 - send WHERE batch = 3 AND send < 3",
        "INSERT INTO receipts SELECT batch, 3000, send, leaf, facts, consent FROM receipts WHERE place = 2",
        "INSERT INTO receipts SELECT 1, place, send, leaf, facts, consent FROM receipts WHERE batch = 3",
        "UPDATE sends SET person = CAST(person AS TEXT) || 'x', address = 'text' WHERE id = 2",
        "UPDATE sends SET treatment = x'00ff' WHERE id = 2",
        "UPDATE receipts SET facts = 'text', leaf = 'text' WHERE place = 1",
        "UPDATE checkpoints SET note = replace(note, 'A', 'B')",
        "UPDATE checkpoints SET note = 'none'",
        "UPDATE checkpoints SET note = x'00ff'",
        "UPDATE checkpoints SET size = size + 1",
    ],
)
def test_other_attacks_are_found(ledger: Ledger, statement: str):
    attack(ledger, statement)
    assert problems(ledger)


def test_a_receipt_in_somebodys_hands_outlives_the_row_that_held_it(ledger: Ledger, original: Any):
    """The insider makes batch, row and hashes anew, for a send that was never permitted."""
    made = proof.receipt(original.ledger, KEY, NAME, 2, LATER)
    assert made is not None
    attack(ledger, 'UPDATE log SET body = replace(body, \'"rules":"\', \'"rules":"0\') WHERE position = 3')
    rehash(ledger)
    attack(ledger, "DELETE FROM checkpoints")
    now = checkpoints.opened(note_of(ledger), VKEY)
    assert now.head != checkpoints.opened(made["checkpoint"], VKEY).head
    found = saved.verify_proof(log.canonical(made), VKEY, [note_of(ledger)])
    assert found.problems == (
        "the log was forked: two checkpoints of 6 rows are signed and have different roots. "
        "Keep both: together they prove it",
    )


def test_nothing_more_is_signed_once_the_log_was_rewritten(ledger: Ledger):
    attack(ledger, "UPDATE log SET at = replace(at, '2026', '2025') WHERE position = 1")
    rehash(ledger)
    with pytest.raises(DamageError, match="does not continue the checkpoint of 6 rows"):
        note_of(ledger)


def test_a_forked_log_is_told_by_any_two_who_compare(original: Any, tmp_path: Path):
    """The sponsor shows one log to some and another to others, and signs both."""
    logs = [MADE["copied"](original.ledger, tmp_path / name) for name in ("one", "other")]
    for ledger, spent in zip(logs, (1, 2), strict=True):
        for _ in range(3):
            with ledger.writing() as connection:
                log.append(connection, "result", "flu", {"spent": spent}, LATER)
    one, other = (note_of(ledger) for ledger in logs)
    assert [problems(ledger) for ledger in logs] == [(), ()], "each alone is sound"
    told = saved.verify_notes([one, other], VKEY).problems
    assert told[0].startswith("the log was forked: two checkpoints of 9 rows")
    for ledger, foreign in zip(logs, (other, one), strict=True):
        lines = [line_of(row) for row in log.rows(ledger)]
        assert any("forked" in said for said in saved.verify_lines(lines, [foreign], VKEY).problems)
        assert any("forked" in said for said in problems(ledger, foreign))
        with ledger.writing() as connection:
            log.append(connection, "pause", "flu", {}, LATER)
        grown = proof.consistency(ledger, KEY, NAME, 9, LATER)
        assert any(
            "forked" in said for said in saved.verify_proof(log.canonical(grown), VKEY, [foreign]).problems
        )
    unlike = saved.verify_notes([one, note_of(logs[1])], VKEY)
    assert (unlike.problems, len(unlike.unchecked)) == ((), 1), "sizes that differ take a proof"


def test_who_lacks_the_key_cannot_sign(ledger: Ledger):
    forged = checkpoints.sign(b"another", checkpoints.read(note_of(ledger))[0])
    assert problems(ledger, forged) == (
        "the checkpoint: it is not signed by this key. Ask the sponsor; keep what you have.",
    )


def test_an_erased_person_leaves_proofs_of_the_others_whole(ledger: Ledger):
    before = proof.receipt(ledger, KEY, NAME, 1, LATER)
    with ledger.writing() as connection:
        connection.execute(text("DELETE FROM replies"))
        sends.receipt.forget(connection, MADE["the_send"](2))
        connection.execute(text("DELETE FROM sends WHERE id = 2"))
    assert problems(ledger) == ()
    assert proof.receipt(ledger, KEY, NAME, 2, LATER) is None
    after = proof.receipt(ledger, KEY, NAME, 1, LATER)
    assert before == after
    assert saved.verify_proof(log.canonical(after), VKEY).problems == ()
    with ledger.engine.connect() as connection:
        left = connection.execute(text("SELECT send, facts, consent FROM receipts WHERE send IS NULL")).all()
    assert {tuple(row) for row in left} == {(None, None, None)}


def test_times_are_compared_to_the_microsecond(ledger: Ledger):
    attack(ledger, "UPDATE sends SET at = at + 1e-6 WHERE id = 4")
    (problem,) = problems(ledger)
    assert problem == "send 4: it was not claimed when its receipt says"
    assert datetime.fromisoformat(log.rows(ledger)[4].at) == LATER
