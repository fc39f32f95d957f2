"""A request to stop in a person's own words: a line that says so, and says nothing else."""

from __future__ import annotations

import html
import re
from email.message import Message

_LONGEST = 10_000  # characters of a body that are looked at for its first line
_MARK = r"\w{1,10}(?:\[\d+\])?\s*[:：]|\[[^][]{1,20}\]|\([^()]{1,20}\)|\{[^{}]{1,20}\}|\*+\s?\w{1,20}\s?\*+"
_MARKS = re.compile(rf"\s*(?:(?:{_MARK})\s*)*")
_OPT_OUT = re.compile(r"\bopt(?:ing)?[\s-]out\b")
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_CLEAR = frozenset(
    re.findall(
        r"\w+",
        """
        unsubscribe remove optout abmelden abmeldung abbestellen abbestellung austragen entfernen désabonner
        désinscrire désinscription baja disiscrivimi afmelden uitschrijven wypisz avregistrera
        """,
    )
)
_STOPS = _CLEAR | {"stop"}
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        """
        please pls kindly hi hello me us my our from of your this the these all any list lists mailing
        mailings mail mails email emails e newsletter newsletters message messages address sending getting
        receiving now immediately thanks thank you and bitte hallo mich uns meine adresse von aus dem der
        diesem dieser ihrem ihrer verteiler liste sofort danke vielen dank
        merci svp de la lista por favor gracias
        """,
    )
)
_WISHES = frozenset(re.findall(r"\w+", "i we want wish would like to will ich wir möchte"))
"""Who will stop may mean another thing than mail."""


def without_marks(subject: str) -> str:
    """A subject without what programs put before it: ``Re:``, ``AW:``, ``[EXT]``, ``*** SPAM ***``.

    Examples
    --------
    >>> without_marks("[EXT] Re: AW[2]: unsubscribe")
    'unsubscribe'
    """
    found = _MARKS.match(subject)
    return subject[found.end() :] if found else subject


def asks_to_stop(line: str) -> bool:
    """Whether a line asks to stop and says nothing else.

    Examples
    --------
    >>> asks_to_stop("Please remove me from your list!"), asks_to_stop("Stop by on Monday")
    (True, False)
    """
    words = set(re.findall(r"\w+", _OPT_OUT.sub("optout", line[:200].casefold())))
    said, others = words & _STOPS, words - _STOPS - _FILLERS
    if line.startswith(">") or len(line) > 200:  # quoted, or more than a request
        return False
    return bool(said) and others <= (_WISHES if said & _CLEAR else set())


def line_of(mail: Message) -> str:
    """The first line of a mail's text that is not empty."""
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    plain = [part for part in parts if part.get_content_subtype() == "plain"]
    for part in (plain or parts)[:1]:
        content = part.get_payload(decode=True)
        text = (
            content.decode(part.get_content_charset("utf-8"), "replace") if isinstance(content, bytes) else ""
        )
        if part.get_content_subtype() == "html":
            text = _words_of(text)
        return next((line.strip() for line in text[:_LONGEST].splitlines() if line.strip()), "")
    return ""


def _words_of(text: str) -> str:
    """What HTML says, with a line for each paragraph."""
    body = text[max(text.lower().find("</head>"), 0) :][:_LONGEST]
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", body)))
