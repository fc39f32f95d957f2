"""All that is held of a person, over all stages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from suasion.errors import InputError
from suasion.ingest import Source
from suasion.lake import rows_about
from suasion.ledger import Tables, subject
from suasion.rights.holdings import Holdings
from suasion.rights.mails import content_of, mails_of
from suasion.rights.subject import Subject, find, identities, subject_of


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
        has any), ``ledger`` (rows of every table of the ledger), ``mails`` still in the outbox, ``sources``
        with licence, basis and purposes, ``campaigns`` with sponsor, purpose and arms, in the order in which
        columns such as ``probability:1`` number them from 0, and effects and costs from the second.

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    """
    tables = holdings.tables()
    persons = find(identities(holdings), named)
    if not persons or persons & tables.erasing:
        raise InputError("a person", "nobody is known by it", "Check kind and value, or name another.")
    who = subject_of(identities(holdings), persons)
    held = _tables(tables, who)
    hashes = who.hashes(holdings.key) if holdings.key else frozenset[bytes]()
    ledger = subject.rows_of(holdings.ledger, who.persons, hashes)
    sends = [row["id"] for row in ledger["sends"]] if holdings.key else []
    mails = [{"send": send, **content_of(path)} for send, path in mails_of(holdings, sends)]
    made = {
        "person": sorted(who.persons),
        "at": at,
        "tables": held,
        "ledger": ledger,
        "mails": sorted(mails, key=lambda mail: mail["send"]),
        "sources": _sources(holdings.sources, held),
        "campaigns": _campaigns(subject.campaigns(holdings.ledger), held, ledger),
    }
    return _plain(made)


def _tables(tables: Tables, who: Subject) -> dict[str, list[dict[str, Any]]]:
    """The person's rows in every published table that has a column ``person``."""
    held: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(tables.versions):
        table = tables.read(name, "ingest")
        rows = table.filter(rows_about(table, who.persons)).to_pylist()
        if rows:
            held[name] = rows
    return held


def _sources(sources: Iterable[Source], held: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What is declared of the sources that the person's rows come from."""
    said = ("file", "licence", "basis", "purposes", "observed_on", "territory")
    named = {row["source"] for rows in held.values() for row in rows if "source" in row}
    return {one.name: {key: getattr(one, key) for key in said} for one in sources if one.name in named}


def _campaigns(
    declared: dict[str, dict[str, Any]],
    held: dict[str, list[dict[str, Any]]],
    ledger: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
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


def _plain(value: Any) -> Any:
    """As JSON can hold it: times as ISO 8601, bytes in hexadecimal, no number as null."""
    match value:
        case dict():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case float() if not math.isfinite(value):
            return None
        case _:
            return value
