"""Double opt-in: a yes that waits for whoever reads the person's mail to confirm it, and a person's no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select

from suasion.errors import InputError
from suasion.ledger import tokens
from suasion.ledger.consents import ASKED, PERSON, Pair, digest_of, keep_words
from suasion.ledger.database import Ledger
from suasion.ledger.journal import REFUSED
from suasion.ledger.schema import consents, erasing, suppressions, wordings
from suasion.ledger.sends.suppress import Why
from suasion.rules import Channel, Purpose

LINK_HOURS = 48
"""For how long the link of a double opt-in holds."""


@dataclass(frozen=True)
class Asked:
    """A yes that waits for its confirmation, or was confirmed by the same link.

    Parameters
    ----------
    person : int
    purpose : Purpose
    channel : Channel
    words : str
        What the person was shown.
    confirmed : bool
        Whether it is confirmed already.
    """

    person: int
    purpose: Purpose
    channel: Channel
    words: str
    confirmed: bool


def ask(
    ledger: Ledger,
    key: bytes,
    person: int,
    pair: Pair,
    words: str,
    capture: str,
    at: datetime,
    *,
    separate: bool = False,
    written: bool = False,
    expires_on: date | None = None,
) -> str:
    """Record a yes that waits for its confirmation, and make the token of the link that confirms it.

    It changes nothing until it is confirmed. What was asked and not confirmed in time is forgotten.

    Parameters
    ----------
    ledger : Ledger
    key : bytes
    person : int
    pair : (Purpose, Channel)
    words : str
        What the person was shown, word for word.
    capture : str
        How the answer was taken.
    at : datetime
        Now.
    separate, written : bool
        Asked for this purpose alone; signed or ticked.
    expires_on : date, optional
        The last day of the consent.

    Returns
    -------
    str
        The token, good for 48 hours; safe in URLs.

    Raises
    ------
    InputError
        No words, no capture, a last day in the past, or a person who is being erased, complained, or whose
        mail bounced.
    """
    words, asked = words.strip(), "a consent to be confirmed"
    if not words or not capture.strip():
        raise InputError(asked, "no words, or not how it was taken", "Give both, as they were.")
    if expires_on is not None and expires_on < at.date():
        raise InputError(asked, "a last day that is over", "Give a later one, or none.")
    purpose, channel = pair
    row = {
        "person": person,
        "purpose": str(purpose),
        "channel": str(channel),
        "source": ASKED,
        "given": 1,
        "expires_on": expires_on.isoformat() if expires_on else None,
        "wording": digest_of(words),
        "capture": capture.strip(),
        "said_at": _iso(at),
        "separate": int(separate),
        "written": int(written),
        "confirmed_at": None,
    }
    late = _iso(at - timedelta(hours=LINK_HOURS))
    with ledger.writing() as connection:
        if connection.execute(select(erasing.c.person).where(erasing.c.person == person)).first():
            raise InputError(asked, "the person is being erased", "Ask nobody who asked to be forgotten.")
        if connection.execute(_standing(person, channel)).first():
            raise InputError(asked, "the person complained, or mail to them bounced", "Do not write to them.")
        stale = (consents.c.source == ASKED) & (consents.c.said_at < late)
        connection.execute(delete(consents).where(stale | _this(person, pair, ASKED)))
        keep_words(connection, {digest_of(words): words})
        connection.execute(insert(consents).values(**row))
    until = int((at + timedelta(hours=LINK_HOURS)).timestamp())
    content = f"{person} {until} {purpose} {channel} {digest_of(words)[:32]}"
    return tokens.sealed(key, b"consent", content.encode())


def asked(ledger: Ledger, key: bytes, token: str, at: datetime) -> Asked | None:
    """What a token asks to confirm; None where it is forged, foreign, over, or of a yes that is no more.

    Parameters
    ----------
    ledger : Ledger
    key : bytes
    token : str
    at : datetime
        Now.
    """
    named = _named(key, token, at)
    if named is None:
        return None
    with ledger.engine.connect() as connection:
        found = _found(connection, *named)
    return found[0] if found else None


def confirm(ledger: Ledger, key: bytes, token: str, at: datetime) -> Asked | None:
    """Confirm a yes; when this returns it is on disk. Doing it again changes nothing.

    It undoes what the person said earlier of this purpose and channel, and an opt-out by link that is older
    than the yes: that was one from every purpose, so all others in the channel become a no in its place.
    Complaints, bounces and erasures stay.

    Returns
    -------
    Asked or None
        As `asked`.
    """
    named = _named(key, token, at)
    if named is None:
        return None
    with ledger.writing() as connection:
        found = _found(connection, *named)
        if found and not found[0].confirmed:
            _confirm(connection, found[0], dict(found[1]), at)
    return found[0] if found else None


def withdraw(ledger: Ledger, person: int, pair: Pair, at: datetime) -> None:
    """Record a person's no; no import undoes it, only a new yes that they confirm.

    Claims read it in their transaction. What waits for its confirmation is forgotten.
    """
    with ledger.writing() as connection:
        if connection.execute(select(erasing.c.person).where(erasing.c.person == person)).first():
            return
        refuse(connection, person, pair, at)
        if ledger.journal is not None:
            ledger.journal.append(connection, REFUSED, [person], (), f"{pair[0]} {pair[1]}", at)


def _standing(person: int, channel: Channel) -> Select[Any]:
    """Suppressions of a person that no yes lifts."""
    s = suppressions.c
    here = s.channel.in_([str(channel), "*"]) & (s.reason != str(Why.OPTED_OUT))
    return select(s.id).where((s.person == person) & here)


def refuse(connection: Connection, person: int, pair: Pair, at: datetime) -> None:
    """Write a person's no down, in a transaction that holds the write lock; what was asked before falls."""
    asked_before = _this(person, pair, ASKED) & (consents.c.said_at <= _iso(at))
    connection.execute(delete(consents).where(_this(person, pair, PERSON) | asked_before))
    row = {"person": person, "purpose": str(pair[0]), "channel": str(pair[1]), "source": PERSON}
    connection.execute(insert(consents).values(**row, given=0, said_at=_iso(at)))


def _confirm(connection: Connection, yes: Asked, row: dict[str, Any], at: datetime) -> None:
    pair = (yes.purpose, yes.channel)
    both = _this(yes.person, pair, PERSON) | _this(yes.person, pair, ASKED)
    connection.execute(delete(consents).where(both))
    connection.execute(insert(consents).values(**{**row, "source": PERSON, "confirmed_at": _iso(at)}))
    opt_outs = (
        (suppressions.c.person == yes.person)
        & (suppressions.c.channel == str(yes.channel))
        & (suppressions.c.reason == str(Why.OPTED_OUT))
        & (suppressions.c.at <= datetime.fromisoformat(row["said_at"]))
    )
    stopped = connection.execute(select(suppressions.c.at).where(opt_outs)).scalars().all()
    if not stopped:
        return
    connection.execute(delete(suppressions).where(opt_outs))
    c = consents.c
    since = select(c.purpose).where(
        (c.person == yes.person)
        & (c.channel == str(yes.channel))
        & (c.source == PERSON)
        & ((c.given == 0) | (c.said_at > _iso(max(stopped))))
    )
    kept = set(connection.execute(since).scalars())
    for purpose in (one for one in Purpose if one is not yes.purpose and str(one) not in kept):
        refuse(connection, yes.person, (purpose, yes.channel), max(stopped))


def _named(key: bytes, token: str, at: datetime) -> tuple[int, Pair, str] | None:
    """The person, the pair and the start of the wording that a token names; None where it is not ours."""
    content = tokens.unsealed(key, b"consent", token)
    if content is None:
        return None
    person, until, purpose, channel, wording = content.decode().split(" ")
    if at.timestamp() > int(until):
        return None
    return int(person), (Purpose(purpose), Channel(channel)), wording


def _found(
    connection: Connection, person: int, pair: Pair, wording: str
) -> tuple[Asked, Mapping[Any, Any]] | None:
    """The yes that waits, or else the confirmed one to the same words."""
    chosen = (
        select(consents, wordings.c.text)
        .join(wordings, wordings.c.digest == consents.c.wording)
        .where(consents.c.given == 1, consents.c.wording.startswith(wording))
    )
    for source, confirmed in ((ASKED, False), (PERSON, True)):
        row = connection.execute(chosen.where(_this(person, pair, source))).mappings().first()
        if row is not None:
            kept = {column.name: row[column.name] for column in consents.columns}
            return Asked(person, *pair, words=row["text"], confirmed=confirmed), kept
    return None


def _this(person: int, pair: Pair, source: str) -> Any:
    c = consents.c
    same = (c.person == person) & (c.purpose == str(pair[0])) & (c.channel == str(pair[1]))
    return same & (c.source == source)


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
