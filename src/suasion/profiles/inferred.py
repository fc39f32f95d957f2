"""Traits that were inferred or computed come back from the store, for what they may be used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from suasion.ledger import Tables
from suasion.profiles import computed
from suasion.profiles.catalogue import Trait, observed
from suasion.rules import Occasion


def inferred_tables(catalogue: Mapping[str, Trait], used: Iterable[str]) -> tuple[str, ...]:
    """The tables that hold those of some traits that are inferred, by name."""
    found = (name for name in sorted({*used} & catalogue.keys()))
    return tuple(f"inferred.{name}" for name in found if catalogue[name].provenance == "inferred")


def traits_of(tables: Tables, catalogue: Mapping[str, Trait], occasion: Occasion) -> pa.Table:
    """The traits of all persons as they may be used on an occasion.

    What sources told, and what was inferred for the occasion's purpose and has not expired; an inferred trait
    is unknown for any other purpose, after its last day, and of whoever was not scored. What was computed
    from events, as it stands at the occasion's time, of streams that permit the purpose; persons whom only
    streams know are among the others.

    Parameters
    ----------
    tables : Tables
    catalogue : mapping of str to Trait
    occasion : Occasion

    Returns
    -------
    pyarrow.Table
        One row a person, sorted: column ``person`` and one for each trait.

    Raises
    ------
    OrderError
        Nothing was ingested yet.
    """
    traits = tables.read("traits", "ingest")
    told = observed(catalogue)
    traits = traits.select([name for name in traits.column_names if name in {"person", *told}])
    heard = computed.values(tables, catalogue, occasion.purpose, occasion.at)
    traits = _with_others(traits, heard["person"])
    persons = traits["person"]
    places = pc.index_in(persons, heard["person"].combine_chunks()) if heard.num_columns > 1 else None
    for name, trait in catalogue.items():
        if trait.provenance == "inferred":
            traits = traits.append_column(name, _inferred(tables, name, persons, occasion))
        elif trait.provenance == "computed":
            traits = traits.append_column(name, heard[name].take(places))
    return traits


def _with_others(traits: pa.Table, persons: pa.ChunkedArray) -> pa.Table:
    """The traits with rows, of nulls, of some persons who have none."""
    new = persons.filter(pc.invert(pc.is_in(persons, value_set=traits["person"].combine_chunks())))
    if not len(new):
        return traits
    others = [new if field.name == "person" else pa.nulls(len(new), field.type) for field in traits.schema]
    return pa.concat_tables([traits, pa.Table.from_arrays(others, schema=traits.schema)]).sort_by("person")


def _inferred(tables: Tables, trait: str, persons: pa.ChunkedArray, occasion: Occasion) -> pa.ChunkedArray:
    if f"inferred.{trait}" not in tables.versions:
        return pa.chunked_array([pa.nulls(len(persons), pa.float64())])
    table = tables.read(f"inferred.{trait}", "infer")
    lives = pc.greater_equal(table["expires_on"], pa.scalar(occasion.at.date(), pa.date32()))
    held = table.filter(pc.and_(pc.equal(table["purpose"], str(occasion.purpose)), lives))
    return held["value"].take(pc.index_in(persons, held["person"].combine_chunks()))
