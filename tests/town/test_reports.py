"""Bounces and complaints as a stranger reads them: the standard library's parser."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from suasion.town.outbox import Mail, read_mail
from suasion.town.reports import bounce, complaint

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
ORIGINAL = """\
From: =?utf-8?q?B=C3=BCro?= <health@office.example>
To: "O'Neill, Zoë" <zoe.oneill.42@town.example>
Subject: --=_ a boundary?
Message-ID: <abc.def-123@office.example>
Feedback-ID: checkup:invitation:email:suasion
List-Unsubscribe: <http://127.0.0.1:8000/o/abc.def-123>
Content-Type: text/plain; charset=utf-8

Dear Zoë,

From here on --=_ anything may be said.
"""


@pytest.fixture(params=["\n", "\r\n"])
def mail(request: pytest.FixtureRequest, tmp_path: Path) -> Mail:
    path = tmp_path / "1700000000.1.host"
    path.write_bytes(ORIGINAL.replace("\n", request.param).encode())
    found = read_mail(path, 100)
    assert found is not None
    assert (found.number, found.arm, found.sender) == (42, 2, "health@office.example")
    return found


def parsed(content: bytes) -> tuple[EmailMessage, list[Message]]:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message.get_content_type() == "multipart/report"
    assert parsedate_to_datetime(message["Date"]) == AT
    assert message["To"].addresses[0].addr_spec == "health@office.example"
    assert message["Auto-Submitted"] == "auto-replied"
    parts = list(message.iter_parts())
    assert not [part for part in (message, *parts) if part.defects]
    assert parts[0].get_content_type() == "text/plain"
    return message, parts


def test_a_bounce_is_a_delivery_status_notification(mail: Mail):
    message, (_, status, headers) = parsed(bounce(mail, AT))
    assert message.get_param("report-type") == "delivery-status"
    assert status.get_content_type() == "message/delivery-status"
    of_message, of_recipient = status.get_payload()
    assert of_message["Reporting-MTA"].startswith("dns;")
    assert of_recipient["Final-Recipient"] == "rfc822; zoe.oneill.42@town.example"
    assert of_recipient["Action"] == "failed"
    assert of_recipient["Status"] == "5.1.1"
    assert headers.get_content_type() == "text/rfc822-headers"
    original = message_from_bytes(headers.get_payload(decode=True), policy=default)
    assert original["Message-ID"] == "<abc.def-123@office.example>"
    assert original["Feedback-ID"] == "checkup:invitation:email:suasion"
    assert original.get_content() == ""


def test_a_complaint_is_an_abuse_report(mail: Mail):
    message, (_, feedback, attached) = parsed(complaint(mail, AT))
    assert message.get_param("report-type") == "feedback-report"
    assert feedback.get_content_type() == "message/feedback-report"
    (fields,) = feedback.get_payload()
    said = message_from_bytes(fields.as_bytes(), policy=default)
    assert (said["Feedback-Type"], said["Version"]) == ("abuse", "1")
    assert said["User-Agent"]
    assert said["Original-Rcpt-To"] == "<zoe.oneill.42@town.example>"
    assert attached.get_content_type() == "message/rfc822"
    (original,) = attached.get_payload()
    assert original["Message-ID"] == "<abc.def-123@office.example>"
    assert "Zoë" in original.get_content()
    assert "anything may be said" in original.get_content()


def test_two_mails_make_two_reports(mail: Mail, tmp_path: Path):
    other = tmp_path / "other"
    other.write_bytes(ORIGINAL.replace("abc.def-123", "xyz").encode())
    second = read_mail(other, 100)
    assert second is not None
    ids = [
        message_from_bytes(r)["Message-ID"] for m in (mail, second) for r in (bounce(m, AT), complaint(m, AT))
    ]
    assert len(set(ids)) == 4
