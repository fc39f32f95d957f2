"""CSV files: encoding, delimiter, true line numbers, and rows that are not rows."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from suasion.errors import SourceError
from suasion.ingest.cells import Cells, Layout, Reject, cell_schema, tidy

DELIMITERS = (",", ";", "\t", "|")
CHUNK_ROWS = 8192  # larger chunks leave the processor's cache and are slower
LONGEST_FIELD = 1 << 24  # characters; a longer field is a quote that nobody closed
MOST_BAD_ROWS = 0.01  # share; above it the assumed encoding is wrong, not the rows

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
"""Byte order marks, the codec that reads a file with one, and the codec of what follows it."""


def csv_layout(path: Path, encoding: str | None) -> Layout:
    """Find the encoding, the delimiter and the header of a CSV file.

    The delimiter is the one of ``, ; tab |`` that cuts the header into most columns without cutting
    through quotes. The encoding is the
    declared one, else the one of the byte order mark, else UTF-8.
    """
    codec, sure = _codec(path, encoding)
    headers = {mark: _header(path, codec, mark) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: _likely(headers[mark] or []))
    names = headers[delimiter]
    if names is None or (len(names) == 1 and '"' in names[0] and None in headers.values()):
        raise SourceError(f"file {path}", "a quote that opens in the header is not closed", "Close it.")
    if not names:
        raise SourceError(f"file {path}", "it is empty", "Give a file with a header and rows.")
    if any("\0" in name for name in names):
        todo = 'Export it as CSV, or set encoding = "utf-16-le" if it is UTF-16 without a mark.'
        raise SourceError(f"file {path}", "the header holds NUL bytes, so it is not text", todo)
    if not all(_is_clean(name) for name in names):
        raise _wrong_encoding(path, codec, sure, "the header is")
    return Layout(path, tuple(name.strip() for name in names), codec, delimiter, sure)


def csv_cells(layout: Layout, columns: Sequence[int], limit: int | None = None) -> Cells:
    """Read columns of a CSV file as text, in chunks.

    Parameters
    ----------
    layout : Layout
        From ``csv_layout``.
    columns : sequence of int
        Positions in the header.
    limit : int, optional
        Stop after about so many rows.

    Returns
    -------
    Cells
        A row that has too many or too few fields, a quote in the wrong place, or bytes outside the
        encoding is among the rejects.

    Raises
    ------
    SourceError
        No rows; a quote that stays open over several lines; an encoding that was assumed and is wrong.
    """
    rejects: list[Reject] = []
    batches: list[pa.RecordBatch] = []
    kept = unclean = 0
    with _opened(layout.path, layout.encoding) as file:
        reader = csv.reader(file, delimiter=layout.delimiter, strict=True)
        _skip_header(reader)
        while limit is None or kept < limit:
            lines, rows = _chunk(layout, reader, rejects)
            if not rows:
                break
            batch, bad = _batch(layout, lines, rows, columns)
            batches.append(batch)
            kept += batch.num_rows
            unclean += len(bad)
            rejects.extend(bad)
    total = kept + len(rejects)
    _check(layout, total, unclean)
    return Cells(pa.Table.from_batches(batches, cell_schema(len(columns))), tuple(rejects), total)


def _codec(path: Path, declared: str | None) -> tuple[str, bool]:
    with path.open("rb") as file:
        start = file.read(4)
    marked = next((codec for mark, codec, _ in MARKS if start.startswith(mark)), None)
    if declared is None:
        return marked or "utf-8-sig", marked is not None
    try:
        codec = codecs.lookup(declared).name
        "".encode(codec)
    except LookupError:
        todo = 'Use a name such as "utf-8", "cp1252" or "utf-16".'
        raise SourceError(f"file {path}", f"encoding {declared!r} is not known", todo) from None
    return ("utf-8-sig" if codec == "utf-8" else codec), True


@contextmanager
def _opened(path: Path, codec: str) -> Generator[IO[str]]:
    """The file as lines; bytes outside the encoding become surrogates, which mark their row as bad."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open(newline="", encoding=codec, errors="surrogateescape") as file:
            yield file
    except UnicodeError:
        todo = "Set encoding to the encoding of the file, or save it as UTF-8."
        raise SourceError(f"file {path}", f"it is not {_shown(codec)}", todo) from None
    finally:
        csv.field_size_limit(before)


def _header(path: Path, codec: str, delimiter: str) -> list[str] | None:
    """The first row that is not blank; None when it is no row, empty when there is none."""
    with _opened(path, codec) as file:
        try:
            return _skip_header(csv.reader(file, delimiter=delimiter, strict=True))
        except csv.Error:
            return None


def _likely(names: list[str]) -> tuple[bool, int]:
    """How good a cut is: a wrong one leaves quotes inside names, or few names."""
    return bool(names) and not any('"' in name for name in names), len(names)


def _skip_header(reader: Iterator[list[str]]) -> list[str]:
    return next((row for row in reader if row), [])


def _chunk(layout: Layout, reader: Any, rejects: list[Reject]) -> tuple[list[int], list[list[str]]]:
    """The next rows, with the line on which each starts."""
    width = len(layout.names)
    lines: list[int] = []
    rows: list[list[str]] = []
    while True:
        start: int = reader.line_num + 1
        try:
            for row in reader:
                if len(row) == width:
                    lines.append(start)
                    rows.append(row)
                    if len(rows) == CHUNK_ROWS:
                        return lines, rows
                elif row:
                    rejects.append(_ragged(start, reader.line_num, len(row), width))
                start = reader.line_num + 1
            return lines, rows
        except csv.Error as error:
            rejects.append(_malformed(layout, start, reader.line_num, error))


def _ragged(start: int, end: int, fields: int, width: int) -> Reject:
    span = f"; the row spans lines {start} to {end}" if end > start else ""
    return Reject(start, None, f"{fields} field{'s' * (fields != 1)}, header has {width}{span}")


def _malformed(layout: Layout, start: int, end: int, error: csv.Error) -> Reject:
    """A quote in the wrong place spoils its line; one that runs on may have eaten good rows."""
    if end > start:
        found = f"a quote that opens in the row on line {start} is not closed properly (read to line {end})"
        raise SourceError(f"file {layout.path}", found, f"Close or remove the quote on line {start}.")
    long = "field larger" in str(error)
    return Reject(
        start, None, "a field is too long" if long else "a quote is not closed before the delimiter"
    )


def _batch(
    layout: Layout, lines: list[int], rows: list[list[str]], columns: Sequence[int]
) -> tuple[pa.RecordBatch, list[Reject]]:
    """A chunk as Arrow, without the rows that hold bytes outside the encoding."""
    try:
        return _arrow(lines, rows, columns), []
    except UnicodeEncodeError:
        found = [_unclean(layout, line, row, columns) for line, row in zip(lines, rows, strict=True)]
        good = [i for i, reject in enumerate(found) if reject is None]
        batch = _arrow([lines[i] for i in good], [rows[i] for i in good], columns)
        return batch, [reject for reject in found if reject is not None]


def _arrow(lines: list[int], rows: list[list[str]], columns: Sequence[int]) -> pa.RecordBatch:
    texts = [tidy(pa.array([row[column] for row in rows], pa.string())) for column in columns]
    return pa.RecordBatch.from_arrays([pa.array(lines, pa.int64()), *texts], schema=cell_schema(len(columns)))


def _unclean(layout: Layout, line: int, row: list[str], columns: Sequence[int]) -> Reject | None:
    for column in columns:
        if not _is_clean(row[column]):
            return Reject(line, layout.names[column], f"not valid {_shown(layout.encoding)}")
    return None


def _is_clean(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _check(layout: Layout, rows: int, unclean: int) -> None:
    if rows == 0:
        raise SourceError(f"file {layout.path}", "it has a header and no rows", "Give a file with rows.")
    if not layout.sure and unclean > max(1, MOST_BAD_ROWS * rows):
        raise _wrong_encoding(layout.path, layout.encoding, False, f"{unclean} of {rows} rows are")


def _wrong_encoding(path: Path, codec: str, sure: bool, what: str) -> SourceError:
    todo = "Correct the encoding." if sure else 'Set encoding in the mapping, for example "cp1252".'
    return SourceError(f"file {path}", f"{what} not valid {_shown(codec)}", todo)


def _shown(codec: str) -> str:
    return "UTF-8" if codec == "utf-8-sig" else codec.upper()
