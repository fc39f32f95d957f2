"""What a file holds before it is typed: its columns, and its cells as text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

NULL_TOKENS = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", ".")
"""Cells that mean "not known", once the white space around them is gone."""


class Reject(NamedTuple):
    """A row that is not used: where, which column (None: the whole row), and why."""

    line: int
    column: str | None
    reason: str


@dataclass(frozen=True)
class Layout:
    """The columns of a file and how to read it.

    ``encoding`` and ``delimiter`` are empty for Parquet; ``sure`` says whether the encoding is declared
    or marked rather than assumed; ``unreadable`` maps columns that have no text form to their type.
    """

    path: Path
    names: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ""
    sure: bool = True
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cells:
    """Cells as text: ``line`` and one column ``c0``, ``c1``, ... for each column asked for.

    ``rows`` counts every row seen, rejected rows among them.
    """

    table: pa.Table
    rejects: tuple[Reject, ...]
    rows: int


def cell_schema(columns: int) -> pa.Schema:
    """The schema of ``Cells.table``."""
    return pa.schema([("line", pa.int64()), *((f"c{i}", pa.string()) for i in range(columns))])


def tidy(texts: pa.Array[Any]) -> pa.Array[Any]:
    """Cells without the white space around them, null where they say "not known".

    Examples
    --------
    >>> tidy(pa.array([" a b ", "NA", "."])).to_pylist()
    ['a b', None, None]
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, pa.array(NULL_TOKENS)), None, trimmed)
