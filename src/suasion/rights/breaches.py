"""Breaches of personal data: the register, and the clock of the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import RowMapping, insert, select, update

from suasion.errors import InputError, OrderError
from suasion.ledger import Ledger, schema

CLOCK = timedelta(hours=72)
"""From when it is known until the authority must know (GDPR, Art. 33(1))."""
RULE = "GDPR, Art. 33 and 34"
Risk = Literal["none", "some", "high"]

_breaches = schema.breaches


@dataclass(frozen=True)
class Breach:
    """One breach.

    Parameters
    ----------
    id : int
    what : str
        What happened, what was done about it; without values of persons.
    people : int or None
        How many are concerned; None where that is not known.
    risk : {"none", "some", "high"}
        For the people: with any the authority is told, with a high one the people, too.
    known_at, due_at : datetime
        UTC.
    reported_at, told_at : datetime or None
        When the authority, and the people, were told.
    note : str or None
        Why it was late, or to whom it was reported.
    """

    id: int
    what: str
    people: int | None
    risk: Risk
    known_at: datetime
    due_at: datetime
    reported_at: datetime | None
    told_at: datetime | None
    note: str | None

    def owed(self, at: datetime) -> tuple[str, ...]:
        """What is still to be done.

        Parameters
        ----------
        at : datetime
            Now.
        """
        left = self.due_at - at
        when = (
            f"by {self.due_at:%Y-%m-%d %H:%M} UTC" if left >= timedelta() else "OVERDUE: say why it is late"
        )
        authority = [f"report it to the authority, {when}"] if self.reported_at is None else []
        people = ["tell the people without delay"] if self.told_at is None and self.risk == "high" else []
        return () if self.risk == "none" else (*authority, *people)


def add(
    ledger: Ledger, what: str, risk: Risk, known_at: datetime, people: int | None = None, note: str = ""
) -> Breach:
    """Write a breach down; every one is kept, whatever its risk (GDPR, Art. 33(5)).

    Parameters
    ----------
    ledger : Ledger
    what : str
    risk : {"none", "some", "high"}
    known_at : datetime
        When somebody here came to know; the clock runs from then.
    people : int, optional
    note : str

    Returns
    -------
    Breach

    Raises
    ------
    InputError
        It does not say what happened, or fewer than no people.
    """
    if not any(map(str.isalnum, what)):
        raise InputError("a breach", "it does not say what happened", "Say what, to which data, how.")
    if people is not None and people < 0:
        raise InputError("a breach", f"{people} people", "Give 0 or more, or leave it out.")
    known = known_at.astimezone(UTC)
    row = {"what": what, "people": people, "risk": risk, "known_at": known, "note": note or None}
    with ledger.writing() as connection:
        made = connection.execute(insert(_breaches).values(**row, due_at=known + CLOCK)).inserted_primary_key
    assert made is not None
    return breach(ledger, made[0])


def report(
    ledger: Ledger, number: int, at: datetime, *, to_people: bool = False, note: str | None = None
) -> Breach:
    """Write down that the authority was told, or the people.

    Parameters
    ----------
    ledger : Ledger
    number : int
    at : datetime
        When.
    to_people : bool
    note : str, optional
        To whom, and if it was late, why; needed then (GDPR, Art. 33(1)).

    Raises
    ------
    InputError
        There is no such breach, or it was late and nothing says why.
    OrderError
        It was reported already.
    """
    found = breach(ledger, number)
    if (found.told_at if to_people else found.reported_at) is not None:
        raise OrderError(
            f"breach {number}", "that was written down already", "Look at `suasion breach list`."
        )
    if not to_people and at > found.due_at and not (note or "").strip():
        raise InputError(f"breach {number}", "a late report without reasons", "Say why it is late: --note.")
    values: dict[str, Any] = {"told_at" if to_people else "reported_at": at.astimezone(UTC)}
    if note:
        values["note"] = note if found.note is None else f"{found.note}\n{note}"
    with ledger.writing() as connection:
        connection.execute(update(_breaches).where(_breaches.c.id == number).values(**values))
    return breach(ledger, number)


def breach(ledger: Ledger, number: int) -> Breach:
    """Read one; InputError where there is none."""
    for one in register(ledger):
        if one.id == number:
            return one
    raise InputError(f"breach {number}", "there is none of that number", "Look at `suasion breach list`.")


def register(ledger: Ledger) -> tuple[Breach, ...]:
    """All breaches, first ones first."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(select(_breaches).order_by(_breaches.c.id)).mappings().all()
    return tuple(map(_breach, rows))


def _breach(row: RowMapping) -> Breach:
    return Breach(**{str(name): value for name, value in row.items()})
