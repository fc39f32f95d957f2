"""A run: reads published tables, writes new ones, and publishes all of them at once or none."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Connection, insert, select

from suasion.errors import OrderError
from suasion.lake import load, rows_about, store, sweep, without
from suasion.ledger.database import Ledger, TableVersion
from suasion.ledger.lock import locked
from suasion.ledger.schema import erasing, runs, table_versions


@dataclass(frozen=True)
class Tables:
    """The published tables as they stood at one moment.

    Parameters
    ----------
    lake : Path
        Folder of the files.
    versions : dict of str to TableVersion
    erasing : frozenset of int
        Erased persons whose rows are still in the files: they are not read.
    """

    lake: Path
    versions: dict[str, TableVersion]
    erasing: frozenset[int] = frozenset()

    def read(self, name: str, made_by: str, inputs: str | None = None) -> pa.Table:
        """Read a table, without the persons that are being erased.

        Parameters
        ----------
        name : str
        made_by : str
            The command that makes it, for the error message.
        inputs : str, optional
            What it must have been made from.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        OrderError
            The table does not exist yet, or was made from something else than `inputs`.
        """
        if name not in self.versions:
            found = "it was never made, or deleted since it held what somebody erased had taught"
            raise OrderError(f"table '{name}'", found, f"Run `suasion {made_by}` first.")
        version = self.versions[name]
        if inputs is not None and version.inputs != inputs:
            raise OrderError(
                f"table '{name}'",
                "people, rules or declarations have changed since it was made",
                f"Run `suasion {made_by}` again.",
            )
        table = load(self.lake, version.stored)
        return without(table, rows_about(table, self.erasing)) if self.erasing else table

    def version(self, *names: str) -> str:
        """The versions of these tables as one text; 0 where a table does not exist."""
        return " ".join(f"{n}@{self.versions[n].version if n in self.versions else 0}" for n in names)


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

    def write(self, name: str, table: pa.Table, inputs: str = "") -> None:
        """Store a new version of a table, to be published when the run ends well.

        Parameters
        ----------
        name : str
        table : pyarrow.Table
        inputs : str
            What it was made from.
        """
        before = self.versions[name].version if name in self.versions else 0
        version = before if name in self.made else before + 1
        self.versions[name] = TableVersion(version, store(self.lake, name, table), inputs)
        self.made.add(name)


def reading(ledger: Ledger, lake: Path) -> Tables:
    """The tables as published now; later publications do not change what it reads."""
    gone = _erasing(ledger)  # first: a compaction in between must not bring anybody back
    return Tables(lake, ledger.current(), gone)


@contextmanager
def running(ledger: Ledger, lake: Path, command: str, at: datetime) -> Generator[Run]:
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

    Yields
    ------
    Run

    Raises
    ------
    BusyError
        Another run is under way in any process.
    """
    with locked(ledger.path.with_suffix(".lock"), "a run"):
        with ledger.engine.connect() as connection:
            sweep(lake, connection.execute(select(table_versions.c.file)).scalars())
        run = Run(lake, ledger.current(), _erasing(ledger))
        yield run
        if run.made or run.writes:
            _publish(ledger, run, command, at)


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
