"""The facts that rules judge, one row a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from suasion.expressions import quote
from suasion.ingest import Source
from suasion.lake import query
from suasion.ledger import Tables
from suasion.profiles.catalogue import Trait
from suasion.profiles.store import SAID, consents_of, declared
from suasion.rules import Occasion

FACT_TABLES = ("known_from", "traits")
"""The tables whose versions are the version of the facts."""


def assemble_facts(
    tables: Tables, sources: Sequence[Source], catalogue: Mapping[str, Trait], occasion: Occasion
) -> pa.Table:
    """Assemble the facts for one purpose and channel; where sources differ the strictest counts.

    The basis is ``research_replay`` as soon as one source holds the person on it, and ``consent`` only if
    all do; the purpose is permitted if every source of the person permits it; one refusal outweighs any
    consent. What no source says is null: unknown.

    Parameters
    ----------
    tables : Tables
    sources : sequence of Source
    catalogue : mapping of str to Trait
    occasion : Occasion

    Returns
    -------
    pyarrow.Table
        Column ``person`` and one for each fact about persons.

    Raises
    ------
    OrderError
        Nothing was ingested yet, or a source or trait was declared anew since.
    """
    known = tables.read("known_from", "ingest", declared(sources, catalogue))
    traits = tables.read("traits", "ingest")
    permits = [source.name for source in sources if occasion.purpose in source.purposes]
    age = [name for name, trait in catalogue.items() if trait.fact == "age"]
    relations = {"k": known, "t": traits, "c": _consents(tables, sources, occasion)}
    sql = f"""
        SELECT k.person,
               bool_and(k.adult) FILTER (k.adult IS NOT NULL) AS adult,
               any_value({_least(age)}) AS age,
               CASE WHEN bool_or(k.basis = 'research_replay') THEN 'research_replay'
                    ELSE coalesce(min(k.basis) FILTER (k.basis <> 'consent'), min(k.basis)) END AS basis,
               any_value(c.consent) AS consent,
               bool_and(list_contains(CAST(? AS VARCHAR[]), k.source)) AS purpose_permitted
        FROM k LEFT JOIN t USING (person) LEFT JOIN c USING (person)
        GROUP BY k.person ORDER BY k.person"""
    return query(sql, relations, [permits])


def _least(columns: Sequence[str]) -> str:
    """The smallest of several ages, as SQL; null where there is none."""
    return f"least({', '.join(f't.{quote(c)}' for c in columns)})" if columns else "CAST(NULL AS BIGINT)"


def _consents(tables: Tables, sources: Sequence[Source], occasion: Occasion) -> pa.Table:
    """Per person consent to this purpose and channel: false if any source says no, or it has expired."""
    if occasion.channel is None:
        return SAID.empty_table().select(["person"]).append_column("consent", pa.array([], pa.bool_()))
    found = [SAID.empty_table()]
    for source in sources:
        said = consents_of(tables.read(f"records.{source.name}", "ingest"))
        if (occasion.purpose, occasion.channel) in said:
            found.append(said[occasion.purpose, occasion.channel])
    return query(
        "SELECT person, bool_and(given AND coalesce(expires_on >= CAST(? AS DATE), true)) AS consent "
        "FROM c GROUP BY person",
        {"c": pa.concat_tables(found)},
        [occasion.at.date().isoformat()],
    )
