"""What an erasure says of itself: what is done, what is due and by when, and what a search still finds."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Due:
    """Something that only people can do.

    Parameters
    ----------
    what, where : str
    by : date
    """

    what: str
    where: str
    by: date


@dataclass(frozen=True)
class Certificate:
    """The account of an erasure; it holds nothing of the person but keyed hashes.

    Parameters
    ----------
    person : tuple of str
        Keyed hashes, hexadecimal, of identifiers and contact details.
    at : datetime
    done : tuple of str
    due : tuple of Due
    searched : int
        Files of the workspace in which every identifier and contact detail was searched for afterwards.
    found : tuple of str
        Files in which one was found, by their path in the workspace.

    Examples
    --------
    >>> due = (Due("Look at it", "sources/a.csv", date(2027, 2, 1)),)
    >>> Certificate(("6f0c",), datetime(2027, 1, 31), (), due, 9, ()).as_dict()["due"]
    [{'what': 'Look at it', 'where': 'sources/a.csv', 'by': '2027-02-01'}]
    """

    person: tuple[str, ...]
    at: datetime
    done: tuple[str, ...]
    due: tuple[Due, ...]
    searched: int
    found: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The certificate as JSON can hold it."""
        due = [{"what": one.what, "where": one.where, "by": one.by.isoformat()} for one in self.due]
        return {
            "person": list(self.person),
            "at": self.at.isoformat(),
            "done": list(self.done),
            "due": due,
            "searched": self.searched,
            "found": list(self.found),
        }


def at_once(at: datetime) -> date:
    """By when the sponsor's own files must be clean: the next day, without delay (GDPR, Art. 17(1))."""
    return at.date() + timedelta(days=1)


def in_a_month(at: datetime) -> date:
    """By when the person must be told what was done, and others to whom data went (GDPR, Art. 12(3), 19).

    A month ends on the day of the same number, or on its last (Regulation 1182/71, Art. 3(2)(c)).

    Examples
    --------
    >>> in_a_month(datetime(2027, 1, 31)).isoformat()
    '2027-02-28'
    """
    year, month = at.year + at.month // 12, at.month % 12 + 1
    return date(year, month, min(at.day, monthrange(year, month)[1]))
