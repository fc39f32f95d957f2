"""One person's rows in the ledger: what they are, how they go, and what is known again afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Select, Table, delete, func, insert, select, update

from suasion.lake import StoredTable, load, rows_about, store, sweep, without
from suasion.ledger.database import Ledger
from suasion.ledger.schema import campaigns as declarations
from suasion.ledger.schema import (
    draws,
    erasing,
    keys,
    metadata,
    plans,
    replies,
    requests,
    sends,
    suppressions,
    table_versions,
)
from suasion.ledger.sends import receipt
from suasion.ledger.sends.money import give_back
from suasion.ledger.sends.send import State
from suasion.ledger.sends.suppress import Why
from suasion.ledger.tables import ADDED, joined

Persons = Collection[int]
BY_PERSON = tuple(table for table in metadata.sorted_tables if "person" in table.c and table is not erasing)
"""The tables with a column ``person``; no stage can add one and have it forgotten."""
EVERYWHERE = "*"
"""Stands for every channel in a suppression."""


def rows_of(ledger: Ledger, persons: Persons, hashes: Collection[bytes]) -> dict[str, list[dict[str, Any]]]:
    """All rows about persons, by table.

    Parameters
    ----------
    ledger : Ledger
    persons : collection of int
    hashes : collection of bytes
        Keyed hashes of their contact details, by which suppressions know them, too.

    Returns
    -------
    dict of str to list of dict
        Draws name the campaign of their plan.
    """
    chosen: dict[str, Select[Any]] = {
        table.name: select(table).where(table.c.person.in_(persons)) for table in BY_PERSON
    }
    chosen[draws.name] = chosen[draws.name].join(plans).add_columns(plans.c.campaign)
    chosen[replies.name] = select(replies).where(replies.c.send.in_(_sends_of(persons)))
    by_hash = suppressions.c.person.in_(persons) | suppressions.c.address.in_(hashes)
    chosen[suppressions.name] = select(suppressions).where(by_hash)
    with ledger.engine.connect() as connection:
        found = {name: connection.execute(chosen[name]).mappings().all() for name in sorted(chosen)}
    return {name: [dict(row) for row in rows] for name, rows in found.items()}


@contextmanager
def forgetting(
    ledger: Ledger, persons: Persons, hashes: Collection[bytes], at: datetime
) -> Generator[tuple[Connection, tuple[int, ...]]]:
    """Erase persons from the ledger, at once; doing it again changes nothing.

    Their keys and rows go, the money of claims is given back, and keyed hashes of their details stay as
    suppressions of every channel. Until `compact` has rewritten the lake, nothing reads them from it.

    Parameters
    ----------
    ledger : Ledger
    persons : collection of int
    hashes : collection of bytes
        Keyed hashes of all their identifiers and contact details.
    at : datetime

    Yields
    ------
    (sqlalchemy.Connection, tuple of int)
        The transaction, for what is to be written with it; and ids of their sends, while the write lock keeps
        them from being handed over: what names them outside the ledger can be removed now, and never again.
        If the block raises, nothing is erased.
    """
    with ledger.writing() as connection:
        ledger.place.overwrite_deleted(connection)
        yield connection, tuple(connection.execute(_sends_of(persons)).scalars())
        if forget(connection, persons, hashes, at) and ledger.journal is not None:
            ledger.journal.append(connection, str(Why.ERASED), persons, hashes, EVERYWHERE, at)


def forget(connection: Connection, persons: Persons, hashes: Collection[bytes], at: datetime) -> bool:
    """As `forgetting`, inside a transaction with the write lock; returns whether it was not done yet."""
    _give_back(connection, persons, at)
    _delete(connection, persons)
    is_new = _suppress(connection, hashes, at)
    known = set(connection.execute(select(erasing.c.person)).scalars())
    for person in set(persons) - known:
        connection.execute(insert(erasing).values(person=person))
    return is_new or not set(persons) <= known


def _sends_of(persons: Persons) -> Select[Any]:
    return select(sends.c.id).where(sends.c.person.in_(persons))


def _give_back(connection: Connection, persons: Persons, at: datetime) -> None:
    """The money of what was claimed and will not be handed over."""
    claimed = _sends_of(persons).where(sends.c.state == State.CLAIMED)
    give_back(connection, connection.execute(claimed).scalars().all(), at)


def _delete(connection: Connection, persons: Persons) -> None:
    """All rows about persons; suppressions and requests stay without saying whose they were."""
    held = suppressions.c.person.in_(persons) & suppressions.c.address.is_not(None)
    connection.execute(update(suppressions).where(held).values(person=None))
    connection.execute(delete(replies).where(replies.c.send.in_(_sends_of(persons))))
    receipt.forget(connection, _sends_of(persons))
    asked = requests.c.person.in_(persons)
    connection.execute(update(requests).where(asked).values(person=None, detail=None))
    for table in BY_PERSON:
        connection.execute(delete(table).where(table.c.person.in_(persons)))


def _suppress(connection: Connection, hashes: Collection[bytes], at: datetime) -> bool:
    known = set(connection.execute(_erased()).scalars())
    row = {"channel": EVERYWHERE, "reason": str(Why.ERASED), "at": at.astimezone(UTC)}
    rows = [{**row, "address": address} for address in sorted(set(hashes) - known)]
    if rows:
        connection.execute(insert(suppressions), rows)
    return bool(rows)


def _erased() -> Select[Any]:
    return select(suppressions.c.address).where(suppressions.c.reason == Why.ERASED)


def erased_hashes(ledger: Ledger) -> frozenset[bytes]:
    """Keyed hashes of the details of everybody ever erased."""
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(_erased()).scalars())


def last_person(ledger: Ledger) -> int:
    """The largest number of a person that sends, keys, suppressions or erasures name; 0 where none does.

    An older ledger that was put back learns of later persons by what it is told of them again: their numbers
    are not for others.
    """
    named = (sends, keys, suppressions, erasing)
    with ledger.reading() as connection:
        found = [connection.execute(select(func.max(table.c.person))).scalar() for table in named]
    return max((one or 0 for one in found), default=0)


def campaigns(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """What was declared of each campaign last, by name."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(select(declarations).order_by(declarations.c.declared_at)).all()
    return {row.name: json.loads(row.declared) for row in rows}


def history_of(ledger: Ledger, name: str, read: Callable[[StoredTable], pa.Table]) -> Iterator[pa.Table]:
    """All that is still stored of a table, newest first, whoever is being erased.

    Parameters
    ----------
    ledger : Ledger
    name : str
    read : callable
        Reads one file.

    Yields
    ------
    pyarrow.Table
        The newest version with all that was added to it; then each older file alone.
    """
    t = table_versions.c
    of_table = (t.name == name) | t.name.startswith(f"{name}{ADDED}", autoescape=True)
    with ledger.engine.connect() as connection:
        rows = connection.execute(
            select(table_versions).where(of_table).order_by(t.run.desc(), t.version.desc(), t.name)
        ).all()
    newest, older = dict[str, StoredTable](), list[StoredTable]()
    for row in rows:
        stored = StoredTable(row.name, row.file, row.rows, row.size)
        if row.name in newest:
            older.append(stored)
        else:
            newest[row.name] = stored
    if name in newest:
        added = (one for one in newest.values() if one.rows and one.name != name)
        yield joined([read(newest[name]), *map(read, added)])
    yield from map(read, (one for one in older if one.rows))


def compact(ledger: Ledger, lake: Path, persons: Persons, learned: Mapping[str, str]) -> tuple[str, ...]:
    """Rewrite the lake without erased persons, and leave no byte of them in the ledger; see `Place.rebuild`.

    A table keeps its version number, so that what was made from it stays valid; older versions are
    deleted. Killed at any moment, it leaves the state before or after one transaction, and can be repeated.

    Parameters
    ----------
    ledger : Ledger
    lake : Path
        The caller holds the workspace's run.
    persons : collection of int
        Persons given to `forgetting`.
    learned : mapping of str to str
        Tables that were learned from the people of another one, by name: where that held one of the persons,
        they are deleted.

    Returns
    -------
    tuple of str
        Names of the tables that were deleted.

    Raises
    ------
    DamageError
        A table cannot be read; nothing is compacted.
    BusyError
        Another process keeps the ledger from being rewritten.
    """
    tables = ledger.current() if persons else {}
    made = [(name, v.version, _rewritten(lake, v.stored, persons)) for name, v in tables.items()]
    held = {name for name, _, stored in made if stored is not None}
    gone = tuple(sorted(name for name, people in learned.items() if name in tables and people in held))
    with ledger.writing() as connection:
        for name, version, stored in made:
            if stored is not None:
                this = (table_versions.c.name == name) & (table_versions.c.version == version)
                values = {"file": stored.file, "rows": stored.rows, "size": stored.size}
                connection.execute(update(table_versions).where(this).values(values))
        connection.execute(delete(table_versions).where(table_versions.c.name.in_(gone)))
        _expire(connection, table_versions)
        connection.execute(delete(erasing).where(erasing.c.person.in_(persons)))
        files = connection.execute(select(table_versions.c.file)).scalars().all()
    sweep(lake, files)
    ledger.place.rebuild(ledger.engine)
    return gone


def _rewritten(lake: Path, stored: StoredTable, persons: Persons) -> StoredTable | None:
    """The table as a new file; None where it holds none of the persons."""
    table = load(lake, stored)
    rows = rows_about(table, persons)
    return store(lake, stored.name, without(table, rows)) if True in rows.unique().to_pylist() else None


def _expire(connection: Connection, versions: Table) -> None:
    """Forget all versions but the newest of each table."""
    newer = versions.alias()
    newest = select(func.max(newer.c.version)).where(newer.c.name == versions.c.name).scalar_subquery()
    connection.execute(delete(versions).where(versions.c.version < newest))
