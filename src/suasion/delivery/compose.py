"""Write mail: a skeleton for a variant of a campaign, filled in for each person."""

from __future__ import annotations

import re
import textwrap
from binascii import b2a_base64
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, quote
from urllib.parse import quote as percent

from suasion.delivery.address import TOKEN, UNWRITABLE, Sender, ascii_address
from suasion.errors import InputError, WorkspaceError

_TOKEN = re.compile(TOKEN)
_URL = re.compile(r"""https?://(?:(?![<>",])[!-~]){1,500}""")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_WIDTH = 64  # of the text of a header, so that with its name a line stays within 76 characters
_CHUNK = 39  # octets of an encoded word, which makes it 64 characters
_LINE = 76  # base64 characters in a line of a body: RFC 2045, section 6.8


@dataclass(frozen=True)
class Letter:
    """What one person is told.

    Parameters
    ----------
    subject, text : str
    html : str, optional
        The same in HTML.
    """

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True)
class Skeleton:
    """What all mails of one variant of a campaign share; made by `skeleton`."""

    sender: str
    domain: str
    feedback: str
    opt_out: str
    mailto: str

    def fill(self, token: str, to: str, letter: Letter, date: datetime) -> bytes:
        """Write the mail for one person. The same arguments give the same bytes.

        Parameters
        ----------
        token : str
            Names the send: in the links, in the Message-ID and in the boundary.
        to : str
            Address of the person.
        letter : Letter
        date : datetime
            With a time zone.

        Returns
        -------
        bytes
            Lines of at most 998 octets, ended by CRLF; all octets ASCII.

        Raises
        ------
        InputError
            The token is not safe in URLs, the address is none that mail can go to, or a text holds what no
            mail can carry, such as a line break in the subject.

        Examples
        --------
        >>> from datetime import UTC
        >>> from suasion.delivery.address import check_sender
        >>> variant = skeleton(check_sender("Town <t@town.example>"), "https://town.example", "flu", "call")
        >>> mail = variant.fill("A" * 32, "ada@example.org", Letter("Hi", "Hello."), datetime.now(UTC))
        >>> mail.splitlines()[:3]
        [b'From: Town <t@town.example>', b'To: ada@example.org', b'Subject: Hi']
        """
        address = ascii_address(to)
        if address is None:
            raise _unwritable("an address that no mail can go to")
        if not _TOKEN.fullmatch(token):
            raise _unwritable("a token that is not safe in URLs")
        if UNWRITABLE.search(letter.subject):
            raise _unwritable("a line break or control character in the subject")
        head = (
            f"From: {self.sender}\r\nTo: {address}\r\nSubject: {_subject(letter.subject)}\r\n"
            f"Date: {format_datetime(date)}\r\nMessage-ID: <{token}@{self.domain}>\r\nMIME-Version: 1.0\r\n"
            f"Feedback-ID: {self.feedback}\r\n"
            f"List-Unsubscribe: <{self.opt_out}{token}>,\r\n <{self.mailto}{token}>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        )
        return (head + _body(token, letter)).encode("ascii")


def skeleton(sender: Sender, public_url: str, campaign: str, treatment: str) -> Skeleton:
    """Build what all mails of one variant share.

    Parameters
    ----------
    sender : Sender
    public_url : str
        Where recipients reach us; links hang below it.
    campaign, treatment : str
        Names, for the sums by which mailbox providers report complaints.

    Returns
    -------
    Skeleton

    Raises
    ------
    WorkspaceError
        `public_url` is not a URL that fits in a mail.
    """
    if not _URL.fullmatch(public_url):
        raise WorkspaceError(
            "public_url", "not a URL that fits in a mail", "Write one like https://town.example."
        )
    names = ":".join(percent(name, safe="")[:100] for name in (campaign, treatment))
    return Skeleton(
        sender=_sender(sender),
        domain=sender.domain,
        feedback=f"{names}:email:suasion",
        opt_out=f"{public_url.rstrip('/')}/o/",
        mailto=f"mailto:{percent(sender.address, safe='@')}?subject=unsubscribe%20",
    )


# The headers are written here, not by `email`: it wraps a long List-Unsubscribe into encoded words, which
# mailbox providers do not read, and loses quotes of names. The tests read them back with `email`.


def _subject(text: str) -> str:
    """Plain where it is short or folds at single spaces; else in encoded words (RFC 2047)."""
    if not text.isascii() or "=?" in text or text != text.strip():
        return _encoded(text)
    if len(text) <= _WIDTH:
        return text
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    folds = " ".join(lines) == text and max(map(len, lines)) <= _WIDTH
    return "\r\n ".join(lines) if folds else _encoded(text)


def _sender(sender: Sender) -> str:
    name, address = sender.name, f"<{sender.address}>"
    if not name.isascii() or len(name) > _WIDTH or "=?" in name or name != name.strip():
        return f"{_encoded(name)}\r\n {address}"
    shown = name if _ATOMS.fullmatch(name) else f'"{quote(name)}"'
    return f"{shown} {address}" if len(shown) + len(address) <= _WIDTH else f"{shown}\r\n {address}"


def _encoded(text: str) -> str:
    """Encoded words, a line each, cut between characters."""
    octets, words, start = text.encode(), list[str](), 0
    while start < len(octets):
        end = start + _CHUNK
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # the second or later octet of a character
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(octets[start:end], newline=False).decode()}?=")
        start = end
    return "\r\n ".join(words)


def _body(token: str, letter: Letter) -> str:
    if letter.html is None:
        return _part("plain", letter.text)
    boundary = f"=_{token}"  # base64 has no hyphen, so no line of a part is a delimiter
    return (
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n{_part('plain', letter.text)}"
        f"--{boundary}\r\n{_part('html', letter.html)}"
        f"--{boundary}--\r\n"
    )


def _part(subtype: str, text: str) -> str:
    try:
        octets = b"\r\n".join(text.encode().splitlines()) + b"\r\n"
    except UnicodeEncodeError:
        raise _unwritable("half of a character in the text") from None
    base64 = b2a_base64(octets, newline=False).decode()
    lines = "\r\n".join([base64[at : at + _LINE] for at in range(0, len(base64), _LINE)])
    kind = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return f"{kind}{lines}\r\n"


def _unwritable(found: str) -> InputError:
    return InputError("a mail", found, "Mend the person's data or the message.")
