"""What the events of one person add up to: the computed traits, with the streams and days they are from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from suasion.ledger import Tables
from suasion.profiles import Trait, computed, events

Told = dict[str, Any]
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class _Own(Tables):
    """The tables, each with the rows of some persons alone; one that is about nobody is whole."""

    persons: frozenset[int] = frozenset()

    def read(self, name: str, made_by: str, inputs: str | None = None) -> pa.Table:
        if name == "streams":
            return super().read(name, made_by, inputs)
        return self.about(name, self.persons)


def counted(
    tables: Tables, persons: Collection[int], catalogue: Mapping[str, Trait], at: datetime
) -> list[Told]:
    """The computed traits of a person as they stand, once for each value.

    Parameters
    ----------
    tables : Tables
    persons : collection of int
        The person's numbers.
    catalogue : mapping of str to Trait
    at : datetime
        Now, with time zone.

    Returns
    -------
    list of dict
        As other data are told, with ``purposes``: streams differ in what they permit, so that a value may be
        another for another purpose. A date is the last day on which a source told something of it.
    """
    own = _Own(tables.lake, tables.versions, tables.erasing, persons=frozenset(persons))
    purposes = sorted({purpose for one in events.heard(own) for purpose in one.purposes})
    found: dict[tuple[str, Any], list[str]] = {}
    for purpose in purposes:
        for row in computed.values(own, catalogue, purpose, at).drop_columns("person").to_pylist():
            for pair in row.items():
                if pair[1] is not None:
                    found.setdefault(pair, []).append(str(purpose))
    days = _days(own)
    return [_told(name, value, catalogue[name], days, found[name, value]) for name, value in found]


def _days(own: Tables) -> dict[str, dict[str, date]]:
    """By trait as `computed.named` and by source, the last day of which it knows something."""
    last: dict[str, dict[str, date]] = {}
    for part in events.parts(own, computed.PREFIX):
        for row in own.read(part, "serve").select(["trait", "source", "day"]).to_pylist():
            day, mine = _EPOCH + timedelta(days=row["day"]), last.setdefault(row["trait"], {})
            mine[row["source"]] = max(day, mine.get(row["source"], day))
    return last


def _told(
    name: str, value: Any, trait: Trait, days: Mapping[str, Mapping[str, date]], purposes: list[str]
) -> Told:
    mine = days.get(computed.named(name, trait), {})
    return {
        "trait": name,
        "label": trait.label,
        "value": value,
        "category": str(trait.category),
        "how": "computed",
        "sources": sorted(mine),
        "dates": [mine[one] for one in sorted(mine)],
        "corrected_at": None,
        "purposes": purposes,
    }
