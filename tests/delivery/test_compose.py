"""A mail says what it was given, and nothing that it was given becomes a header."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from suasion.delivery.address import Sender, check_sender
from suasion.delivery.compose import Letter, skeleton
from suasion.errors import InputError, WorkspaceError

TOKEN = "Ab-_" * 8
TO = "ada@example.org"
NOW = datetime(2026, 11, 30, 20, 15, 7, tzinfo=timezone(timedelta(hours=1)))
OFFICE = check_sender("Town Health Office <health@town.example>")
FLU = skeleton(OFFICE, "https://town.example", "flu", "call")
HEADERS = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Feedback-ID", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "Content-Type"),
)

tokens = st.binary(min_size=24, max_size=24).map(lambda raw: urlsafe_b64encode(raw).decode())
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
lines = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=400)
ascii_lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)
words = st.lists(st.text("abc-,.", min_size=1, max_size=80), max_size=20).map(" ".join)
letters = st.builds(Letter, lines, texts, st.none() | texts)


def _read(mail: bytes) -> EmailMessage:
    """Read with the standard library, which must find nothing to complain of."""
    message = message_from_bytes(mail, policy=default)
    assert isinstance(message, EmailMessage)
    assert [part.defects for part in message.walk() if part.defects] == []
    return message


def _names(mail: bytes) -> list[str]:
    head = mail.partition(b"\r\n\r\n")[0].decode("ascii")
    return [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith(" ")]


def _unfolded(mail: bytes, name: str) -> str:
    """A header as a mailbox provider reads it that decodes no encoded words in it."""
    head = mail.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n ", " ")
    (value,) = re.findall(rf"^{name}: (.*)$", head, re.MULTILINE | re.IGNORECASE)
    return value.rstrip("\r")


@given(letters, tokens)
@example(Letter("", "", ""), TOKEN)
@example(Letter("Grüße", "x\ry\nz\r\n.\r\n", "\n\n"), TOKEN)
@example(Letter("a" * 300, "a" * 5000, None), TOKEN)
def test_the_bodies_are_what_the_standard_library_would_carry(letter: Letter, token: str):
    theirs = EmailMessage(policy=SMTP)
    theirs.set_content(letter.text, cte="base64")
    if letter.html is not None:
        theirs.add_alternative(letter.html, subtype="html", cte="base64")
    ours = _read(FLU.fill(token, TO, letter, NOW))
    assert [p.get_content_type() for p in ours.walk()] == [p.get_content_type() for p in theirs.walk()]
    for mine, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert mine.get_payload(decode=True) == other.get_payload(decode=True)
        assert mine.get_content_charset() == other.get_content_charset()


@given(lines | ascii_lines | words)
@example("")
@example(" ")
@example("  two  spaces  ")
@example("=?utf-8?b?SGk=?=")
@example("a =?utf-8?q?b?= c")
@example("free " * 60)
@example("Long words " + "x" * 70)
@example("Grüße: " + "🦊" * 50)
@example("x" * 64 + " y")
def test_a_subject_is_read_as_it_was_given(subject: str):
    mail = FLU.fill(TOKEN, TO, Letter(subject, "Hello."), NOW)
    assert str(_read(mail)["Subject"]) == subject
    for word in re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", mail):
        assert b64decode(word).decode(), "no word, and no half of a character (RFC 2047, section 5)"


@given(letters, tokens, st.sampled_from(["a@b.example", "o'x+y%z?&#/@xn--kln-sna.example"]))
def test_each_header_is_there_once_and_no_line_is_too_long(letter: Letter, token: str, address: str):
    public = f"https://town.example/{'x' * 400}"
    mail = skeleton(Sender("Müller, " * 40, address), public, "c" * 300, "ü:" * 300).fill(
        token, TO, letter, NOW
    )
    expected = [*HEADERS] if letter.html is not None else [*HEADERS, "Content-Transfer-Encoding"]
    assert _names(mail) == expected
    assert mail.isascii()
    assert mail.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert all(len(line) <= 76 for line in mail.split(b"\r\n") if b"=?" in line)


@given(letters, tokens, tokens)
def test_the_same_letter_is_the_same_mail_but_for_the_token(letter: Letter, one: str, other: str):
    first, second = (FLU.fill(token, TO, letter, NOW) for token in (one, other))
    assert FLU.fill(one, TO, letter, NOW) == first
    assume(one.encode() not in FLU.fill(other, TO, letter, NOW))
    assert first.replace(one.encode(), other.encode()) == second


def test_the_headers_say_what_mailbox_providers_ask_for():
    mail = FLU.fill(TOKEN, "ada@köln.example", Letter("Hi", "Hello."), NOW)
    message = _read(mail)
    assert message["To"] == "ada@xn--kln-sna.example"
    assert message["From"] == "Town Health Office <health@town.example>"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == f"<{TOKEN}@town.example>"
    assert message["MIME-Version"] == "1.0"
    assert message["Feedback-ID"] == "flu:call:email:suasion"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert _unfolded(mail, "List-Unsubscribe") == (
        f"<https://town.example/o/{TOKEN}>, <mailto:health@town.example?subject=unsubscribe%20{TOKEN}>"
    )


@given(tokens, st.sampled_from(["a@b.example", "o'x+y%z?&#/=@town.example"]))
def test_the_mailto_link_asks_the_sender_to_stop(token: str, address: str):
    mail = skeleton(Sender("T", address), "http://127.0.0.1:8000/", "c", "t").fill(
        token, TO, Letter("", ""), NOW
    )
    web, mailto = re.findall(r"<([^<>]*)>", _unfolded(mail, "List-Unsubscribe"))
    assert web == f"http://127.0.0.1:8000/o/{token}"
    link = urlsplit(mailto)
    assert (link.scheme, unquote(link.path)) == ("mailto", address)
    assert parse_qs(link.query, strict_parsing=True) == {"subject": [f"unsubscribe {token}"]}


@given(lines.map(lambda name: re.sub("[<>@]", "", name)).filter(str.strip))
@example("Doe, Jane")
@example('Jane "JD" Doe')
@example("back\\slash")
@example("Müller, Söhne & Co")
@example('Ärzte, "die" Besten; (x)')
@example("=?utf-8?q?x?=")
@example(" padded ")
@example("日本" * 60)
@example("a, " * 100)
def test_the_name_of_a_sender_is_read_as_it_was_given(name: str):
    mail = skeleton(Sender(name, "a@b.example"), "https://t.example", "c", "t").fill(
        TOKEN, TO, Letter("", ""), NOW
    )
    # The new parser of the standard library leaves blanks between encoded words of a name; the old does not.
    read, address = parseaddr(_unfolded(mail, "From"))
    assert (str(make_header(decode_header(read))), address) == (name, "a@b.example")


@given(st.text(min_size=1), st.text(min_size=1))
def test_names_of_campaigns_stay_four_fields_of_feedback(campaign: str, treatment: str):
    assume((campaign + treatment).encode("utf-8", "ignore").decode() == campaign + treatment)
    built = skeleton(OFFICE, "https://town.example", campaign, treatment)
    value = _unfolded(built.fill(TOKEN, TO, Letter("", ""), NOW), "Feedback-ID")
    assert re.fullmatch(r"[\w.~%-]+:[\w.~%-]+:email:suasion", value, re.ASCII)


@pytest.mark.parametrize(
    "bad", ["\r\n", "\n", "\r", "\x00", "\t", "\x0b", "\x1f", "\x7f", "\x85", "\u2028", "\ud800"]
)
def test_a_subject_never_begins_another_header(bad: str):
    with pytest.raises(InputError, match="subject") as refused:
        FLU.fill(TOKEN, TO, Letter(f"Secret{bad}Bcc: eve@example.org", "Hello."), NOW)
    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize(
    "to", ["ada", "ada@example.org\r\nBcc: eve@example.org", "Secret <ada@example.org>", ""]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(to: str):
    with pytest.raises(InputError, match="address") as refused:
        FLU.fill(TOKEN, to, Letter("", ""), NOW)
    assert not to or to not in str(refused.value)


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 65, "../" * 8, "a b" * 8, "a\r\n" * 8, "ä" * 32, "A" * 32 + "\n"]
)
def test_a_token_that_is_not_safe_is_refused(token: str):
    with pytest.raises(InputError, match="token"):
        FLU.fill(token, TO, Letter("", ""), NOW)


@pytest.mark.parametrize("letter", [Letter("", "Secret \ud800"), Letter("", "", "Secret \udfff")])
def test_half_a_character_is_refused_and_not_repeated(letter: Letter):
    with pytest.raises(InputError, match="half of a character") as refused:
        FLU.fill(TOKEN, TO, letter, NOW)
    assert "Secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "town.example",
        "ftp://x",
        "https://",
        "https://a b",
        "https://a>",
        "https://a,b",
        "https://a\r\n",
        "https://ä",
    ],
)
def test_a_public_url_that_is_none_is_refused(url: str):
    with pytest.raises(WorkspaceError, match="public_url"):
        skeleton(OFFICE, url, "c", "t")


def test_a_date_is_written_with_its_zone():
    mail = FLU.fill(TOKEN, TO, Letter("", ""), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert _unfolded(mail, "Date") == "Fri, 02 Jan 2026 03:04:05 +0000"
