"""Claims: what may be handed to a channel, decided with every check in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select, text

from suasion.errors import WorkspaceError
from suasion.ledger.database import Ledger
from suasion.ledger.journal import is_level
from suasion.ledger.rows import write_rows
from suasion.ledger.schema import table_versions
from suasion.ledger.sends.evidence import Evidence
from suasion.ledger.sends.money import DUST, commit, spent
from suasion.ledger.sends.receipt import issue
from suasion.ledger.sends.refused import REFUSED
from suasion.ledger.sends.send import OBJECTED, REPEATED, RESTRICTED, SUPPRESSED, Cap, Send, Terms
from suasion.ledger.sends.stops import Stop, stop_of
from suasion.rules import Clearance, Gate

Row = Any
Never = tuple[str, int]
"""A send that may never be claimed, by its id, with the reason before it."""

_TOLD = {
    SUPPRESSED: "opted out or suppressed",
    REPEATED: REPEATED,
    OBJECTED: "objected to being targeted",
    RESTRICTED: "wanted their data restricted",
}
_MONTH = timedelta(days=30)
"""In which messages are counted for a wish for fewer."""

_VERSIONS = select(table_versions.c.name, func.max(table_versions.c.version)).group_by(table_versions.c.name)

_CANDIDATES = text(f"""
SELECT s.id, s.person, s.treatment, s.cost, s.address,
    EXISTS (SELECT 1 FROM suppressions u WHERE u.person = s.person AND u.channel IN (:channel, '*'))
    OR EXISTS (SELECT 1 FROM suppressions u WHERE u.address = s.address AND u.channel IN (:channel, '*')),
    {REFUSED},
    EXISTS (SELECT 1 FROM receipts r WHERE r.send = s.id)
    OR EXISTS (SELECT 1 FROM sends t WHERE t.address = s.address AND t.channel = s.channel
            AND t.campaign = s.campaign AND t.step = s.step
            AND t.at IS NOT NULL
            AND coalesce(t.reason, '') NOT IN ('suppressed', 'objected', 'restricted', 'unwritten')),
    EXISTS (SELECT 1 FROM wishes w WHERE w.person = s.person AND w.kind = 'restricted'),
    EXISTS (SELECT 1 FROM wishes w JOIN plans p ON p.id = s.plan JOIN runs r ON r.id = p.run
            WHERE w.person = s.person AND w.kind = 'objected'
            AND (s.treatment <> :neutral OR r.published_at <= w.at)),
    EXISTS (SELECT 1 FROM wishes w WHERE w.person = s.person AND w.kind = 'fewer' AND w.amount <=
            (SELECT count(*) FROM sends t WHERE t.person = w.person AND t.at > :month
             AND coalesce(t.reason, '') NOT IN ('suppressed', 'objected', 'restricted', 'unwritten'))),
    (SELECT count(*) FROM sends t WHERE t.person = s.person AND t.channel = s.channel AND t.at > :since
        AND coalesce(t.reason, '') NOT IN ('suppressed', 'objected', 'restricted', 'unwritten'))
    + (SELECT count(*) FROM sends t WHERE t.address = s.address AND t.channel = s.channel AND t.at > :since
        AND t.person <> s.person
        AND coalesce(t.reason, '') NOT IN ('suppressed', 'objected', 'restricted', 'unwritten'))
FROM sends s
WHERE s.id > :after AND s.id <= :until AND s.state = 'planned'
    AND coalesce(s.campaign, '') = :campaign AND coalesce(s.channel, '') = :channel
ORDER BY s.id LIMIT :limit
""")
"""What `coalesce` hides keeps databases on the primary key: rows come in order, without a sort. What was
claimed and may have been handed over counts; a claim that was taken back has no receipt any more."""
_CLAIM = "UPDATE sends SET state = 'claimed', at = ? WHERE id = ?"
_NEVER_CLAIM = "UPDATE sends SET state = 'failed', reason = ? WHERE id = ?"


@dataclass(frozen=True)
class Claimed:
    """What a claim gave.

    Parameters
    ----------
    sends : tuple of Send
    last : int
        The last send that was looked at; the next claim goes on after it.
    left : dict of str to int
        Sends that were looked at and not claimed, by reason.
    stop : Stop or None
        Why the campaign may send nothing more now.
    looked : int
        How many sends were looked at; fewer than asked for where none is left.
    """

    sends: tuple[Send, ...]
    last: int
    left: dict[str, int]
    stop: Stop | None
    looked: int


def claim(
    ledger: Ledger,
    terms: Terms,
    clearance: Clearance,
    gate: Gate,
    facts: Sequence[str],
    at: datetime,
    after: int,
    until: int,
    limit: int,
    evidence: Evidence,
) -> Claimed:
    """Claim planned sends, re-checking everything in the transaction that claims.

    The campaign: not paused, approved, on record, not over, within hours and budget. Each person: in the
    clearance, which must be genuine and hold for the rules, facts and time of now; not suppressed, by
    person or by contact detail; no consent withdrawn or expired; below the cap; nothing that the person
    wished otherwise. Each contact detail: no other person who has it got the campaign, or gets it in the
    same claim.

    Parameters
    ----------
    ledger : Ledger
    terms : Terms
    clearance : Clearance
        For contact; others than its persons are left.
    gate : Gate
        The rules and the occasion as they stand now.
    facts : sequence of str
        Names of the tables whose versions are the version of the facts.
    at : datetime
        Now, in the time zone of the hours.
    after, until : int
        Only sends with an id above the one and up to the other.
    limit : int
        Look at so many sends at most.
    evidence : Evidence
        By what the persons of the clearance were judged; it is sealed in the receipts of what is claimed.

    Returns
    -------
    Claimed

    Raises
    ------
    ClearanceError
        The clearance is forged, foreign or stale; nothing is claimed.
    WorkspaceError
        The ledger has not done what the journal of opt-outs and erasures knows, or the journal is missing;
        nothing is claimed.
    """
    with ledger.writing() as connection:
        if ledger.journal is not None and not is_level(connection, ledger.journal):
            found = "the journal of opt-outs and erasures knows more than the ledger, which was restored"
            raise WorkspaceError("a claim", found, "Run `suasion send` again: it does them again first.")
        stop = stop_of(connection, terms.campaign, terms.content, terms.not_after, terms.hours, at)
        if stop is not None:
            return Claimed((), after, {}, stop, 0)
        rows = _candidates(connection, terms, at, (after, until), limit)
        persons = np.array([row[1] for row in rows], np.int64)
        permitted = clearance.covers(persons)
        gate.admit(clearance, persons[permitted], _version(connection, facts))
        free, never, left = _sorted(rows, permitted.tolist(), terms.cap)
        free, again = _once(free)
        paid = _affordable(free, spent(connection, terms.campaign), terms.budget)
        had = {one.address for one in paid}
        never += [(REPEATED, one.id) for one in again if one.address in had]
        _write(connection, paid, never, at)
        commit(connection, terms.campaign, [one.cost for one in paid], at)
        issue(connection, terms, gate.digest, evidence, paid, at)
    refused = Counter(_TOLD[reason] for reason, _ in never)
    stop = Stop.BUDGET if len(paid) < len(free) else None
    return Claimed(tuple(paid), rows[-1][0] if rows else after, {**left, **refused}, stop, len(rows))


def _candidates(
    connection: Connection, terms: Terms, at: datetime, between: tuple[int, int], limit: int
) -> Sequence[Row]:
    since = at - timedelta(days=terms.cap.days) if terms.cap else at
    asked = {
        "campaign": terms.campaign,
        "purpose": str(terms.purpose),
        "channel": str(terms.channel),
        "today": at.date().isoformat(),
        "since": since.timestamp(),
        "month": (at - _MONTH).timestamp(),
        "neutral": terms.neutral or "",
        "after": between[0],
        "until": between[1],
        "limit": limit,
    }
    return connection.execute(_CANDIDATES, asked).all()


def _version(connection: Connection, names: Sequence[str]) -> str:
    """The versions of these tables as they stand inside the transaction; see `Tables.version`."""
    found = {row[0]: row[1] for row in connection.execute(_VERSIONS)}
    return " ".join(f"{name}@{found.get(name, 0)}" for name in names)


def _sorted(
    rows: Sequence[Row], permitted: Sequence[bool], cap: Cap | None
) -> tuple[list[Send], list[Never], Counter[str]]:
    """Sends that may go, those that never may, and how many of the others are left by reason."""
    free: list[Send] = []
    never: list[Never] = []
    left = Counter[str]()
    for (*send, suppressed, refused, had, restricted, objected, enough, recent), allowed in zip(
        rows, permitted, strict=True
    ):
        if suppressed:
            never.append((SUPPRESSED, send[0]))
        elif restricted or objected:
            never.append((RESTRICTED if restricted else OBJECTED, send[0]))
        elif had:
            never.append((REPEATED, send[0]))
        elif refused:
            left["consent was withdrawn, has expired or lacks evidence"] += 1
        elif not allowed:
            left["the rules do not permit it now"] += 1
        elif enough:
            left["had as many in 30 days as the person wished"] += 1
        elif cap is not None and recent >= cap.sends:
            left[f"had {cap.sends} within {cap.days} days"] += 1
        else:
            free.append(Send(*send))
    return free, never, left


def _once(free: Sequence[Send]) -> tuple[list[Send], list[Send]]:
    """The first send to each contact detail, and the others."""
    first = {one.address: one.id for one in reversed(free)}
    once = [one for one in free if first[one.address] == one.id]
    return once, [one for one in free if first[one.address] != one.id]


def _affordable(free: Sequence[Send], before: float, budget: float) -> list[Send]:
    """The first sends that the budget pays for, after what was spent before."""
    together = before + np.cumsum([one.cost for one in free])
    return list(free[: int(np.searchsorted(together, budget * DUST, side="right"))])


def _write(connection: Connection, paid: Sequence[Send], never: Sequence[Never], at: datetime) -> None:
    time = at.timestamp()
    write_rows(connection, _CLAIM, [(time, one.id) for one in paid])
    write_rows(connection, _NEVER_CLAIM, never)
