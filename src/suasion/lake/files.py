"""Parquet files that are written once, whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from suasion.errors import DamageError

_GROUP = 1 << 17
"""Rows; `load_about` reads no less of a sorted table."""
_RESTORE = "Restore the file from a backup, or run `suasion ingest` and the later stages again."
_MADE_HERE = "*-" + "[0-9a-f]" * 12 + ".parquet"


@dataclass(frozen=True)
class StoredTable:
    """One immutable version of a table on disk.

    Parameters
    ----------
    name : str
        Name of the table, for example ``traits`` or ``scores.visit``.
    file : str
        File name inside the lake folder.
    rows, size : int
        Rows and bytes as written; a reader checks both.
    """

    name: str
    file: str
    rows: int
    size: int


def store(folder: Path, name: str, table: pa.Table) -> StoredTable:
    """Write a new version of a table; nobody sees it until the ledger names it.

    Parameters
    ----------
    folder : Path
        The lake.
    name : str
    table : pyarrow.Table

    Returns
    -------
    StoredTable
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{secrets.token_hex(6)}.parquet"
    with path.open("xb") as file:
        pq.write_table(table, file, row_group_size=_GROUP, compression="zstd", write_page_checksum=True)
        file.flush()
        os.fsync(file.fileno())
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return StoredTable(name, path.name, table.num_rows, path.stat().st_size)


@contextmanager
def whole(folder: Path, stored: StoredTable) -> Generator[Path]:
    """The file of a version, if it is there and as long as it was; errors of reading it are damage."""
    path, asked = folder / stored.file, f"table '{stored.name}'"
    if not path.is_file() or path.stat().st_size != stored.size:
        raise DamageError(asked, f"{stored.file} is missing or has another size", _RESTORE)
    try:
        yield path
    except (pa.ArrowException, OSError) as error:
        raise DamageError(asked, f"{stored.file}: {type(error).__name__}", _RESTORE) from error


def load(folder: Path, stored: StoredTable, columns: Collection[str] | None = None) -> pa.Table:
    """Read one version of a table.

    Parameters
    ----------
    folder : Path
        The lake.
    stored : StoredTable
        As the ledger names it.
    columns : collection of str, optional
        Read those of them that it has, and no others.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DamageError
        The file is gone, cut, or not what was written.
    """
    with whole(folder, stored) as path:
        has = None if columns is None else [name for name in pq.read_schema(path).names if name in columns]
        table = pq.read_table(path, columns=has, partitioning=None, page_checksum_verification=True)
    if table.num_rows != stored.rows:
        raise DamageError(f"table '{stored.name}'", f"{table.num_rows} rows, not {stored.rows}", _RESTORE)
    return table


def sweep(folder: Path, known: Iterable[str]) -> int:
    """Delete files of `store` that no ledger entry names: what a killed run left behind.

    Parameters
    ----------
    folder : Path
        The lake; the caller holds the workspace's lock.
    known : iterable of str
        File names in the ledger.

    Returns
    -------
    int
        How many were deleted.
    """
    keep = set(known)
    orphans = [path for path in folder.glob(_MADE_HERE) if path.name not in keep]
    for path in orphans:
        path.unlink()
    return len(orphans)
