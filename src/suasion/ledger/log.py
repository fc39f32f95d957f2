"""The log: an append-only chain of hashes, which anyone can check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from suasion.errors import DamageError
from suasion.ledger.database import Ledger
from suasion.ledger.schema import log

GENESIS = "0" * 64
"""Stands for the hash before the first."""


@dataclass(frozen=True)
class LogRow:
    """One row of the log.

    Parameters
    ----------
    position : int
        Counts from 1.
    kind : str
        ``campaign``, ``result``, ``pause`` or ``resume``.
    campaign : str
    body : str
        What is said, as canonical JSON.
    at : str
        ISO 8601, UTC.
    hash : str
        SHA-256, hexadecimal, over the hash before and all of the above.
    """

    position: int
    kind: str
    campaign: str
    body: str
    at: str
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """The body, read."""
        return json.loads(self.body)


def append(
    connection: Connection, kind: str, campaign: str, content: Mapping[str, Any], at: datetime
) -> None:
    """Append to the log, inside a transaction that holds the write lock.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    kind, campaign : str
    content : mapping
        What JSON can hold.
    at : datetime
    """
    last = connection.execute(select(log.c.position, log.c.hash).order_by(log.c.position.desc())).first()
    position, before = (last.position + 1, last.hash) if last else (1, GENESIS)
    body, time = canonical(content), at.astimezone(UTC).isoformat(timespec="microseconds")
    row = LogRow(position, kind, campaign, body, time, _hash(before, position, kind, campaign, body, time))
    connection.execute(insert(log).values(**vars(row)))


def rows(ledger: Ledger) -> tuple[LogRow, ...]:
    """The whole log, first row first.

    Raises
    ------
    DamageError
        A row holds what is no text, which nobody can have appended.
    """
    with ledger.engine.connect() as connection:
        found = connection.execute(select(log).order_by(log.c.position)).all()
    for position, *texts in found:
        if not all(isinstance(text, str) for text in texts):
            raise _changed(position)
    return tuple(LogRow(*row) for row in found)


def verify(chain: Iterable[LogRow], head: str | None = None) -> str:
    """Check every link of a log.

    Parameters
    ----------
    chain : iterable of LogRow
        First row first.
    head : str, optional
        A hash that was published earlier: it must occur, or rows have been cut off or rewritten.

    Returns
    -------
    str
        The newest hash; whoever keeps it can prove a later change.

    Raises
    ------
    DamageError
        A row was changed, removed, inserted or moved, or `head` does not occur.

    Examples
    --------
    >>> verify([]) == GENESIS
    True
    """
    before, seen = GENESIS, {GENESIS}
    for place, row in enumerate(chain, 1):
        made = _hash(before, place, row.kind, row.campaign, row.body, row.at)
        if row.position != place or row.hash != made:
            raise _changed(place)
        before = made
        seen.add(made)
    if head is not None and head not in seen:
        found = "no row of the log has this hash: rows were cut off or rewritten"
        raise DamageError(f"hash {head}", found, "Ask the sponsor; keep what you have.")
    return before


def _changed(place: int) -> DamageError:
    found = "it is not what was appended: a row was changed, removed or moved"
    return DamageError(f"row {place} of the log", found, "Ask the sponsor; keep what you have.")


def canonical(content: Mapping[str, Any]) -> str:
    """One text for one content: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _hash(before: str, *parts: object) -> str:
    text = json.dumps([before, *parts], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
