"""Deletions are passed on to whoever got data: asked, and never said to be done before they confirm it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlalchemy import Connection, insert, select, update

from suasion.declarations import Declared
from suasion.errors import InputError
from suasion.ledger import Ledger, schema, tokens
from suasion.rights.certificate import Asked

DELETION = "deletion"
REQUESTED, CONFIRMED, REFUSED = "requested", "confirmed", "refused"
_TABLE = schema.passed


class Recipient(Declared):
    """Somebody who gets data of persons, as ``[[recipients]]`` in ``suasion.toml`` says.

    `address` is where requests go; `details` are the kinds of contact details by which they find a person:
    they are told of no other.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
    kind: Literal["broker", "platform", "processor"]
    address: str = Field(min_length=1)
    details: tuple[Literal["email", "phone"], ...] = ("email", "phone")


@dataclass(frozen=True)
class Passed:
    """One request to one recipient about one contact detail.

    Parameters
    ----------
    id : int
    kind : str
        ``deletion``.
    recipient : str
    state : {"requested", "confirmed", "refused"}
    at : datetime
    address : bytes
        Keyed hash of the detail.
    """

    id: int
    kind: str
    recipient: str
    state: str
    at: datetime
    address: bytes


def find_hash(kind: str, value: str) -> str:
    """The hash by which platforms find a person: SHA-256, hexadecimal, of the detail as they spell it.

    An e-mail address in lower case without blanks; a phone number as ``+`` and digits (E.164), or as its
    digits where it says no country. Whoever has the detail can make it, so it is no secret of its own.

    Examples
    --------
    >>> find_hash("email", " Ada@Example.org ") == find_hash("email", "ada@example.org")
    True
    >>> find_hash("phone", "+49 (30) 123") == find_hash("phone", "004930123")
    True
    """
    spelled = tokens.spelled(kind, value)
    if kind == "phone":
        digits = re.sub(r"\D", "", spelled)
        international = spelled.startswith(("+", "00"))
        spelled = f"+{digits.removeprefix('00')}" if international else digits
    return hashlib.sha256(spelled.encode("utf-8", "surrogatepass")).hexdigest()


def ask(
    connection: Connection,
    folder: Path,
    key: bytes,
    recipients: Iterable[Recipient],
    details: Iterable[tuple[str, str]],
    kind: str,
    at: datetime,
) -> int:
    """Write requests down, and add them to the file of each recipient, ``passed/NAME.jsonl``.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction that holds the write lock. Files are written before it is committed; what a process
        that died left in them is taken out by the next.
    folder : Path
        The workspace.
    key : bytes
        The workspace's.
    recipients : iterable of Recipient
    details : iterable of (str, str)
        Kind and value.
    kind : str
        ``deletion``.
    at : datetime

    Returns
    -------
    int
        How many requests were made.
    """
    told, made = sorted(set(details)), 0
    for recipient in recipients:
        lines: list[dict[str, Any]] = []
        for what, value in told:
            if what in recipient.details:
                address = tokens.hash_of(key, what, value, tokens.folded)
                lines.append(_request(connection, recipient.name, address, kind, what, value, at))
        if lines:
            _rewrite(connection, folder, recipient.name, lines)
        made += len(lines)
    return made


def answer(
    ledger: Ledger, folder: Path, request: int, state: Literal["confirmed", "refused"], at: datetime
) -> Passed:
    """Record what a recipient answered, and take the request out of their file.

    Parameters
    ----------
    ledger : Ledger
    folder : Path
        The workspace.
    request : int
        Number of the request.
    state : {"confirmed", "refused"}
    at : datetime

    Returns
    -------
    Passed

    Raises
    ------
    InputError
        There is no such request.
    """
    with ledger.writing() as connection:
        row = connection.execute(select(_TABLE).where(_TABLE.c.id == request)).first()
        if row is None:
            found = "there is no request of this number"
            raise InputError(f"request {request}", found, "Look at `suasion passed list`.")
        values = {"state": state, "answered_at": at.astimezone(UTC)}
        connection.execute(update(_TABLE).where(_TABLE.c.id == request).values(**values))
        _rewrite(connection, folder, row.recipient, [])
    return Passed(row.id, row.kind, row.recipient, state, row.at, row.address)


def requests(ledger: Ledger, addresses: Collection[bytes] | None = None) -> tuple[Passed, ...]:
    """What was passed on, oldest first: all of it, or what is about some keyed hashes."""
    chosen = select(_TABLE).order_by(_TABLE.c.id)
    if addresses is not None:
        chosen = chosen.where(_TABLE.c.address.in_(addresses))
    with ledger.engine.connect() as connection:
        rows = connection.execute(chosen).all()
    return tuple(Passed(r.id, r.kind, r.recipient, r.state, r.at, bytes(r.address)) for r in rows)


def about(connection: Connection, addresses: Collection[bytes]) -> tuple[Asked, ...]:
    """Who was asked to delete what is known by keyed hashes, and what all their answers come to."""
    chosen = select(_TABLE.c.recipient, _TABLE.c.state).where(
        _TABLE.c.address.in_(addresses), _TABLE.c.kind == DELETION
    )
    said: dict[str, set[str]] = {}
    for recipient, state in connection.execute(chosen):
        said.setdefault(recipient, set()).add(state)
    worst = (REQUESTED, REFUSED, CONFIRMED)
    return tuple(
        Asked(name, next(one for one in worst if one in states)) for name, states in sorted(said.items())
    )


def _request(
    connection: Connection, recipient: str, address: bytes, kind: str, what: str, value: str, at: datetime
) -> dict[str, Any]:
    row = {"address": address, "kind": kind, "recipient": recipient, "state": REQUESTED}
    done = connection.execute(insert(_TABLE).values(**row, at=at.astimezone(UTC)))
    (number,) = done.inserted_primary_key or (0,)
    hashes = {"hash": find_hash(what, value), "by": "sha256", "of": what}
    return {"request": number, "asks": kind, **hashes, "ours": address.hex(), "on": at.date().isoformat()}


def _rewrite(connection: Connection, folder: Path, recipient: str, new: Sequence[dict[str, Any]]) -> None:
    """The file of a recipient: what is open of it, and what is new; whole or not at all."""
    path = folder / "passed" / f"{recipient}.jsonl"
    path.parent.mkdir(exist_ok=True)
    mine = (_TABLE.c.recipient == recipient) & (_TABLE.c.state == REQUESTED)
    rows = connection.execute(select(_TABLE.c.id, _TABLE.c.address).where(mine)).all()
    open_now = {(row.id, bytes(row.address).hex()) for row in rows}
    before = path.read_text("utf-8").splitlines() if path.exists() else []
    said = {(one["request"], one["ours"]): one for one in (*map(json.loads, before), *new)}
    kept = [json.dumps(one, sort_keys=True) for place, one in sorted(said.items()) if place in open_now]
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in kept))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
