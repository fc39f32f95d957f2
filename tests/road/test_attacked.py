"""What an outsider tried on the live road: odd spellings, names and mailboxes, and damaged files."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from suasion.errors import CampaignError, DamageError
from suasion.ledger import sends, tokens
from suasion.workspace import Workspace
from suasion.workspace.record import ReplySummary

TOWN = run_path(str(Path(__file__).with_name("livetown.py")))
NOW, approved, copy, mails, opened, rows = (
    TOWN[name] for name in ("NOW", "approved", "copy", "mails", "opened", "rows")
)
HAD = "the address has had this campaign"
KOELN, PUNY = "u0@köln.example", "U0@xn--kln-sna.example"
Command = Callable[..., Any]


@pytest.fixture
def ws(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    monkeypatch.setenv("SUASION_KEY", TOWN["SECRET"]["SUASION_KEY"])
    return opened(copy(approved(tmp_path_factory.getbasetemp()), tmp_path / "town"))


def planned(ws: Workspace) -> int:
    return rows(ws, "SELECT count(*) FROM draws WHERE treatment <> 'none'")[0][0]


def register(ws: Workspace, column: str, *values: str) -> list[int]:
    """Change what the register says of the first who were drawn, and ingest it; who they are."""
    known = ws.tables().read("identities", "ingest").to_pylist()
    members = {one["person"]: one["value"] for one in known if one["kind"] == "member"}
    drawn = [
        person for (person,) in rows(ws, "SELECT person FROM draws WHERE treatment <> 'none' ORDER BY person")
    ]
    new = {members[person]: value for person, value in zip(drawn, values, strict=False)}
    path = ws.folder / "sources" / "residents.csv"
    with path.open(newline="", encoding="utf-8") as file:
        residents = list(csv.DictReader(file))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, residents[0].keys())
        writer.writeheader()
        writer.writerows(one | {column: new.get(one["member"], one[column])} for one in residents)
    ws.ingest()
    return drawn[: len(values)]


def written(ws: Workspace, send: int) -> str:
    """The text of the mail of a send."""
    mail = message_from_bytes(mails(ws.folder)[tokens.token_of(ws.key, send)], policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return f"{mail['Subject']}\n{body.get_content()}"


def to_koeln(ws: Workspace) -> int:
    """How many mails went to the one mailbox."""
    return sum(
        b"To: u0@xn--kln-sna.example" in mail.replace(b"U0", b"u0") for mail in mails(ws.folder).values()
    )


# One mailbox.


def test_a_mailbox_of_two_people_gets_the_campaign_once(ws: Workspace):
    register(ws, "email", KOELN, PUNY, "u0@ko\u0308ln.example")
    done = ws.send()
    assert done.left == {HAD: 2}
    assert done.progress.states == {"accepted": planned(ws) - 2, "failed": 2}
    assert to_koeln(ws) == 1
    assert ws.send().left == {}


def test_an_opt_out_in_one_spelling_stops_what_is_planned_to_the_other(ws: Workspace):
    register(ws, "email", KOELN, PUNY)
    ws.pause()
    ws.send()
    ws.pause(paused=False)
    assert sends.suppress(ws.ledger, 1, sends.Why.OPTED_OUT, NOW)
    assert ws.send().left == {"opted out or suppressed": 1}
    assert to_koeln(ws) == 0


# Names.


def test_an_odd_name_harms_nobody_else(ws: Workspace):
    odd = ["x" * 1_001, "https://evil.example/pay", "Ada\u202e\nPay 100 here", "www.evil.example"]
    register(ws, "first_name", *odd)
    done = ws.send()
    assert done.fates == {"accepted": planned(ws) - 1, "unwritten": 1}
    (note,) = done.notes
    assert "first_name of more than 1,000 characters, for 1 of" in note
    assert "data" in note
    said = {send: written(ws, send) for send in (2, 3, 4)}
    assert "evil" not in said[2] + said[4]
    assert "\u202e" not in said[3]
    assert "Ada Pay 100 here" in said[3]


# Numbers.


def test_who_was_written_to_and_has_no_address_any_more_is_not_left(ws: Workspace):
    ws.send()
    register(ws, "email", *[""] * 9)
    done = ws.send()
    assert done.left == {}
    assert done.notes == (
        f"Nothing was sent: nothing is left to send, all {planned(ws)} sends are concluded.",
    )


def test_a_paused_campaign_says_that_nothing_was_sent(ws: Workspace):
    ws.pause()
    assert ws.send().notes == (f"Nothing was sent: {planned(ws)} of {planned(ws)} sends still wait.",)


def test_a_plan_that_writes_to_nobody_is_not_approved(ws: Workspace):
    with ws.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE draws SET treatment = 'none'")
    with pytest.raises(CampaignError, match="its plan writes to nobody"):
        ws.approve("Ada", "read it")
    assert ws.send().notes == ("Nothing was sent: nobody was drawn for a treatment and can be reached.",)


@pytest.mark.parametrize("said", [("", "x"), ("Ada", " \n")])
def test_a_blank_approval_is_refused(ws: Workspace, said: tuple[str, str], suasion_cli: Command):
    ended = suasion_cli("approve", "--by", said[0], "--why", said[1], "-w", ws.folder)
    assert (ended.code, "blank" in ended.err) == (2, True)


def test_the_log_names_who_approved_last(ws: Workspace):
    ws.approve("Grace", "read it again")
    ws.send()
    (entry,) = [row.content for row in ws.log() if row.kind == "campaign"]
    assert entry["approval"]["by"] == "Grace"


# Damage.

LOST = [
    "DELETE FROM draws WHERE person = (SELECT max(person) FROM draws)",
    "UPDATE draws SET treatment = 'no such'",
]


@pytest.mark.parametrize("act", LOST)
def test_draws_that_are_lost_are_damage(ws: Workspace, act: str):
    with ws.ledger.writing() as connection:
        connection.exec_driver_sql(act)
    for step in (ws.send, ws.report, lambda: ws.approve("Ada", "read it")):
        with pytest.raises(DamageError, match="the ledger has another draw, or none, of"):
            step()


@pytest.mark.parametrize("content", [None, b""])
@pytest.mark.parametrize("kept", ["lake", "outbox"])
def test_a_ledger_that_is_gone_is_not_begun_anew(ws: Workspace, content: bytes | None, kept: str):
    ws.send()
    for path in ws.folder.glob("ledger.db*"):
        path.unlink()
    if content is not None:
        (ws.folder / "ledger.db").write_bytes(content)
    (ws.folder / ("lake" if kept == "outbox" else "outbox")).rename(ws.folder / "away")
    with pytest.raises(DamageError, match="a new one would forget opt-outs"):
        opened(ws.folder)
    assert (ws.folder / "ledger.db").exists() is (content is not None)
    (ws.folder / kept).rename(ws.folder / "gone")
    assert opened(ws.folder).log() == ()


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b'{"position": 1, "kind": "\xff"}\n', "{}\n".encode("utf-16"), b"\x00" * 99]
)
def test_a_saved_log_that_is_no_text_is_damage(tmp_path: Path, content: bytes, suasion_cli: Command):
    (tmp_path / "log.jsonl").write_bytes(content)
    ended = suasion_cli("verify", "--log", tmp_path / "log.jsonl", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["problems"] == [
        "line 1 of the log: it is no row of a log. Download the log again."
    ]


def test_damage_in_the_ledger_is_told_as_damage(ws: Workspace, suasion_cli: Command):
    ws.send()
    with ws.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE sends SET at = 'abc' WHERE id = 1")
        connection.exec_driver_sql("DROP TRIGGER log_update")
    assert suasion_cli("verify", "-w", ws.folder).code == 1
    with ws.ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE log SET body = x'ff'")
    for words in (("verify",), ("log",)):
        ended = suasion_cli(*words, "-w", ws.folder)
        assert ended.code == 1
        assert "fault" not in ended.err


# The mailbox.


def put(ws: Workspace, folder: str, name: str, send: int, subject: str = "Re: Hello", body: str = "") -> Path:
    """A reply to the mail of a send in a mailbox."""
    token = tokens.token_of(ws.key, send)
    path = ws.folder / "mailbox" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    header = (
        f"From: a@b.example\nSubject: {subject}\nReferences: <{'x' * 32}@c.example> <{token}@town.example>\n"
    )
    path.write_text(f"{header}In-Reply-To: <{'y' * 32}@c.example>\n\n{body}\n", "utf-8")
    return path


def heard(ws: Workspace) -> ReplySummary:
    done = ws.record(ws.folder / "mailbox")
    assert isinstance(done, ReplySummary)
    return done


def test_whatever_is_in_a_mailbox_every_request_is_heard(ws: Workspace):
    ws.send()
    put(ws, "new", "b", 1, "unsubscribe")
    put(ws, "cur", "c:2,RS", 2, body="STOP\n\n> Hello")
    put(ws, "cur", "d:2,S", 3, f"[SPAM] Re: unsubscribe {tokens.token_of(ws.key, 3)}")
    put(ws, "new", "e", 4, body="Hello, I would rather not get these.")
    (ws.folder / "mailbox" / "new" / "a folder").mkdir()
    (ws.folder / "mailbox" / "cur" / "a folder").mkdir()
    (ws.folder / "mailbox" / "new" / "a link").symlink_to("nowhere")
    os.mkfifo(ws.folder / "mailbox" / "new" / "a pipe")
    done = heard(ws)
    assert done == ReplySummary({"unsubscribed": 3}, others=1, unread=4, look_at=("e",))
    assert rows(ws, "SELECT person FROM suppressions") == rows(ws, "SELECT person FROM sends WHERE id <= 3")
    names = {path.name for path in (ws.folder / "mailbox" / "cur").iterdir()}
    assert names == {"a folder", "b,recorded:2,S", "c,recorded:2,RS", "d,recorded:2,S"}
    assert heard(ws) == ReplySummary({}, others=1, unread=4, look_at=("e",))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_mail_that_may_not_be_read_keeps_no_other_from_being_heard(ws: Workspace):
    ws.send()
    put(ws, "new", "a", 1, "stop").chmod(0)
    put(ws, "new", "b", 2, "stop")
    done = heard(ws)
    assert (done.replies, done.unread) == ({"unsubscribed": 1}, 1)


def test_a_mailbox_that_cannot_be_changed_is_heard_all_the_same(ws: Workspace):
    """A file is where `cur` was, so that no mail can be moved."""
    ws.send()
    put(ws, "new", "b", 1, "stop")
    (ws.folder / "mailbox" / "cur").touch()
    for _ in range(2):
        assert heard(ws).replies == {"unsubscribed": 1}
    assert len(rows(ws, "SELECT * FROM suppressions")) == 1


def test_an_answer_to_another_is_not_to_us(ws: Workspace):
    ws.send()
    path = put(ws, "new", "b", 1, "stop")
    path.write_text(path.read_text("utf-8").replace(tokens.token_of(ws.key, 1), "z" * 32), "utf-8")
    assert heard(ws).look_at == ("b",)
    assert rows(ws, "SELECT * FROM suppressions") == []
