"""Columns of signals in a source's file: text in, opt-outs out."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import InputError, SourceError
from suasion.ingest.signals import gpp, tcf
from suasion.ingest.source import SignalColumn, Source

_KEPT = {"gpc": "Global Privacy Control", "gpp": "a GPP string", "tcf": "a TC string"}


def heard(source: Source, records: pa.Table, rejects: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Put in the place of each signal whether it opts out, and reject rows where it cannot be read.

    Parameters
    ----------
    source : Source
    records, rejects : pyarrow.Table
        As `convert` makes them, with the columns ``signal:KIND``.

    Returns
    -------
    tuple of pyarrow.Table
        Records with the columns ``opted_out:KIND`` (boolean, null where nothing is told), and rejects.

    Raises
    ------
    SourceError
        Of several values of a column none can be read.
    """
    for signal in source.signals:
        name = f"signal:{signal.kind}"
        place = records.column_names.index(name)
        told, unread = _told(source, signal, records[name])
        records = records.set_column(place, f"opted_out:{signal.kind}", told)
        rejects = pa.concat_tables([rejects, _rejected(signal, records.filter(unread)["line"])])
        records = records.filter(pc.invert(unread))
    return records, rejects.sort_by("line")


def _told(
    source: Source, signal: SignalColumn, column: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Whether each opts out, and which cannot be read; every distinct text is read once."""
    if signal.kind == "gpc":
        return column, pa.chunked_array([pa.repeat(False, len(column))])
    distinct = column.unique()
    texts = distinct.drop_null().to_pylist()
    read, answers, bad = _reader(signal), dict[str, bool | None](), set[str]()
    for text in texts:
        try:
            answers[text] = read(text)
        except InputError:
            bad.add(text)
    if len(texts) == len(bad) > 1:
        found = f"none of its {len(texts)} values is {_KEPT[signal.kind]}"
        raise SourceError(
            f"source '{source.name}': column '{signal.column}'", found, "Map another column, or none."
        )
    kept = [answers.get(text) for text in distinct.to_pylist()]
    places = pc.index_in(column, distinct)
    told = pa.array(kept, pa.bool_()).take(places.combine_chunks())
    return pa.chunked_array([told]), pc.is_in(column, pa.array(sorted(bad), pa.string()))


def _reader(signal: SignalColumn) -> Callable[[str], bool | None]:
    if signal.kind == "gpp":
        return lambda text: gpp.read(text).opted_out
    vendor = signal.vendor or 0
    return lambda text: tcf.read(text).refuses(vendor)


def _rejected(signal: SignalColumn, lines: pa.ChunkedArray) -> pa.Table:
    n = len(lines)
    reason = f"not {_KEPT[signal.kind]}"
    return pa.table(
        {
            "line": lines,
            "column": pa.array([signal.column] * n, pa.string()),
            "reason": pa.array([reason] * n, pa.string()),
        }
    )
