"""Read what comes back by mail: delivery reports, complaints, requests to stop."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from enum import StrEnum

from suasion.delivery.address import TOKEN
from suasion.delivery.request import asks_to_stop, line_of, without_marks

_LONGEST = 2**18  # octets read: a report, and the headers of the mail it is about
_DEEPEST = 100  # parts in parts; the parser takes seconds for thousands
_HARD = re.compile(r"5\.(?:1\.(?![78]\Z)|4\.)")  # 5.1.7 and 5.1.8 speak of our own address
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_WORD = re.compile(r"[a-z-]{1,20}")
_MESSAGE_ID = re.compile(rf"\s*<({TOKEN})@[^@<>]+>\s*")
_OPT_OUT = re.compile(rf"/o/({TOKEN})>|subject=unsubscribe%20({TOKEN})>")
_UNSUBSCRIBE = re.compile(rf"unsubscribe(?:\s|%20)+({TOKEN})\s*", re.IGNORECASE)
_IN_THREAD = re.compile(rf"<({TOKEN})@[^@<>\s]+>")
_NO_COMPLAINT = {"not-spam", "auth-failure", "virus"}  # RFC 6430, RFC 6591, RFC 5965


class Kind(StrEnum):
    """What a reply says."""

    BOUNCED_HARD = "bounced_hard"
    BOUNCED_SOFT = "bounced_soft"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True)
class Reply:
    """One answer to one send.

    Parameters
    ----------
    kind : Kind
    token : str
        Names the send; whether we made it is for the holder of the key to check.
    status : str
        Of a bounce, its enhanced status (RFC 3463); of a complaint, its type; else empty.
    also : tuple of str
        Where people wrote, further texts that may name the send: every mail of a thread has a Message-ID.
    """

    kind: Kind
    token: str
    status: str = ""
    also: tuple[str, ...] = ()


def reply_from(content: bytes) -> Reply | None:
    """Read one mail.

    A bounce is hard where it says that there is no such mailbox (5.1.x) or no way to it (5.4.x). All else is
    soft: a full mailbox (5.2.2), what may pass (4.x.x), and what a policy refused (5.7.x), for which the
    person can do nothing. A report that a mail is late, or that it came, is no bounce, nor is an automatic
    answer. Who answers a mail of ours, and asks to stop in the subject or the first line, has said so.

    Parameters
    ----------
    content : bytes
        Whatever came; nothing in it is trusted.

    Returns
    -------
    Reply or None
        None where it is none of these, or does not name the send.

    Notes
    -----
    Delivery reports are RFC 3464, complaints RFC 5965; the mail in question is attached to both.

    Examples
    --------
    >>> reply_from(b"Subject: Re: Unsubscribe AAAAAAAAAAAAAAAA\\r\\n\\r\\n").kind
    <Kind.UNSUBSCRIBED: 'unsubscribed'>
    >>> reply_from(b"Subject: I am on holiday\\r\\nAuto-Submitted: auto-replied\\r\\n\\r\\n")
    """
    content = content[:_LONGEST]
    if content.lower().count(b"boundary") > _DEEPEST:
        return None
    try:
        mail = message_from_bytes(content)
        return _reported(mail) or _unsubscribed(mail) or _asked(mail)
    except Exception:  # the parser of the standard library breaks in ways that it does not document
        return None


def _reported(mail: Message) -> Reply | None:
    """A bounce or a complaint."""
    if mail.get_content_type() != "multipart/report":
        return None
    parts = list(mail.walk())[1:]
    said = next(filter(None, map(_said, parts)), None)
    token = next(filter(None, map(_token, parts)), None)
    return Reply(said[0], token, said[1]) if said and token else None


def _said(part: Message) -> tuple[Kind, str] | None:
    """What a part of a report says."""
    match part.get_content_type():
        case "message/delivery-status":
            return next(filter(None, map(_bounced, _inside(part))), None)
        case "message/feedback-report":
            return next(map(_complained, _inside(part)), None)
        case _:
            return None


def _inside(part: Message) -> Iterable[Message]:
    """The groups of fields of a part."""
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _bounced(fields: Message) -> tuple[Kind, str] | None:
    """What became of one recipient; None of the fields that are about the report itself."""
    action = str(fields.get("Action", "")).strip().lower()
    status = next(iter(_statuses(fields, "Status")), "" if not action else "5.0.0")
    if not status or status.startswith("2") or not (action or "failed").startswith("failed"):
        return None
    if status.endswith(".0.0"):  # some servers are exact only in what they quote
        quoted = _statuses(fields, "Diagnostic-Code")
        status = next((one for one in quoted if one[0] == status[0]), status)
    return Kind.BOUNCED_HARD if _HARD.match(status) else Kind.BOUNCED_SOFT, status


def _statuses(fields: Message, name: str) -> list[str]:
    return _STATUS.findall(str(fields.get(name, "")))


def _complained(fields: Message) -> tuple[Kind, str] | None:
    """A complaint; a type of report that we do not know is one, too (RFC 5965, section 3.1)."""
    said = str(fields.get("Feedback-Type", "")).strip().lower()
    if said in _NO_COMPLAINT:
        return None
    return Kind.COMPLAINED, said if _WORD.fullmatch(said) else "other"


def _token(part: Message) -> str | None:
    """The send that the attached mail, or its headers alone, is of.

    List-Unsubscribe is ours whatever happens on the way; some relays write a Message-ID of their own.
    """
    if part.get_content_type() == "text/rfc822-headers":
        part = message_from_bytes(bytes(part.get_payload(decode=True) or b""))
    link = _OPT_OUT.search("".join(str(part.get("List-Unsubscribe", "")).split()))
    named = link or _MESSAGE_ID.fullmatch(str(part.get("Message-ID", "")))
    return next(filter(None, named.groups())) if named else None


def _unsubscribed(mail: Message) -> Reply | None:
    """A request to stop, as the mailto link of List-Unsubscribe writes it."""
    found = _UNSUBSCRIBE.fullmatch(without_marks(_subject(mail)))
    return Reply(Kind.UNSUBSCRIBED, found[1]) if found else None


def _asked(mail: Message) -> Reply | None:
    """A request to stop in a person's own words, in answer to a mail."""
    if str(mail.get("Auto-Submitted", "no")).strip().lower() != "no":
        return None
    thread = [*_named(mail, "In-Reply-To"), *reversed(_named(mail, "References"))]
    if not thread or not (asks_to_stop(without_marks(_subject(mail))) or asks_to_stop(line_of(mail))):
        return None
    token, *also = dict.fromkeys(thread)
    return Reply(Kind.UNSUBSCRIBED, token, also=tuple(also))


def _named(mail: Message, header: str) -> list[str]:
    return _IN_THREAD.findall(str(mail.get(header, "")))


def _subject(mail: Message) -> str:
    return str(make_header(decode_header(str(mail.get("Subject", "")))))
