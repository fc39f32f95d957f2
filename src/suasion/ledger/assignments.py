"""In which arm of an experiment a person was first exposed; the first word stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection

from suasion.ledger.database import Ledger
from suasion.ledger.rows import AT_ONCE, listed, read_rows, write_rows

SCHEMA = pa.schema(
    [
        ("experiment", pa.string()),
        ("person", pa.int64()),
        ("arm", pa.string()),
        ("chance", pa.float64()),
        ("at", pa.float64()),
    ]
)
_FIRST = """
INSERT INTO assignments (experiment, person, arm, chance, at)
SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM erasing WHERE person = ?) ON CONFLICT DO NOTHING
"""

_OF_PERSONS = """
SELECT experiment, person, arm, chance, at FROM json_each(?) AS asked
CROSS JOIN assignments WHERE experiment = ? AND person = CAST(asked.value AS BIGINT) ORDER BY person
"""

_OF_EXPERIMENT = """
SELECT experiment, person, arm, chance, at FROM assignments WHERE experiment = ? ORDER BY person
"""


def record(
    ledger: Ledger,
    experiment: str,
    persons: npt.NDArray[np.int64],
    arms: Sequence[str],
    chances: npt.NDArray[np.float64],
    at: datetime,
) -> pa.Table:
    """Say that persons are exposed now, before they are; where another process said so first, it stands.

    When this returns it is on disk, for all of them. A person being erased is not recorded.

    Parameters
    ----------
    ledger : Ledger
    experiment : str
    persons : array of int64, shape (n,)
        Of an experiment on households, everybody exposed.
    arms : sequence of str, length n
    chances : array of float, shape (n,)
        Of the arm, among those in the experiment.
    at : datetime

    Returns
    -------
    pyarrow.Table
        What stands for these persons: experiment, person, arm, chance, at; ordered by person. The arm to show
        is the one here.

    Raises
    ------
    BusyError
        Another process kept the ledger locked; nothing is recorded.
    """
    moment, said = at.timestamp(), zip(persons.tolist(), arms, chances.tolist(), strict=True)
    # In the order of the table: pages of its tree are written once. Of a person named twice the first stands.
    rows = [(experiment, *row, moment, row[0]) for row in sorted(said, key=itemgetter(0))]
    with ledger.writing() as connection:
        write_rows(connection, _FIRST, rows)
        return _stand(connection, experiment, persons)


def of_persons(ledger: Ledger, experiment: str, persons: npt.NDArray[np.int64]) -> pa.Table:
    """Those of some persons who were ever exposed; columns as of `record`, ordered by person."""
    with ledger.reading() as connection:
        return _stand(connection, experiment, persons)


def standing(ledger: Ledger, experiments: Sequence[str]) -> pa.Table:
    """Everybody who was ever exposed to one of these experiments.

    Parameters
    ----------
    ledger : Ledger
    experiments : sequence of str
        All those of a layer, say.

    Returns
    -------
    pyarrow.Table
        Columns experiment, person, arm, chance, at (seconds since 1970); ordered by experiment and person.
    """
    with ledger.reading() as connection:
        batches = [
            _batch(found)
            for name in sorted(set(experiments))
            for found in read_rows(connection, _OF_EXPERIMENT, (name,))
        ]
    return pa.Table.from_batches(batches, SCHEMA)


def _stand(connection: Connection, experiment: str, persons: npt.NDArray[np.int64]) -> pa.Table:
    stand = np.unique(persons).tolist()
    batches = [
        _batch(found)
        for start in range(0, len(stand), AT_ONCE)
        for found in read_rows(connection, _OF_PERSONS, (listed(stand[start : start + AT_ONCE]), experiment))
    ]
    return pa.Table.from_batches(batches, SCHEMA)


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    return pa.record_batch([list(column) for column in zip(*rows, strict=True)], SCHEMA)
