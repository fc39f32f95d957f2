"""The engine of one machine: DuckDB in memory, opened once in a process: that takes longer than a query."""

from __future__ import annotations

import os

import duckdb

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
}
"""No downloads, no files, no variables of the caller: a query reads the tables it is given."""

_ENGINES: dict[int, duckdb.DuckDBPyConnection] = {}


def connected() -> duckdb.DuckDBPyConnection:
    """A connection of its own to the engine; what is registered there, others do not see.

    Returns
    -------
    duckdb.DuckDBPyConnection
        To be closed; a context manager.

    Examples
    --------
    >>> with connected() as connection:
    ...     connection.sql("SELECT 1 + 1").fetchall()
    [(2,)]
    """
    here = os.getpid()  # what a fork brought along has no threads here, and may not even be closed
    engine = _ENGINES.get(here) or _ENGINES.setdefault(here, duckdb.connect(config=CLOSED))
    return engine.cursor()
