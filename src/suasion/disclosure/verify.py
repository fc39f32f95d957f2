"""Prove that a ledger's log is what was appended, and that nothing was sent before its record and receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from suasion.disclosure.saved import Verified, of_rows
from suasion.disclosure.sealed import broken
from suasion.errors import DamageError
from suasion.ledger import Ledger, checkpoints, log

_CLAIMS = text("""
SELECT campaign, min(at), max(at) FROM sends
WHERE state <> 'planned' AND (state <> 'failed' OR at IS NOT NULL) GROUP BY campaign ORDER BY campaign
""")
"""A send that failed without ever being claimed is of someone who opted out first. What is no number sorts
after all numbers."""


def verify(ledger: Ledger, key: bytes = b"", notes: Sequence[str] = ()) -> Verified:
    """Check the log of a ledger, and that each send has a record and then a receipt in it before it is sent.

    The log must lead through every checkpoint that was handed out.

    Parameters
    ----------
    ledger : Ledger
    key : bytes, optional
        The workspace's; without it signatures are not checked, nor what receipts say.
    notes : sequence of str
        Checkpoints that somebody kept.

    Returns
    -------
    Verified
    """
    with ledger.reading() as connection:
        claims = connection.execute(_CLAIMS).all()
        handed_out = checkpoints.handed_out(connection)
        try:
            rows = log.read(connection)
        except DamageError as error:
            return Verified(0, "", (), (str(error),))
        kept, problems = _kept(key, handed_out, notes)
        found = of_rows(rows, kept)
        problems += [*found.problems, *_unrecorded(rows, claims), *broken(connection, key, rows)]
    unchecked = (
        () if key or not (kept or claims) else ("signatures, and what receipts say: SUASION_KEY is not set",)
    )
    return replace(found, problems=tuple(problems), unchecked=unchecked)


def _kept(
    key: bytes, ours: Sequence[tuple[int, str]], notes: Sequence[str]
) -> tuple[list[checkpoints.Checkpoint], list[str]]:
    """Checkpoints as far as they are ours, and what is wrong with the others."""
    found, problems = list[checkpoints.Checkpoint](), list[str]()
    for size, note in (*ours, *((None, note) for note in notes)):
        try:
            said, _ = checkpoints.read(note)
            vkey = checkpoints.verifier_key(key, said.origin)
            found.append(checkpoints.opened(note, vkey) if key else said)
            if size not in (None, said.size):
                problems.append(f"the checkpoint of {size} rows is of {said.size}")
        except DamageError as error:
            problems.append(str(error))
    return found, problems


def _unrecorded(rows: Sequence[log.LogRow], claims: Sequence[Any]) -> list[str]:
    """What is wrong with the records of campaigns that have sent."""
    recorded = {row.campaign: row.at for row in reversed(rows) if row.kind == "campaign"}
    problems = [_hidden(name, _number(first), recorded.get(name)) for name, first, _ in claims]
    untimed = [name for name, first, last in claims if not {type(first), type(last)} <= {float, type(None)}]
    return [
        *filter(None, problems),
        *(f"campaign '{name}' has a send whose time is none" for name in untimed),
    ]


def _number(at: object) -> float | None:
    return at if isinstance(at, float) else None


def _hidden(campaign: str, claimed: float | None, recorded: str | None) -> str | None:
    """What is wrong with the record of a campaign that has sent."""
    if recorded is None:
        return f"campaign '{campaign}' has sent, and no record of it is in the log"
    try:
        since = datetime.fromisoformat(recorded).timestamp()
    except ValueError:
        return f"campaign '{campaign}' has a record without a time"
    if claimed is None:
        return f"campaign '{campaign}' has sent what was never claimed"
    if claimed < since:
        first = _when(claimed)
        return f"campaign '{campaign}' claimed its first send at {first}, before its record of {recorded}"
    return None


def _when(at: float) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    except (OverflowError, ValueError, OSError):
        return f"{at:g} s since 1970"
