"""What the ledger says of a placement: whether it is on record, who said no, and who was exposed before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, select

from suasion.ledger import Ledger, draws, log, replay, schema, sends
from suasion.workspace.settings import Settings

Ids = npt.NDArray[np.int64]
PAUSED = "it is paused"
_RECORDS = 200
"""Newest records of a placement that are looked at, one for each part and correction."""


@dataclass(frozen=True)
class Standing:
    """How a placement stands in the ledger.

    Parameters
    ----------
    approval : (str, datetime) or None
        Who approved what it says now, and when.
    parts : tuple of str
        Sorted: parts of its people for which the log has a record of what it says now.
    paused : bool
    """

    approval: tuple[str, datetime] | None
    parts: tuple[str, ...]
    paused: bool

    @property
    def stop(self) -> str | None:
        """Why nothing is decided; None where it is."""
        if self.paused:
            return PAUSED
        if self.approval is None:
            return "nobody has approved what it says now"
        return None if self.parts else "its record is not in the log"


def standing_of(ledger: Ledger, record: str, content: str) -> Standing:
    """How a placement stands.

    Parameters
    ----------
    ledger : Ledger
    record : str
        ``placement:NAME``.
    content : str
        Digest of what it says now.

    Returns
    -------
    Standing
    """
    with ledger.reading() as connection:
        parts, paused = _recorded(connection, record, content), _is_paused(connection, record)
    return Standing(sends.approved(ledger, record, content), parts, paused)


def is_paused(ledger: Ledger, record: str) -> bool:
    """Whether a placement is paused."""
    with ledger.reading() as connection:
        return _is_paused(connection, record)


def journaled(ledger: Ledger) -> int:
    """The line of the journal up to which the ledger has done what it says."""
    with ledger.reading() as connection:
        return replay.journal.head_of(connection).n


def refusing(ledger: Ledger) -> Ids:
    """Everybody with a standing no to any channel, or who wants no message at all; sorted.

    Who wants to hear nothing by e-mail is not addressed elsewhere instead. A mail that bounced is no word of
    the person's.
    """
    s, w = schema.suppressions.c, schema.wishes.c
    never = select(s.person).where(s.person.is_not(None) & (s.reason != str(sends.Why.BOUNCED)))
    none = select(w.person).where((w.kind == "fewer") & (w.amount == 0))
    with ledger.reading() as connection:
        found = [*connection.execute(never).scalars(), *connection.execute(none).scalars()]
    return np.unique(np.array(found, np.int64))


def capped(ledger: Ledger, record: str, settings: Settings, at: datetime) -> Ids:
    """Who has seen as many other placements for the first time as the cap of the workspace lets them; sorted.

    What somebody sees again in the same place counts once.
    """
    if settings.cap is None:
        return np.zeros(0, np.int64)
    a, since = schema.assignments.c, (at - timedelta(days=settings.cap.days)).timestamp()
    others = a.experiment.startswith("placement:", autoescape=True) & (a.experiment != record)
    seen = select(a.person).where(others & (a.at > since)).group_by(a.person)
    with ledger.reading() as connection:
        found = connection.execute(seen.having(func.count() >= settings.cap.sends)).scalars().all()
    return np.unique(np.array(found, np.int64))


@dataclass(frozen=True)
class Exposed:
    """Who was exposed in a placement, in which arm, and with what chance; sorted by person."""

    persons: Ids
    arms: tuple[str, ...]
    chances: npt.NDArray[np.float64]


def exposed(ledger: Ledger, record: str, persons: Ids | None = None) -> Exposed:
    """Everybody who was ever exposed in a placement, or those of some persons."""
    if persons is None:
        found = draws.assignments.standing(ledger, [record])
    else:
        found = draws.assignments.of_persons(ledger, record, persons)
    arms: list[str] = found["arm"].to_pylist()
    return Exposed(found["person"].to_numpy(), tuple(arms), found["chance"].to_numpy())


def _recorded(connection: Connection, record: str, content: str) -> tuple[str, ...]:
    """Parts whose newest record is of this content."""
    rows = schema.log.c
    about = (rows.kind == "campaign") & (rows.campaign == record)
    chosen = select(rows.body).where(about).order_by(rows.position.desc()).limit(_RECORDS)
    newest: dict[str, str] = {}
    for body in connection.execute(chosen).scalars():
        said = json.loads(body)
        newest.setdefault(said["part"], said["content"])
    return tuple(sorted(part for part, digest in newest.items() if digest == content))


def _is_paused(connection: Connection, record: str) -> bool:
    pause, resume = log.newest(connection, "pause", record), log.newest(connection, "resume", record)
    return pause is not None and (resume is None or resume.position < pause.position)
