"""All that is held of a person, over all stages, as it is stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from suasion.errors import InputError
from suasion.identity import hashed, opened, stored
from suasion.ingest import Source
from suasion.lake import StoredTable, load, load_about
from suasion.ledger import Tables, subject
from suasion.profiles import events
from suasion.rights.holdings import Holdings
from suasion.rights.mails import content_of, mails_of
from suasion.rights.subject import Subject, find, identities, subject_of
from suasion.rights.waiting import waiting_of

Rows = dict[str, list[dict[str, Any]]]
OURS = ("keys", "erasing")
"""Tables of the ledger that tell nothing of a person: a key opens what is told anyway."""


@dataclass(frozen=True)
class Held:
    """What the stores hold of one person.

    Parameters
    ----------
    who : Subject
    newest : frozenset of int
        The number by which the person is known now.
    at : datetime
    tables, ledger : dict of str to list of dict
        Rows by table.
    mails : list of dict
        Still in the outbox.
    sources, campaigns : dict
        What is declared of those that name the person.
    telling : dict of str to list of str
        The sources that the person is known from and that tell a trait, by trait.
    hashes : frozenset of bytes
        Keyed hashes of the person's details; none without the key.
    waiting : list of dict
        Events that wait in the inbox of streams.
    """

    who: Subject
    newest: frozenset[int]
    at: datetime
    tables: Rows
    ledger: Rows
    mails: list[dict[str, Any]]
    sources: dict[str, Any]
    campaigns: dict[str, Any]
    telling: dict[str, list[str]]
    hashes: frozenset[bytes]
    waiting: list[dict[str, Any]]

    @property
    def persons(self) -> frozenset[int]:
        """The person's numbers."""
        return self.who.persons

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; see `export`."""
        return plain(
            {
                "person": sorted(self.persons),
                "at": self.at,
                "tables": self.tables,
                "ledger": self.ledger,
                "mails": self.mails,
                "waiting": self.waiting,
                "sources": self.sources,
                "campaigns": self.campaigns,
            }
        )


def export(holdings: Holdings, named: str, at: datetime) -> dict[str, Any]:
    """Show a person all that is held of them (GDPR, Art. 15 and 20).

    Parameters
    ----------
    holdings : Holdings
        Without a key, suppressions that know the person by a contact detail only, and mails, are left out.
    named : str
        ``KIND=VALUE``, an identifier or a contact detail, or the person's number.
    at : datetime

    Returns
    -------
    dict
        What JSON can hold: ``person`` (numbers), ``at``, ``tables`` (rows of every table of the lake that
        has any), ``ledger`` (rows of every table of the ledger), ``mails`` still in the outbox, ``waiting``
        events that streams sent and nobody has read yet, ``sources`` with licence, basis and purposes
        (streams are named ``#STREAM``), ``campaigns`` with sponsor, purpose and arms, in the order in which
        columns such as ``probability:1`` number them from 0, and effects and costs from the second.

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    """
    return held_of(holdings, named, at).as_dict()


def held_of(holdings: Holdings, named: str, at: datetime) -> Held:
    """Read what is held of a person; see `export`."""
    tables = holdings.tables()
    persons = find(identities(holdings), named, holdings.key)
    if not persons or persons & tables.erasing:
        raise InputError("a person", "nobody is known by it", "Check kind and value, or name another.")
    who = subject_of(_versions(holdings, persons), persons)
    held = _opened(holdings, _tables(tables, who))
    hashes = who.hashes(holdings.key) if holdings.key else frozenset[bytes]()
    ledger = subject.rows_of(holdings.ledger, who.persons, hashes)
    ledger = {name: rows for name, rows in ledger.items() if name not in OURS}
    sends = [row["id"] for row in ledger["sends"]] if holdings.key else []
    mails = [{"send": send, **content_of(path)} for send, path in mails_of(holdings, sends)]
    return Held(
        who=who,
        newest=frozenset(persons),
        at=at,
        tables=held,
        ledger=ledger,
        mails=sorted(mails, key=lambda mail: mail["send"]),
        sources=_sources(holdings.sources, tables, held),
        campaigns=_campaigns(subject.campaigns(holdings.ledger), held, ledger),
        telling=_telling(holdings.sources, held),
        hashes=hashes,
        waiting=waiting_of(holdings, who),
    )


def _versions(holdings: Holdings, persons: set[int]) -> Iterator[pa.Table]:
    """As `identities`, but of the newest version what it says of these persons: it may be large."""
    newest = {name: one.stored.file for name, one in holdings.tables().versions.items()}

    def read(one: StoredTable) -> pa.Table:
        if newest.get(one.name) == one.file:
            return load_about(holdings.lake, one, persons)
        return load(holdings.lake, one)

    for table in subject.history_of(holdings.ledger, "identities", read):
        yield hashed(table, holdings.key)


def person_named(holdings: Holdings, named: str) -> int | None:
    """The number of the person who has an identifier or contact detail; None where nobody is known by it."""
    persons = find(identities(holdings), named, holdings.key) - holdings.tables().erasing
    return next(iter(persons), None)


def _tables(tables: Tables, who: Subject) -> Rows:
    """The person's rows in every published table that has a column ``person``."""
    held: Rows = {}
    for name in tables.names():
        if rows := tables.about(name, who.persons).to_pylist():
            held[name] = rows
    return held


def _opened(holdings: Holdings, held: Rows) -> Rows:
    """The same with contact details that can be read; without the key they stay sealed."""
    rows = held.get("identities", [])
    if rows and "sealed" in rows[0]:
        table = stored(pa.Table.from_pylist(rows))
        texts = opened(table, holdings.ledger, holdings.key) if holdings.key else [None] * len(rows)
        for row, text in zip(rows, texts, strict=True):
            row["value"] = row["value"] if text is None else text
            if not row["value"]:
                row["value"] = "sealed: SUASION_KEY is not set"
            del row["sealed"]
    return held


def _named(held: Rows) -> set[str]:
    """Sources that the person's rows come from."""
    return {row["source"] for rows in held.values() for row in rows if "source" in row}


def _sources(sources: Iterable[Source], tables: Tables, held: Rows) -> dict[str, Any]:
    """What is declared of the sources and streams that the person's rows come from; streams have no file."""
    said = ("file", "licence", "basis", "purposes", "observed_on", "territory")
    named, declared = _named(held), (*sources, *events.heard(tables))
    return {one.name: {key: getattr(one, key, None) for key in said} for one in declared if one.name in named}


def _telling(sources: Iterable[Source], held: Rows) -> dict[str, list[str]]:
    """By trait, the sources of the person that tell it, the newest first."""
    theirs = [one for one in sources if one.name in _named(held)]
    newest = sorted(theirs, key=lambda one: one.observed_on, reverse=True)
    traits = {trait for one in newest for trait in one.traits}
    return {trait: [one.name for one in newest if trait in one.traits] for trait in sorted(traits)}


def _campaigns(declared: dict[str, dict[str, Any]], held: Rows, ledger: Rows) -> dict[str, Any]:
    """The campaigns that name the person, in the ledger or by a table of their own."""
    named = {row["campaign"] for rows in ledger.values() for row in rows if "campaign" in row}
    named |= {name.partition(".")[2] for name in held}
    return {
        name: {
            "sponsor": terms["sponsor"],
            "purpose": terms["purpose"],
            "arms": [terms["control"], *terms["treatments"]],
        }
        for name, terms in declared.items()
        if name in named
    }


def plain(value: Any) -> Any:
    """As JSON can hold it: times as ISO 8601, bytes in hexadecimal, no number as null."""
    match value:
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
