"""What persons ask for: a queue with clocks, in which nothing is called done before it is."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from suasion.errors import InputError, OrderError
from suasion.ledger import Ledger, schema
from suasion.rights.seals import Seals

LONGEST = 4000
"""Characters of what a person writes; the rest is cut off."""
TABLE = "requests"
"""What the words of a request are sealed for."""

COMPLAINED = "complained_on_page"
"""Kind of the reply that a complaint on the page is."""

_replies, _requests, _sends = schema.replies, schema.requests, schema.sends


class RequestKind(StrEnum):
    """What may be asked for; the names are those of the rules' fact ``request``."""

    ACCESS = "access"
    PORTABILITY = "portability"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    COMPLAINT = "complaint"


class RequestState(StrEnum):
    """Where a request stands.

    ``requested_proof``: a link went to the contact detail we hold; ``verified``: whoever asked can read what
    is sent there, or an operator knows them; ``in_work``: it is prepared, and not yet in the person's hands.
    """

    RECEIVED = "received"
    REQUESTED_PROOF = "requested_proof"
    VERIFIED = "verified"
    IN_WORK = "in_work"
    ANSWERED = "answered"
    REFUSED = "refused"


UNPROVED = (RequestState.RECEIVED, RequestState.REQUESTED_PROOF)
OPEN = (*UNPROVED, RequestState.VERIFIED, RequestState.IN_WORK)
PROTECTS = (RequestKind.RESTRICTION, RequestKind.OBJECTION, RequestKind.COMPLAINT)
"""Kinds that show nobody anything and change nothing of what is held: the token of a message suffices."""

_NEXT = {
    RequestState.REQUESTED_PROOF: UNPROVED,
    RequestState.VERIFIED: UNPROVED,
    RequestState.IN_WORK: (RequestState.VERIFIED, RequestState.IN_WORK),
    RequestState.ANSWERED: (RequestState.VERIFIED, RequestState.IN_WORK),
    RequestState.REFUSED: OPEN,
}
"""From which states each may follow."""


@dataclass(frozen=True)
class Request:
    """One request.

    Parameters
    ----------
    id : int
    person : int or None
        None where nobody is known by what was given, or the person was erased since.
    kind : RequestKind
    state : RequestState
    detail : str or None
        What the person wrote, as it is stored; see `detail_of`.
    received_at : datetime
        UTC.
    due_on : date
        The last day on which an answer is in time.
    rule : str
        Which rule says so.
    verified_by : str or None
        How it is known who asks.
    verified_at, answered_at : datetime or None
    outcome : str or None
        What was done, or why it was refused.
    """

    id: int
    person: int | None
    kind: RequestKind
    state: RequestState
    detail: str | None = field(repr=False)
    received_at: datetime
    due_on: date
    rule: str
    verified_by: str | None
    verified_at: datetime | None
    answered_at: datetime | None
    outcome: str | None

    @property
    def is_open(self) -> bool:
        """Whether an answer is still owed."""
        return self.state in OPEN

    def is_overdue(self, at: datetime) -> bool:
        """Whether it is open after its last day."""
        return self.is_open and at.date() > self.due_on


def receive(
    ledger: Ledger,
    person: int | None,
    kind: RequestKind,
    at: datetime,
    due: tuple[date, str],
    detail: str | None = None,
    verified_by: str | None = None,
    seals: Seals | None = None,
) -> Request:
    """Write a request down; while one of its kind is open for the person, that one stays as it is.

    Parameters
    ----------
    ledger : Ledger
    person : int or None
        None where nobody is known by what was given: that must be answered, too.
    kind : RequestKind
    at : datetime
    due : (date, str)
        Until when it must be answered, and which rule says so.
    detail : str, optional
        What the person wrote.
    verified_by : str, optional
        How it is known who asks; without it, that is still to be shown.
    seals : Seals, optional
        Without them what was written is not kept sealed.

    Returns
    -------
    Request
    """
    text = _kept(person, detail, seals)
    with ledger.writing() as connection:
        return _receive(connection, person, kind, at, due, text, verified_by)


def receive_from_recipient(
    ledger: Ledger,
    send: int,
    kind: RequestKind,
    at: datetime,
    due: tuple[date, str],
    detail: str | None = None,
    seals: Seals | None = None,
) -> Request | None:
    """Write down a request of whom a send was for; see `receive`.

    Whoever has the message has its token, and a message may be forwarded: it suffices for what `PROTECTS`
    the person, all else is to be confirmed. Of one message there is one complaint, answered or not.

    Returns
    -------
    Request or None
        None where the send is not known: of a person who was erased nothing is held.
    """
    with ledger.engine.connect() as connection:
        person = connection.execute(select(_sends.c.person).where(_sends.c.id == send)).scalar()
    if person is None:
        return None
    text = _kept(person, detail, seals)
    verified_by = "the link in a message to the person" if kind in PROTECTS else None
    with ledger.writing() as connection:
        if connection.execute(select(_sends.c.person).where(_sends.c.id == send)).scalar() != person:
            return None
        if kind is RequestKind.COMPLAINT and not _count(connection, send, at):
            before = _complaint(connection, person)
            if before is not None:
                return before
        return _receive(connection, person, kind, at, due, text, verified_by)


def move(
    ledger: Ledger,
    number: int,
    state: RequestState,
    at: datetime,
    outcome: str | None = None,
    verified_by: str | None = None,
) -> Request:
    """Take a request to its next state.

    Parameters
    ----------
    ledger : Ledger
    number : int
    state : RequestState
    at : datetime
    outcome : str, optional
        What was done, or why it is refused.
    verified_by : str, optional
        How it is known who asks, where that is the next state.

    Returns
    -------
    Request

    Raises
    ------
    InputError
        There is no such request, or a refusal without a reason.
    OrderError
        That does not follow: it is answered already, or nobody has shown who asks.
    """
    if state is RequestState.REFUSED and not (outcome and outcome.strip()):
        raise InputError(f"refusing request {number}", "no reason", "Say why: the person must be told.")
    with ledger.writing() as connection:
        before = _read(connection, number)
        if before.state not in _NEXT.get(state, ()):
            todo = "Let the person show who asks: `suasion requests prove`."
            if before.state not in UNPROVED:
                todo = "Look at `suasion requests`."
            raise OrderError(f"request {number}: {state}", f"it is {before.state}", todo)
        values: dict[str, Any] = {"state": str(state)}
        if state is RequestState.VERIFIED:
            values |= {"verified_by": verified_by, "verified_at": at.astimezone(UTC)}
        if state in (RequestState.ANSWERED, RequestState.REFUSED):
            values["answered_at"] = at.astimezone(UTC)
        if outcome is not None:
            values["outcome"] = outcome
        connection.execute(update(_requests).where(_requests.c.id == number).values(**values))
        return _read(connection, number)


def confirm(ledger: Ledger, number: int, at: datetime) -> Request | None:
    """Believe whoever has the link that went to the contact detail on file: once, and never again.

    Returns
    -------
    Request or None
        None where there is nothing to confirm (any more).
    """
    try:
        by = "a link sent to the contact detail on file"
        return move(ledger, number, RequestState.VERIFIED, at, verified_by=by)
    except (InputError, OrderError):
        return None


def request(ledger: Ledger, number: int) -> Request:
    """Read one request; InputError where there is none."""
    with ledger.engine.connect() as connection:
        return _read(connection, number)


def find(ledger: Ledger, number: int) -> Request | None:
    """Read one request; None where there is none."""
    with ledger.engine.connect() as connection:
        row = connection.execute(select(_requests).where(_requests.c.id == number)).mappings().first()
    return None if row is None else _request(row)


def queue(ledger: Ledger, at: datetime, *, everything: bool = False) -> tuple[Request, ...]:
    """The requests that are open, overdue ones first, then by when they are due; or all there ever were."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(select(_requests).order_by(_requests.c.id)).mappings().all()
    found = [one for one in map(_request, rows) if everything or one.is_open]
    return tuple(sorted(found, key=lambda one: (not one.is_overdue(at), not one.is_open, one.due_on, one.id)))


def requests_of(ledger: Ledger, person: int) -> tuple[Request, ...]:
    """All requests of a person, first ones first."""
    chosen = select(_requests).where(_requests.c.person == person).order_by(_requests.c.id)
    with ledger.engine.connect() as connection:
        return tuple(map(_request, connection.execute(chosen).mappings().all()))


def detail_of(asked: Request, seals: Seals | None = None) -> str | None:
    """What the person wrote; None where they wrote nothing, or their key is gone."""
    if asked.detail is None or not asked.detail.startswith(_SEALED):
        return asked.detail
    if seals is None or asked.person is None:
        return None
    return seals.unseal(asked.person, TABLE, b64decode(asked.detail.removeprefix(_SEALED)))


_SEALED = "sealed:"


def _kept(person: int | None, detail: str | None, seals: Seals | None) -> str | None:
    """What is stored of what was written; a text that only looks sealed stays a text."""
    if detail is None or not detail.strip():
        return None
    text = detail.strip()[:LONGEST]
    if seals is None or person is None:
        return f" {text}" if text.startswith(_SEALED) else text
    return f"{_SEALED}{b64encode(seals.seal(person, TABLE, text)).decode()}"


def _receive(
    connection: Connection,
    person: int | None,
    kind: RequestKind,
    at: datetime,
    due: tuple[date, str],
    detail: str | None,
    verified_by: str | None,
) -> Request:
    if person is not None:
        still = (_requests.c.person == person) & _requests.c.state.in_([str(state) for state in OPEN])
        found = (
            connection.execute(select(_requests).where(still, _requests.c.kind == str(kind)))
            .mappings()
            .first()
        )
        if found is not None:
            return _request(found)
    row = {
        "person": person,
        "kind": str(kind),
        "state": str(RequestState.VERIFIED if verified_by else RequestState.RECEIVED),
        "detail": detail,
        "received_at": at.astimezone(UTC),
        "due_on": due[0].isoformat(),
        "rule": due[1],
        "verified_by": verified_by,
        "verified_at": at.astimezone(UTC) if verified_by else None,
    }
    made = connection.execute(insert(_requests).values(**row)).inserted_primary_key
    assert made is not None
    return _read(connection, made[0])


def _count(connection: Connection, send: int, at: datetime) -> bool:
    """Count a complaint among the replies, once; unlike one through the mailbox provider it stops nothing."""
    mine = (_replies.c.send == send) & (_replies.c.kind == COMPLAINED)
    is_new = connection.execute(select(_replies.c.send).where(mine)).first() is None
    if is_new:
        connection.execute(insert(_replies).values(send=send, kind=COMPLAINED, at=at))
    return is_new


def _complaint(connection: Connection, person: int) -> Request | None:
    """The newest complaint of a person."""
    theirs = (_requests.c.person == person) & (_requests.c.kind == str(RequestKind.COMPLAINT))
    chosen = select(_requests).where(theirs).order_by(_requests.c.id.desc())
    row = connection.execute(chosen).mappings().first()
    return None if row is None else _request(row)


def _read(connection: Connection, number: int) -> Request:
    row = connection.execute(select(_requests).where(_requests.c.id == number)).mappings().first()
    if row is None:
        raise InputError(f"request {number}", "there is none of that number", "Look at `suasion requests`.")
    return _request(row)


def _request(row: RowMapping) -> Request:
    found: dict[str, Any] = {str(name): value for name, value in row.items()}
    found |= {"kind": RequestKind(found["kind"]), "state": RequestState(found["state"])}
    found |= {"due_on": date.fromisoformat(found["due_on"] or "9999-12-31"), "rule": found["rule"] or ""}
    return Request(**found)
