"""Parquet files: the same cells as a CSV file would hold, so that one set of rules types both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suasion.errors import SourceError
from suasion.ingest.cells import Cells, Layout, cell_schema, tidy

CHUNK_ROWS = 65_536
_EXACT = pa.scalar(2.0**53)  # from here on a double no longer tells one whole number from the next


def parquet_layout(path: Path) -> Layout:
    """Read the schema of a Parquet file."""
    with _opened(path) as file:
        schema = file.schema_arrow
        rows = file.metadata.num_rows
    if rows == 0:
        raise SourceError(f"file {path}", "it has no rows", "Give a file with rows.")
    unreadable = tuple((field.name, str(field.type)) for field in schema if not _is_plain(field.type))
    return Layout(path, tuple(schema.names), unreadable=unreadable)


def parquet_cells(layout: Layout, columns: Sequence[int], limit: int | None = None) -> Cells:
    """Read columns of a Parquet file as text; the line of a row is its number from 1.

    Whole numbers have no decimal point, whatever type they were stored with; other doubles have as
    many digits as it takes to read the same double back.

    Raises
    ------
    SourceError
        A column that holds lists, structures, bytes or times of day; a damaged file.
    """
    unreadable = dict(layout.unreadable)
    for name in (layout.names[column] for column in columns):
        if name in unreadable:
            found = f"column '{name}' holds {unreadable[name]}, which is neither number, text nor date"
            raise SourceError(f"file {layout.path}", found, "Write it out as plain columns.")
    batches: list[pa.RecordBatch] = []
    rows = 0
    with _opened(layout.path) as file:
        try:
            for batch in file.iter_batches(CHUNK_ROWS, columns=[layout.names[i] for i in columns]):
                batches.append(_texts(batch, [layout.names[i] for i in columns], rows))
                rows += batch.num_rows
                if limit is not None and rows >= limit:
                    break
        except (pa.ArrowException, OSError) as error:
            raise _damaged(layout.path, error) from None
    return Cells(pa.Table.from_batches(batches, cell_schema(len(columns))), (), rows)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"file {path}", f"not readable as Parquet ({type(error).__name__})", "Export it again."
    )


def _texts(batch: pa.RecordBatch, names: list[str], before: int) -> pa.RecordBatch:
    lines = pa.array(range(before + 1, before + 1 + batch.num_rows), pa.int64())
    texts = [tidy(_text(batch.column(name))) for name in names]
    made = pa.RecordBatch.from_arrays([lines, *texts], schema=cell_schema(len(names)))
    made.validate(full=True)
    return made


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_date,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


def _text(array: pa.Array[Any]) -> pa.Array[Any]:
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    if pa.types.is_float16(array.type):
        array = pc.cast(array, pa.float32())
    if not pa.types.is_floating(array.type):
        return pc.cast(array, pa.string())
    digits = pc.cast(array, pa.string())
    whole = pc.and_(pc.equal(array, pc.trunc(array)), pc.less(pc.abs(array), _EXACT))
    integers = pc.cast(pc.if_else(whole, array, None), pa.int64())
    return pc.coalesce(pc.cast(integers, pa.string()), digits)
