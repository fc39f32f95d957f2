"""Search files for what a person is known by, byte by byte."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SHORTEST = 6
"""Bytes. A shorter value, such as the number 2041, is in many files without being about the person."""
ENCODINGS = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")

_BLOCK = 1 << 22
_WORD = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class Sought:
    """Values to search for, without regard to case.

    Parameters
    ----------
    values : int
        How many are long enough to be searched for.
    short : int
        How many are not.
    needles : frozenset of bytes
        The values in lower case, in every encoding in which a file may hold them.

    Examples
    --------
    >>> Sought.of(["R0000123", "17"]).is_among([b"id;name\\r\\nr0000123;Ada"])
    True
    >>> Sought.of(["R0000123"]).is_among([b"AR00001234"])
    False
    """

    values: int
    short: int
    needles: frozenset[bytes]

    @staticmethod
    def of(values: Collection[str]) -> Sought:
        """Prepare to search for values."""
        long = [value for value in values if len(value.encode()) >= SHORTEST]
        return Sought(len(long), len(values) - len(long), frozenset(n for one in long for n in _encoded(one)))

    def is_in(self, path: Path, *, numbers: bool = True) -> bool:
        """Whether a file holds one of them: in its bytes, or in the cells that those of Parquet stand for.

        Parameters
        ----------
        path : Path
        numbers : bool
            Whether cells that are numbers count; in the lake they are our own.
        """
        with path.open("rb") as file:
            if file.read(len(_PARQUET)) == _PARQUET:
                try:
                    return any(self.is_among([cells]) for cells in _cells(path, numbers))
                except (pa.ArrowException, OSError):
                    pass  # not Parquet, or damaged: its bytes are all there is
            file.seek(0)
            return self.is_among(iter(lambda: file.read(_BLOCK), b""))

    def is_among(self, blocks: Iterable[bytes]) -> bool:
        """Whether one is in bytes given in blocks: as a whole word in text, anywhere in what is no text."""
        margin = max(map(len, self.needles), default=0) + 1
        rest, is_text = b"\n", True
        for block in blocks:
            content = rest + block.lower()
            is_text = is_text and b"\0" not in block
            if any(_occurs(needle, content, is_text) for needle in self.needles):
                return True
            rest = content[-margin:]  # what ends with the block is looked at with what follows it
        return any(_occurs(needle, rest + b"\n", is_text) for needle in self.needles)


def _encoded(value: str) -> Iterator[bytes]:
    for encoding in ENCODINGS:
        try:
            yield value.strip().encode(encoding).lower()
        except UnicodeEncodeError:
            continue  # no file in this encoding can hold it


def _occurs(needle: bytes, content: bytes, is_text: bool) -> bool:
    """Whether it occurs inside the content, which has a byte to spare at both ends."""
    place = content.find(needle, 1)
    while place >= 0 and place + len(needle) < len(content):
        before, after = content[place - 1], content[place + len(needle)]
        joined = {before, needle[0]} <= _WORD or {after, needle[-1]} <= _WORD
        if not (is_text and joined):
            return True
        place = content.find(needle, place + 1)
    return False


def _cells(path: Path, numbers: bool) -> Iterator[bytes]:
    """What the cells of a Parquet file say, each on a line, and the notes in its schema."""
    with pq.ParquetFile(path) as file:
        yield b"\n".join((file.schema_arrow.metadata or {}).values())
        for batch in file.iter_batches():
            for column in batch.columns:
                yield from (_joined(texts) for texts in _texts(column, numbers))


def _texts(array: Any, numbers: bool) -> Iterator[Any]:
    """The arrays of plain cells that an array is made of."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from _texts(array.storage, numbers)
    elif pa.types.is_dictionary(kind):
        yield from _texts(array.dictionary, numbers)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _texts(part, numbers)
    elif pa.types.is_nested(kind):
        yield from _texts(array.values, numbers)
    elif numbers or not pa.types.is_primitive(kind):
        yield array if _is_bytes(kind) else array.cast(pa.string())


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _joined(array: Any) -> bytes:
    cells = array.cast(pa.large_binary()).unique().to_pylist()
    return b"\n".join(cell for cell in cells if cell is not None)


def files_under(roots: Iterable[Path]) -> Iterator[Path]:
    """Every regular file under some folders, once; links are followed."""
    seen: set[str] = set()
    for root in roots:
        for folder, inner, names in os.walk(root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            yield from (path for name in sorted(names) if (path := Path(folder, name)).is_file())
