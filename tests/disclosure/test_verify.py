"""Whoever changes, drops, adds or moves a row of the log is found out, and whoever sends without one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suasion.disclosure import line_of, record, saved, verify
from suasion.errors import DamageError
from suasion.ledger import Ledger, checkpoints, log, sends, tree

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY, NAME = b"k" * 32, "town.example/log"
VKEY = checkpoints.verifier_key(KEY, NAME)
ODD = 'żółw " \\ \n \u2028 \x7f </script> \N{GRINNING FACE}'


@cache
def chain() -> tuple[log.LogRow, ...]:
    """Six rows, as the ledger keeps them."""
    with TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "ledger.db")
        for number in range(3):
            with ledger.writing() as connection:
                log.append(connection, "campaign", f"c{number}", {"content": ODD, "n": number}, NOW)
            sends.set_paused(ledger, f"c{number}", NOW, paused=True)
        return log.rows(ledger)


def problems(rows: list[log.LogRow], *notes: str) -> tuple[str, ...]:
    return saved.verify_lines(map(line_of, rows), notes, VKEY).problems


def signed(size: int) -> str:
    """The checkpoint of the first rows."""
    leaves = [bytes.fromhex(row.hash) for row in chain()[:size]]
    return checkpoints.sign(KEY, checkpoints.Checkpoint(NAME, size, tree.root(leaves)))


places = st.integers(0, 5)


def test_an_honest_log_has_no_problem():
    found = saved.verify_lines(map(line_of, chain()), [signed(size) for size in range(7)], VKEY)
    assert (found.rows, found.problems, found.unchecked) == (6, (), ())
    assert found.head in signed(6).splitlines()
    assert found.campaigns == ("c0", "c1", "c2")


def test_rows_that_no_checkpoint_covers_are_told():
    found = saved.verify_lines(map(line_of, chain()), [signed(2)], VKEY)
    assert (found.problems, found.unchecked) == ((), ("4 of 6 rows are under no checkpoint that was given",))


def test_a_few_lines_without_suasion_find_the_same_root(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f"{line_of(row)}\n" for row in chain()), "ascii")

    def leaf(line: str) -> bytes:
        row = json.loads(line)
        said = [row["kind"], row["campaign"], row["body"], row["at"]]
        text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(b"\0" + text.encode()).hexdigest() == row["hash"]
        return hashlib.sha256(b"\0" + text.encode()).digest()

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()

    made = root([leaf(line) for line in path.read_text().splitlines()])
    with path.open() as file:
        assert base64.b64encode(made).decode() == saved.verify_lines(file).head


@given(
    place=places, field=st.sampled_from(["position", "kind", "campaign", "body", "at", "hash"]), to=st.data()
)
def test_a_changed_row_is_found(place: int, field: str, to: st.DataObject):
    rows = list(chain())
    value = to.draw(st.integers() if field == "position" else st.text())
    assume(value != asdict(rows[place])[field])
    rows[place] = replace(rows[place], **{field: value})
    assert problems(rows)


@given(place=places, data=st.data())
def test_one_changed_character_is_found(place: int, data: st.DataObject):
    rows = list(chain())
    field = data.draw(st.sampled_from(["kind", "campaign", "body", "at", "hash"]))
    text = asdict(rows[place])[field]
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(exclude_characters=text[at], exclude_categories=["Cs"]))
    rows[place] = replace(rows[place], **{field: text[:at] + character + text[at + 1 :]})
    assert problems(rows)


@given(place=places)
def test_a_removed_row_is_found_with_the_newest_hash(place: int):
    rows = [row for row in chain() if row != chain()[place]]
    assert problems(rows, signed(6))
    assert place == 5 or problems(rows)


@given(place=places)
def test_a_row_removed_with_care_is_found_with_any_later_checkpoint(place: int):
    rows = [row for row in chain() if row != chain()[place]]
    rows = [replace(row, position=at) for at, row in enumerate(rows, 1)]
    assert not problems(rows), "the file alone cannot tell"
    assert all(problems(rows, signed(size)) for size in range(place + 1, 7))
    assert not any(problems(rows, signed(size)) for size in range(place + 1))


@given(length=places)
def test_a_log_that_was_cut_off_lacks_the_newest_hash(length: int):
    rows = list(chain()[:length])
    assert not problems(rows)
    assert problems(rows, signed(6))


@given(place=places, copied=places)
def test_an_inserted_row_is_found(place: int, copied: int):
    rows = list(chain())
    rows.insert(place, rows[copied])
    assert problems(rows)


@given(one=places, other=places)
def test_swapped_rows_are_found(one: int, other: int):
    assume(one != other)
    rows = list(chain())
    rows[one], rows[other] = rows[other], rows[one]
    assert problems(rows)


@given(one=places, other=places)
def test_swapped_contents_are_found(one: int, other: int):
    rows = list(chain())
    assume(rows[one].body != rows[other].body)
    rows[one], rows[other] = (
        replace(rows[one], body=rows[other].body),
        replace(rows[other], body=rows[one].body),
    )
    assert problems(rows)


def test_a_log_written_anew_lacks_the_published_hash(tmp_path: Path):
    anew = Ledger.open(tmp_path / "ledger.db")
    for row in chain():
        with anew.writing() as connection:
            content = row.content | {"n": 9}
            log.append(connection, row.kind, row.campaign, content, datetime.fromisoformat(row.at))
    rows = list(log.rows(anew))
    assert not problems(rows)
    assert problems(rows, signed(1)) == (
        "the log is not the one of the checkpoint of 1 rows: rows were rewritten, or it was forked. "
        "Keep both: together they prove it",
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "null",
        "{}",
        "{",
        '{"position": 1}',
        "[" * 200_000,
        "9" * 10_000,
        line_of(chain()[0])[:-1] + ', "more": 1}',
        line_of(replace(chain()[0], body="\ud800")),
        line_of(chain()[0]).replace('"position": 1', '"position": true'),
        line_of(chain()[0]).replace('"position": 1', '"position": 1.0'),
        line_of(chain()[0]).replace('"position": 1', '"position": "1"'),
    ],
    ids=str,
)
def test_a_line_that_is_no_row_is_named(line: str):
    lines = [line_of(chain()[0]), line]
    with pytest.raises(DamageError, match="line 2 of the log"):
        saved.read_log(lines)
    assert saved.verify_lines(lines).problems


def test_a_campaign_that_was_on_record_first_has_no_problem(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW)
    found = verify(ledger, KEY)
    assert (found.rows, found.campaigns, found.problems) == (2, ("checkup",), ())
    assert verify(ledger).unchecked == ("signatures, and what receipts say: SUASION_KEY is not set",)


def test_a_later_record_does_not_unmake_the_first(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW + timedelta(hours=1))
    record(ledger, replace(declared.entry(), budget=1.0), NOW + timedelta(hours=2))
    assert verify(ledger).problems == ()


def test_planned_sends_need_no_record(ledger: Ledger, claim: Callable[[str, datetime], None]):
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', at = NULL")
    assert verify(ledger).problems == ()


def test_whoever_opted_out_before_the_claim_got_nothing(
    ledger: Ledger, claim: Callable[[str, datetime], None]
):
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET state = 'planned', at = NULL")
    sends.suppress(ledger, 1, sends.Why.OPTED_OUT, NOW)
    assert sends.progress(ledger, "checkup").states == {"failed": 1, "planned": 1}
    assert verify(ledger).problems == ()


def test_a_hidden_send_is_found(ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]):
    record(ledger, declared.entry(), NOW)
    claim("hidden", NOW)
    found = verify(ledger)
    assert found.problems == (
        "campaign 'hidden' has sent, and no record of it is in the log",
        "campaign 'hidden', send 1: it was sent without a receipt",
    )


def test_a_result_is_no_record(ledger: Ledger, claim: Callable[[str, datetime], None]):
    sends.set_paused(ledger, "checkup", NOW, paused=True)
    claim("checkup", NOW)
    assert len(verify(ledger).problems) == 2


def test_a_record_after_the_first_send_is_found(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    claim("checkup", NOW)
    record(ledger, declared.entry(), NOW + timedelta(microseconds=1))
    problem, without = verify(ledger).problems
    assert "before its record" in problem
    assert "without a receipt" in without


def test_a_send_that_was_never_claimed_is_found(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET at = NULL")
    assert verify(ledger).problems == ("campaign 'checkup' has sent what was never claimed",)


def test_a_record_that_was_cut_out_and_its_sends_are_both_found(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    record(ledger, declared.entry(), NOW)
    record(ledger, replace(declared.entry(), campaign="other"), NOW)
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER log_delete")
        connection.exec_driver_sql("DELETE FROM log WHERE position = 1")
    found = verify(ledger)
    assert found.head == ""
    assert ["row 1" in found.problems[0], "'checkup'" in found.problems[1]] == [True, True]


@pytest.mark.parametrize("at", ["'abc'", "x'00ff'"])
@pytest.mark.parametrize("which", ["1", "1 OR TRUE"])
def test_a_send_at_no_time_is_a_problem(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None], at: str, which: str
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql(f"UPDATE sends SET at = {at} WHERE id = {which}")
    assert "campaign 'checkup' has a send whose time is none" in verify(ledger).problems


@pytest.mark.parametrize("at", [-1e300, float("-inf"), -1e12])
def test_a_send_before_all_time_is_a_problem(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None], at: float
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET at = ?", (at,))
    problem, other = verify(ledger).problems
    assert "before its record" in problem
    assert "not claimed when" in other


@pytest.mark.parametrize("column", ["kind", "campaign", "body", "at", "hash"])
def test_a_row_that_holds_no_text_is_damage(ledger: Ledger, declared: Any, column: str):
    record(ledger, declared.entry(), NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER log_update")
        connection.exec_driver_sql(f"UPDATE log SET {column} = CAST({column} AS BLOB)")
    (problem,) = verify(ledger).problems
    assert problem.startswith("row 1 of the log: it is not what was appended")
    with pytest.raises(DamageError):
        log.rows(ledger)


def test_a_time_that_is_none_is_a_problem(
    ledger: Ledger, declared: Any, claim: Callable[[str, datetime], None]
):
    record(ledger, declared.entry(), NOW)
    claim("checkup", NOW)
    with ledger.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER log_update")
        connection.exec_driver_sql("UPDATE log SET at = 'yesterday'")
    assert len(verify(ledger).problems) == 3
