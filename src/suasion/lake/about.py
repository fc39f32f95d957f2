"""What a large table holds of a few persons, without reading all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from suasion.lake.files import StoredTable, whole
from suasion.lake.subject import PERSON, rows_about


def load_about(folder: Path, stored: StoredTable, persons: Collection[int]) -> pa.Table:
    """Read the rows of some persons from one version of a table.

    Row groups in which nobody of them can be, by their least and greatest person, are not read; of the others
    the column ``person`` is, and all columns only where somebody is in it. A table sorted by person takes
    the time of one row group, whatever its length.

    Parameters
    ----------
    folder : Path
        The lake.
    stored : StoredTable
        As the ledger names it.
    persons : collection of int

    Returns
    -------
    pyarrow.Table
        No rows where the table has no column ``person``.

    Raises
    ------
    DamageError
        The file is gone, cut, or not what was written.
    """
    with whole(folder, stored) as path, pq.ParquetFile(path, page_checksum_verification=True) as file:
        found = list(_found(file, sorted(persons)))
        return pa.concat_tables(found) if found else file.schema_arrow.empty_table()


def _found(file: pq.ParquetFile, persons: list[int]) -> Iterator[pa.Table]:
    """The rows of each row group that has any."""
    if PERSON not in file.schema_arrow.names:
        return
    place = [file.schema.column(i).path for i in range(len(file.schema.names))].index(PERSON)
    for group in range(file.num_row_groups):
        if not _may_hold(file.metadata.row_group(group).column(place).statistics, persons):
            continue
        held = rows_about(file.read_row_group(group, columns=[PERSON]), persons)
        places = np.flatnonzero(held.to_numpy())
        if len(places):
            yield file.read_row_group(group).take(pa.array(places))


def _may_hold(statistics: Any, persons: list[int]) -> bool:
    if statistics is None or not statistics.has_min_max:
        return True
    return any(statistics.min <= person <= statistics.max for person in persons)
