"""In which arm of an experiment a person was first exposed; the first word stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.ledger.database import Ledger

SCHEMA = pa.schema(
    [
        ("experiment", pa.string()),
        ("person", pa.int64()),
        ("arm", pa.string()),
        ("chance", pa.float64()),
        ("at", pa.float64()),
    ]
)
_AT_ONCE = 100_000

_FIRST = """
INSERT INTO assignments (experiment, person, arm, chance, at)
SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM erasing WHERE person = ?2)
ON CONFLICT DO NOTHING
"""

_OF_PERSONS = """
SELECT experiment, person, arm, chance, at FROM json_each(?1) AS asked
CROSS JOIN assignments ON experiment = ?2 AND person = asked.value ORDER BY person
"""

_OF_EXPERIMENTS = """
SELECT experiment, person, arm, chance, at FROM assignments
WHERE experiment IN (SELECT value FROM json_each(?1)) ORDER BY experiment, person
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
    rows = [(experiment, *row, moment) for row in sorted(said, key=itemgetter(0))]
    with ledger.writing() as connection:
        cursor: Any = connection.connection.cursor()
        cursor.executemany(_FIRST, rows)
        stand = np.unique(persons).tolist()
        parts = [stand[start : start + _AT_ONCE] for start in range(0, len(stand), _AT_ONCE)]
        batches = [
            _batch(cursor.execute(_OF_PERSONS, (json.dumps(part), experiment)).fetchall()) for part in parts
        ]
    return pa.Table.from_batches(batches, SCHEMA)


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
        cursor: Any = connection.connection.cursor()
        cursor.execute(_OF_EXPERIMENTS, (json.dumps(list(experiments)),))
        return pa.Table.from_batches(list(_batches(cursor)), SCHEMA)


def _batches(cursor: Any) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(_AT_ONCE):
        yield _batch(rows)


def _batch(rows: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [[] for _ in SCHEMA]
    return pa.record_batch([list(column) for column in columns], SCHEMA)
