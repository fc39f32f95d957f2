"""Servers say no, are slow, close at any moment, are not there: what became of each mail is said right."""

from __future__ import annotations

import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from suasion.delivery.carriers import Carrier, Fate, Handed, Mail
from suasion.delivery.carriers.smtp import SmtpCarrier
from suasion.errors import DeliveryError

SENDER = "health@town.example"
HELLO = b"To: ada@example.org\r\n\r\nHello.\r\n"


def _mail(number: int, to: str = "ada@example.org", content: bytes = HELLO) -> Mail:
    return Mail(number, f"{number:032d}", to, content)


def _fates(handed: list[Handed]) -> list[tuple[Fate, str]]:
    return [(one.fate, one.reason) for one in handed]


# A real server.


class Inbox:
    """What a server took, and what it answers to a recipient or a mail whose text has a key."""

    def __init__(self, refusals: dict[str, str] | None = None) -> None:
        self.taken: list[Envelope] = []
        self.logins: list[Any] = []
        self.sessions = set[int]()
        self._refusals = refusals if refusals is not None else {}

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self._refusals:
            return self._refusals["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._refusals:
            return self._refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.sessions.add(id(session))
        assert isinstance(envelope.original_content, bytes)
        for key, answer in self._refusals.items():
            if key.encode() in envelope.original_content:
                return answer
        self.taken.append(envelope)
        return "250 2.0.0 queued"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=data == LoginPassword(b"town", b"secret"), handled=False)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def _serving(inbox: Inbox, host: str = "127.0.0.1", **how: Any) -> Generator[int]:
    port = _free_port()
    controller = Controller(inbox, hostname=host, port=port, **how)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def _carrying(port: int, patience: float = 5.0) -> Generator[SmtpCarrier]:
    with closing(SmtpCarrier(f"smtp://127.0.0.1:{port}", SENDER, patience=patience)) as carrier:
        yield carrier


def test_a_mail_arrives_as_it_was_written_in_an_envelope_of_its_own():
    inbox = Inbox()
    with _serving(inbox) as port, _carrying(port) as carrier:
        port_of_any: Carrier = carrier
        mails = [_mail(n, f"p{n}@example.org", b"Subject: %d\r\n\r\nHi.\r\n" % n) for n in range(20)]
        for _ in range(2):
            port_of_any.stage(mails)
            assert port_of_any.hand_over(mails) == [Handed(n, Fate.ACCEPTED) for n in range(20)]
    assert [envelope.original_content for envelope in inbox.taken] == [mail.content for mail in mails] * 2
    assert [envelope.rcpt_tos for envelope in inbox.taken] == [[mail.to] for mail in mails] * 2
    assert {envelope.mail_from for envelope in inbox.taken} == {SENDER}
    assert len(inbox.sessions) == 1


def test_nothing_is_sent_by_staging():
    inbox = Inbox()
    with _serving(inbox) as port, _carrying(port) as carrier:
        carrier.stage([_mail(1)])
        assert carrier.staged({_mail(1).token}) == set()
        carrier.clear(set())
    assert inbox.taken == []
    assert carrier.settled is Fate.UNKNOWN


contents = st.lists(
    st.sampled_from([b".", b"..", b"", b"From x", b"\x80\xff", b"QUIT", b"." * 998, b"x" * 998])
    | st.binary(max_size=80)
)


@pytest.fixture(scope="module")
def open_house() -> Generator[tuple[Inbox, SmtpCarrier]]:
    inbox = Inbox()
    with _serving(inbox) as port, _carrying(port) as carrier:
        yield inbox, carrier


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents)
@example([b"a", b".", b"MAIL FROM:<eve@example.org>", b"RCPT TO:<eve@example.org>", b"DATA"])
def test_lines_of_any_bytes_arrive_and_none_ends_the_mail(
    open_house: tuple[Inbox, SmtpCarrier], lines: list[bytes]
):
    inbox, carrier = open_house
    content = b"\r\n".join([b"Subject: x", b"", *(re.sub(rb"[\r\n]", b"", line) for line in lines), b""])
    inbox.taken.clear()
    assert _fates(carrier.hand_over([_mail(1, content=content)])) == [(Fate.ACCEPTED, "")]
    assert [envelope.original_content for envelope in inbox.taken] == [content]


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n.\r"])
def test_no_odd_line_end_smuggles_a_second_mail(open_house: tuple[Inbox, SmtpCarrier], end: bytes):
    inbox, carrier = open_house
    inbox.taken.clear()
    content = b"Subject: x\r\n\r\na" + end + b"MAIL FROM:<eve@example.org>\r\n"
    carrier.hand_over([_mail(1, content=content)])
    (envelope,) = inbox.taken
    assert envelope.original_content == b"Subject: x\r\n\r\na\r\n.\r\nMAIL FROM:<eve@example.org>\r\n"


def test_each_refusal_is_of_one_mail_and_names_its_status():
    inbox = Inbox(
        {
            "gone@example.org": "550 5.1.1 <gone@example.org>: no such user",
            "plain@example.org": "550 no such user",
            "full@example.org": "452 4.2.2 mailbox full",
            "version@example.org": "550 5.1.1.2 is not a status",
            "odd@example.org": "550 4.2.2 permanent or not",
            "spam": "554 5.7.1 we do not like it",
            "later": "451 4.7.1 greylisted",
        }
    )
    mails = [
        _mail(1, "gone@example.org"),
        _mail(2),
        _mail(3, "plain@example.org"),
        _mail(4, "full@example.org"),
        _mail(5, content=b"\r\nspam\r\n"),
        _mail(6, content=b"\r\nlater\r\n"),
        _mail(7, "version@example.org"),
        _mail(8, "odd@example.org"),
        _mail(9),
    ]
    with _serving(inbox) as port, _carrying(port) as carrier:
        carrier.stage(mails)
        handed = carrier.hand_over(mails)
    assert [one.send for one in handed] == [mail.send for mail in mails]
    assert _fates(handed) == [
        (Fate.FAILED, "5.1.1"),
        (Fate.ACCEPTED, ""),
        (Fate.FAILED, "550"),
        (Fate.AGAIN, "4.2.2"),
        (Fate.FAILED, "5.7.1"),
        (Fate.AGAIN, "4.7.1"),
        (Fate.FAILED, "550"),
        (Fate.FAILED, "550"),
        (Fate.ACCEPTED, ""),
    ]
    assert "example.org" not in repr(handed)


@pytest.mark.parametrize("to", ["ada", "ada@example.org>\r\nRCPT TO:<eve@example.org", "a b@example.org", ""])
def test_an_address_that_is_none_is_not_told_to_the_server(open_house: tuple[Inbox, SmtpCarrier], to: str):
    inbox, carrier = open_house
    inbox.taken.clear()
    handed = carrier.hand_over([_mail(1, to), _mail(2, "ada@köln.example")])
    assert _fates(handed) == [(Fate.FAILED, "5.1.3"), (Fate.ACCEPTED, "")]
    assert [envelope.rcpt_tos for envelope in inbox.taken] == [["ada@xn--kln-sna.example"]]


@pytest.mark.parametrize("answer", ["550 5.7.1 not you", "451 4.3.0 not now"])
def test_a_sender_that_is_refused_fails_nobody(answer: str):
    refusals: dict[str, str] = {}
    with _serving(Inbox(refusals)) as port, _carrying(port) as carrier:
        carrier.stage([])
        refusals["MAIL"] = answer
        handed = carrier.hand_over([_mail(1), _mail(2)])
        assert _fates(handed) == [(Fate.AGAIN, answer[4:9])] * 2
        with pytest.raises(DeliveryError, match=re.escape(answer[4:9])):
            carrier.stage([_mail(1)])
        del refusals["MAIL"]
        carrier.stage([_mail(1)])
        assert _fates(carrier.hand_over([_mail(1)])) == [(Fate.ACCEPTED, "")]


# Servers that misbehave: what they answer, by the word that a line begins with.

Answer = str | float | None
Dialogue = dict[str, Answer | list[Answer]]
POLITE: Dialogue = {
    "": "220 hello",
    "EHLO": "250 hello",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    ".": "250 OK",
    "RSET": "250 OK",
    "QUIT": "221 bye",
}


@contextmanager
def _playing(*dialogues: Dialogue) -> Generator[int]:
    """Answer one connection after another as written, the last for all that follow.

    None closes the connection, a number is a wait before a polite answer, and a list is of answers in turn.
    In a mail, only lines of words that the dialogue has are answered.
    """
    left = list(dialogues)
    stopped = threading.Event()

    class Player(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.odd = deepcopy(left.pop(0) if len(left) > 1 else left[0])
            in_mail = False
            goes_on = self._answer("")
            while goes_on and (line := self.rfile.readline()):
                word = re.split(r"[\s:]", line.decode("latin-1"))[0]
                if not in_mail:
                    goes_on = self._answer(word.upper())
                    in_mail = goes_on and word == "DATA" and "DATA" not in self.odd
                elif word == "." or word in self.odd:
                    goes_on = self._answer(word)
                    in_mail = word != "."

        def _answer(self, word: str) -> bool:
            answer = self.odd.get(word, POLITE.get(word))
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, float):
                stopped.wait(answer)
                answer = str(POLITE[word])
            if answer is not None:
                with suppress(OSError):
                    self.wfile.write(f"{answer}\r\n".encode("latin-1"))
            return answer is not None

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Player) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server.server_address[1]
        finally:
            stopped.set()
            server.shutdown()


MAILS = [_mail(1, content=b"Subject: x\r\n\r\nhalf\r\nway\r\n"), _mail(2), _mail(3)]
TAKEN = (Fate.ACCEPTED, "")
LOST = (Fate.AGAIN, "connection lost")
NONE = (Fate.AGAIN, "no connection")
WHO_KNOWS = (Fate.UNKNOWN, "connection lost")
LONG_LINE = "250 " + "x" * 9000

LATE = (Fate.AGAIN, "no time left")

SCENES: dict[str, tuple[list[Dialogue], list[tuple[Fate, str]]]] = {
    "closes at RCPT, then is polite": ([{"RCPT": None}, {}], [LOST, TAKEN, TAKEN]),
    "closes at DATA, then is polite": ([{"DATA": None}, {}], [LOST, TAKEN, TAKEN]),
    "closes in the middle of a mail": ([{"half": None}, {}], [WHO_KNOWS, TAKEN, TAKEN]),
    "closes after a mail without a word": ([{".": None}, {}], [WHO_KNOWS, TAKEN, TAKEN]),
    "closes at RCPT each time": ([{"RCPT": None}], [LOST, LOST, NONE]),
    "closes after each mail": ([{".": None}], [WHO_KNOWS, WHO_KNOWS, NONE]),
    "closes, and is gone": ([{"RCPT": None}, {"": None}], [LOST, NONE, NONE]),
    "closes, and is busy": ([{"RCPT": None}, {"": "421 4.3.2 busy"}], [LOST, NONE, NONE]),
    "closes, and does not take the sender": ([{".": None}, {"MAIL": "550 no"}], [WHO_KNOWS, NONE, NONE]),
    "is closing at RCPT": ([{"RCPT": "421 4.4.2 closing"}, {}], [(Fate.AGAIN, "4.4.2"), TAKEN, TAKEN]),
    "is closing after a mail": ([{".": "421 4.4.2 closing"}, {}], [(Fate.AGAIN, "4.4.2"), TAKEN, TAKEN]),
    "refuses DATA": ([{"DATA": "554 5.5.1 no"}], [(Fate.FAILED, "5.5.1")] * 3),
    "refuses DATA for now": ([{"DATA": "451 no"}], [(Fate.AGAIN, "451")] * 3),
    "refuses, and closes at RSET": (
        [{"RCPT": "550 5.1.1 no", "RSET": ["250 OK", None]}, {}],
        [(Fate.FAILED, "5.1.1"), TAKEN, TAKEN],
    ),
    "refuses, and does not reset": (
        [{"RCPT": "550 5.1.1 no", "RSET": ["250 OK", "500 what?"]}, {}],
        [(Fate.FAILED, "5.1.1"), TAKEN, TAKEN],
    ),
    "talks nonsense at RCPT": ([{"RCPT": "what?"}, {}], [(Fate.AGAIN, "-1"), TAKEN, TAKEN]),
    "talks nonsense at DATA": ([{"DATA": "250 OK"}], [(Fate.AGAIN, "250")] * 3),
    "talks nonsense after a mail": ([{".": "what?"}, {}], [(Fate.UNKNOWN, "-1"), TAKEN, TAKEN]),
    "wants more after a mail": ([{".": "354 go on"}, {}], [(Fate.UNKNOWN, "354"), TAKEN, TAKEN]),
    "does not come to an end at RCPT": ([{"RCPT": LONG_LINE}, {}], [LOST, TAKEN, TAKEN]),
    "does not come to an end after a mail": ([{".": LONG_LINE}, {}], [WHO_KNOWS, TAKEN, TAKEN]),
    "is too slow at RCPT": ([{"RCPT": 9.0}, {}], [LOST, LATE, LATE]),
    "is too slow after a mail": ([{".": 9.0}, {}], [WHO_KNOWS, LATE, LATE]),
}


@pytest.mark.parametrize("scene", SCENES)
def test_what_became_of_each_mail_is_said_right(scene: str):
    dialogues, expected = SCENES[scene]
    with _playing(*dialogues) as port, _carrying(port, patience=1.0) as carrier:
        carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == expected


def test_a_slow_server_is_left_before_opt_outs_wait_for_long():
    with _playing({".": 0.4}) as port, _carrying(port, patience=1.0) as carrier:
        carrier.stage([])
        fates = _fates(carrier.hand_over([_mail(n) for n in range(20)]))
    assert fates == sorted(fates, key=lambda one: one == LATE)
    assert 1 <= fates.count(TAKEN) <= 3
    assert set(fates) == {TAKEN, LATE}


# What is wrong with the server, or with us, shows before any mail is under way.


@pytest.mark.parametrize(
    ("dialogue", "said"),
    [
        ({"": "421 4.3.2 too busy, Ada"}, "it answered 4.3.2"),
        ({"": "554 no"}, "it answered 554"),
        ({"": None}, "closed"),
        ({"": "what?"}, "it answered -1"),
        ({"": 9.0}, "timed out"),
        ({"EHLO": None}, "closed"),
        ({"EHLO": "500 what?", "HELO": "550 who?"}, "it answered 550"),
        ({"EHLO": "250-hello\r\n250 STARTTLS", "STARTTLS": "454 not now"}, "it answered 454"),
        ({"EHLO": "250-hello\r\n250 STARTTLS", "STARTTLS": "220 go on"}, "(?i)ssl|closed|reset"),
        ({"MAIL": "550 5.7.1 not you, Ada"}, "it answered 5.7.1"),
        ({"MAIL": "451 not now"}, "it answered 451"),
        ({"RSET": None}, "closed"),
    ],
)
def test_a_server_that_does_not_take_our_mail_is_named_before_any_mail_is_begun(
    dialogue: Dialogue, said: str
):
    with _playing(dialogue) as port, _carrying(port, patience=1.0) as carrier:
        with pytest.raises(DeliveryError, match=said) as refused:
            carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == [NONE] * 3 or said == "timed out"
    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "Ada" not in str(refused.value)


def test_no_server_at_all_is_named():
    with _carrying(_free_port()) as carrier:
        with pytest.raises(DeliveryError, match="refused"):
            carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == [NONE] * 3


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 64 + ".example", "..."])
def test_a_host_that_cannot_be_found_is_named(host: str):
    with pytest.raises(DeliveryError, match="the mail server"):
        SmtpCarrier(f"smtp://{host}:25", SENDER, patience=2.0).stage([])


def test_a_server_that_was_restarted_is_found_again():
    with _playing({"MAIL": ["250 OK", None]}, {}) as port, _carrying(port) as carrier:
        carrier.stage([])
        carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == [TAKEN] * 3


def test_closing_twice_is_closing_once():
    with _playing({"QUIT": None}) as port, _carrying(port) as carrier:
        carrier.stage([])
        carrier.close()
        carrier.close()
        carrier.stage([])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:25",
        "http://localhost",
        "smtp://",
        "smtp://:25",
        "smtp://localhost:x",
        "smtp://localhost:99999",
        "smtp://localhost:0",
        "smtp://localhost/path",
        "smtp://localhost?x=1",
        "smtp://localhost#x",
        "smtp://town:secret@localhost:25",
        "smtp://local host",
        "smtp://localhost\r\n",
    ],
)
def test_what_is_not_the_url_of_a_mail_server_is_refused_and_not_repeated(url: str):
    with pytest.raises(DeliveryError, match="not the URL") as refused:
        SmtpCarrier(url, SENDER)
    assert "secret" not in str(refused.value)


# Encryption and login.


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that "localhost" signed for itself, and its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "certificate.pem", folder / "key.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run([openssl, *asked.split(), *files], check=True, capture_output=True)
    return made


@pytest.fixture
def encryption(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is trusted here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


def _login(inbox: Inbox, encryption: ssl.SSLContext, **how: Any) -> dict[str, Any]:
    return {"authenticator": inbox.authenticate, "auth_required": True, "tls_context": encryption, **how}


@pytest.mark.usefixtures("trusted")
def test_a_login_goes_over_an_encrypted_connection(encryption: ssl.SSLContext):
    inbox = Inbox()
    with (
        _serving(inbox, "localhost", **_login(inbox, encryption, require_starttls=True)) as port,
        closing(SmtpCarrier(f"smtp://localhost:{port}", SENDER, "town", "secret")) as carrier,
    ):
        carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == [TAKEN] * 3
    assert inbox.logins == [LoginPassword(b"town", b"secret")]


@pytest.mark.usefixtures("trusted")
def test_a_connection_may_be_encrypted_from_the_start(encryption: ssl.SSLContext):
    inbox = Inbox()
    with (
        _serving(inbox, "localhost", ssl_context=encryption) as port,
        closing(SmtpCarrier(f"smtps://localhost:{port}", SENDER)) as carrier,
    ):
        carrier.stage(MAILS)
        assert _fates(carrier.hand_over(MAILS)) == [TAKEN] * 3


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("password", ["wrong", "geheimnüß"])
def test_a_wrong_login_is_told_without_repeating_it(encryption: ssl.SSLContext, password: str):
    inbox = Inbox()
    with _serving(inbox, "localhost", **_login(inbox, encryption)) as port:
        carrier = SmtpCarrier(f"smtp://localhost:{port}", SENDER, "town-user", password)
        with pytest.raises(DeliveryError, match=r"5\.7\.8|ASCII") as refused:
            carrier.stage([])
    assert password not in str(refused.value)
    assert "town-user" not in str(refused.value)


def test_a_login_is_not_sent_in_the_clear():
    inbox = Inbox()
    with _serving(inbox, authenticator=inbox.authenticate, auth_require_tls=False) as port:
        carrier = SmtpCarrier(f"smtp://127.0.0.1:{port}", SENDER, "town", "secret")
        with pytest.raises(DeliveryError, match="no encryption"):
            carrier.stage([])
    assert inbox.logins == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_is_refused(encryption: ssl.SSLContext, scheme: str):
    how = {"ssl_context": encryption} if scheme == "smtps" else {"tls_context": encryption}
    with (
        _serving(Inbox(), "localhost", **how) as port,
        pytest.raises(DeliveryError, match="certificate verify failed"),
    ):
        SmtpCarrier(f"{scheme}://localhost:{port}", SENDER).stage([])


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(encryption: ssl.SSLContext):
    with (
        _serving(Inbox(), tls_context=encryption) as port,
        pytest.raises(DeliveryError, match="certificate verify failed"),
    ):
        SmtpCarrier(f"smtp://127.0.0.1:{port}", SENDER).stage([])
