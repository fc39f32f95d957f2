"""Records of resolved persons become one row a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from hashlib import blake2b

import pyarrow as pa

from suasion.errors import SourceError
from suasion.expressions import Type, quote
from suasion.identity import Resolution, Sealing, seal
from suasion.ingest import Records, Source
from suasion.lake import query
from suasion.ledger import Run, said
from suasion.profiles.catalogue import Trait, observed, types
from suasion.profiles.consents import consents_of, opted_out, with_evidence, words_of

ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.DATE: pa.date32(),
}


def store_profiles(
    run: Run,
    sources: Sequence[Source],
    read: Mapping[str, Records],
    who: Resolution,
    catalogue: Mapping[str, Trait],
    sealing: Sealing | None = None,
) -> None:
    """Write everything known of persons.

    Tables: ``identities``; ``records.SOURCE`` (person, household, arm, probability, outcomes and
    consents as received); ``rejects.SOURCE``; ``traits`` (one row a person; where sources differ, the
    most recently observed value that is not missing); ``known_from`` (person, source, and what the
    source declares).

    Parameters
    ----------
    run : Run
    sources : sequence of Source
    read : mapping of str to Records
        By name of the source.
    who : Resolution
    catalogue : mapping of str to Trait
    sealing : Sealing, optional
        Without it, or without its key, contact details are not stored.

    Raises
    ------
    SourceError
        A source maps an inferred trait.
    """
    told = observed(catalogue)
    for source in sources:
        if wrong := sorted(source.traits.keys() & catalogue.keys() - told.keys()):
            asked, todo = f"source '{source.name}': traits.{wrong[0]}", "Map the column to another trait."
            raise SourceError(asked, "a trait that is inferred, not observed", todo)
    inputs = declared(sources, catalogue)
    known = run.read("identities", "ingest") if "identities" in run.versions else None
    run.write("identities", seal(who.identities, known, sealing), inputs)
    known_from: list[pa.Table] = []
    parts: list[tuple[Source, pa.Table]] = []
    for source in sources:
        stored = f"records.{source.name}"
        before = run.read(stored, "ingest") if source.consents and stored in run.versions else None
        records = read[source.name].records.add_column(0, "person", pa.array(who.persons[source.name]))
        records = with_evidence(source, records, before)
        run.write(f"rejects.{source.name}", read[source.name].rejects, inputs)
        run.write(f"records.{source.name}", _without_identifiers(records), inputs)
        known_from.append(_declared(source, records))
        agreed, words = consents_of(records), words_of(source)
        run.writes.append(said.consents.record_consents(source.name, agreed, words))
        run.writes.extend(
            said.consents.record_signals(f"#{kind}", persons, _start_of(source.observed_on))
            for kind, persons in opted_out(records).items()
        )
        parts.append((source, records))
    run.write("known_from", pa.concat_tables(known_from), inputs)
    run.write("traits", _merged(parts, types(told)), inputs)


def declared(sources: Sequence[Source], catalogue: Mapping[str, Trait]) -> str:
    """Digest of the declarations that profiles are made from: whoever edits one must ingest again."""
    return blake2b(repr((list(sources), observed(catalogue))).encode(), digest_size=16).hexdigest()


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _without_identifiers(records: pa.Table) -> pa.Table:
    """The columns that hold neither identifier nor contact detail; a household becomes a number."""
    keep = [
        name
        for name in records.column_names
        if not name.startswith(("id:", "contact:", "trait:")) and name != "household"
    ]
    table = records.select(keep)
    household = pa.nulls(records.num_rows, pa.int64())
    if "household" in records.column_names:
        codes = records["household"].combine_chunks().dictionary_encode()
        household = codes.indices.cast(pa.int64())
    return table.append_column("household", household)


def _declared(source: Source, records: pa.Table) -> pa.Table:
    """Per person what the source says of all its rows."""
    adult = next((bool(a.value) for a in source.attest if a.fact == "adult"), None)
    n = records.num_rows
    return pa.table(
        {
            "person": records["person"],
            "source": pa.array([source.name] * n, pa.string()),
            "basis": pa.array([str(source.basis)] * n, pa.string()),
            "adult": pa.array([adult] * n, pa.bool_()),
        }
    )


def _merged(parts: Sequence[tuple[Source, pa.Table]], wanted: Mapping[str, Type]) -> pa.Table:
    """One row a person: each trait as observed last, from an older source where that one lacks it.

    Where a source has several records of a person (another source linked them), the first line that has
    the trait counts.
    """
    newest = sorted(parts, key=lambda part: part[0].observed_on, reverse=True)
    tables = {f"s{i}": records for i, (_, records) in enumerate(newest)}
    everybody = " UNION ".join(f"SELECT person FROM {name}" for name in tables)
    columns = ["person", *(_coalesced(trait, tables) for trait in wanted)]
    joins = " ".join(
        f"LEFT JOIN ({_first(t)} FROM {n} GROUP BY person) AS {n} USING (person)" for n, t in tables.items()
    )
    merged = query(f"SELECT {', '.join(columns)} FROM ({everybody}) AS p {joins} ORDER BY person", tables)
    return merged.cast(pa.schema([("person", pa.int64()), *((t, ARROW[k]) for t, k in wanted.items())]))


def _coalesced(trait: str, tables: Mapping[str, pa.Table]) -> str:
    """The trait from the first table that knows it, as SQL."""
    column = f"trait:{trait}"
    having = [f"{name}.{quote(column)}" for name, table in tables.items() if column in table.column_names]
    return f"coalesce({', '.join([*having, 'NULL'])}) AS {quote(trait)}"


def _first(records: pa.Table) -> str:
    """The person and the first known value of each trait, as the head of an SQL query."""
    traits = [quote(name) for name in records.column_names if name.startswith("trait:")]
    return f"SELECT {', '.join(['person', *(f'arg_min({trait}, line) AS {trait}' for trait in traits)])}"
