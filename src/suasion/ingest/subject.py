"""The rows of some persons in a source's own file: found, and cut out of it."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from io import TextIOWrapper
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from suasion.declarations import closest
from suasion.errors import SourceError
from suasion.ingest.cells import Layout
from suasion.ingest.csv_file import LONGEST_FIELD, MARKS
from suasion.ingest.fields import scoped
from suasion.ingest.file import cells_of, layout_of
from suasion.ingest.source import LINE_NUMBER, Source
from suasion.lake import without

_CHUNK = 1 << 20


def find_rows(source: Source, folder: Path, wanted: Mapping[str, Collection[str]]) -> tuple[int, ...]:
    """On which lines rows begin that have one of these identifiers, as the file stands now.

    Rows that are no records, such as one with too many fields, are not found.

    Parameters
    ----------
    source : Source
    folder : Path
        The folder that ``source.file`` is relative to.
    wanted : mapping of str to collection of str
        Values of identifiers by kind, as in the records.

    Returns
    -------
    tuple of int
        Numbers of lines; of a Parquet file, of rows, from 1.

    Raises
    ------
    SourceError
        The file cannot be read as mapped.
    """
    layout = layout_of(folder / source.file, source.encoding)
    mapped = {kind: column for kind, column in source.identifiers.items() if column != LINE_NUMBER}
    for column in mapped.values():
        if column not in layout.names:
            asked = f"source '{source.name}': column '{column}'"
            raise SourceError(asked, f"not in {layout.path.name}", closest(column, layout.names))
    table = cells_of(layout, [layout.names.index(column) for column in mapped.values()]).table
    found = np.zeros(table.num_rows, np.bool_)
    for place, kind in enumerate(mapped):
        values = pa.array(wanted.get(kind, ()), pa.string())
        found |= pc.is_in(table[f"c{place}"], value_set=values).to_numpy()
    lines = table["line"].to_numpy()
    for kind in set(source.identifiers) - set(mapped):
        found |= np.isin(lines, [int(line) for line in wanted.get(scoped(source, kind), ())])
    return tuple(lines[found].tolist())


def identifiers_in(source: Source, folder: Path, kind: str) -> list[str]:
    """The identifiers of a kind in the file of a source, each once; none where it has none of the kind.

    Raises
    ------
    SourceError
        The file cannot be read as mapped.
    """
    layout = layout_of(folder / source.file, source.encoding) if (folder / source.file).exists() else None
    column = source.identifiers.get(kind)
    if layout is None or column is None or column not in layout.names:
        return []
    return cells_of(layout, [layout.names.index(column)]).table["c0"].drop_null().unique().to_pylist()


def cut_rows(source: Source, folder: Path, lines: Collection[int]) -> None:
    """Take rows out of the file of a source, which is replaced as a whole; all other bytes stay.

    Parameters
    ----------
    source : Source
    folder : Path
        The folder that ``source.file`` is relative to.
    lines : collection of int
        As `find_rows` gives them.

    Raises
    ------
    SourceError
        The file has no exact copy in its encoding, or lines of it are told apart by their number; it stays.
    """
    if LINE_NUMBER in source.identifiers.values():
        found = "its rows are told apart by the number of their line"
        raise SourceError(f"source '{source.name}': fewer rows", found, "Blank rows, and keep their lines.")
    layout = layout_of(folder / source.file, source.encoding)
    path = layout.path.resolve()
    with _replacing(path) as part:
        if layout.encoding:
            _cut_csv(layout, path, frozenset(lines), part)
        else:
            _cut_parquet(path, lines, part)


def _cut_parquet(path: Path, lines: Collection[int], part: IO[bytes]) -> None:
    with pq.ParquetFile(path) as file:
        table = file.read()
    gone = np.zeros(table.num_rows, np.bool_)
    gone[np.array(list(lines), np.int64) - 1] = True
    pq.write_table(without(table, pa.chunked_array([pa.array(gone)])), part)


def _cut_csv(layout: Layout, path: Path, lines: frozenset[int], part: IO[bytes]) -> None:
    """Copy all rows but some. What was read must encode to the bytes of the file, or nothing is known."""
    mark, codec = _marked(path, layout.encoding)
    seen = blake2b(mark)
    part.write(mark)
    with path.open("rb") as raw, TextIOWrapper(raw, codec, "surrogateescape", newline="") as file:
        raw.seek(len(mark))
        for line, text in _rows(file, layout.delimiter):
            content = text.encode(codec, "surrogateescape")
            seen.update(content)
            if line not in lines:
                part.write(content)
    if seen.digest() != _digest(path):
        todo = "Save it as UTF-8, and map it so."
        raise SourceError(f"file {layout.path}", f"no exact copy can be made in {layout.encoding}", todo)


def _marked(path: Path, codec: str) -> tuple[bytes, str]:
    """The byte order mark of the file, and the codec of what follows it."""
    with path.open("rb") as file:
        start = file.read(4)
    for mark, general, plain in MARKS:
        if codec == general and start.startswith(mark):
            return mark, plain
    return b"", "utf-8" if codec == "utf-8-sig" else codec


def _rows(file: Iterator[str], delimiter: str) -> Generator[tuple[int, str]]:
    """Each row, or what is none, as it stands in the file, with the number of its first line."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line

    reader, start, more = csv.reader(lines(), delimiter=delimiter, strict=True), 1, True
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        while more:
            try:
                more = next(reader, None) is not None
            except csv.Error:
                more = True
            yield start, "".join(taken)
            start += len(taken)
            taken.clear()
    finally:
        csv.field_size_limit(before)


def _digest(path: Path) -> bytes:
    digest = blake2b()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.digest()


@contextmanager
def _replacing(path: Path) -> Generator[IO[bytes]]:
    """A file that takes the place of another when the block ends well; durable, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
