"""The package a person gets who asks what is held of them: for people to read, and for machines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from suasion.ledger import Ledger, log, schema, sends
from suasion.profiles import Trait, catalogue_from
from suasion.rights.corrections import corrections
from suasion.rights.counted import counted
from suasion.rights.export import Held, held_of, plain
from suasion.rights.holdings import Holdings
from suasion.rights.page import page
from suasion.rights.requests import detail_of, requests_of
from suasion.rights.seals import Seals

Told = dict[str, Any]
Explain = Callable[[str, int], Told]
"""Of campaign and person: ``sentences``, ``effect``, and ``interval`` (two numbers, or None)."""


@dataclass(frozen=True)
class Package:
    """All that is held of one person.

    Parameters
    ----------
    told : dict
        Sections to read; what JSON can hold.
    held : dict
        Every row as it is stored, so that nothing is left out: see `export`.
    """

    told: Told
    held: Told

    def as_dict(self) -> Told:
        """For machines: all of it; ``tables`` and ``ledger`` are as they are stored."""
        return {**self.held, **self.told}

    def html(self) -> str:
        """For people: one page, without script, that can be printed."""
        return page("access", **self.told, held=self.held)

    def portable(self) -> Told:
        """What the person has the right to take elsewhere (GDPR, Art. 20).

        What they provided and what was observed of them on the ground of consent or contract, such as what
        they did; nothing that we inferred or computed, no scores, no decisions.
        """
        bases = {name: one["basis"] for name, one in self.told["sources"].items()}
        ours = {name for name, basis in bases.items() if basis in ("consent", "contract")}
        given = [one for one in self.told["data"] if one["how"] not in ("inferred", "computed")]
        data = [one for one in given if ours & {*one["sources"]}]
        details = [one for one in self.told["details"] if ours & {*one["sources"]}]
        mine = {name: rows for name, rows in self.held["tables"].items() if name.startswith("records.")}
        records = {name: rows for name, rows in mine.items() if name.removeprefix("records.") in ours}
        waiting = [one for one in self.told["waiting"] if f"#{one['stream']}" in ours]
        return {
            "at": self.told["at"],
            "details": details,
            "data": data,
            "records": records,
            "events": self._events(ours),
            "waiting": waiting,
            "consents": self.told["consents"],
            "wishes": self.told["wishes"],
        }

    def _events(self, ours: Collection[str]) -> dict[str, list[Told]]:
        """What the person did, by stream."""
        found: dict[str, list[Told]] = {}
        for name, rows in self.held["tables"].items():
            stream = name.removeprefix("events.").rpartition(".")[0]
            if name.startswith("events.") and f"#{stream}" in ours:
                found.setdefault(stream, []).extend(rows)
        return found


def access(
    holdings: Holdings,
    named: str,
    at: datetime,
    *,
    currency: str = "",
    explain: Explain | None = None,
    seals: Seals | None = None,
) -> Package:
    """Collect all that is held of a person, with where it is from and what it was used for (GDPR, Art. 15).

    Parameters
    ----------
    holdings : Holdings
    named : str
        ``KIND=VALUE``, an identifier or a contact detail, or the person's number.
    at : datetime
    currency : str
        Of the costs of messages.
    explain : callable, optional
        Tells why a campaign decided what it did; without it no reasons are told.
    seals : Seals, optional
        Without them nothing that the person wrote to us can be told.

    Returns
    -------
    Package

    Raises
    ------
    InputError
        Nobody, or more than one, is known by it.
    """
    held, ledger = held_of(holdings, named, at), holdings.ledger
    catalogue = catalogue_from(holdings.folder / "traits")
    (person,) = held.newest
    rows, said = held.ledger, corrections(ledger, seals, person) if seals else ()
    entries = _entries(ledger)
    told = {
        "at": at,
        "person": sorted(held.persons),
        "details": _details(held),
        "data": [
            *_data(held, catalogue, {one.trait: one.at for one in said}),
            *counted(holdings.tables(), held.persons, catalogue, at),
        ],
        "sources": held.sources,
        "consents": _consents(ledger, rows["consents"]),
        "campaigns": held.campaigns,
        "scores": _scores(ledger, held),
        "reasons": {name: explain(name, person) for name in _decided(held)} if explain else {},
        "decisions": _decisions(rows["draws"]),
        "messages": _messages(rows, entries, currency),
        "wishes": [_without_person(row) for row in rows["wishes"]],
        "corrections": [{"trait": one.trait, "value": one.text, "at": one.at} for one in said],
        "requests": [_request(one, seals) for one in requests_of(ledger, person)],
        "passed": _passed(ledger, held.hashes),
        "receipts": _receipts(holdings, [row["id"] for row in rows["sends"]]),
        "mails": held.mails,
        "waiting": held.waiting,
    }
    return Package(plain(told), held.as_dict())


def _details(held: Held) -> list[Told]:
    """Identifiers and contact details, each with the sources that told it."""
    told: dict[tuple[str, str], set[str]] = {}
    for row in held.tables.get("identities", ()):
        if row["value"] is not None:
            told.setdefault((row["kind"], row["value"]), set()).add(row["source"] or "")
    return [
        {"kind": kind, "value": value, "sources": sorted(filter(None, told[kind, value]))}
        for kind, value in sorted(told)
    ]


def _data(held: Held, catalogue: Mapping[str, Trait], fixed: Mapping[str, datetime]) -> list[Told]:
    """Each trait that is stored, with where it is from: what is stated, corrected and inferred."""
    rows = held.tables.get("traits", [])
    values = {name: value for row in rows for name, value in row.items() if name != "person"}
    told = [
        {
            "trait": name,
            "label": trait.label,
            "value": values[name],
            "category": str(trait.category),
            "how": "corrected" if name in fixed else trait.provenance,
            "sources": held.telling.get(name, []),
            "dates": [held.sources[one]["observed_on"] for one in held.telling.get(name, [])],
            "corrected_at": fixed.get(name),
        }
        for name, trait in catalogue.items()
        if values.get(name) is not None and trait.provenance == "observed"
    ]
    return told + [
        {
            "trait": name,
            "label": catalogue[name].label if name in catalogue else name,
            "value": row["value"],
            "category": str(catalogue[name].category) if name in catalogue else "",
            "how": "inferred",
            "sources": [],
            "dates": [],
            "corrected_at": None,
            "purpose": row["purpose"],
            "expires_on": row["expires_on"],
        }
        for table, rows in held.tables.items()
        for name in [table.removeprefix("inferred.")]
        for row in rows
        if table.startswith("inferred.")
    ]


def _consents(ledger: Ledger, rows: Iterable[Told]) -> list[Told]:
    """What the person agreed to or refused, with the words."""
    with ledger.engine.connect() as connection:
        words = {row.digest: row.text for row in connection.execute(select(schema.wordings))}
    return [{**_without_person(row), "words": words.get(row["wording"])} for row in rows]


def _scores(ledger: Ledger, held: Held) -> list[Told]:
    """What was estimated, with the version of what was learned and when."""
    found: list[Told] = []
    for table, rows in held.tables.items():
        kind, _, campaign = table.partition(".")
        if kind not in ("scores", "forecasts"):
            continue
        arms = held.campaigns.get(campaign, {}).get("arms", [])
        version, made_at = _made(ledger, table)
        for row in rows:
            effects = [name for name in row if name.startswith("effect:")]
            for name in effects:
                place = int(name.removeprefix("effect:")) + 1
                found.append(
                    {
                        "campaign": campaign,
                        "what": "learned from" if kind == "scores" else "expected",
                        "treatment": arms[place] if place < len(arms) else name,
                        "effect": row[name],
                        "version": version,
                        "made_at": made_at,
                    }
                )
    return found


def _made(ledger: Ledger, table: str) -> tuple[int, datetime | None]:
    """The newest version of a table, and when it was published."""
    versions, runs = schema.table_versions, schema.runs
    chosen = select(versions.c.version, runs.c.published_at).join(runs, runs.c.id == versions.c.run)
    newest = chosen.where(versions.c.name == table).order_by(versions.c.version.desc())
    with ledger.engine.connect() as connection:
        row = connection.execute(newest).first()
    return (row[0], row[1]) if row else (0, None)


def _decided(held: Held) -> list[str]:
    """Campaigns that scored the person, or planned for them."""
    kinds = ("scores", "forecasts", "plans")
    return sorted({name.partition(".")[2] for name in held.tables if name.partition(".")[0] in kinds})


def _decisions(rows: Iterable[Told]) -> list[Told]:
    return [
        {"campaign": row["campaign"], "drawn": row["treatment"], "probability": row["probability"]}
        for row in rows
    ]


def _messages(rows: Mapping[str, list[Told]], entries: Mapping[str, Told], currency: str) -> list[Told]:
    """What was sent, or planned to be, with its cost and what came back."""
    came = {
        send["id"]: [row["kind"] for row in rows["replies"] if row["send"] == send["id"]]
        for send in rows["sends"]
    }
    return [
        {
            "campaign": row["campaign"],
            "treatment": row["treatment"],
            "channel": row["channel"],
            "state": row["state"],
            "reason": row["reason"],
            "at": datetime.fromtimestamp(row["at"]).astimezone() if row["at"] is not None else None,
            "cost": row["cost"],
            "currency": currency,
            "replies": came[row["id"]],
            "says": _says(entries.get(row["campaign"]), row["treatment"]),
        }
        for row in rows["sends"]
    ]


def _entries(ledger: Ledger) -> dict[str, Told]:
    """The newest record of each campaign."""
    return {row.campaign: row.content for row in log.rows(ledger) if row.kind == "campaign"}


def _says(entry: Told | None, treatment: str) -> Told | None:
    """The words of a treatment, before names were filled in."""
    treatments = entry.get("treatments", []) if entry else []
    return next((one.get("says") for one in treatments if one.get("treatment") == treatment), None)


def _request(asked: Any, seals: Seals | None) -> Told:
    return {
        "id": asked.id,
        "kind": str(asked.kind),
        "state": str(asked.state),
        "you_wrote": detail_of(asked, seals),
        "received_at": asked.received_at,
        "due_on": asked.due_on,
        "rule": asked.rule,
        "verified_by": asked.verified_by,
        "answered_at": asked.answered_at,
        "outcome": asked.outcome,
    }


def _passed(ledger: Ledger, hashes: Iterable[bytes]) -> list[Told]:
    """Who was told to delete or correct, and whether they confirmed."""
    passed = schema.passed
    columns = [passed.c.kind, passed.c.recipient, passed.c.state, passed.c.at, passed.c.answered_at]
    chosen = select(*columns).where(passed.c.address.in_(list(hashes))).order_by(passed.c.id)
    with ledger.engine.connect() as connection:
        return [dict(row) for row in connection.execute(chosen).mappings()]


def _receipts(holdings: Holdings, numbers: list[int]) -> list[Told]:
    """Where the receipts of sends are, and the salt that opens each: it is for its person alone."""
    receipts = schema.receipts
    columns = [receipts.c.send, receipts.c.batch, receipts.c.place]
    chosen = select(*columns).where(receipts.c.send.in_(numbers)).order_by(receipts.c.send)
    with holdings.ledger.engine.connect() as connection:
        return [
            {**row, "salt": sends.receipt.salt_of(connection, holdings.key, row["send"])}
            if holdings.key
            else dict(row)
            for row in connection.execute(chosen).mappings().all()
        ]


def _without_person(row: Mapping[str, Any]) -> Told:
    return {name: value for name, value in row.items() if name != "person"}
