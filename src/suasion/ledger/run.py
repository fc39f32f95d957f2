"""A run: reads published tables, writes new ones, and publishes all of them at once or none."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Connection, insert, select

from suasion.errors import BusyError
from suasion.lake import store, sweep
from suasion.ledger import consents, wishes
from suasion.ledger.campaign import Campaign, declare
from suasion.ledger.database import Ledger, TableVersion
from suasion.ledger.schema import erasing, runs, table_versions
from suasion.ledger.tables import ADDED, Tables

_PAUSE = 0.02
"""Seconds from one look whether the run before has ended to the next."""


@dataclass(frozen=True)
class Run(Tables):
    """The one writer of a workspace. It sees its own new tables; others see them when it has ended well.

    Parameters
    ----------
    made : set of str
        Tables made in this run.
    writes : list of callables
        Further rows for the ledger, written in the transaction that publishes the tables; each is
        called with the connection and the run's id.
    """

    made: set[str] = field(default_factory=set[str])
    writes: list[Callable[[Connection, int], None]] = field(
        default_factory=list[Callable[[Connection, int], None]]
    )

    def declare(self, campaign: Campaign, at: datetime) -> None:
        """Have the ledger know a campaign as it is declared now."""
        self.writes.append(declare(campaign, at))

    def write(self, name: str, table: pa.Table, inputs: str = "") -> None:
        """Store a new version of a table, to be published when the run ends well.

        Parameters
        ----------
        name : str
            Of a table: what was added to it is no more. Or of one of its `pieces` but the first.
        table : pyarrow.Table
        inputs : str
            What it was made from.
        """
        for one in self.pieces(name)[1:]:
            self.replace(one, table.slice(0, 0))
        self.replace(name, table, inputs)

    def add(self, name: str, table: pa.Table) -> None:
        """Add rows to a table, without writing anew what it is already.

        Parameters
        ----------
        name : str
        table : pyarrow.Table
            Of the table's schema.
        """
        if name not in self.versions:
            self.replace(name, table)
            return
        pieces, numbered = self.pieces(name), (f"{name}{ADDED}{number}" for number in count(1))
        # A number that is free again is used again: they stay few.
        self.replace(next(one for one in numbered if one not in pieces), table)

    def replace(self, name: str, table: pa.Table, inputs: str = "") -> None:
        """Store a new version of one of the `pieces` of a table."""
        before = self.versions[name].version if name in self.versions else 0
        version = before if name in self.made else before + 1
        self.versions[name] = TableVersion(version, store(self.lake, name, table), inputs)
        self.made.add(name)


def reading(ledger: Ledger, lake: Path) -> Tables:
    """The tables as published now; later publications do not change what it reads."""
    gone = _erasing(ledger)  # first: a compaction in between must not bring anybody back
    return Tables(lake, ledger.current(), gone, consents.told(ledger), wishes.table(ledger))


@contextmanager
def running(ledger: Ledger, lake: Path, command: str, at: datetime, patience: float = 0.0) -> Generator[Run]:
    """Open the one run a workspace may have; publish in a single transaction when the block ends well.

    A run that raises, or whose process is killed, publishes nothing; its files are swept by the next.

    Parameters
    ----------
    ledger : Ledger
    lake : Path
    command : str
        What is run, for the record.
    at : datetime
        Now, with time zone.
    patience : float
        Seconds to wait for a run that is under way.

    Yields
    ------
    Run

    Raises
    ------
    BusyError
        Another run is under way in any process, and was for as long as that.
    """
    with ExitStack() as stack:
        _enter(stack, ledger, patience)
        with ledger.engine.connect() as connection:
            sweep(lake, connection.execute(select(table_versions.c.file)).scalars())
        said = consents.told(ledger), wishes.table(ledger)
        run = Run(lake, ledger.current(), _erasing(ledger), *said)
        yield run
        if run.made or run.writes:
            _publish(ledger, run, command, at)


def _enter(stack: ExitStack, ledger: Ledger, patience: float) -> None:
    """Become the one run, as soon as there is no other."""
    end = time.monotonic() + patience
    while True:
        try:
            stack.enter_context(ledger.alone("lock", "a run"))
        except BusyError:
            if time.monotonic() >= end:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _erasing(ledger: Ledger) -> frozenset[int]:
    with ledger.engine.connect() as connection:
        return frozenset(connection.execute(select(erasing.c.person)).scalars())


def _publish(ledger: Ledger, run: Run, command: str, at: datetime) -> None:
    with ledger.writing() as connection:
        made = connection.execute(insert(runs).values(command=command, published_at=at.astimezone(UTC)))
        (run_id,) = made.inserted_primary_key or (0,)
        for new in (run.versions[name] for name in sorted(run.made)):
            row = {**asdict(new.stored), "version": new.version, "inputs": new.inputs, "run": run_id}
            connection.execute(insert(table_versions).values(row))
        for write in run.writes:
            write(connection, run_id)
