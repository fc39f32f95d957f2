"""Traits that are computed from events: what each day adds, and what all days together tell.

For a person, trait and day there is a row of sums and of the first and the last value. Rows of one day add up
to one, so that it makes no difference when an event came, and with which others; see `added`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from suasion.expressions import Type
from suasion.lake import query
from suasion.ledger import Tables
from suasion.profiles.catalogue import Computed, Trait, computed
from suasion.profiles.events import VISITORS, heard, parts
from suasion.profiles.store import ARROW
from suasion.rules import Purpose

PREFIX = "computed"
"""Of the tables of days."""

DAYS = pa.schema(
    [
        ("trait", pa.string()),
        ("person", pa.int64()),
        ("source", pa.string()),
        ("day", pa.int64()),
        ("n", pa.int64()),
        ("total", pa.float64()),
        ("first_at", pa.float64()),
        ("first_id", pa.string()),
        ("first", pa.string()),
        ("last_at", pa.float64()),
        ("last_id", pa.string()),
        ("last", pa.string()),
    ]
)
"""`trait` is as `named` names it; `day` counts from 1970, in UTC. Sorted by person."""

_DAY = 86_400
_MOST = {Type.INTEGER: 2**63, Type.NUMBER: math.inf}
"""What the size of a number is below."""
_FIRST, _LAST = (f"{{'at': {end}_at, 'id': {end}_id}}" for end in ("first", "last"))
_ADDED = f"""
SELECT trait, person, source, day, CAST(sum(n) AS BIGINT) AS n, sum(total) AS total,
       min(first_at) AS first_at, arg_min(first_id, {_FIRST}) AS first_id, arg_min(first, {_FIRST}) AS first,
       max(last_at) AS last_at, arg_max(last_id, {_LAST}) AS last_id, arg_max(last, {_LAST}) AS last
FROM d GROUP BY trait, person, source, day ORDER BY person, trait, day"""
_TOLD = f"""
SELECT trait, person, sum(n) AS n, sum(total) AS total, max(day) AS day,
       arg_min(first, {_FIRST}) AS first, arg_max(last, {_LAST}) AS last
FROM d JOIN w USING (trait) WHERE day > after AND day <= $1 GROUP BY trait, person"""
_TAKES = {"sum": "total", "first": "ends", "last": "ends"}
_COLUMN = {"count": "n", "sum": "total", "days_since": "day", "first": "first", "last": "last"}


def named(name: str, trait: Trait) -> str:
    """The name of a computed trait with a digest of what it takes of an event; its days are not in it."""
    how = _how(trait)
    taken = (how.event, how.property, _TAKES.get(how.of, ""), str(trait.type))
    return f"{name}#{blake2b(repr(taken).encode(), digest_size=6).hexdigest()}"


def days_of(events: pa.Table, source: str, catalogue: Mapping[str, Trait]) -> pa.Table:
    """What events add to computed traits.

    An event whose property is missing, or of another type than the trait, adds nothing; nor does one of a
    person who let nothing be tracked.

    Parameters
    ----------
    events : pyarrow.Table
        Columns of `EVENTS`.
    source : str
        ``#STREAM``.
    catalogue : mapping of str to Trait
        Those of its traits that are computed are.

    Returns
    -------
    pyarrow.Table
        Of the schema `DAYS`, one row a person, trait and day.
    """
    tracks = events.filter(pc.and_(pc.equal(events["type"], "track"), events["tracked"]))
    made = [DAYS.empty_table()]
    for name, how in computed(catalogue).items():
        mine = tracks.filter(pc.equal(tracks["name"], how.event))
        if mine.num_rows:
            made.append(_rows(mine, source, named(name, catalogue[name]), how, catalogue[name].type))
    return added(pa.concat_tables(made))


def added(days: pa.Table) -> pa.Table:
    """Rows of the same person, trait and day made one, in whatever order, and in how many steps.

    Parameters
    ----------
    days : pyarrow.Table
        Of the schema `DAYS`.

    Returns
    -------
    pyarrow.Table
    """
    return query(_ADDED, {"d": days}).cast(DAYS) if days.num_rows else days


def values(tables: Tables, catalogue: Mapping[str, Trait], purpose: Purpose, at: datetime) -> pa.Table:
    """The computed traits of everybody whom streams know, that may be used for a purpose.

    Parameters
    ----------
    tables : Tables
    catalogue : mapping of str to Trait
    purpose : Purpose
        What streams told that do not permit it is left out.
    at : datetime
        Now, with time zone.

    Returns
    -------
    pyarrow.Table
        Column ``person``, sorted, and one for each computed trait. A count and a sum of nothing are 0; every
        other value of whoever did nothing such is null.
    """
    permitting = [one.name for one in heard(tables) if purpose in one.purposes]
    persons = _everybody(tables, permitting)
    made = pa.table({"person": persons})
    if how := computed(catalogue):
        told = _told(tables, catalogue, permitting, _day(at.timestamp()))
        for name in how:
            mine = told.filter(pc.equal(told["trait"], named(name, catalogue[name])))
            made = made.append_column(name, _values(mine, catalogue[name], persons, at))
    return made


def _everybody(tables: Tables, sources: Sequence[str]) -> pa.ChunkedArray:
    """Persons known from some streams, sorted."""
    if not sources or "visitors" not in tables.versions:
        return VISITORS.empty_table()["person"]
    held = tables.read("visitors", "serve")
    mine = held.filter(pc.is_in(held["source"], value_set=pa.array(sources, pa.string())))
    return mine["person"].unique().sort() if mine.num_rows else mine["person"]


def _told(tables: Tables, catalogue: Mapping[str, Trait], sources: Sequence[str], today: int) -> pa.Table:
    """Per trait and person what the days of the trait together tell."""
    how = computed(catalogue)
    held = [tables.read(name, "serve") for name in parts(tables, PREFIX)]
    days = pa.concat_tables([DAYS.empty_table(), *held])
    mine = days.filter(pc.is_in(days["source"], value_set=pa.array(sources, pa.string())))
    windows = {named(name, catalogue[name]): today - (one.days or 2**62) for name, one in how.items()}
    names, after = pa.array(windows, pa.string()), pa.array(windows.values(), pa.int64())
    return query(_TOLD, {"d": mine, "w": pa.table({"trait": names, "after": after})}, [today])


def _values(told: pa.Table, trait: Trait, persons: pa.ChunkedArray, at: datetime) -> pa.ChunkedArray:
    """The trait of each person, as what it is."""
    of = _how(trait).of
    column = told[_COLUMN[of]]
    if of == "sum":  # sums can grow beyond what a number holds
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
    if of == "days_since":
        column = pc.subtract(pa.scalar(_day(at.timestamp()), pa.int64()), column)
    found = column.take(pc.index_in(persons, told["person"].combine_chunks())).cast(ARROW[trait.type])
    if of not in ("count", "sum"):
        return found
    nothing = pc.invert(pc.is_in(persons, value_set=told["person"].combine_chunks()))
    return pc.if_else(nothing, pa.scalar(0, ARROW[trait.type]), found)


def _how(trait: Trait) -> Computed:
    if trait.computed is None:
        raise ValueError("no computed trait")
    return trait.computed


def _rows(mine: pa.Table, source: str, key: str, how: Computed, kind: Type) -> pa.Table:
    """A row for each event that tells something."""
    kept, texts, numbers = list[int](), list[str | None](), list[float | None]()
    for place, payload in enumerate(mine["payload"].to_pylist()):
        value = None if how.property is None else _property(payload, how.property, kind)
        if how.property is None or value is not None:
            kept.append(place)
            texts.append(None if value is None else _spelled(value))
            numbers.append(value if how.of == "sum" else None)
    rows, n = mine.take(pa.array(kept, pa.int64())), len(kept)
    seconds = pc.floor(pc.divide(rows["at"], _DAY)).cast(pa.int64())
    text = pa.array(texts if how.of in ("first", "last") else [None] * n, pa.string())
    columns = {
        "trait": pa.array([key] * n, pa.string()),
        "person": rows["person"],
        "source": pa.array([source] * n, pa.string()),
        "day": seconds,
        "n": pa.array([1] * n, pa.int64()),
        "total": pa.array(numbers, pa.float64()),
        **{f"{end}_at": rows["at"] for end in ("first", "last")},
        **{f"{end}_id": rows["message_id"] for end in ("first", "last")},
        **dict.fromkeys(("first", "last"), text),
    }
    return pa.table([columns[name] for name in DAYS.names], DAYS)


def _property(payload: str | None, path: str, kind: Type) -> Any:
    """A value of the type; None where there is none such."""
    try:
        found = msgspec.json.decode(payload or "null")
    except msgspec.DecodeError:
        return None
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if kind is Type.BOOLEAN:
        return found if isinstance(found, bool) else None
    if kind is Type.TEXT:
        return found if isinstance(found, str) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < _MOST[kind]:
        return None
    if kind is Type.NUMBER:
        return float(found)
    return int(found) if found == int(found) else None


def _spelled(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _day(seconds: float) -> int:
    """The day in UTC, counted from 1970."""
    return datetime.fromtimestamp(seconds, UTC).toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
