"""What persons said of consent, with evidence: by their sources, and by themselves.

A yes counts with its wording, how it was taken, and when; what a person told us directly has the source
``#person``. A yes that waits for its double opt-in has ``#asked``, and counts for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, bindparam, delete, func, select, text

from suasion.lake import query
from suasion.ledger.database import Ledger
from suasion.ledger.rows import write_rows
from suasion.ledger.schema import consents, wishes
from suasion.rules import Channel, Purpose

PERSON, ASKED = "#person", "#asked"

SAID = pa.schema(
    [
        ("person", pa.int64()),
        ("given", pa.bool_()),
        ("expires_on", pa.date32()),
        ("wording", pa.string()),
        ("capture", pa.string()),
        ("said_at", pa.string()),
        ("separate", pa.bool_()),
        ("written", pa.bool_()),
        ("confirmed_at", pa.string()),
    ]
)
"""A yes or no to a purpose and channel; see the table `consents`."""

Pair = tuple[Purpose, Channel]

_INSERT = """
INSERT INTO consents (person, given, expires_on, wording, capture, said_at, separate, written, confirmed_at,
    purpose, channel, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_WORDS = text("INSERT INTO wordings (digest, text) VALUES (:digest, :text) ON CONFLICT DO NOTHING")
_SIGNAL = text(
    "INSERT INTO wishes (person, kind, source, at) VALUES (:person, 'sale_opted_out', :source, :at) "
    "ON CONFLICT DO NOTHING"
).bindparams(bindparam("at", type_=wishes.c.at.type))
_ONE_EACH = """
SELECT person, bool_and(given) AS given, min(expires_on) AS expires_on,
       unnest(max_by({'wording': wording, 'capture': capture, 'said_at': said_at, 'separate': separate,
                      'written': written, 'confirmed_at': confirmed_at},
                     {'no': NOT given, 'at': coalesce(said_at, '')}))
FROM said GROUP BY person ORDER BY person"""


@dataclass(frozen=True)
class Unproven:
    """How many persons' yes counts as none, for want of evidence."""

    source: str
    purpose: str
    channel: str
    people: int


def digest_of(words: str) -> str:
    """SHA-256 of words, by which they are known.

    Examples
    --------
    >>> digest_of("Yes, write to me.") == digest_of("Yes, write to me!")
    False
    """
    return hashlib.sha256(words.encode()).hexdigest()


def record_consents(
    source: str, said: Mapping[Pair, pa.Table], words: Mapping[str, str] | None = None
) -> Callable[[Connection, int], None]:
    """Prepare what a source says now; it replaces all that the source said before.

    Where a source says several things of a person, a no outweighs every yes, and the earliest last day
    counts.

    Parameters
    ----------
    source : str
    said : mapping of (purpose, channel) to pyarrow.Table
        Columns of `SAID`.
    words : mapping of str to str, optional
        The words agreed to, by their digest.

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        connection.execute(delete(consents).where(consents.c.source == source))
        keep_words(connection, words or {})
        for (purpose, channel), table in said.items():
            several = len(table["person"].unique()) < table.num_rows
            once = query(_ONE_EACH, {"said": table}) if several else table
            same = (str(purpose), str(channel), source)
            columns = [_plain(once[name]).to_pylist() for name in SAID.names]
            write_rows(connection, _INSERT, (row + same for row in zip(*columns, strict=True)))

    return write


def record_signals(source: str, persons: pa.Array[Any], at: datetime) -> Callable[[Connection, int], None]:
    """Prepare that persons opted out of sale and sharing, as a signal such as ``#gpc`` says.

    Who opted out stays so: a later signal that says nothing of it takes nothing back.

    Parameters
    ----------
    source : str
    persons : pyarrow.Array of int64
    at : datetime
        When it was known.

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        rows = [{"person": one, "source": source, "at": at.astimezone(UTC)} for one in persons.to_pylist()]
        if rows:
            connection.execute(_SIGNAL, rows)

    return write


def told(ledger: Ledger) -> pa.Table:
    """What persons told us directly: columns of `SAID`, and ``purpose`` and ``channel``."""
    names = [*SAID.names, "purpose", "channel"]
    chosen = select(*(consents.c[name] for name in names)).where(consents.c.source == PERSON)
    with ledger.engine.connect() as connection:
        rows = connection.execute(chosen.order_by(consents.c.person)).mappings().all()
    schema = pa.schema([*SAID, pa.field("purpose", pa.string()), pa.field("channel", pa.string())])
    booleans = ("given", "separate", "written")
    made = [
        {
            **row,
            **{name: None if row[name] is None else bool(row[name]) for name in booleans},
            "expires_on": date.fromisoformat(row["expires_on"]) if row["expires_on"] else None,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, schema)


def unproven(ledger: Ledger) -> tuple[Unproven, ...]:
    """Whose yes counts as none, by source, purpose and channel: told without wording, capture or time."""
    c = consents.c
    lacks = c.wording.is_(None) | c.capture.is_(None) | c.said_at.is_(None)
    chosen = (
        select(c.source, c.purpose, c.channel, func.count().label("people"))
        .where((c.given == 1) & lacks & (c.source != ASKED))
        .group_by(c.source, c.purpose, c.channel)
        .order_by(c.source, c.purpose, c.channel)
    )
    with ledger.engine.connect() as connection:
        return tuple(Unproven(*row) for row in connection.execute(chosen))


def keep_words(connection: Connection, words: Mapping[str, str]) -> None:
    """Keep the words that people agreed to, by their digest."""
    for digest, said in words.items():
        connection.execute(_WORDS, {"digest": digest, "text": said})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as the ledger keeps it: numbers for booleans, ISO 8601 text for days."""
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    return column.cast(pa.string()) if pa.types.is_date(column.type) else column
