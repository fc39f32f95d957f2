"""Versions of what a placement's policy learned: each follows the one before, whoever writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from suasion.errors import DamageError, InputError
from suasion.ledger import log
from suasion.ledger.database import Ledger
from suasion.ledger.schema import policies

KEPT = 20
"""Versions whose bytes are kept; of older ones the digest says whether a replay made the same."""


@dataclass(frozen=True)
class PolicyVersion:
    """One version.

    Parameters
    ----------
    placement : str
    version : int
        Counts from 1.
    digest : str
        SHA-256 of the state, in hexadecimal digits.
    state : bytes or None
        None of an old version.
    learned_until : int
        The place, in the order of what is learned, up to which everything was learned.
    at : datetime
        When it was written.
    """

    placement: str
    version: int
    digest: str
    state: bytes | None
    learned_until: int
    at: datetime


def append(
    ledger: Ledger,
    placement: str,
    after: int,
    state: bytes,
    learned_until: int,
    at: datetime,
    said: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
) -> PolicyVersion | None:
    """Write the version that follows another, if none does yet; when this returns it is on disk.

    Parameters
    ----------
    ledger : Ledger
    placement : str
    after : int
        The version that this one was learned from; 0 for the first.
    state : bytes
    learned_until : int
        Not before that of the version it follows.
    at : datetime
    said : sequence of (str, str, mapping)
        Kind, campaign and body of rows that the log gets in the same transaction, or not at all.

    Returns
    -------
    PolicyVersion or None
        None where another process was first: read its version, and learn again from there.

    Raises
    ------
    InputError
        It would learn again what was learned.
    BusyError
        Another process kept the ledger locked; nothing is written.
    """
    made = PolicyVersion(placement, after + 1, sha256(state).hexdigest(), state, learned_until, at)
    with ledger.writing() as connection:
        last = _last(connection, placement)
        if (last[0] if last else 0) != after:
            return None
        if last and learned_until < last[1]:
            found = f"a state learned up to {learned_until}, after one up to {last[1]}"
            raise InputError(
                f"the policy of placement '{placement}'", found, "Learn from the newest version."
            )
        row = {"placement": placement, "version": made.version, "digest": made.digest, "state": state}
        connection.execute(insert(policies).values(**row, learned_until=learned_until, at=at.astimezone(UTC)))
        connection.execute(
            update(policies)
            .where(policies.c.placement == placement, policies.c.version == made.version - KEPT)
            .values(state=None)
        )
        for kind, campaign, body in said:
            log.append(connection, kind, campaign, body, at)
    return made


def forget_before(ledger: Ledger, placement: str, version: int) -> None:
    """Delete the bytes of all versions before one: they know what somebody taught who was erased."""
    older = (policies.c.placement == placement) & (policies.c.version < version)
    with ledger.writing() as connection:
        connection.execute(update(policies).where(older).values(state=None))


def drop(ledger: Ledger, placement: str) -> None:
    """Delete all versions: what a challenger knew that is declared no more, a replay makes again."""
    if newest_number(ledger, placement):
        with ledger.writing() as connection:
            connection.execute(delete(policies).where(policies.c.placement == placement))


def newest(ledger: Ledger, placement: str) -> PolicyVersion | None:
    """The newest version, or None where nothing was learned.

    Raises
    ------
    DamageError
        Its bytes are not what was written.
    """
    with ledger.engine.connect() as connection:
        return _version(connection.execute(_newest_first(placement).limit(1)).first())


def newest_number(ledger: Ledger, placement: str) -> int:
    """The number of the newest version, 0 where nothing was learned: cheap enough to ask every second."""
    with ledger.engine.connect() as connection:
        last = _last(connection, placement)
    return last[0] if last else 0


def learned_until(ledger: Ledger, placement: str) -> int:
    """Up to where the newest version was learned, -1 where nothing was."""
    with ledger.engine.connect() as connection:
        last = _last(connection, placement)
    return last[1] if last else -1


def _last(connection: Connection, placement: str) -> tuple[int, int] | None:
    """Number of the newest version, and up to where it was learned."""
    chosen = select(policies.c.version, policies.c.learned_until)
    chosen = chosen.where(policies.c.placement == placement).order_by(policies.c.version.desc())
    row = connection.execute(chosen.limit(1)).first()
    return None if row is None else (row.version, row.learned_until)


def _newest_first(placement: str) -> Select[Any]:
    return select(policies).where(policies.c.placement == placement).order_by(policies.c.version.desc())


def _version(row: Row[Any] | None) -> PolicyVersion | None:
    if row is None:
        return None
    made = PolicyVersion(row.placement, row.version, row.digest, row.state, row.learned_until, row.at)
    if made.state is not None and sha256(made.state).hexdigest() != made.digest:
        asked = f"version {made.version} of the policy of placement '{made.placement}'"
        raise DamageError(asked, "bytes that are not what was written", "Restore the ledger from a backup.")
    return made
