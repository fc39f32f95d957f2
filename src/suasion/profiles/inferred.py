"""Traits that were inferred come back from the store, for their purpose and until they expire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from suasion.ledger import Tables
from suasion.profiles.catalogue import Trait, observed
from suasion.rules import Occasion


def inferred_tables(catalogue: Mapping[str, Trait], used: Iterable[str]) -> tuple[str, ...]:
    """The tables that hold those of some traits that are inferred, by name."""
    return tuple(
        f"inferred.{name}" for name in sorted({*used} & catalogue.keys() - observed(catalogue).keys())
    )


def traits_of(tables: Tables, catalogue: Mapping[str, Trait], occasion: Occasion) -> pa.Table:
    """The traits of all persons as they may be used on an occasion.

    What sources told, and what was inferred for the occasion's purpose and has not expired; an inferred trait
    is unknown for any other purpose, after its last day, and of whoever was not scored.

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
    persons = traits["person"]
    told = observed(catalogue)
    traits = traits.select([name for name in traits.column_names if name in {"person", *told}])
    for name in (name for name in catalogue if name not in told):
        traits = traits.append_column(name, _inferred(tables, name, persons, occasion))
    return traits


def _inferred(tables: Tables, trait: str, persons: pa.ChunkedArray, occasion: Occasion) -> pa.ChunkedArray:
    if f"inferred.{trait}" not in tables.versions:
        return pa.chunked_array([pa.nulls(len(persons), pa.float64())])
    table = tables.read(f"inferred.{trait}", "infer")
    lives = pc.greater_equal(table["expires_on"], pa.scalar(occasion.at.date(), pa.date32()))
    held = table.filter(pc.and_(pc.equal(table["purpose"], str(occasion.purpose)), lives))
    return held["value"].take(pc.index_in(persons, held["person"].combine_chunks()))
