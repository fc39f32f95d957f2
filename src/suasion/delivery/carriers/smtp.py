"""Carry mail to a server by SMTP, over one connection."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence, Set
from contextlib import suppress
from time import monotonic

from suasion.delivery.address import ascii_address
from suasion.delivery.carriers import Fate, Handed, Mail
from suasion.errors import DeliveryError

_URL = re.compile(
    r"(?P<scheme>smtps?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?"
)
_PORTS = {"smtp": 587, "smtps": 465}
_BAD_ADDRESS = "5.1.3"  # RFC 3463: bad destination mailbox address syntax
_CLOSING = 421  # RFC 5321, section 3.8: the server is about to close the connection
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_FATES = {2: Fate.ACCEPTED, 4: Fate.AGAIN, 5: Fate.FAILED}
_ENDS = re.compile(rb"\r\n?|\n")
_DOTS = re.compile(rb"^\.", re.MULTILINE)

Reply = tuple[int, bytes]
"""A code, and what is said with it."""


class SmtpCarrier:
    """Hands mails to a submission server. Implements `Carrier`.

    Nothing can be staged at a server, so `stage` makes sure that there is one, and that it takes mail from
    our sender: what is wrong with the server or with us shows there, before any mail is under way.

    Parameters
    ----------
    url : str
        ``smtp://HOST:PORT`` (encrypted where the server offers it) or ``smtps://HOST:PORT``; certificates are
        verified. Without a port it is 587, or 465.
    sender : str
        Address that mail is sent from, and that bounces go to.
    user, password : str, optional
        For a login, which is sent over an encrypted connection only.
    patience : float
        Seconds to wait for each answer of the server, and after which `hand_over` begins no mail any more.

    Raises
    ------
    DeliveryError
        Not such a URL.

    Examples
    --------
    >>> SmtpCarrier("smtp://mail.town.example:587", "health@town.example").batch
    20
    """

    batch: int = 20
    settled: Fate = Fate.UNKNOWN

    def __init__(
        self, url: str, sender: str, user: str = "", password: str = "", *, patience: float = 30.0
    ) -> None:
        self._scheme, self._host, self._port = _parsed(url)
        self._sender = sender
        self._user, self._password = user, password
        self._patience = patience
        self._server: smtplib.SMTP | None = None

    def stage(self, mails: Sequence[Mail]) -> None:
        """Make sure of a server that takes mail from our sender; see `Carrier.stage`."""
        if self._server:
            with suppress(OSError):
                self._probe(self._server)
                return
        self._drop()
        self._connect()

    def hand_over(self, mails: Sequence[Mail]) -> list[Handed]:
        """Send mails one by one; see `Carrier.hand_over`. A lost connection is made anew once."""
        ends = monotonic() + self._patience
        reconnects = 1
        handed: list[Handed] = []
        for mail in mails:
            late = monotonic() > ends
            if not self._server and not late and reconnects:
                reconnects -= 1
                with suppress(DeliveryError):
                    self._connect()
            if late or not self._server:
                handed.append(Handed(mail.send, Fate.AGAIN, "no time left" if late else "no connection"))
            else:
                handed.append(Handed(mail.send, *self._send(self._server, mail)))
        return handed

    def staged(self, tokens: Set[str]) -> set[str]:
        """None, for nothing waits at a server; see `Carrier.staged`."""
        return set()

    def clear(self, keep: Set[str]) -> None:
        """Nothing is staged; see `Carrier.clear`."""

    def close(self) -> None:
        """Take leave of the server."""
        if self._server:
            with suppress(OSError):
                self._server.quit()
        self._drop()

    def _send(self, server: smtplib.SMTP, mail: Mail) -> tuple[Fate, str]:
        """One mail transaction (RFC 5321, section 3.3): its fate, and the reason."""
        to = ascii_address(mail.to)
        if to is None:
            return Fate.FAILED, _BAD_ADDRESS
        begun = False
        try:
            # That our sender is refused is not the person's fault; `stage` will tell.
            for command, good, refused in (
                (f"MAIL FROM:<{self._sender}>", 2, Fate.AGAIN),
                (f"RCPT TO:<{to}>", 2, Fate.FAILED),
                ("DATA", 3, Fate.FAILED),
            ):
                reply = server.docmd(command)
                if reply[0] // 100 != good:
                    self._reset(server, reply)
                    return refused if reply[0] // 100 == 5 else Fate.AGAIN, _status(reply)
            begun = True
            server.send(_dotted(mail.content))
            reply = server.getreply()
        except OSError:
            self._drop()
            return Fate.UNKNOWN if begun else Fate.AGAIN, "connection lost"
        fate = _FATES.get(reply[0] // 100, Fate.UNKNOWN)
        if reply[0] == _CLOSING or fate is Fate.UNKNOWN:
            self._drop()
        return fate, "" if fate is Fate.ACCEPTED else _status(reply)

    def _reset(self, server: smtplib.SMTP, refusal: Reply) -> None:
        """Make ready for another mail after a refusal, or let go of a server that is closing or confused."""
        with suppress(OSError):
            if refusal[0] != _CLOSING and refusal[0] // 100 in _FATES and server.rset()[0] // 100 == 2:
                return
        self._drop()

    def _connect(self) -> None:
        """Connect, encrypt, log in, and ask whether our sender is welcome."""
        try:
            self._server = self._greeted()
            self._encrypt_and_log_in(self._server)
            self._probe(self._server)
        except (OSError, ValueError) as error:
            self._drop()
            todo = (
                "Look at the carrier's URL, SUASION_SMTP_USER and SUASION_SMTP_PASSWORD, or try again later."
            )
            raise DeliveryError(f"the mail server {self._host}:{self._port}", _said(error), todo) from None

    def _greeted(self) -> smtplib.SMTP:
        ours = self._sender.rpartition("@")[2]  # not given a name, `smtplib` would ask the network for one
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, ours, timeout=self._patience, context=context)
        return smtplib.SMTP(self._host, self._port, ours, timeout=self._patience)

    def _encrypt_and_log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self._scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if self._user:
            if not isinstance(server.sock, ssl.SSLSocket):
                raise smtplib.SMTPException("it offers no encryption, and a login is not sent without")
            server.login(self._user, self._password)

    def _probe(self, server: smtplib.SMTP) -> None:
        """Begin a mail and drop it: the connection lives, and our sender is welcome."""
        for command in (f"MAIL FROM:<{self._sender}>", "RSET"):
            code, said = server.docmd(command)
            if code // 100 != 2:
                raise smtplib.SMTPResponseException(code, said)

    def _drop(self) -> None:
        if self._server:
            self._server.close()
        self._server = None


def _parsed(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. A URL with a password in it is not one, and is not repeated."""
    found = _URL.fullmatch(url)
    port = int(found["port"] or _PORTS[found["scheme"]]) if found else 0
    if not found or not 0 < port < 2**16:
        todo = "Write smtp://HOST:PORT or smtps://HOST:PORT."
        raise DeliveryError("the carrier", "not the URL of a mail server", todo)
    return found["scheme"], found["host"].strip("[]"), port


def _dotted(content: bytes) -> bytes:
    """What follows DATA: lines with their dots doubled, and the lone dot (RFC 5321, section 4.5.2)."""
    lines = _ENDS.sub(b"\r\n", content)
    return _DOTS.sub(b"..", lines) + (b".\r\n" if lines.endswith(b"\n") else b"\r\n.\r\n")


def _status(reply: Reply) -> str:
    """The enhanced status of a refusal (RFC 3463), or its plain code."""
    code = str(reply[0])
    found = _STATUS.match(reply[1].decode("latin-1"))
    return found[0] if found and found[0][0] == code[0] else code


def _said(error: Exception) -> str:
    """What went wrong; of what a server wrote, the code alone."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error if isinstance(error.smtp_error, bytes) else b""
        return f"it answered {_status((error.smtp_code, said))}"
    if isinstance(error, smtplib.SMTPException):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return "its name, the user or the password cannot be written in ASCII"
