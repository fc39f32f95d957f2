"""What is in the outbox is whole, and there once, whenever the sender dies."""

from __future__ import annotations

import mailbox
import os
import random
import resource
import signal
import stat
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from suasion.delivery.carriers import Carrier, Fate, Handed, Mail
from suasion.delivery.carriers.maildir import MaildirCarrier
from suasion.errors import DeliveryError, InputError

LONG = 3_000


def _mail(number: int, content: bytes = b"To: ada@example.org\r\n\r\nHello.\r\n") -> Mail:
    return Mail(number, f"{number:032d}", "ada@example.org", content)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def outbox(tmp_path: Path) -> MaildirCarrier:
    return MaildirCarrier(tmp_path)


def test_an_outbox_is_a_carrier(outbox: MaildirCarrier):
    carrier: Carrier = outbox
    assert carrier.settled is Fate.ACCEPTED


def test_a_staged_mail_is_seen_by_nobody(outbox: MaildirCarrier, tmp_path: Path):
    mails = [_mail(1), _mail(2)]
    outbox.stage(mails)
    assert list(mailbox.Maildir(tmp_path, create=False)) == []
    assert outbox.staged({mail.token for mail in mails} | {"x" * 32}) == {mail.token for mail in mails}


def test_a_mail_handed_over_is_read_as_it_was_written(outbox: MaildirCarrier, tmp_path: Path):
    mails = [
        _mail(n, f"Subject: {n}\r\n\r\n".encode() + bytes(range(256)) * 100 + b"\r\n") for n in range(20)
    ]
    outbox.stage(mails)
    assert outbox.hand_over(mails) == [Handed(n, Fate.ACCEPTED) for n in range(20)]
    read = mailbox.Maildir(tmp_path, create=False)
    assert sorted(message["Subject"] for message in read) == sorted(map(str, range(20)))
    assert {path.read_bytes() for path in (tmp_path / "new").iterdir()} == {mail.content for mail in mails}
    assert outbox.staged({mail.token for mail in mails}) == set()


def test_only_the_mails_asked_for_are_handed_over(outbox: MaildirCarrier, tmp_path: Path):
    outbox.stage([_mail(1), _mail(2), _mail(3)])
    assert outbox.hand_over([_mail(3), _mail(1)]) == [Handed(3, Fate.ACCEPTED), Handed(1, Fate.ACCEPTED)]
    assert _names(tmp_path / "new") == {_mail(1).token, _mail(3).token}
    assert outbox.staged({_mail(n).token for n in (1, 2, 3)}) == {_mail(2).token}


@pytest.mark.parametrize("reader", ["nobody", "took it", "read it"])
def test_handing_over_twice_is_handing_over_once(outbox: MaildirCarrier, tmp_path: Path, reader: str):
    outbox.stage([_mail(1)])
    outbox.hand_over([_mail(1)])
    name = _mail(1).token
    if reader != "nobody":
        (tmp_path / "new" / name).rename(tmp_path / "cur" / (name + (":2,RS" if reader == "read it" else "")))
    assert outbox.hand_over([_mail(1)]) == [Handed(1, Fate.ACCEPTED)]
    assert len(mailbox.Maildir(tmp_path, create=False)) == 1
    assert outbox.staged({name}) == set()


def test_a_mail_in_the_outbox_is_never_written_over(outbox: MaildirCarrier, tmp_path: Path):
    outbox.stage([_mail(1, b"first")])
    outbox.hand_over([_mail(1)])
    outbox.stage([_mail(1, b"second")])
    assert outbox.staged({_mail(1).token}) == set()
    assert outbox.hand_over([_mail(1)]) == [Handed(1, Fate.ACCEPTED)]
    assert (tmp_path / "new" / _mail(1).token).read_bytes() == b"first"


def test_staging_again_replaces_what_was_staged(outbox: MaildirCarrier, tmp_path: Path):
    outbox.stage([_mail(1, b"first, and longer")])
    outbox.stage([_mail(1, b"second")])
    outbox.hand_over([_mail(1)])
    assert (tmp_path / "new" / _mail(1).token).read_bytes() == b"second"


def test_a_mail_that_is_nowhere_is_not_sent_again_unasked(outbox: MaildirCarrier):
    outbox.stage([_mail(1)])
    assert outbox.hand_over([_mail(1), _mail(2)]) == [
        Handed(1, Fate.ACCEPTED),
        Handed(2, Fate.UNKNOWN, "not staged"),
    ]


def test_nothing_handed_over_is_nothing(outbox: MaildirCarrier):
    outbox.stage([])
    assert outbox.hand_over([]) == []


def test_nobody_else_may_read_the_outbox(tmp_path: Path):
    folder = tmp_path / "a" / "outbox"
    before = os.umask(0)
    try:
        outbox = MaildirCarrier(folder)
        outbox.stage([_mail(1), _mail(2)])
        outbox.hand_over([_mail(1)])
    finally:
        os.umask(before)
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_clearing_keeps_what_is_asked_for_and_what_is_not_ours(outbox: MaildirCarrier, tmp_path: Path):
    outbox.stage([_mail(1), _mail(2)])
    foreign = tmp_path / "tmp" / "1700000000.M20P77.host"
    foreign.touch()
    outbox.clear({_mail(2).token})
    assert _names(tmp_path / "tmp") == {_mail(2).token, foreign.name}


def test_a_link_in_the_staging_folder_is_not_followed(outbox: MaildirCarrier, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "tmp" / _mail(1).token).symlink_to(precious)
    with pytest.raises(DeliveryError):
        outbox.stage([_mail(1)])
    assert precious.read_text() == "mine"


def test_an_outbox_that_cannot_be_made_is_named_as_such(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DeliveryError, match="the outbox"):
        MaildirCarrier(tmp_path / "file" / "outbox")


def test_an_outbox_that_is_gone_takes_nothing(outbox: MaildirCarrier, tmp_path: Path):
    (tmp_path / "tmp").rmdir()
    with pytest.raises(DeliveryError, match="the outbox"):
        outbox.stage([_mail(1)])


def test_a_mail_that_finds_no_room_is_not_taken_for_staged(outbox: MaildirCarrier):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DeliveryError, match="the outbox"):
            outbox.stage([_mail(1, b"x" * 1001)])
        outbox.stage([_mail(2, b"x" * 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "token", ["../../etc/passwd", "a/b" * 8, "", ".", "..", "A" * 15, "A" * 32 + "\n", "a\0" * 16]
)
def test_a_token_that_is_a_path_makes_no_mail(token: str):
    with pytest.raises(InputError, match="send 7"):
        Mail(7, token, "ada@example.org", b"")


def test_a_mail_shows_nothing_of_the_person():
    assert "ada" not in repr(_mail(1))


def test_files_are_synced_one_by_one_where_sync_may_return_early(
    outbox: MaildirCarrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    synced = set[int]()
    fsync = os.fsync
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "fsync", lambda file: (synced.add(os.fstat(file).st_ino), fsync(file)))
    outbox.stage([_mail(1), _mail(2)])
    assert synced == {path.stat().st_ino for path in (tmp_path / "tmp", *(tmp_path / "tmp").iterdir())}


def _send_forever(folder: Path, tell: int) -> None:
    outbox = MaildirCarrier(folder)
    for batch in range(10**9):
        mails = [_mail(n, b"%d " % n * LONG) for n in range(50 * batch, 50 * batch + 50)]
        outbox.stage(mails)
        os.write(tell, b"s")
        outbox.hand_over(mails)
        os.write(tell, b"h")


def _killed(folder: Path, after: float) -> Counter[str]:
    """Run a sender, kill it, and tell how many batches it had staged (s) and handed over (h)."""
    hear, tell = os.pipe()
    sender = os.fork()
    if sender == 0:
        try:
            _send_forever(folder, tell)
        finally:
            os._exit(1)
    os.close(tell)
    time.sleep(after)
    os.kill(sender, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(sender, 0)[1]) == -signal.SIGKILL
    with open(hear) as said:
        return Counter(said.read())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("seed", range(12))
def test_a_sender_killed_at_any_moment_leaves_whole_mails_and_forgets_none(tmp_path: Path, seed: int):
    outbox = MaildirCarrier(tmp_path)
    done = _killed(tmp_path, random.Random(seed).uniform(0, 0.2))
    new = {path.name: path for path in (tmp_path / "new").iterdir()}
    assert all(path.read_bytes() == b"%d " % int(name) * LONG for name, path in new.items())
    assert {f"{n:032d}" for n in range(50 * done["h"])} <= new.keys()

    marked = [_mail(n) for n in range(50 * done["s"])]
    tokens = {mail.token for mail in marked}
    left = outbox.staged(tokens)
    assert left | (new.keys() & tokens) == tokens
    assert not left & new.keys()
    outbox.clear(left)
    assert _names(tmp_path / "tmp") == left

    again = [mail for mail in marked if mail.token in left]
    assert outbox.hand_over(again) == [Handed(mail.send, Fate.ACCEPTED) for mail in again]
    assert _names(tmp_path / "new") == tokens | new.keys()
    assert all((tmp_path / "new" / name).stat().st_size == len(b"%d " % int(name) * LONG) for name in left)
