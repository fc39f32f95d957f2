"""What steering goes by: who saw what and what came of it, what was spent, and when events came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select

from suasion.allocation import placement as declared
from suasion.ledger import Ledger, Tables, log, schema, sends
from suasion.profiles import events
from suasion.workspace.deciding.challenge import APPROVED
from suasion.workspace.streaming import shown
from suasion.workspace.streaming.lessons import HOUR, willing

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
NO = (str(sends.Why.OPTED_OUT), str(sends.Why.COMPLAINED))
"""By which persons say that they want no more of it."""


@dataclass(frozen=True)
class Seen:
    """Who saw what in a placement first, in the order in which it was told.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    shown : array of int64, shape (n,)
        Place among the placement's variants, the generic one first; -1 of one that is no more.
    chances, holdouts : array of float, shape (n,)
        Stored, of what was shown and of the generic variant.
    at, told_at : array of float, shape (n,)
        Seconds since 1970.
    rewards : array of float, shape (n,)
        What came within the horizon, as far as it is known.
    costs : array of float, shape (n,)
        When it was decided.
    """

    persons: Ids
    shown: Ids
    chances: Floats
    holdouts: Floats
    at: Floats
    told_at: Floats
    rewards: Floats
    costs: Floats

    def only(self, rows: npt.NDArray[Any]) -> Seen:
        """Some of them."""
        return Seen(*(getattr(self, name)[rows] for name in Seen.__dataclass_fields__))


def seen_of(tables: Tables, placement: declared.Placement, *, by_all: bool = False) -> Seen:
    """What was seen in a placement.

    Parameters
    ----------
    tables : Tables
    placement : Placement
    by_all : bool
        Also of variants that are no more, and by those from whom nothing may be learned: it was paid for.
    """
    table = shown.exposures(tables, placement.name)
    table = table if by_all else willing(tables, table)
    number = {name: place for place, name in enumerate(placement.arms)}
    places = np.array([number.get(one, -1) for one in table["variant"].to_pylist()], np.int64)
    if not by_all:
        table, places = table.filter(pa.array(places >= 0)), places[places >= 0]
    at = _column(table, "at")
    persons = table["person"].to_numpy().astype(np.int64)
    rewards = _earned(tables, placement, persons, at)
    chances, told_at = (_column(table, name) for name in ("probability", "told_at"))
    holdouts, costs = (_column(table, name) for name in ("holdout", "cost"))
    return Seen(persons, places, chances, holdouts, at, told_at, rewards, costs)


def _earned(tables: Tables, placement: declared.Placement, persons: Ids, at: Floats) -> Floats:
    """The weights of the events that each person reached within the horizon, each counted once."""
    total, horizon = np.zeros(len(persons)), placement.horizon_hours * HOUR
    if not len(persons):
        return total
    came, order = shown.rewards(tables, placement.name, placement.weights), np.argsort(persons)
    for name, weight in placement.weights.items():
        mine = came.filter(pc.equal(came["event"], name))
        theirs, when = mine["person"].to_numpy(), _column(mine, "at")
        own = order[np.minimum(np.searchsorted(persons[order], theirs), len(persons) - 1)]
        fits = (persons[own] == theirs) & (when >= at[own]) & (when <= at[own] + horizon)
        total[np.unique(own[fits])] += weight
    return total


def refusing_since(ledger: Ledger, seen: Seen) -> int:
    """How many said after they saw something that they want no more."""
    s = schema.suppressions.c
    asked = select(s.person, s.at).where(s.person.is_not(None) & s.reason.in_(NO))
    with ledger.reading() as connection:
        rows = connection.execute(asked).all()
    first = dict(zip(seen.persons.tolist(), seen.at.tolist(), strict=True))
    return len({person for person, at in rows if person in first and at.timestamp() >= first[person]})


def mailed(ledger: Ledger, campaign: str) -> tuple[int, int]:
    """How many of those who got a mail of a campaign complained, and how many got one."""
    r, s = schema.replies.c, schema.sends.c
    came = select(func.count()).select_from(schema.replies.join(schema.sends, s.id == r.send))
    with ledger.reading() as connection:
        asked = came.where((s.campaign == campaign) & (r.kind == str(sends.Why.COMPLAINED)))
        complained = connection.execute(asked).scalar_one()
    if not complained:  # then nobody has to count the others, who may be many
        return 0, 0
    found = sends.progress(ledger, campaign)
    arrived = (sends.State.HANDED_OVER, sends.State.ACCEPTED, sends.State.UNKNOWN)
    got = sum(found.states.get(state, 0) for state in arrived)
    return min(complained, got), got


def approved_at(ledger: Ledger, record: str) -> float:
    """When a placement was approved last, seconds since 1970; 0 where it never was."""
    with ledger.reading() as connection:
        row = log.newest(connection, APPROVED, record)
    return 0.0 if row is None else datetime.fromisoformat(row.at).timestamp()


@dataclass
class Minutes:
    """In which minutes events of streams came; each part of their table is read once."""

    _of_parts: dict[tuple[str, int], Ids] = field(default_factory=dict[tuple[str, int], Ids], init=False)

    def of(self, tables: Tables, streams: Mapping[str, object]) -> dict[str, Ids]:
        """Minutes since 1970 in which something came, sorted, by stream."""
        found, kept = dict[str, Ids](), dict[tuple[str, int], Ids]()
        for stream in streams:
            mine = list[Ids]()
            for part in events.parts(tables, f"events.{stream}"):
                key = part, tables.versions[part].version
                kept[key] = self._of_parts[key] if key in self._of_parts else _minutes(tables, part)
                mine.append(kept[key])
            found[stream] = np.unique(np.concatenate([np.zeros(0, np.int64), *mine]))
        self._of_parts = kept
        return found


def _minutes(tables: Tables, part: str) -> Ids:
    received = tables.read(part, "serve")["received_at"].drop_null().to_numpy()
    return np.unique((np.asarray(received, np.float64) // 60).astype(np.int64))


def _column(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)
