"""Read a source: the whole way from a file to records and rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from suasion.expressions import Type
from suasion.ingest.convert import convert
from suasion.ingest.fields import columns_of, fields_of
from suasion.ingest.file import cells_of, layout_of
from suasion.ingest.signals.column import heard
from suasion.ingest.source import Source


@dataclass(frozen=True)
class Records:
    """What a file held.

    ``records`` has one row per good row, in the order of the file: ``line`` (int64), ``id:KIND`` (text),
    ``household`` (text, only if mapped), ``contact:KIND`` (text), ``consent:PURPOSE:CHANNEL`` (bool), and of
    it ``expires`` (date), ``said`` and ``confirmed`` (ISO 8601 text); ``opted_out:KIND`` of signals (bool),
    ``trait:NAME`` (its type), ``outcome:NAME`` (double), ``arm`` (text), ``probability`` (double).

    ``rejects`` has one row per bad row: ``line``, ``column`` (null for the row as a whole), ``reason``;
    never a value; but a no to a purpose and channel is false in the record with the same identifier.
    ``rows`` counts both. ``ignored`` are the columns of the file that are not mapped.
    """

    records: pa.Table
    rejects: pa.Table
    rows: int
    ignored: tuple[str, ...]


def read(
    source: Source, folder: Path, trait_types: Mapping[str, Type], at: datetime | None = None
) -> Records:
    """Read the file of a source.

    Parameters
    ----------
    source : Source
        The mapping.
    folder : Path
        The folder that ``source.file`` is relative to.
    trait_types : mapping of str to Type
        The type of every trait of the catalogue.
    at : datetime, optional
        Now: a row whose consent was said later is a reject.

    Returns
    -------
    Records
        Typed records, and the rows that are not used.

    Raises
    ------
    SourceError
        The file cannot be read as mapped; the message says which column or line.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> from suasion.rules import Basis, Purpose
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "shop.csv").write_text("id,age\\n7,31\\n8,old\\n9,44\\n")
    >>> source = Source(name="shop", file="shop.csv", licence="our own", purposes=(Purpose.COMMERCIAL,),
    ...                 basis=Basis.CONTRACT, observed_on=date(2026, 1, 31), territory="DE",
    ...                 identifiers={"customer": "id"}, traits={"age": "age"})
    >>> result = read(source, folder, {"age": Type.INTEGER})
    >>> result.records["trait:age"].to_pylist()
    [31, 44]
    >>> result.rejects.to_pylist()
    [{'line': 3, 'column': 'age', 'reason': 'not a whole number'}]
    """
    fields = fields_of(source, trait_types)
    layout = layout_of(folder / source.file, source.encoding)
    columns = columns_of(source, fields, layout)
    cells = cells_of(layout, [layout.names.index(column) for column in columns])
    records, rejects = convert(source, fields, columns, cells, at)
    records, rejects = heard(source, records, rejects)
    ignored = tuple(name for name in layout.names if name not in columns)
    return Records(records, rejects, cells.rows, ignored)
