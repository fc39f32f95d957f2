"""The mail that a workspace put into its outbox, read as a stranger's mail server would read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path

from suasion.town.rows import DOMAIN
from suasion.town.truth import ARMS

SEEN = ":2,S"
_RESIDENT = re.compile(rf"[^@]+\.([0-9]{{1,8}})@{re.escape(DOMAIN)}")
_LINK = re.compile(r"<\s*(https?:[^>]+)>", re.IGNORECASE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Mail:
    """One mail to a resident.

    Parameters
    ----------
    path : Path
    number : int
        Of the resident.
    arm : int
        Index into the arms.
    recipient : str
        The resident's address.
    author : str
        The field ``From``.
    link : str or None
        Where one press unsubscribes (RFC 8058), if the mail offers that.
    head, whole : bytes
        The mail's header, and all of it, with bare line feeds.
    """

    path: Path
    number: int
    arm: int
    recipient: str
    author: str
    link: str | None
    head: bytes
    whole: bytes

    @property
    def sender(self) -> str:
        """The address that reports go to."""
        return parseaddr(self.author)[1]


def mail_in(folder: Path, people: int) -> Iterator[Mail | None]:
    """Each mail in a folder of a Maildir, by name; None for one that is not for a resident.

    Parameters
    ----------
    folder : Path
        May be absent.
    people : int
        How many residents there are.
    """
    names = sorted(path.name for path in folder.iterdir() if _is_mail(path)) if folder.is_dir() else []
    return (read_mail(folder / name, people) for name in names)


def read_mail(path: Path, people: int) -> Mail | None:
    """Read one mail; None if its ``To`` or ``Feedback-ID`` is not that of a campaign to a resident."""
    whole = path.read_bytes().replace(b"\r\n", b"\n")
    head = _END_OF_HEAD.split(whole, maxsplit=1)[0] + b"\n"
    header = BytesHeaderParser().parsebytes(head)
    recipient = parseaddr(_line(header, "To"))[1]
    resident, arm = _RESIDENT.fullmatch(recipient), _arm(_line(header, "Feedback-ID"))
    if resident is None or arm is None or int(resident[1]) >= people:
        return None
    return Mail(path, int(resident[1]), arm, recipient, _line(header, "From"), _link(header), head, whole)


def mark_seen(mail: Mail) -> None:
    """Move a mail to where a Maildir keeps what was read."""
    target = mail.path.parents[1] / "cur"
    target.mkdir(exist_ok=True)
    mail.path.rename(target / f"{mail.path.name.partition(':')[0]}{SEEN}")


def _is_mail(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _line(header: Message, name: str) -> str:
    """A header field on one line (RFC 5322, 2.2.3), empty if absent."""
    return re.sub(r"\r?\n(?=[ \t])", "", str(header.get(name, ""))).strip()


def _arm(feedback_id: str) -> int | None:
    parts = feedback_id.split(":")
    is_ours = len(parts) == 4 and parts[2:] == ["email", "suasion"] and parts[1] in ARMS[1:]
    return ARMS.index(parts[1]) if is_ours else None


def _link(header: Message) -> str | None:
    """The first web address of List-Unsubscribe, where List-Unsubscribe-Post says that one press is enough.

    White space inside the brackets counts for nothing (RFC 2369, 2).
    """
    if _line(header, "List-Unsubscribe-Post") != "List-Unsubscribe=One-Click":
        return None
    found = _LINK.search(_line(header, "List-Unsubscribe"))
    return "".join(found[1].split()) if found else None
