"""The rows of some persons in a table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PERSON = "person"


def rows_about(table: pa.Table, persons: Iterable[int]) -> pa.ChunkedArray:
    """Which rows are about these persons: none in a table without a column ``person``.

    Parameters
    ----------
    table : pyarrow.Table
    persons : iterable of int

    Returns
    -------
    pyarrow.ChunkedArray
        Booleans, one a row.

    Examples
    --------
    >>> rows_about(pa.table({"person": [3, 4, 4]}), [4]).to_pylist()
    [False, True, True]
    """
    if PERSON not in table.column_names:
        return pa.chunked_array([pa.array(np.zeros(table.num_rows, np.bool_))])
    return pc.is_in(table[PERSON], value_set=pa.array(persons, pa.int64()))


def without(table: pa.Table, rows: pa.ChunkedArray) -> pa.Table:
    """A table without some rows, of which nothing stays; its metadata are kept.

    Parameters
    ----------
    table : pyarrow.Table
    rows : pyarrow.ChunkedArray
        Booleans, one a row.

    Returns
    -------
    pyarrow.Table

    Examples
    --------
    >>> names = pa.table({"person": [1, 2], "name": pa.array(["Ada", "Bob"]).dictionary_encode()})
    >>> without(names, rows_about(names, [1]))["name"].chunk(0).dictionary.to_pylist()
    ['Bob']
    """
    kept = table.filter(pc.invert(rows))
    for place, field in enumerate(kept.schema):
        if pa.types.is_dictionary(field.type):
            # The dictionary still lists the values of rows that are gone, and Parquet would store them.
            used = kept.column(place).cast(field.type.value_type).cast(field.type)
            kept = kept.set_column(place, field, used)
    return kept
