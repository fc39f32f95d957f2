"""What persons did, as streams told it: tables ``events.STREAM.N``, each a part that is written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from suasion.lake import query
from suasion.ledger import Tables
from suasion.rules import Basis, Purpose

EVENTS = pa.schema(
    [
        ("person", pa.int64()),
        ("at", pa.float64()),
        ("type", pa.string()),
        ("name", pa.string()),
        ("message_id", pa.string()),
        ("user_id", pa.string()),
        ("anonymous_id", pa.string()),
        ("group_id", pa.string()),
        ("original_at", pa.float64()),
        ("sent_at", pa.float64()),
        ("received_at", pa.float64()),
        ("tracked", pa.bool_()),
        ("payload", pa.string()),
    ]
)
"""Times are seconds since 1970, `at` corrected for a wrong clock. `user_id` is null where it is a contact
detail; `payload` is the properties, as JSON, and null where the person let nothing be tracked. Sorted by
person and time."""

VISITORS = pa.schema(
    [
        ("person", pa.int64()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("link", pa.string()),
        ("since", pa.float64()),
    ]
)
"""The table ``visitors``: by which identifiers streams know persons, ``#STREAM`` as source; `since` when a
person used an anonymous one, null of what a user is known by."""

STREAMS = pa.schema(
    [
        ("source", pa.string()),
        ("basis", pa.string()),
        ("purposes", pa.list_(pa.string())),
        ("territory", pa.string()),
    ]
)
"""The table ``streams``: for what events may be used, as declared."""


@dataclass(frozen=True)
class Heard:
    """A stream as a source of facts.

    Parameters
    ----------
    name : str
        ``#STREAM``.
    basis : Basis
    purposes : tuple of Purpose
    territory : str
    """

    name: str
    basis: Basis
    purposes: tuple[Purpose, ...]
    territory: str
    attest: tuple[()] = ()


def parts(tables: Tables, prefix: str) -> list[str]:
    """Names of the parts of a table, oldest first.

    Parameters
    ----------
    tables : Tables
    prefix : str
        ``events.STREAM`` or ``computed``.
    """
    found = (name.rpartition(".") for name in tables.versions if name.startswith(f"{prefix}."))
    mine = sorted(int(number) for before, _, number in found if before == prefix and number.isdecimal())
    return [f"{prefix}.{number}" for number in mine]


def heard(tables: Tables) -> tuple[Heard, ...]:
    """The streams that persons are known from, as they were declared when they were last drained."""
    if "streams" not in tables.versions:
        return ()
    return tuple(
        Heard(row["source"], Basis(row["basis"]), tuple(map(Purpose, row["purposes"])), row["territory"])
        for row in tables.read("streams", "serve").to_pylist()
    )


def known_from(tables: Tables) -> pa.Table:
    """Persons and the streams that they are known from: columns person, source and basis, each pair once."""
    if "visitors" not in tables.versions:
        return pa.schema([*list(VISITORS)[:2], pa.field("basis", pa.string())]).empty_table()
    held = {"v": tables.read("visitors", "serve"), "s": tables.read("streams", "serve")}
    return query("SELECT DISTINCT v.person, source, s.basis FROM v JOIN s USING (source)", held)


def events(tables: Tables, stream: str, columns: Sequence[str] = tuple(EVENTS.names)) -> pa.Table:
    """Everything that a stream told, without the persons that are being erased.

    Parameters
    ----------
    tables : Tables
    stream : str
    columns : sequence of str
        Of `EVENTS`.

    Returns
    -------
    pyarrow.Table
        In no order.
    """
    wanted = pa.schema([EVENTS.field(name) for name in columns])
    found = [tables.read(name, "serve").select(list(columns)) for name in parts(tables, f"events.{stream}")]
    return pa.concat_tables([wanted.empty_table(), *found])
