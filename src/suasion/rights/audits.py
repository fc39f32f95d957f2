"""Who read data of persons: written down by the command that reads them; what is unusual raises an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select

from suasion.ledger import Ledger, schema

MANY = 1000
"""A read of more people alarms."""
OFTEN = 20
"""More reads of one person each by the same within an hour alarm, too."""
EXPORTS = ("export", "access", "portability")
"""Reads that take data out of the house."""

_audits = schema.audits
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Audit:
    """One read.

    Parameters
    ----------
    id : int
    who : str
        The user of the operating system, or ``API``.
    what : str
        The command, and where it matters the campaign.
    people : int
        Whose data were read.
    alarm : bool
    at : datetime
        UTC.
    """

    id: int
    who: str
    what: str
    people: int
    alarm: bool
    at: datetime

    @property
    def said(self) -> str:
        """A sentence."""
        counted = "1 person" if self.people == 1 else f"{self.people:,} people"
        return f"{self.who} read data of {counted} ({self.what}) on {self.at:%Y-%m-%d at %H:%M} UTC"


def read(
    ledger: Ledger,
    who: str,
    what: str,
    people: int,
    at: datetime,
    *,
    many: int = MANY,
    often: int = OFTEN,
) -> Audit:
    """Write a read down before its result is shown.

    Parameters
    ----------
    ledger : Ledger
    who : str
    what : str
        Begins with one of `EXPORTS` where data leave the house.
    people : int
    at : datetime
    many : int
        More people in one read alarm.
    often : int
        More exports by the same within an hour alarm.

    Returns
    -------
    Audit
    """
    with ledger.writing() as connection:
        exported = 0
        if _is_export(what):
            lately = (_audits.c.who == who) & (_audits.c.at > (at - _HOUR).astimezone(UTC))
            whats = connection.execute(select(_audits.c.what).where(lately)).scalars()
            exported = 1 + sum(map(_is_export, whats))
        alarm = people > many or exported > often
        row = {"who": who, "what": what, "people": people, "alarm": int(alarm), "at": at.astimezone(UTC)}
        made = connection.execute(insert(_audits).values(**row)).inserted_primary_key
    assert made is not None
    return Audit(made[0], who, what, people, alarm, at.astimezone(UTC))


def audits(ledger: Ledger, *, alarms: bool = False, most: int = 1000) -> tuple[Audit, ...]:
    """The newest reads, newest first; or the newest that raised an alarm."""
    chosen = select(_audits).order_by(_audits.c.id.desc()).limit(most)
    if alarms:
        chosen = chosen.where(_audits.c.alarm == 1)
    with ledger.engine.connect() as connection:
        return tuple(map(_audit, connection.execute(chosen).all()))


def alarms_since(ledger: Ledger, since: datetime) -> int:
    """How many reads raised an alarm after a time."""
    chosen = select(func.count()).where(_audits.c.alarm == 1, _audits.c.at > since.astimezone(UTC))
    with ledger.engine.connect() as connection:
        return connection.execute(chosen).scalar_one()


def _is_export(what: str) -> bool:
    return what.partition(" ")[0] in EXPORTS


def _audit(row: Row[Any]) -> Audit:
    return Audit(row.id, row.who, row.what, row.people, bool(row.alarm), row.at)
