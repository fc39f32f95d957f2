"""Carry mail to an outbox: a Maildir, which another program takes it from."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator, Sequence, Set
from contextlib import contextmanager
from pathlib import Path

from suasion.delivery.address import TOKEN
from suasion.delivery.carriers import Fate, Handed, Mail
from suasion.errors import DeliveryError

_OURS = re.compile(TOKEN)  # other programs that write to a Maildir put dots into their file names


class MaildirCarrier:
    """Stages in ``tmp`` and hands over by renaming to ``new``, at once and whole.

    Files are named by their tokens. What is in ``tmp`` was not handed over; after a crash, what is not
    there any more was. Implements `Carrier`.

    Parameters
    ----------
    folder : Path
        The outbox; made where it is not there.

    Raises
    ------
    DeliveryError
        The folder cannot be made.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> mail = Mail(7, "A" * 32, "ada@example.org", b"To: ada@example.org\\r\\n\\r\\nHello.\\r\\n")
    >>> with TemporaryDirectory() as folder:
    ...     outbox = MaildirCarrier(Path(folder))
    ...     outbox.stage([mail])
    ...     handed = outbox.hand_over([mail])
    >>> handed
    [Handed(send=7, fate=<Fate.ACCEPTED: 'accepted'>, reason='')]
    """

    batch: int = 500  # an opt-out waits while one is handed over
    settled: Fate = Fate.ACCEPTED

    def __init__(self, folder: Path) -> None:
        self._tmp, self._new, self._cur = (folder / name for name in ("tmp", "new", "cur"))
        with _outbox():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for part in (self._tmp, self._new, self._cur):
                part.mkdir(mode=0o700, exist_ok=True)
            _sync(folder)

    def stage(self, mails: Sequence[Mail]) -> None:
        """Write mails to ``tmp`` and make them durable; see `Carrier.stage`."""
        paths = [self._tmp / mail.token for mail in mails]
        with _outbox():
            for path, mail in zip(paths, mails, strict=True):
                how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
                with os.fdopen(os.open(path, how, 0o600), "wb") as file:
                    file.write(mail.content)
            _sync_all([*paths, self._tmp])

    def hand_over(self, mails: Sequence[Mail]) -> list[Handed]:
        """Rename mails to ``new``, unless they are there already; see `Carrier.hand_over`."""
        with _outbox():
            missing = {mail.token for mail in mails if not self._move(mail.token)}
            lost = missing - _tokens(self._cur) if missing else missing
            _sync(self._new)
            _sync(self._tmp)
        # Whoever reads the outbox may have taken it out already: not to be sent again unasked.
        return [
            Handed(mail.send, Fate.UNKNOWN, "not staged")
            if mail.token in lost
            else Handed(mail.send, Fate.ACCEPTED)
            for mail in mails
        ]

    def _move(self, token: str) -> bool:
        """Whether the mail is in ``new`` now. Renaming alone would write over what is there."""
        source, target = f"{self._tmp}/{token}", f"{self._new}/{token}"
        if os.path.lexists(target):
            return True
        try:
            os.rename(source, target)
        except FileNotFoundError:
            return False
        return True

    def staged(self, tokens: Set[str]) -> set[str]:
        """Which are in ``tmp``, and neither in ``new`` nor read; see `Carrier.staged`."""
        with _outbox():
            return (_tokens(self._tmp) & tokens) - _tokens(self._new) - _tokens(self._cur)

    def clear(self, keep: Set[str]) -> None:
        """Remove files of ours from ``tmp``, but for these; see `Carrier.clear`."""
        with _outbox():
            for name in set(os.listdir(self._tmp)) - keep:
                if _OURS.fullmatch(name):
                    (self._tmp / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held open."""


def _tokens(folder: Path) -> set[str]:
    """Names of files, without the marks that mail programs append (``:2,S``: seen)."""
    return {name.partition(":")[0] for name in os.listdir(folder)}


def _sync_all(paths: Sequence[Path]) -> None:
    """Make files durable.

    Linux promises that sync(2) returns when all is written: one commit for the batch, 10 ms for 1,000 files
    where fsync takes 190 µs each. POSIX lets it return before, so elsewhere each file is synced.
    """
    if sys.platform == "linux":
        os.sync()
        return
    for path in paths:
        _sync(path)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _outbox() -> Generator[None]:
    """Say in our words what the file system does not let us do."""
    try:
        yield
    except OSError as error:
        todo = "Give the outbox a folder that can be written, with room."
        raise DeliveryError("the outbox", error.strerror or type(error).__name__, todo) from None
