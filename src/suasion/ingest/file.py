"""One way into a file, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suasion.errors import SourceError
from suasion.ingest.cells import Cells, Layout
from suasion.ingest.csv_file import csv_cells, csv_layout
from suasion.ingest.parquet_file import parquet_cells, parquet_layout

_PARQUET = (".parquet", ".pq")


def layout_of(path: Path, encoding: str | None = None) -> Layout:
    """The columns of a file, and how to read it; a name that two columns share is an error."""
    if not path.is_file():
        raise SourceError(f"file {path}", "no such file", "Correct the key 'file' or put the file there.")
    try:
        layout = parquet_layout(path) if _is_parquet(path) else csv_layout(path, encoding)
    except OSError as error:
        raise SourceError(f"file {path}", f"{error.strerror}", "Make the file readable.") from None
    twice = sorted({name for name in layout.names if name and layout.names.count(name) > 1})
    if twice:
        found = f"the header names {', '.join(repr(name) for name in twice)} more than once"
        raise SourceError(f"file {path}", found, "Rename the columns so that each has a name of its own.")
    return layout


def cells_of(layout: Layout, columns: Sequence[int], limit: int | None = None) -> Cells:
    """The cells of some columns, as text."""
    read = parquet_cells if _is_parquet(layout.path) else csv_cells
    return read(layout, columns, limit)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in _PARQUET
