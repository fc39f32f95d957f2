"""By when a request must be answered."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from suasion.declarations import Declared

REQUESTS = (
    *("access", "rectification", "erasure", "restriction", "objection", "portability", "opt_out"),
    *("sale_opt_out", "complaint", "authority", "researcher", "breach", "broker_deletion", "publication"),
)
"""What has a clock; the list is closed, so that no spelling escapes it."""

Count = Annotated[int, Field(gt=0, lt=10_000)]


class Within(Declared):
    """A term: months, days, hours or business days, one of them.

    A month ends on the day of the same number, or on its last (Regulation (EEC, Euratom) No 1182/71, Art.
    3(2)(c)). Business days are Monday to Friday. Holidays differ by place and could only lengthen a term, so
    they do not count. Hours end on the day on which they run out.
    """

    months: Count | None = None
    days: Count | None = None
    hours: Count | None = None
    business_days: Count | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [term for term in (self.months, self.days, self.hours, self.business_days) if term]
        if len(given) != 1:
            raise ValueError("not exactly one of months, days, hours and business_days")
        return self

    def due(self, received: date | datetime) -> date:
        """The last day on which it is in time.

        Parameters
        ----------
        received : date or datetime
            A day is taken from its first minute on.

        Examples
        --------
        >>> friday = datetime(2027, 1, 29, 17)
        >>> terms = [Within(months=1), Within(days=10), Within(hours=72), Within(business_days=2)]
        >>> [term.due(friday).isoformat() for term in terms]
        ['2027-02-28', '2027-02-08', '2027-02-01', '2027-02-02']
        """
        at = received if isinstance(received, datetime) else datetime.combine(received, time())
        if self.months:
            return _months_after(at.date(), self.months)
        if self.business_days:
            return _business_days_after(at.date(), self.business_days)
        return (at + timedelta(days=self.days or 0, hours=self.hours or 0)).date()


@dataclass(frozen=True)
class Deadline:
    """The earliest day that any rule in scope sets.

    Parameters
    ----------
    due : date
        The last day on which an answer is in time.
    rule, cite : str
        The rule that sets it, and its source.
    """

    due: date
    rule: str
    cite: str


def _months_after(day: date, months: int) -> date:
    full = day.year * 12 + day.month - 1 + months
    year, month = full // 12, full % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _business_days_after(day: date, count: int) -> date:
    weeks, left = divmod(count, 5)
    # From a day of the weekend on, the first business day is a Monday.
    start = day - timedelta(days=max(day.weekday() - 4, 0))
    end = start + timedelta(weeks=weeks)
    over = end.weekday() + left
    return end + timedelta(days=left + (2 if over > 4 else 0))
