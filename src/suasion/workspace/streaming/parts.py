"""Tables in parts: each turn adds a small one, many small ones become one, and large ones stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection, delete, exists, select

from suasion.identity import told
from suasion.ledger import Run, schema
from suasion.profiles import events

COMMAND = "stream"
"""Of the runs of streams."""
SMALL = 1 << 17
"""Rows. A part of as many is large."""
MOST = 64
"""Small parts of a table."""
KEPT = timedelta(minutes=5)
"""How long a version is kept that a newer one has replaced, for whoever reads it still."""
KEPT_IDENTITIES = timedelta(seconds=30)
"""As `KEPT`; they can be large, and are read at once."""


def append(run: Run, prefix: str, table: pa.Table) -> None:
    """Write a part, if it has rows; where there are too many small ones, see `compact`."""
    if table.num_rows:
        known = events.parts(run, prefix)
        number = int(known[-1].rpartition(".")[2]) + 1 if known else 1
        run.write(f"{prefix}.{number}", table)


def compact(run: Run, prefix: str, join: Callable[[pa.Table], pa.Table]) -> None:
    """Make one part of the small ones where they are too many; what they were is empty until it expires."""
    rows = {name: run.versions[name].stored.rows for name in events.parts(run, prefix)}
    small = [name for name, count in rows.items() if 0 < count < SMALL]
    if len(small) <= MOST:
        return
    # What an older suasion wrote may lack a column; that must not keep events from being published.
    whole = pa.concat_tables([run.read(name, "serve") for name in small], promote_options="default")
    append(run, prefix, join(whole))
    for name in small:
        run.write(name, whole.slice(0, 0))


def gather(run: Run, name: str) -> None:
    """As `compact`, of what was added to a table."""
    added = run.pieces(name)[1:] if name in run.versions else []
    small = [one for one in added if run.versions[one].stored.rows < SMALL]
    if len(small) <= MOST:
        return
    whole = run.together(small).sort_by("person")
    for one in small[1:]:
        run.replace(one, whole.slice(0, 0))
    run.replace(small[0], whole)


def replace(run: Run, name: str, table: pa.Table) -> None:
    """Write a piece of a table anew; a large one in several, of which the next turn need not write all."""
    run.replace(name, table.slice(0, SMALL), run.versions[name].inputs)
    for start in range(SMALL, table.num_rows, SMALL):
        run.add(name.partition("+")[0], table.slice(start, SMALL))


def move(
    run: Run, prefix: str, moved: Mapping[int, int], is_in: Callable[[Run, str, npt.NDArray[np.int64]], bool]
) -> None:
    """Rewrite the parts that name persons who turned out to be another.

    Parameters
    ----------
    run : Run
    prefix : str
    moved : mapping of int to int
    is_in : callable
        Whether a part holds rows of any of some persons, sorted.
    """
    persons = np.array(sorted(moved), np.int64)
    for name in events.parts(run, prefix) if moved else ():
        if run.versions[name].stored.rows and is_in(run, name, persons):
            run.write(name, told.moved_persons(run.read(name, "serve"), moved).sort_by("person"))


def expire(at: datetime) -> Callable[[Connection, int], None]:
    """Prepare to forget versions of earlier turns that newer ones have replaced, and empty parts.

    Files go with the next run. What other runs made stays.

    Parameters
    ----------
    at : datetime

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        t, newer, runs = schema.table_versions, schema.table_versions.alias(), schema.runs
        is_old = exists().where((newer.c.name == t.c.name) & (newer.c.version > t.c.version))
        for kept, which in ((KEPT_IDENTITIES, t.c.name == "identities"), (KEPT, t.c.name != "identities")):
            before = select(runs.c.id).where(
                (runs.c.command == COMMAND) & (runs.c.published_at < at.astimezone(UTC) - kept)
            )
            connection.execute(delete(t).where(which & t.c.run.in_(before) & is_old))
            is_part = t.c.name.like("events.%") | t.c.name.like("computed.%")
            connection.execute(
                delete(t).where(which & t.c.run.in_(before) & is_part & (t.c.rows == 0) & ~is_old)
            )
            empty = select(t.c.run)
            gone = (runs.c.id.in_(before)) & runs.c.id.not_in(empty)
            connection.execute(delete(runs).where(gone))

    return write
