"""Files of any length in little memory: written a chunk at a time, and seen whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from suasion.town.chance import Numbers

CHUNK = 1 << 16


def chunks(people: int) -> Iterator[Numbers]:
    """The numbers of all residents, in order, some at a time."""
    for start in range(0, people, CHUNK):
        yield np.arange(start, min(start + CHUNK, people), dtype=np.int64)


def write_csv(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables with the same columns, one below the other; the file appears when it is complete."""
    part = path.with_name(f"{path.name}.part")
    parts = iter(tables)
    first = next(parts)
    with pa_csv.CSVWriter(part, first.schema) as writer:
        writer.write_table(first)
        for table in parts:
            writer.write_table(table)
    part.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Put a mail into a Maildir: written beside it, then moved in, as its readers expect."""
    part = path.parents[1] / "tmp" / path.name
    part.write_bytes(content)
    part.replace(path)
