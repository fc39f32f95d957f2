"""The log: rows that are only ever appended, the leaves of a Merkle tree, which anyone can check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from suasion.errors import DamageError
from suasion.ledger import tree
from suasion.ledger.database import Ledger
from suasion.ledger.schema import log

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True)
class LogRow:
    """One row of the log.

    Parameters
    ----------
    position : int
        Counts from 1.
    kind : str
        ``campaign``, ``sends``, ``result``, ``pause``, ``resume``, ``correction``; of placements
        ``approved``, ``compared``, ``returned``, ``closed``, ``moved`` and ``alarm`` as well.
    campaign : str
    body : str
        What is said, as canonical JSON.
    at : str
        ISO 8601, UTC.
    hash : str
        Of its leaf in the tree, hexadecimal.
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


def append(connection: Connection, kind: str, campaign: str, content: Mapping[str, Any], at: datetime) -> int:
    """Append to the log, inside a transaction that holds the write lock.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    kind, campaign : str
    content : mapping
        What JSON can hold.
    at : datetime

    Returns
    -------
    int
        The position of the new row.
    """
    position = 1 + connection.execute(select(func.coalesce(func.max(log.c.position), 0))).scalar_one()
    body, time = canonical(content), time_of(at)
    hashed = leaf_of(kind, campaign, body, time).hex()
    connection.execute(insert(log).values(**vars(LogRow(position, kind, campaign, body, time, hashed))))
    return position


def rows(ledger: Ledger) -> tuple[LogRow, ...]:
    """The whole log, first row first; see `read`."""
    with ledger.engine.connect() as connection:
        return read(connection)


def read(connection: Connection) -> tuple[LogRow, ...]:
    """The whole log, first row first.

    Raises
    ------
    DamageError
        A row holds what is no text, which nobody can have appended.
    """
    found = connection.execute(select(log).order_by(log.c.position)).all()
    for position, *texts in found:
        if not all(isinstance(text, str) for text in texts):
            raise _changed(position)
    return tuple(LogRow(*row) for row in found)


def row(connection: Connection, position: int) -> LogRow | None:
    """The row at a position; None where there is none."""
    found = connection.execute(select(log).where(log.c.position == position)).first()
    return LogRow(*found) if found else None


def newest(connection: Connection, kind: str, campaign: str) -> LogRow | None:
    """The newest row of a kind about a campaign, without reading the others; None if there is none."""
    same = (log.c.kind == kind) & (log.c.campaign == campaign)
    found = connection.execute(select(log).where(same).order_by(log.c.position.desc()).limit(1)).first()
    return LogRow(*found) if found else None


def about(connection: Connection, kind: str, campaign: str) -> tuple[LogRow, ...]:
    """The rows of a kind about a campaign, without reading the others; first row first."""
    same = (log.c.kind == kind) & (log.c.campaign == campaign)
    return tuple(
        LogRow(*found) for found in connection.execute(select(log).where(same).order_by(log.c.position))
    )


def of_kind(connection: Connection, kind: str) -> tuple[LogRow, ...]:
    """The rows of a kind, whatever they are about; first row first."""
    chosen = select(log).where(log.c.kind == kind).order_by(log.c.position)
    return tuple(LogRow(*found) for found in connection.execute(chosen))


def leaves(chain: Iterable[LogRow]) -> list[bytes]:
    """The leaves of a log, checked: each row is in its place, and its hash is that of what it says.

    Parameters
    ----------
    chain : iterable of LogRow
        First row first.

    Returns
    -------
    list of bytes
        `tree.root` of them tells any two logs apart.

    Raises
    ------
    DamageError
        A row was changed, removed, inserted or moved, and its hash left as it was.

    Examples
    --------
    >>> leaves([])
    []
    """
    made = list[bytes]()
    for place, one in enumerate(chain, 1):
        leaf = leaf_of(one.kind, one.campaign, one.body, one.at)
        if one.position != place or one.hash != leaf.hex():
            raise _changed(place)
        made.append(leaf)
    return made


def hashes(connection: Connection) -> list[bytes]:
    """The leaves of the log as they were stored, without reading what the rows say.

    Raises
    ------
    DamageError
        A row is missing, or its hash is none.
    """
    made = list[bytes]()
    for place, (position, text) in enumerate(
        connection.execute(select(log.c.position, log.c.hash).order_by(log.c.position)), 1
    ):
        if position != place or not is_hash(text):
            raise _changed(place)
        made.append(bytes.fromhex(text))
    return made


def leaf_of(kind: str, campaign: str, body: str, at: str) -> bytes:
    """The hash of a row's leaf: of the JSON array of these four, without spaces, as UTF-8."""
    return tree.leaf_hash(canonical([kind, campaign, body, at]).encode())


def is_hash(text: object) -> bool:
    """Whether something is a hash as it is spelled here: 64 hexadecimal digits in lower case.

    Examples
    --------
    >>> is_hash("0f" * 32), is_hash("0F" * 32), is_hash(None)
    (True, False, False)
    """
    return isinstance(text, str) and len(text) == 2 * tree.SIZE and not set(text) - set("0123456789abcdef")


def canonical(content: Any) -> str:
    """One text for one content: sorted keys, no spaces."""
    return _ENCODER.encode(content)


def time_of(at: datetime) -> str:
    """A time as the log spells it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _changed(place: int) -> DamageError:
    found = "it is not what was appended: a row was changed, removed or moved"
    return DamageError(f"row {place} of the log", found, "Ask the sponsor; keep what you have.")
