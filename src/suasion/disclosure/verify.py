"""Prove that the log is what was appended, and that nothing was sent before its record.

An outsider needs nothing of ours for the first. The hash of a row is the SHA-256, in hexadecimal, of a text
in UTF-8: the JSON array of the hash of the row before (64 zeros for the first row), position, kind, campaign,
body and at, without spaces, in which only those characters are escaped that JSON demands: ``"``, the
backslash, and those below U+0020 (as ``\\n`` where there is such a short form, else as ``\\u001f``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import text

from suasion.disclosure.lines import read_log
from suasion.errors import DamageError
from suasion.ledger import Ledger, log

_FIRST_CLAIMS = text("""
SELECT campaign, min(at) FILTER (WHERE typeof(at) = 'real'), min(typeof(at) IN ('real', 'null')) FROM sends
WHERE state <> 'planned' AND (state <> 'failed' OR at IS NOT NULL) GROUP BY campaign ORDER BY campaign
""")
"""A send that failed without ever being claimed is of someone who opted out first."""


@dataclass(frozen=True)
class Verified:
    """What a check of the log found.

    Parameters
    ----------
    rows : int
    head : str
        The newest hash; whoever keeps it can prove a later change. Empty where the chain does not hold.
    campaigns : tuple of str
        Those with a record.
    problems : tuple of str
        Empty where all is well.
    """

    rows: int
    head: str
    campaigns: tuple[str, ...]
    problems: tuple[str, ...]


def verify(ledger: Ledger, head: str | None = None) -> Verified:
    """Check the log of a ledger, and that every campaign was on record before it claimed its first send.

    Parameters
    ----------
    ledger : Ledger
    head : str, optional
        A hash that was published earlier.

    Returns
    -------
    Verified
    """
    with ledger.engine.connect() as connection:
        claims = connection.execute(_FIRST_CLAIMS).all()
    try:
        rows = log.rows(ledger)  # read later: the record of each claim is among them
    except DamageError as error:
        return Verified(0, "", (), (str(error),))
    found = _of_chain(rows, head)
    recorded = {row.campaign: row.at for row in reversed(rows) if row.kind == "campaign"}
    hidden = [_hidden(name, at, recorded.get(name)) for name, at, _ in claims]
    hidden += [f"campaign '{name}' has a send whose time is none" for name, _, timed in claims if not timed]
    return replace(found, problems=(*found.problems, *filter(None, hidden)))


def verify_lines(lines: Iterable[str], head: str | None = None) -> Verified:
    """Check a log that was saved as JSON lines, without a workspace.

    Parameters
    ----------
    lines : iterable of str
        Such as an open file.
    head : str, optional
        A hash that was published earlier.

    Returns
    -------
    Verified

    Examples
    --------
    >>> verify_lines([]).problems
    ()
    >>> verify_lines(["{}"]).problems
    ('line 1 of the log: it is no row of a log. Download the log again.',)
    """
    try:
        return _of_chain(read_log(lines), head)
    except DamageError as error:
        return Verified(0, "", (), (str(error),))


def _of_chain(rows: Sequence[log.LogRow], head: str | None) -> Verified:
    campaigns = tuple(sorted({row.campaign for row in rows if row.kind == "campaign"}))
    try:
        return Verified(len(rows), log.verify(rows, head), campaigns, ())
    except DamageError as error:
        return Verified(len(rows), "", campaigns, (str(error),))


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
