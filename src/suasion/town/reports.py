"""What mail servers report about a mail: that it bounced, or that its recipient called it spam."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b

from suasion.town.outbox import Mail
from suasion.town.rows import DOMAIN


def bounce(mail: Mail, at: datetime) -> bytes:
    """A delivery status notification (RFC 3464): there is no such mailbox.

    Parameters
    ----------
    mail : Mail
    at : datetime
        Now, with time zone.

    Returns
    -------
    bytes
        A mail with bare line feeds, as a Maildir holds it.
    """
    status = (
        f"Reporting-MTA: dns; mx.{DOMAIN}\nArrival-Date: {format_datetime(at)}\n\n"
        f"Final-Recipient: rfc822; {mail.recipient}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 No such mailbox\n"
    )
    return _report(
        mail,
        at,
        sender="MAILER-DAEMON",
        subject="Undelivered Mail Returned to Sender",
        kind="delivery-status",
        said="Your mail could not be delivered: there is no such mailbox.\n",
        fields=status,
        original=("text/rfc822-headers", mail.head),
    )


def complaint(mail: Mail, at: datetime) -> bytes:
    """An abuse feedback report (RFC 5965): the recipient called a mail spam.

    Parameters
    ----------
    mail : Mail
    at : datetime
        Now, with time zone.

    Returns
    -------
    bytes
        A mail with bare line feeds, as a Maildir holds it.
    """
    feedback = (
        "Feedback-Type: abuse\nUser-Agent: TownMail/1.0\nVersion: 1\n"
        f"Original-Mail-From: <{mail.sender}>\nOriginal-Rcpt-To: <{mail.recipient}>\n"
        f"Arrival-Date: {format_datetime(at)}\n"
    )
    return _report(
        mail,
        at,
        sender="complaints",
        subject="Abuse report",
        kind="feedback-report",
        said="This is an abuse report for a mail that one of our users got from you.\n",
        fields=feedback,
        original=("message/rfc822", mail.whole),
    )


def _report(
    mail: Mail,
    at: datetime,
    *,
    sender: str,
    subject: str,
    kind: str,
    said: str,
    fields: str,
    original: tuple[str, bytes],
) -> bytes:
    """A multipart/report (RFC 6522): for people, for machines, and what it is about."""
    name = blake2b(mail.whole, digest_size=12, person=kind.encode()[:16]).hexdigest()
    edge = f"=_{name}"
    header = (
        f"From: <{sender}@{DOMAIN}>\nTo: <{mail.sender}>\nSubject: {subject}\nDate: {format_datetime(at)}\n"
        f"Message-ID: <{name}@{DOMAIN}>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="{edge}"\n'
    )
    parts = (("text/plain", said.encode()), (f"message/{kind}", fields.encode()), original)
    body = b"".join(
        f"\n--{edge}\nContent-Type: {content_type}\n\n".encode() + content for content_type, content in parts
    )
    return header.encode() + body + f"\n--{edge}--\n".encode()
