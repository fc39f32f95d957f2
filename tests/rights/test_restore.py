"""After an older backup was put back, nobody who opted out or was erased since is written to."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from suasion.errors import DamageError, WorkspaceError
from suasion.ledger import Ledger, journal, replay, running, sends, wishes
from suasion.rights import stages
from suasion.rules import Channel, Purpose

OUT = "SELECT count(*) FROM suppressions WHERE reason = 'opted_out' AND person = :p AND at > '2026-11-20'"
Copy = Callable[[], None]


def journal_of(town: Any) -> Path:
    return town.folder / journal.NAME


def lines(town: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal_of(town).read_bytes().splitlines()]


def somebody(town: Any, which: int = 0) -> tuple[int, int]:
    """A person other than the canary who did not opt out yet, and their send."""
    canary = town.person()
    person = [p for (p,) in town.sql("SELECT person FROM sends ORDER BY id") if p != canary][which]
    town.sql("DELETE FROM suppressions WHERE person = :p", p=person)
    ((send,),) = town.sql("SELECT id FROM sends WHERE person = :p", p=person)
    town.sql("UPDATE sends SET state = 'planned' WHERE id = :s", s=send)
    return person, send


def opt_out(town: Any, send: int) -> None:
    assert sends.suppress(town.open().ledger, send, sends.Why.OPTED_OUT, town.now)


def is_out(town: Any, person: int, send: int) -> bool:
    ((count,),) = town.sql(OUT, p=person)
    ((state,),) = town.sql("SELECT state FROM sends WHERE id = :s", s=send)
    assert (count > 0) is (state == "failed")
    return count > 0


def claim(town: Any) -> None:
    """What a sender does first; nothing else of it is needed to be refused."""
    terms = sends.Terms(
        "flu", Purpose.PUBLIC_HEALTH, Channel.EMAIL, "content", 1.0, town.now + timedelta(days=1)
    )
    none, ledger = cast(Any, None), town.open().ledger
    replay.catch_up(ledger, town.now)
    sends.claim(ledger, terms, none, none, [], town.now, 0, 10**6, 10, none)


@pytest.fixture
def backup(town: Any, tmp_path: Path) -> Callable[[], Copy]:
    """Back the ledger up; the function it gives puts it back."""

    def make() -> Copy:
        copy = tmp_path / "backup.db"
        copy.unlink(missing_ok=True)
        with sqlite3.connect(town.folder / "ledger.db") as one, sqlite3.connect(copy) as other:
            one.backup(other)
        one.close()
        other.close()

        def put_back() -> None:
            for path in town.folder.glob("ledger.db*"):
                path.unlink()
            shutil.copy(copy, town.folder / "ledger.db")

        return put_back

    return make


def test_a_ledger_that_has_not_caught_up_gives_no_claim(
    town: Any, backup: Any, monkeypatch: pytest.MonkeyPatch
):
    put_back = backup()
    opt_out(town, somebody(town)[1])
    put_back()
    monkeypatch.setattr(replay, "catch_up", lambda *_: 0)
    with pytest.raises(WorkspaceError, match="knows more than the ledger"):
        claim(town)


@pytest.mark.parametrize("begun", [False, True])
def test_an_opt_out_since_the_backup_is_in_force_before_a_claim(town: Any, backup: Any, begun: bool):
    """Whether or not the journal was begun by the time of the backup."""
    if begun:
        opt_out(town, somebody(town, 5)[1])
    else:
        town.sql("DELETE FROM journal")
        journal_of(town).unlink()
    person, send = somebody(town)
    put_back = backup()
    opt_out(town, send)
    assert is_out(town, person, send)
    put_back()
    assert not is_out(town, person, send)
    claim(town)
    assert is_out(town, person, send)
    assert replay.catch_up(town.open().ledger, town.now) == 0


def test_an_erasure_since_the_backup_is_done_again(town: Any, backup: Any):
    person = town.person()
    put_back = backup()
    shutil.copytree(town.folder / "lake", town.folder.parent / "lake")
    shutil.copytree(town.folder / "sources", town.folder.parent / "sources")
    certificate = town.erase()
    put_back()
    for name in ("lake", "sources"):
        shutil.rmtree(town.folder / name)
        shutil.copytree(town.folder.parent / name, town.folder / name)
    assert town.person() == person
    claim(town)
    assert {name for name, count in town.ledger_rows_about(person).items() if count} == {"erasing"}
    assert person not in {row["person"] for row in town.rows("identities")}
    assert town.sql("SELECT * FROM keys WHERE person = :p", p=person) == []
    kept = town.sql("SELECT address FROM suppressions WHERE reason = 'erased'")
    assert {address.hex() for (address,) in kept} == set(certificate.person)
    ingested = {one.source: sum(one.reasons.values()) for one in town.open().ingest()}
    assert ingested == {"members": 1, "visits": 1}
    town.erase()
    assert town.holding(town.canary["member"], town.canary["email"], town.canary["first_name"]) == []


def test_a_number_that_was_erased_is_not_given_to_somebody_else_after_a_restore(town: Any, backup: Any):
    put_back = backup()
    row = b"R9990001,Somebody,new@example.org,1,Elm Street 1,1980,yes,\r\n"
    town.write_members([*town.members(), row])
    town.open().ingest()
    newest = town.person("member", "R9990001")
    with running(town.open().ledger, town.open().lake, "test", town.now):
        town.erase("member=R9990001")
    put_back()
    town.write_members(
        [
            *town.members(),
            row.replace(b"R9990001", b"R9990002").replace(b"new@example.org,1", b"old@example.org,2"),
        ]
    )
    town.open().ingest()
    assert town.person("member", "R9990002") == newest + 1


def test_an_objection_and_a_limit_since_the_backup_are_kept_to(town: Any, backup: Any):
    person, send = somebody(town)
    put_back = backup()
    ledger = town.open().ledger
    wishes.keep_to(ledger, person, wishes.WishKind.OBJECTED, "page", town.now)
    wishes.keep_to(ledger, person, wishes.WishKind.FEWER, "page", town.now, 2)
    put_back()
    assert town.sql("SELECT kind FROM wishes WHERE person = :p", p=person) == []
    assert replay.catch_up(town.open().ledger, town.now) == 2
    kept = dict(town.sql("SELECT kind, amount FROM wishes WHERE person = :p", p=person))
    assert kept == {"objected": None, "fewer": 2}
    assert town.sql("SELECT state FROM sends WHERE id = :s", s=send) == [("failed",)]


def test_an_opt_out_is_in_the_journal_before_it_is_acknowledged_and_once(town: Any):
    person, send = somebody(town)
    opt_out(town, send)
    opt_out(town, send)
    begun, said = lines(town)
    assert (begun["kind"], begun["n"], said["n"], said["before"]) == ("begun", 1, 2, begun["mac"])
    assert (said["kind"], said["persons"], said["what"]) == ("opted_out", [person], "email")
    assert replay.catch_up(town.open().ledger, town.now) == 0


def test_a_ledger_that_died_before_it_committed_does_it_at_the_next_start(town: Any):
    person, send = somebody(town)
    ledger = town.open().ledger
    with ledger.writing() as connection:
        sends.never(connection, person, b"a" * 16, "email", sends.Why.OPTED_OUT, town.now)
        ledger.journal.append(connection, "opted_out", [person], [b"a" * 16], "email", town.now)
        connection.rollback()
    assert not is_out(town, person, send)
    claim(town)
    assert is_out(town, person, send)


def test_a_line_that_was_cut_off_is_left_out_and_written_over(town: Any):
    opt_out(town, somebody(town)[1])
    with journal_of(town).open("ab") as file:
        file.write(b'{"n": 3, "kind": "opt')
    claim(town)
    opt_out(town, somebody(town, 1)[1])
    assert [one["n"] for one in lines(town)] == [1, 2, 3]
    claim(town)


@pytest.mark.parametrize("how", ["missing", "older", "another"])
def test_without_its_journal_a_workspace_sends_nothing_and_takes_opt_outs(
    town: Any, how: str, tmp_path: Path
):
    opt_out(town, somebody(town, 1)[1])
    older = journal_of(town).read_bytes()
    opt_out(town, somebody(town, 2)[1])
    whole = journal_of(town).read_bytes()
    match how:
        case "missing":
            journal_of(town).unlink()
        case "older":
            journal_of(town).write_bytes(older)
        case _:
            other = journal.Journal(tmp_path / "other", town.open().key)
            with Ledger.open(tmp_path / "other.db").writing() as connection:
                for number in range(4):
                    other.append(connection, "opted_out", [number + 1], [b"b" * 16], "email", town.now)
            shutil.copy(other.path, journal_of(town))
    with pytest.raises(WorkspaceError, match=r"suasion restore"):
        claim(town)
    person, send = somebody(town, 3)
    opt_out(town, send)
    assert is_out(town, person, send)
    with pytest.raises(WorkspaceError, match=r"suasion restore"):
        claim(town)
    copy = tmp_path / "copy.journal"
    copy.write_bytes(whole)
    town.open().restore_journal(copy)
    claim(town)
    assert is_out(town, person, send)
    assert {one["kind"] for one in lines(town)} == {"begun", "opted_out"}
    assert person in {one for line in lines(town) for one in line["persons"]}


def test_a_newer_copy_of_the_journal_brings_what_ledger_and_journal_lost_together(
    town: Any, backup: Any, tmp_path: Path
):
    """The one case that nobody finds: it takes a copy from elsewhere."""
    opt_out(town, somebody(town, 1)[1])
    old, put_back = journal_of(town).read_bytes(), backup()
    person, send = somebody(town)
    put_back_with = journal_of(town)
    opt_out(town, send)
    copy = tmp_path / "elsewhere.journal"
    shutil.copy(put_back_with, copy)
    put_back()
    put_back_with.write_bytes(old)
    claim(town)
    assert not is_out(town, person, somebody(town)[1])
    town.open().restore_journal(copy)
    assert is_out(town, person, send)


def test_a_copy_that_is_too_old_or_foreign_is_not_taken(town: Any, tmp_path: Path):
    opt_out(town, somebody(town, 1)[1])
    copy = tmp_path / "copy.journal"
    shutil.copy(journal_of(town), copy)
    opt_out(town, somebody(town, 2)[1])
    journal_of(town).unlink()
    with pytest.raises(WorkspaceError, match="newer copy"):
        town.open().restore_journal(copy)
    with pytest.raises(WorkspaceError, match="missing"):
        town.open().restore_journal(tmp_path / "nothing")
    copy.write_bytes(copy.read_bytes().replace(b'"opted_out"', b'"complained"'))
    with pytest.raises(DamageError, match="line 2"):
        town.open().restore_journal(copy)


def test_whoever_goes_on_without_a_journal_is_named_in_the_log(town: Any):
    opt_out(town, somebody(town, 1)[1])
    journal_of(town).unlink()
    for by, why in (("", "we know"), ("Ada", " ")):
        with pytest.raises(WorkspaceError, match="--by and --why"):
            town.open().restore_without_journal(by, why)
    town.open().restore_without_journal("Ada", "the ledger is of today")
    claim(town)
    row = town.open().log()[-1]
    assert (row.kind, row.content) == ("restore", {"by": "Ada", "why": "the ledger is of today"})
    assert town.open().verify()
    opt_out(town, somebody(town, 2)[1])
    claim(town)


@pytest.mark.parametrize("is_behind", [False, True])
def test_nobody_goes_on_without_a_journal_that_is_there_and_whole(town: Any, backup: Any, is_behind: bool):
    opt_out(town, somebody(town, 1)[1])
    person, send = somebody(town)
    put_back = backup()
    opt_out(town, send)
    if is_behind:
        put_back()
    before, rows = journal_of(town).read_bytes(), town.ledger_rows()
    with pytest.raises(WorkspaceError, match=r"lies beside the ledger.*suasion send"):
        town.open().restore_without_journal("Ada", "the ledger is of today")
    assert (journal_of(town).read_bytes(), town.ledger_rows()) == (before, rows)
    claim(town)
    assert is_out(town, person, send)


def test_a_journal_that_is_damaged_may_be_gone_without(town: Any):
    opt_out(town, somebody(town, 1)[1])
    journal_of(town).write_bytes(journal_of(town).read_bytes().replace(b'"email"', b'"sms"', 1))
    town.open().restore_without_journal("Ada", "the ledger is of today")
    claim(town)


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0:root:/root:/bin/sh\n",
        b"",
        b"\n",
        b"{}\n",
        b"[]\n",
        b"[" * 60_000 + b"\n",
        b"\xff\n",
        b"1\n",
    ],
    ids=["passwd", "empty", "blank", "object", "list", "deep", "bytes", "number"],
)
def test_a_file_that_is_no_journal_is_told_so(town: Any, tmp_path: Path, content: bytes):
    opt_out(town, somebody(town, 1)[1])
    before = journal_of(town).read_bytes()
    copy = tmp_path / "passwd"
    copy.write_bytes(content)
    for path in (copy, tmp_path):
        with pytest.raises(WorkspaceError) as refused:
            town.open().restore_journal(path)
        assert (refused.value.asked, refused.value.exit_code) == (str(path), 2)
        assert refused.value.found == "it is missing, or no journal of suasion"
        assert refused.value.todo == "Name a copy of suppressions.journal."
    assert journal_of(town).read_bytes() == before


def test_a_ledger_older_than_the_new_beginning_is_refused(town: Any, backup: Any):
    """What was said between the backup and the beginning is known to nobody."""
    opt_out(town, somebody(town, 1)[1])
    put_back = backup()
    opt_out(town, somebody(town, 2)[1])
    journal_of(town).unlink()
    town.open().restore_without_journal("Ada", "the ledger is of today")
    put_back()
    with pytest.raises(WorkspaceError, match=r"suasion restore"):
        claim(town)


def test_a_changed_line_is_found(town: Any):
    opt_out(town, somebody(town, 1)[1])
    opt_out(town, somebody(town, 2)[1])
    whole = journal_of(town).read_bytes()
    for changed in (
        whole.replace(b'"email"', b'"sms"', 1),
        whole.replace(b'"n": 3', b'"n": 4'),
        b"\n".join(whole.split(b"\n")[:1] + whole.split(b"\n")[2:]),
        b"{}\n" + whole,
    ):
        assert changed != whole
        journal_of(town).write_bytes(changed)
        with pytest.raises(DamageError, match="not what was written"):
            journal.Journal(journal_of(town), town.open().key).entries()
    journal_of(town).write_bytes(whole)
    with pytest.raises(DamageError, match="SUASION_KEY"):
        journal.Journal(journal_of(town), b"another").entries()


def test_the_journal_holds_nothing_of_a_person_but_keyed_hashes(town: Any):
    opt_out(town, somebody(town)[1])
    town.erase()
    content = journal_of(town).read_text("utf-8").lower()
    for value in town.canary.values():
        assert len(value) < 5 or value.lower() not in content
    assert [one["kind"] for one in lines(town)] == ["begun", "opted_out", "erased"]
    town.erase()
    assert len(lines(town)) == 3
    assert [one.stage for one in stages.certificates(town.holdings)] == [3, 3]


def test_how_far_the_log_is_behind_a_checkpoint_is_counted(town: Any):
    opt_out(town, somebody(town)[1])
    journal_of(town).unlink()
    town.open().restore_without_journal("Ada", "the ledger is of today")
    ledger = town.open().ledger
    assert [replay.behind(ledger, size) for size in (0, 1, 4)] == [0, 0, 3]


def test_a_long_journal_is_read_from_its_end(town: Any):
    ledger = town.open().ledger
    with ledger.writing() as connection:
        for number in range(400):
            ledger.journal.append(connection, "opted_out", [number], [b"c" * 16], "email", town.now)
    assert journal_of(town).stat().st_size > 1 << 16
    assert ledger.journal.last() == ledger.journal.entries()[-1]
    claim(town)
