"""What comes back is a function of what was sent, to whom, and of nothing else."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, EmailPolicy, default
from pathlib import Path

import numpy as np
import pytest

from suasion.errors import WorkspaceError
from suasion.town import Answers, Effects, Town, answer, chances, create
from suasion.town.chance import uniforms
from suasion.town.residents import unreachable

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
LINK = "https://town.example/o/{}"
Rows = list[dict[str, str]]
Read = Callable[[Path], Rows]


class Presses(list[str]):
    """Acknowledges and remembers."""

    def __call__(self, link: str) -> bool:
        self.append(link)
        return True


def content(register: Rows, number: int, treatment: str = "reminder") -> bytes:
    to = register[number]["email"]
    return (
        f"From: Town Health Office <health@town.example>\nTo: {to}\nSubject: Check-up\n"
        f"Message-ID: <token{number}@town.example>\nFeedback-ID: checkup:{treatment}:email:suasion\n"
        f"List-Unsubscribe: <{LINK.format(number)}>, <mailto:health@town.example?subject=u%20{number}>\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nIt is time.\n"
    ).encode()


def post(folder: Path, mails: dict[str, bytes]) -> None:
    new = folder / "outbox" / "new"
    new.mkdir(parents=True, exist_ok=True)
    for name, mail in mails.items():
        (new / name).write_bytes(mail)


def send(folder: Path, register: Rows, numbers: Iterable[int], treatment: str = "reminder") -> None:
    post(folder, {f"{treatment}.{n}": content(register, n, treatment) for n in numbers})


def came(folder: Path) -> np.ndarray:
    with (folder / "answers" / "register.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["member"] for row in found] == [f"R{n:07}" for n in range(len(found))]
    assert {row["came"] for row in found} <= {"0", "1"}
    return np.array([int(row["came"]) for row in found])


def reports(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "answers" / "mail" / "new").iterdir())


@pytest.fixture
def folder(tmp_path: Path, town: Town) -> Path:
    """A workspace as far as the town looks at it."""
    (tmp_path / "town.toml").write_text(
        f'people = {town.people}\nseed = {town.seed}\neffects = "{town.effects}"\n'
    )
    return tmp_path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, town: Town, register: Rows) -> tuple[Path, Presses]:
    """A town in which 3,000 residents got an invitation, answered."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "town.toml").write_text(
        f'people = {town.people}\nseed = {town.seed}\neffects = "{town.effects}"\n'
    )
    send(folder, register, range(3000, 6000), "invitation")
    presses = Presses()
    done = answer(folder, presses, AT, seed=1)
    assert done.mails == 3000
    assert done.foreign == 0
    assert (done.bounced, done.complained, done.unsubscribed) == (
        sum(name.startswith("bounce.") for name in reports(folder)),
        sum(name.startswith("complaint.") for name in reports(folder)),
        len(presses),
    )
    assert done.came == came(folder).sum()
    return folder, presses


def test_an_empty_outbox_is_answered_by_those_who_come_anyway(folder: Path, town: Town):
    done = answer(folder, Presses(), AT, seed=1)
    assert done == Answers(mails=0, came=done.came, unsubscribed=0, bounced=0, complained=0, foreign=0)
    alone = chances(town, np.arange(town.people))[:, 0]
    spread = np.sqrt((alone * (1 - alone)).sum())
    assert abs(came(folder).sum() - alone.sum()) < 4.5 * spread
    assert reports(folder) == []


def test_a_folder_without_a_town_does_not_answer(tmp_path: Path):
    with pytest.raises(WorkspaceError, match=r"town\.toml"):
        answer(tmp_path, Presses(), AT, seed=1)
    assert not (tmp_path / "answers").exists()


def test_mail_that_was_answered_is_seen(written: tuple[Path, Presses]):
    folder, _ = written
    assert not list((folder / "outbox" / "new").iterdir())
    names = {path.name for path in (folder / "outbox" / "cur").iterdir()}
    assert names == {f"invitation.{n}:2,S" for n in range(3000, 6000)}


def test_who_gets_no_mail_answers_as_if_there_were_none(
    folder: Path, town: Town, written: tuple[Path, Presses]
):
    answer(folder, Presses(), AT, seed=1)
    differ = np.flatnonzero(came(folder) != came(written[0]))
    assert len(differ) > 20
    assert ((differ >= 3000) & (differ < 6000)).all()
    known = chances(town, differ)
    assert (known[:, 2] != known[:, 0]).all()


def test_mail_changes_as_many_as_is_true(folder: Path, town: Town, register: Rows):
    """Redrawn four times; those who got a reminder come by that column, all others by the first."""
    got = np.arange(0, 2000)
    send(folder, register, got)
    arm = np.zeros(town.people, int)
    arm[got] = 1
    known = chances(town, np.arange(town.people))
    true = known[np.arange(town.people), arm]
    draws = []
    for seed in range(4):
        answer(folder, Presses(), AT, seed)
        draws.append(came(folder))
    assert len({draw.tobytes() for draw in draws}) == 4
    for some in (got, np.arange(2000, town.people), got[known[got, 1] > known[got, 0] + 0.1]):
        off = sum((draw - true)[some].sum() for draw in draws)
        assert abs(off) < 4.5 * np.sqrt(4 * (true * (1 - true))[some].sum())


def test_only_who_got_mail_bounces_complains_or_presses(written: tuple[Path, Presses], town: Town):
    folder, presses = written
    got = np.arange(3000, 6000)
    dead = set(got[unreachable(town.seed, got)])
    by = {
        kind: {int(name.split(".")[-1]) for name in reports(folder) if name.startswith(kind)}
        for kind in ("bounce", "complaint")
    }
    pressed = {int(link.rsplit("/", 1)[1]) for link in presses}
    assert by["bounce"] == dead
    assert (by["complaint"] | pressed) <= set(got) - dead
    assert not by["complaint"] & pressed
    assert 1 <= len(by["complaint"]) <= 18  # about 0.2 %
    assert 15 <= len(pressed) <= 80  # about 1.5 %
    assert presses == [LINK.format(n) for n in sorted(pressed)]


def test_earlier_answers_stay_when_more_mail_comes(folder: Path, register: Rows):
    send(folder, register, range(500))
    answer(folder, Presses(), AT, seed=3)
    before, bounced = came(folder), reports(folder)
    again = Presses()
    assert answer(folder, again, AT, seed=3).mails == 0
    assert (came(folder) == before).all()
    assert (reports(folder), again) == (bounced, [])
    send(folder, register, range(500, 1000), "invitation")
    assert answer(folder, Presses(), AT, seed=3).mails == 500
    after = came(folder)
    assert (after[:500] == before[:500]).all()
    assert (after[1000:] == before[1000:]).all()
    assert (after[500:1000] != before[500:1000]).any()
    assert set(bounced) < set(reports(folder))


def test_all_mail_at_once_or_bit_by_bit_is_the_same(tmp_path: Path, register: Rows):
    for way in ("once", "bits"):
        create(tmp_path / way, Town(200, 5, Effects.VARIED))
    send(tmp_path / "once", register, range(200))
    send(tmp_path / "once", register, range(0, 200, 3), "invitation")
    answer(tmp_path / "once", Presses(), AT, seed=1)
    send(tmp_path / "bits", register, range(0, 200, 3), "invitation")
    for start in range(0, 200, 50):
        send(tmp_path / "bits", register, range(start, start + 50))
        answer(tmp_path / "bits", Presses(), AT, seed=1)
    assert (came(tmp_path / "once") == came(tmp_path / "bits")).all()
    assert reports(tmp_path / "once") == reports(tmp_path / "bits")


def test_foreign_mail_stays_and_is_counted(folder: Path, register: Rows):
    good = content(register, 7)
    to = register[7]["email"].encode()
    foreign = {
        "elsewhere": good.replace(b"@town.example", b"@example.org"),
        "below": good.replace(to, b"a.b.7@sub.town.example"),
        "nobody": good.replace(to, b"a.b.20000@town.example"),
        "digits": good.replace(to, "a.b.١٢@town.example".encode()),
        "no number": good.replace(to, b"health@town.example"),
        "control": good.replace(b"checkup:reminder", b"checkup:none"),
        "treatment": good.replace(b"checkup:reminder", b"checkup:hypnosis"),
        "sender": good.replace(b":email:suasion", b":email:mailer"),
        "channel": good.replace(b":email:suasion", b":sms:suasion"),
        "no feedback id": good.replace(b"Feedback-ID", b"X-Other"),
        "text": b"Hello.\n",
        "empty": b"",
        "noise": bytes(range(256)) * 40,
    }
    post(folder, foreign)
    post(folder, {".half-written": good})
    (folder / "outbox" / "new" / "a folder").mkdir()
    done = answer(folder, Presses(), AT, seed=1)
    assert (done.mails, done.foreign) == (0, len(foreign))
    assert done == answer(folder, Presses(), AT, seed=1)
    assert {path.name for path in (folder / "outbox" / "new").iterdir()} == {
        *foreign,
        ".half-written",
        "a folder",
    }


def test_a_mail_may_be_folded_and_end_its_lines_as_on_the_wire(folder: Path, town: Town, register: Rows):
    presser = _pressers(town)[0]
    mail = content(register, presser)
    for short, folded in (
        (b"Feedback-ID: ", b"Feedback-ID:\n "),
        (b"List-Unsubscribe: <https://town", b"List-Unsubscribe:\n <https://\n\ttown"),
        (b"To: ", b'To: "O\'Neill, Zo=?utf-8?q?=C3=AB?="\n <'),
        (b"@town.example\nSubject", b"@town.example>\nSubject"),
    ):
        assert mail.count(short) == 1
        mail = mail.replace(short, folded)
    post(folder, {"one": mail.replace(b"\n", b"\r\n")})
    presses = Presses()
    assert answer(folder, presses, AT, seed=1).unsubscribed == 1
    assert presses == [LINK.format(presser)]


@pytest.mark.parametrize("policy", [SMTP, SMTPUTF8, default], ids=["smtp", "smtputf8", "default"])
def test_mail_of_the_standard_library_is_understood(
    folder: Path, town: Town, register: Rows, policy: EmailPolicy
):
    presser = _pressers(town)[0]
    mail = EmailMessage(policy)
    mail["From"] = Address("Büro für Gesundheit", "health", "town.example")
    mail["To"] = Address('Ñuño O\'Neill, "Zoë"', addr_spec=register[presser]["email"])
    mail["Feedback-ID"] = "checkup:invitation:email:suasion"
    mail["List-Unsubscribe"] = f"<{LINK.format(presser)}>, <mailto:health@town.example?subject=u>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content("Schön, dass Sie kommen.\n")
    post(folder, {"one": mail.as_bytes()})
    presses = Presses()
    assert answer(folder, presses, AT, seed=1).mails == 1
    assert presses == [LINK.format(presser)]


def test_a_press_counts_only_where_it_is_acknowledged(folder: Path, town: Town, register: Rows):
    presser = _pressers(town)[0]
    send(folder, register, [presser])
    done = answer(folder, lambda link: False, AT, seed=1)
    assert (done.mails, done.unsubscribed) == (1, 0)


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        (rb"List-Unsubscribe-Post: .*\n", b""),
        (rb"List-Unsubscribe: .*\n", b"List-Unsubscribe: <mailto:health@town.example>\n"),
        (rb"List-Unsubscribe: .*\n", b""),
    ],
)
def test_nobody_presses_what_is_not_offered(
    folder: Path, town: Town, register: Rows, field: bytes, instead: bytes
):
    presser = _pressers(town)[0]
    mail, changed = re.subn(field, instead, content(register, presser))
    assert changed == 1
    post(folder, {"one": mail})
    presses = Presses()
    assert answer(folder, presses, AT, seed=1).unsubscribed == 0
    assert presses == []


def test_a_broken_line_loses_and_repeats_no_answer(folder: Path, town: Town, register: Rows):
    """The server is away at the first press; the next call goes on where this one stopped."""

    def away(link: str) -> bool:
        raise ConnectionError

    first, *_ = _pressers(town)
    send(folder, register, range(first + 30))
    with pytest.raises(ConnectionError):
        answer(folder, away, AT, seed=1)
    assert not (folder / "answers" / "register.csv").exists()
    presses = Presses()
    answer(folder, presses, AT, seed=1)
    assert LINK.format(first) in presses
    assert len(os.listdir(folder / "outbox" / "cur")) == first + 30
    got = np.arange(first + 30)
    dead = got[unreachable(town.seed, got)]
    assert [name for name in reports(folder) if name.startswith("bounce")] == sorted(
        f"bounce.reminder.{n}" for n in dead
    )


def _pressers(town: Town) -> list[int]:
    """Residents who press unsubscribe, at seed 1, once they get mail; found by the rule as documented."""
    numbers = np.arange(2000)
    mood = uniforms(town.seed, "mood 1", numbers)
    return numbers[(mood >= 0.002) & (mood < 0.017) & ~unreachable(town.seed, numbers)].tolist()
