"""What comes back by mail is understood where it is a report, and never believed where it is not."""

from __future__ import annotations

from datetime import UTC, datetime
from email.header import Header
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suasion.delivery.address import check_sender
from suasion.delivery.compose import Letter, skeleton
from suasion.delivery.replies import Kind, Reply, reply_from

TOKEN = "AAAAAAAAAAcIL5fDY8XuI_S87B58-Bb1"
MAIL = (
    skeleton(check_sender("Town <health@town.example>"), "https://town.example", "flu", "call")
    .fill(
        TOKEN, "ada@example.org", Letter("Grüße", "Hello.", "<p>Hello."), datetime(2026, 11, 30, tzinfo=UTC)
    )
    .decode()
    .replace("\r\n", "\n")
)
HEADERS = MAIL.partition("\n\n")[0] + "\n"

POSTFIX = """\
Return-Path: <>
Received: by mx.town.example (Postfix)
	id 4FzQ1x2Y3z; Mon, 30 Nov 2026 20:16:01 +0100 (CET)
Date: Mon, 30 Nov 2026 20:16:01 +0100 (CET)
From: MAILER-DAEMON@mx.town.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: health@town.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4FzQ1w0abc.1606763761/mx.town.example"
Content-Transfer-Encoding: 8bit
Message-Id: <20261130191601.4FzQ1x2Y3z@mx.town.example>

This is a MIME-encapsulated message.

--4FzQ1w0abc.1606763761/mx.town.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

The mail could not be brought to its recipient. See below.

--4FzQ1w0abc.1606763761/mx.town.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.town.example
X-Postfix-Queue-ID: 4FzQ1w0abc
X-Postfix-Sender: rfc822; health@town.example
Arrival-Date: Mon, 30 Nov 2026 20:16:00 +0100 (CET)

Final-Recipient: rfc822; ada@example.org
Original-Recipient: rfc822;ada@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: Recipient address
    rejected: nobody of that name

--4FzQ1w0abc.1606763761/mx.town.example
Content-Description: Undelivered Message
Content-Type: {kind}

{original}
--4FzQ1w0abc.1606763761/mx.town.example--
"""

EXCHANGE = """\
From: <postmaster@corp.example>
To: <health@town.example>
Date: Mon, 30 Nov 2026 19:16:03 +0000
Content-Type: multipart/report; report-type=delivery-status;
 boundary="b1_4d0e-8a7c@corp.example"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: de-DE
Message-ID: <b6e1f0c1-0d0e-4a6b-9d77-4cb1a3f0a111@corp.example>
In-Reply-To: <{token}@town.example>
References: <{token}@town.example>
Subject: =?utf-8?B?VW56dXN0ZWxsYmFyOiBHcsO8w59l?=
Auto-Submitted: auto-replied
MIME-Version: 1.0

--b1_4d0e-8a7c@corp.example
Content-Type: multipart/alternative; differences=Content-Type;
 boundary="b2_inner"

--b2_inner
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Die Nachricht konnte nicht zugestellt werden: kein solches Postfach.

--b2_inner
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<p>Die Nachricht konnte nicht zugestellt werden.</p>

--b2_inner--

--b1_4d0e-8a7c@corp.example
Content-Type: message/delivery-status

Reporting-MTA: dns;HE1PR0101.corp.example
Received-From-MTA: dns;mx.town.example
Arrival-Date: Mon, 30 Nov 2026 19:16:02 +0000

Final-Recipient: rfc822;ada@corp.example
Action: failed
Status: {status}
Diagnostic-Code: smtp;550 {status} RESOLVER.ADR.RecipientNotFound; not found by lookup

--b1_4d0e-8a7c@corp.example
Content-Type: {kind}

{original}
--b1_4d0e-8a7c@corp.example--
"""

EXIM = """\
Return-path: <>
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@host.example>
To: health@town.example
Content-Type: multipart/report; report-type=delivery-status; boundary=1606763761-eximdsn-99
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1kjoQP-0004Ab-7x@host.example>

--1606763761-eximdsn-99
Content-type: text/plain; charset=us-ascii

A message that you sent could not be delivered to one recipient.

--1606763761-eximdsn-99
Content-type: message/delivery-status

Reporting-MTA: dns; host.example

Action: failed
Final-Recipient: rfc822;ada@example.org
Status: 5.0.0
Remote-MTA: dns; mail.example.org
Diagnostic-Code: {diagnostic}

--1606763761-eximdsn-99
Content-type: {kind}

{original}
--1606763761-eximdsn-99--
"""

COMPLAINT = """\
From: <feedback@provider.example>
To: <health@town.example>
Subject: FW: a mail of yours
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54"

--part1_13d.2e68ed54
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an abuse report for a message received from 192.0.2.1.

--part1_13d.2e68ed54
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Some-Loop/1.0
Version: 1
Original-Mail-From: <health@town.example>

--part1_13d.2e68ed54
Content-Type: message/rfc822
Content-Disposition: inline

{original}
--part1_13d.2e68ed54--
"""

POSTFIX_HARD = POSTFIX.format(action="failed", status="5.1.1", kind="message/rfc822", original=MAIL)
REPORTS = [
    POSTFIX_HARD,
    EXCHANGE.format(status="5.1.10", token=TOKEN, kind="message/rfc822", original=MAIL),
    EXIM.format(diagnostic="smtp; 550 5.4.1 no", kind="message/rfc822", original=MAIL),
    COMPLAINT.format(kind="abuse", original=MAIL),
    f"Subject: unsubscribe {TOKEN}\n\n",
]


def _read(text: str) -> Reply | None:
    """Both line endings are met in the wild, and must not matter."""
    read = reply_from(text.encode())
    assert reply_from(text.replace("\n", "\r\n").encode()) == read
    return read


ORIGINALS = [
    ("message/rfc822", MAIL),
    ("message/rfc822", HEADERS),
    ("message/rfc822-headers", HEADERS),
    ("text/rfc822-headers", HEADERS),
    (
        "text/rfc822-headers; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
        HEADERS.replace("=", "=3D"),
    ),
]


@pytest.mark.parametrize(("kind", "original"), ORIGINALS)
def test_a_bounce_names_its_send_however_the_mail_comes_back(kind: str, original: str):
    hard = Reply(Kind.BOUNCED_HARD, TOKEN, "5.1.1")
    assert _read(POSTFIX.format(action="failed", status="5.1.1", kind=kind, original=original)) == hard
    assert _read(EXCHANGE.format(status="5.1.1", token=TOKEN, kind=kind, original=original)) == hard
    assert _read(EXIM.format(diagnostic="smtp; 550-5.1.1 no", kind=kind, original=original)) == hard


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", Kind.BOUNCED_HARD),
        ("5.1.2", Kind.BOUNCED_HARD),
        ("5.1.10", Kind.BOUNCED_HARD),
        ("5.4.4", Kind.BOUNCED_HARD),
        ("5.1.7", Kind.BOUNCED_SOFT),
        ("5.1.8", Kind.BOUNCED_SOFT),
        ("5.2.1", Kind.BOUNCED_SOFT),
        ("5.2.2", Kind.BOUNCED_SOFT),
        ("5.3.4", Kind.BOUNCED_SOFT),
        ("5.7.1", Kind.BOUNCED_SOFT),
        ("5.7.26", Kind.BOUNCED_SOFT),
        ("4.1.1", Kind.BOUNCED_SOFT),
        ("4.2.2", Kind.BOUNCED_SOFT),
        ("4.4.7", Kind.BOUNCED_SOFT),
    ],
)
def test_only_a_mailbox_that_is_not_there_bounces_hard(status: str, kind: Kind):
    report = POSTFIX.format(action="failed", status=status, kind="message/rfc822", original=MAIL)
    assert _read(report) == Reply(kind, TOKEN, status)


def test_a_status_may_have_a_comment():
    report = POSTFIX.format(
        action="Failed (for good)", status="5.2.2 (over quota)", kind="message/rfc822", original=MAIL
    )
    assert _read(report) == Reply(Kind.BOUNCED_SOFT, TOKEN, "5.2.2")


@pytest.mark.parametrize(
    ("diagnostic", "kind", "status"),
    [
        ("smtp; 550 5.1.1 <ada@example.org>: unknown", Kind.BOUNCED_HARD, "5.1.1"),
        ("smtp; 552 5.2.2 mailbox full", Kind.BOUNCED_SOFT, "5.2.2"),
        ("smtp; 550 no such user", Kind.BOUNCED_SOFT, "5.0.0"),
        ("smtp; 550 host 5.1.1.2 says no", Kind.BOUNCED_SOFT, "5.0.0"),
        ("smtp; 550 version 15.1.1 says no", Kind.BOUNCED_SOFT, "5.0.0"),
        ("smtp; 550 4.1.1 says no", Kind.BOUNCED_SOFT, "5.0.0"),
    ],
)
def test_a_vague_status_is_made_exact_by_what_is_quoted(diagnostic: str, kind: Kind, status: str):
    assert _read(EXIM.format(diagnostic=diagnostic, kind="message/rfc822", original=MAIL)) == Reply(
        kind, TOKEN, status
    )


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_report_of_no_failure_is_no_bounce(action: str):
    for status in ("4.4.1", "2.0.0", "5.1.1"):
        assert (
            _read(POSTFIX.format(action=action, status=status, kind="message/rfc822", original=MAIL)) is None
        )


def test_a_failure_that_says_success_is_not_believed():
    assert (
        _read(POSTFIX.format(action="failed", status="2.1.5", kind="message/rfc822", original=MAIL)) is None
    )


def test_a_failure_after_a_success_is_found():
    failed = "Action: failed\nStatus: 5.1.1\n"
    two = f"Action: delivered\nStatus: 2.0.0\nFinal-Recipient: rfc822; a@b.example\n\n{failed}"
    report = POSTFIX_HARD.replace(failed, two)
    assert two in report
    assert _read(report) == Reply(Kind.BOUNCED_HARD, TOKEN, "5.1.1")


def test_a_failure_without_a_status_is_soft():
    report = POSTFIX_HARD.replace("Status: 5.1.1\n", "").replace("550 5.1.1", "550")
    assert _read(report) == Reply(Kind.BOUNCED_SOFT, TOKEN, "5.0.0")
    assert _read(POSTFIX_HARD.replace("Action: failed\n", "")) == Reply(Kind.BOUNCED_HARD, TOKEN, "5.1.1")


def test_a_relay_may_write_a_message_id_of_its_own():
    other = "<0102019a-7f3e-4c55-9d2b-b7c1d7e4a001-000000@relay.example>"
    report = POSTFIX_HARD.replace(f"<{TOKEN}@town.example>", other)
    assert _read(report) == Reply(Kind.BOUNCED_HARD, TOKEN, "5.1.1")


def test_the_message_id_alone_names_the_send():
    original = f"From: <health@town.example>\nmessage-id:\n <{TOKEN}@town.example>\n"
    report = POSTFIX.format(action="failed", status="5.1.1", kind="text/rfc822-headers", original=original)
    assert _read(report) == Reply(Kind.BOUNCED_HARD, TOKEN, "5.1.1")


@pytest.mark.parametrize(
    "original", ["", "Subject: of somebody else\n", "Message-ID: <short@town.example>\n"]
)
def test_a_bounce_that_names_no_send_is_nothing(original: str):
    report = POSTFIX.format(action="failed", status="5.1.1", kind="text/rfc822-headers", original=original)
    assert _read(report) is None


@pytest.mark.parametrize(
    ("said", "status"),
    [("abuse", "abuse"), ("Fraud", "fraud"), ("other", "other"), ("a b c", "other"), ("", "other")],
)
def test_a_complaint_is_one_whatever_it_is_called(said: str, status: str):
    assert _read(COMPLAINT.format(kind=said, original=MAIL)) == Reply(Kind.COMPLAINED, TOKEN, status)


@pytest.mark.parametrize("said", ["not-spam", "auth-failure", "virus", "Not-Spam"])
def test_some_reports_are_no_complaint(said: str):
    assert _read(COMPLAINT.format(kind=said, original=MAIL)) is None


@pytest.mark.parametrize(
    "subject",
    [
        f"unsubscribe {TOKEN}",
        f"UNSUBSCRIBE {TOKEN}",
        f"Unsubscribe   {TOKEN}  ",
        f"Re: unsubscribe {TOKEN}",
        f"RE: AW: Fwd: unsubscribe {TOKEN}",
        f"Re[2]: unsubscribe {TOKEN}",
        f"=?utf-8?b?5Zue5aSN77ya?= unsubscribe {TOKEN}",
        f"unsubscribe\n {TOKEN}",
        f"\n unsubscribe\n\t{TOKEN}",
        f"unsubscribe%20{TOKEN}",
        f"=?utf-8?q?unsubscribe_{TOKEN.replace('_', '=5F')}?=",
    ],
)
@pytest.mark.parametrize(
    "rest", ["\n\n", "\nAuto-Submitted: auto-generated\n\n", "\nContent-Type: text/html\n\n<p>x"]
)
def test_a_request_to_stop_is_heard(subject: str, rest: str):
    assert _read(f"From: ada@example.org\nSubject: {subject}{rest}") == Reply(Kind.UNSUBSCRIBED, TOKEN)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "unsubscribe",
        "unsubscribe me please",
        f"please unsubscribe {TOKEN}",
        f"unsubscribe {TOKEN} not",
        f"unsubscribe{TOKEN}",
        f"Automatic reply: Grüße {TOKEN}",
        f"resubscribe {TOKEN}",
    ],
)
def test_any_other_subject_is_no_request(subject: str):
    assert _read(f"Subject: {subject}\n\nunsubscribe {TOKEN}\n") is None


@pytest.mark.parametrize(
    "mark",
    [
        "[EXT] ",
        "[SPAM] ",
        "[SPAM?] Re: ",
        "Re: [EXTERNAL] ",
        "*** SPAM *** ",
        "***SPAM***",
        "(EXT) Fwd: ",
        "{Spam?} ",
    ],
)
def test_what_programs_put_before_a_request_does_not_hide_it(mark: str):
    assert _read(f"Subject: {mark}unsubscribe {TOKEN}\n\n") == Reply(Kind.UNSUBSCRIBED, TOKEN)


ANSWER = "From: ada@example.org\nSubject: {subject}\nIn-Reply-To: <{token}@town.example>\n{more}\n{body}"
OTHER = "CAF1x2y3z4a5b6c7d8e9f0"


def answer(subject: str = "Re: Grüße", body: str = "", more: str = "", token: str = TOKEN) -> Reply | None:
    subject = Header(subject).encode()
    return _read(ANSWER.format(subject=subject, body=body, more=more, token=token))


SAID = [
    *(
        "unsubscribe",
        "Unsubscribe!",
        "STOP",
        "stop.",
        "Abmelden",
        "bitte abmelden",
        "remove",
        "Opt out",
        "opt-out",
    ),
    *("Please remove me from your mailing list.", "UNSUBSCRIBE ME PLEASE", "I want to unsubscribe, thanks"),
    *("stop sending me these emails", "Désabonner", "baja"),
]
NOT_SAID = [
    *(
        "",
        "Thank you!",
        "Stop by on Monday",
        "I will stop",
        "Don't stop",
        "Stop the flu",
        "How do I unsubscribe?",
    ),
    *("unsubscribe 5 of us but not me", "Please never stop", "> unsubscribe"),
]


@pytest.mark.parametrize("said", SAID)
def test_a_person_may_ask_to_stop_in_words_of_their_own(said: str):
    assert answer(subject=said) == Reply(Kind.UNSUBSCRIBED, TOKEN)
    assert answer(subject=f"[EXT] Re: {said}") == Reply(Kind.UNSUBSCRIBED, TOKEN)
    assert answer(body=f"\n  \n {said}\n\n> Hello.\n") == Reply(Kind.UNSUBSCRIBED, TOKEN)
    html = f"<html><head><style>p {{}}</style></head><body><p>{said}</p><p>Ada</p>"
    assert answer(body=html, more="Content-Type: text/html\n") == Reply(Kind.UNSUBSCRIBED, TOKEN)


@pytest.mark.parametrize("said", NOT_SAID)
def test_an_answer_that_may_mean_another_thing_is_left_to_people(said: str):
    assert answer(subject=said or "Re: Grüße", body=f"{said}\n") is None
    assert answer(body=f"Hello,\n{said}\n") is None


@pytest.mark.parametrize("said", SAID)
def test_a_request_that_answers_no_mail_of_ours_is_nobodys(said: str):
    assert _read(f"Subject: {said}\n\n{said}\n") is None
    assert answer(subject=said, token="short") is None


def test_an_automatic_answer_asks_for_nothing():
    assert answer(subject="Stop", body="stop\n", more="Auto-Submitted: auto-replied\n") is None
    assert answer(subject="Stop", more="Auto-Submitted: no\n") == Reply(Kind.UNSUBSCRIBED, TOKEN)


def test_any_mail_of_a_thread_may_be_ours():
    """The likeliest first: what is answered, then the newest."""
    thread = f"References: <{TOKEN}@town.example>\n <{OTHER}@mail.example> <not=one@mail.example>\n"
    said = answer("stop", more=thread, token=f"{OTHER}22")
    assert said == Reply(Kind.UNSUBSCRIBED, f"{OTHER}22", also=(OTHER, TOKEN))


def test_the_words_of_a_person_are_read_in_their_encoding():
    words = MIMEText("Désabonner s'il vous plaît".partition(" s")[0], "plain", "latin-1")
    words["In-Reply-To"] = f"<{TOKEN}@town.example>"
    both = MIMEMultipart("alternative")
    both["In-Reply-To"] = f"<{TOKEN}@town.example>"
    both.attach(MIMEText("<p>Hello</p>", "html"))
    both.attach(MIMEText("Abmelden\n", "plain", "utf-16"))
    for mail in (words, both):
        assert reply_from(mail.as_bytes()) == Reply(Kind.UNSUBSCRIBED, TOKEN)


def test_an_automatic_answer_is_no_bounce():
    holiday = f"""\
Subject: Automatic reply: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Auto-Submitted: auto-replied
In-Reply-To: <{TOKEN}@town.example>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

I am away until 5.1.2027. Status: 5.1.1

--b
Content-Type: message/rfc822

{MAIL}
--b--
"""
    assert _read(holiday) is None


def test_a_receipt_is_no_bounce():
    receipt = COMPLAINT.replace("feedback-report", "disposition-notification").format(
        kind="abuse", original=MAIL
    )
    assert _read(receipt) is None


def test_a_report_inside_a_forwarded_mail_is_not_about_us():
    forwarded = MIMEMultipart("mixed")
    forwarded.attach(MIMEText(POSTFIX_HARD))
    assert reply_from(forwarded.as_bytes()) is None


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"Subject: =?utf-8?b?////?=\r\n\r\n")
@example(b"Subject: =?nonsense?b?QQ==?=\r\n\r\n")
@example(b"Subject: unsubscribe \xff\xfe\r\n\r\n")
@example(b"Content-Type: multipart/report; boundary\r\n\r\n")
@example(b'Content-Type: multipart/report; boundary=""\r\n\r\n--\r\n')
@example(b"Content-Type: multipart/report; report-type*0*=x'y'%ff; boundary*=a''%00\r\n\r\n")
def test_garbage_is_nothing(content: bytes):
    assert reply_from(content) is None


@settings(max_examples=300)
@given(
    st.sampled_from(REPORTS),
    st.lists(st.tuples(st.integers(0), st.binary(max_size=4), st.integers(0, 30)), max_size=8),
)
def test_a_damaged_report_is_nothing_or_names_a_send(report: str, damages: list[tuple[int, bytes, int]]):
    content = report.encode()
    for at, put, gone in damages:
        place = at % (len(content) + 1)
        content = content[:place] + put + content[place + gone :]
    read = reply_from(content)
    assert read is None or (16 <= len(read.token) <= 64 and read.token.isascii() and len(read.status) <= 20)


@settings(max_examples=50)
@given(st.sampled_from(REPORTS), st.integers(0))
def test_a_report_that_is_cut_is_never_read_as_another(report: str, at: int):
    whole = reply_from(report.encode())
    part = reply_from(report.encode()[: at % len(report)])
    assert whole
    assert part is None or part.token in TOKEN
    assert part is None or part.kind == whole.kind or part.status == "5.0.0"


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/report; boundary=b\n\n"
        + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 50_000,
        b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)),
        b"Content-Type: message/rfc822\n\n" * 50_000,
        b"Subject: " + b"a:" * 1_000_000 + b"\n\n",
        b"Subject: " + b" " * 1_000_000 + b"x\n\n",
        b"Subject: unsubscribe" + b" %20" * 500_000 + b"\n\n",
        b"List-Unsubscribe: /o/" * 100_000,
        b"In-Reply-To: " + b"<AAAAAAAAAAAAAAAA" * 100_000 + b"\n\nstop",
        b"In-Reply-To: <AAAAAAAAAAAAAAAA@x>\nSubject: " + b"*a" * 100_000 + b"\n\n",
        b"In-Reply-To: <AAAAAAAAAAAAAAAA@x>\nSubject: " + b"[(" * 100_000 + b"\n\n",
        b"In-Reply-To: <AAAAAAAAAAAAAAAA@x>\nContent-Type: text/html\n\n" + b"<br" * 100_000,
    ],
    ids=range(11),
)
def test_a_mail_made_to_be_slow_is_nothing(content: bytes):
    assert reply_from(content) is None


def test_a_report_of_a_huge_mail_is_read():
    report = MIMEMultipart("report", report_type="feedback-report")
    said = MIMEText("", "plain")
    said.set_type("message/feedback-report")
    said.set_payload("Feedback-Type: abuse\n\n")
    report.attach(said)
    huge = MIMEText("x" * 5_000_000)
    huge["Message-ID"] = f"<{TOKEN}@town.example>"
    report.attach(MIMEMessage(huge))
    assert reply_from(report.as_bytes()) == Reply(Kind.COMPLAINED, TOKEN, "abuse")
