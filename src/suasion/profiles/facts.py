"""The facts that rules judge, one row a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from suasion.expressions import Type, quote
from suasion.ingest import Source
from suasion.lake import query
from suasion.ledger import Tables
from suasion.profiles.catalogue import Trait
from suasion.profiles.clock import ZONES, local_hour
from suasion.profiles.consents import consents_of_persons
from suasion.profiles.events import Heard, heard, known_from
from suasion.profiles.store import ARROW, declared
from suasion.rules import PERSON_FACTS, Occasion

FACT_TABLES = ("known_from", "traits")
"""The tables whose versions are the version of the facts."""

FORBID = {"do_not_call", "election_filing", "objected", "patient", "restricted", "sale_opted_out"}
"""Facts whose yes forbids: of what several tell, one yes counts; of the others, one no."""

_BITS = 63
_WISHES = ("objected", "restricted", "sale_opted_out")
_CONSENT = tuple(name for name in PERSON_FACTS if name.startswith("consent"))
_SCHEMA = pa.schema(
    [
        ("person", pa.int64()),
        ("place", pa.string()),
        *((name, ARROW[kind]) for name, kind in PERSON_FACTS.items()),
    ]
)


def assemble_facts(
    tables: Tables,
    sources: Sequence[Source],
    catalogue: Mapping[str, Trait],
    occasion: Occasion,
    *,
    contacts: pa.Table | None = None,
    zones: Mapping[str, Sequence[str]] = ZONES,
) -> pa.Table:
    """Assemble the facts for one purpose and channel; where sources differ the strictest counts.

    The basis is ``research_replay`` as soon as one source holds the person on it, and ``consent`` only if all
    do; the purpose is permitted if every source of the person permits it, and every stream that knows the
    person; one refusal outweighs any consent. What sources attest and what traits tell come together: of yes
    and no the one that forbids, of ages the smallest, of days and numbers the largest. The place is that of a
    trait, else the territories of the sources. What nothing says is null: unknown.

    Parameters
    ----------
    tables : Tables
    sources : sequence of Source
    catalogue : mapping of str to Trait
    occasion : Occasion
    contacts : pyarrow.Table, optional
        Columns ``person`` and ``contacts_today``; who is not in it had none. Without it, unknown.
    zones : mapping of str to sequence of str
        Time zones of places.

    Returns
    -------
    pyarrow.Table
        Columns ``person``, ``place``, and one for each of `PERSON_FACTS`; sorted by person.

    Raises
    ------
    OrderError
        Nothing was ingested yet, or a source or trait was declared anew since.
    """
    attested = sorted({one.fact for source in sources for one in source.attest})
    told = tables.read("known_from", "ingest", declared(sources, catalogue))
    everyone = (*sources, *heard(tables))
    relations = {
        "k": pa.concat_tables([told.select(["person", "source", "basis"]), known_from(tables)]),
        "t": tables.read("traits", "ingest"),
        "s": _said_by(everyone, attested, occasion),
        "c": consents_of_persons(tables, sources, occasion, tables.told),
        "w": _SCHEMA.empty_table().select(["person"]) if tables.wishes is None else tables.wishes,
        "d": _SCHEMA.empty_table().select(["person", "contacts_today"]) if contacts is None else contacts,
    }
    columns = _columns(attested, catalogue, wished=tables.wishes is not None, counted=contacts is not None)
    sql = f"""
        WITH known AS ({_known(attested)}), wished AS ({_wished(tables.wishes is not None)})
        SELECT known.person, {", ".join(f"{column} AS {quote(name)}" for name, column in columns.items())}
        FROM known LEFT JOIN t USING (person) LEFT JOIN c USING (person)
             LEFT JOIN wished USING (person) LEFT JOIN d USING (person)
        ORDER BY known.person"""
    # The engine reads a parameter that no column asks for as a mistake.
    days = [occasion.at.date().isoformat()] if any("?" in column for column in columns.values()) else []
    facts = query(sql, relations, days * sum(column.count("?") for column in columns.values()))
    return _with_hour(_with_place(facts, everyone), occasion, zones).select(_SCHEMA.names).cast(_SCHEMA)


def _said_by(sources: Sequence[Source | Heard], attested: Sequence[str], occasion: Occasion) -> pa.Table:
    """Per source: whether it permits the purpose, its territory, and what it attests."""
    territories = _numbered(sources)
    said: dict[str, list[str | bool | None] | list[int]] = {
        "source": [source.name for source in sources],
        "territory": [1 << territories[source.territory] for source in sources],
        "permits": [occasion.purpose in source.purposes for source in sources],
    }
    for fact in attested:
        said[fact] = [_strictest(fact, [a.value for a in one.attest if a.fact == fact]) for one in sources]
    kinds = {"source": pa.string(), "territory": pa.int64()}
    return pa.table({name: pa.array(c, kinds.get(name, pa.bool_())) for name, c in said.items()})


def _numbered(sources: Sequence[Source | Heard]) -> dict[str, int]:
    """A bit for each territory: to gather bits is quicker than to gather names, sixfold for a million people.

    Where there are more territories than bits, the last ones share the last one.
    """
    return {name: min(i, _BITS - 1) for i, name in enumerate(sorted({one.territory for one in sources}))}


def _strictest(fact: str, values: Sequence[bool]) -> bool | None:
    if not values:
        return None
    return any(values) if fact in FORBID else all(values)


def _known(attested: Sequence[str]) -> str:
    """Per person what all its sources say together, as SQL."""
    told = (
        f", {'bool_or' if fact in FORBID else 'bool_and'}(s.{quote(fact)}) AS {quote(fact)}"
        for fact in attested
    )
    return f"""
        SELECT k.person,
               CASE WHEN bool_or(k.basis = 'research_replay') THEN 'research_replay'
                    ELSE coalesce(min(k.basis) FILTER (k.basis <> 'consent'), min(k.basis)) END AS basis,
               bool_and(s.permits) AS purpose_permitted,
               bit_or(s.territory) AS territories{"".join(told)}
        FROM k JOIN s USING (source) GROUP BY k.person"""


def _wished(known: bool) -> str:
    kinds = (f", bool_or(kind = '{kind}') AS {kind}" for kind in _WISHES)
    return f"SELECT person{''.join(kinds)} FROM w GROUP BY person" if known else "SELECT person FROM w"


def _columns(
    attested: Sequence[str], catalogue: Mapping[str, Trait], *, wished: bool, counted: bool
) -> dict[str, str]:
    """Each fact as SQL over what is known, but for the hour."""
    columns = {name: f"c.{name}" for name in _CONSENT}
    columns |= {name: f"known.{name}" for name in ("basis", "purpose_permitted")}
    columns["contacts_today"] = "coalesce(d.contacts_today, 0)" if counted else "d.contacts_today"
    for name, kind in PERSON_FACTS.items():
        if name in columns or name == "hour":
            continue
        parts = [_trait(trait, one) for trait, one in catalogue.items() if one.fact == name]
        parts += [f"known.{quote(name)}"] if name in attested else []
        parts += [f"coalesce(wished.{name}, false)"] if wished and name in _WISHES else []
        smallest = name == "age" or (kind is Type.BOOLEAN and name not in FORBID)
        # Both leave out what is null.
        columns[name] = f"{'least' if smallest else 'greatest'}({', '.join(parts)})" if parts else "NULL"
    places = [f"t.{quote(trait)}" for trait, one in catalogue.items() if one.fact == "place"]
    columns["place"] = f"nullif(concat_ws('|', {', '.join(places)}), '')" if places else "NULL"
    columns["territories"] = "known.territories"
    return columns


def _trait(name: str, trait: Trait) -> str:
    """A trait as a fact; of a date that is none in the past, the days are unknown."""
    column = f"t.{quote(name)}"
    if trait.type is not Type.DATE:
        return column
    days = f"date_diff('day', {column}, CAST(? AS DATE))"
    return f"CASE WHEN {days} >= 0 THEN {days} END"


def _with_place(facts: pa.Table, sources: Sequence[Source | Heard]) -> pa.Table:
    """The place of each person: where a trait says none, all territories of their sources."""
    names = _numbered(sources)
    found = facts["territories"].combine_chunks().dictionary_encode()
    joined = ["|".join(n for n, bit in names.items() if m >> bit & 1) for m in found.dictionary.to_pylist()]
    by_source = pc.take(pa.array(joined, pa.string()), found.indices)
    place = pc.coalesce(facts["place"].cast(pa.string()), by_source)
    return facts.set_column(facts.column_names.index("place"), "place", place)


def _with_hour(facts: pa.Table, occasion: Occasion, zones: Mapping[str, Sequence[str]]) -> pa.Table:
    """The hour where each person is."""
    places = facts["place"].combine_chunks().dictionary_encode()
    hours = [local_hour(place, occasion.at, zones) for place in places.dictionary.to_pylist()]
    return facts.append_column("hour", pc.take(pa.array(hours, pa.int64()), places.indices))
