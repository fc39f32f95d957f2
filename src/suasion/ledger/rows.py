"""Many rows at once through the driver's own cursor: SQLAlchemy's handling takes several times as long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

AT_ONCE = 100_000
"""Rows read at once."""
_POSTGRES = {"json_each(?)": "json_array_elements_text(CAST(? AS json))", "?": "%s"}


def write_rows(connection: Connection, sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Execute a statement for each row of values.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of `Ledger.writing`.
    sql : str
        With ``?`` for each value.
    rows : iterable of sequence
    """
    cursor: Any = connection.connection.cursor()
    cursor.executemany(_spelled(connection, sql), rows)
    cursor.close()


def read_rows(connection: Connection, sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Read the rows of a query, `AT_ONCE` at a time.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of `Ledger.reading` or `Ledger.writing`.
    sql : str
        With ``?`` for each value. ``json_each(?)`` is a table whose column ``value`` holds `listed` values;
        cast them where they are numbers.
    values : sequence

    Yields
    ------
    list of tuple
    """
    cursor: Any = connection.connection.cursor()
    cursor.execute(_spelled(connection, sql), values)
    while rows := cursor.fetchmany(AT_ONCE):
        yield rows
    cursor.close()


def listed(values: Iterable[int | str]) -> str:
    """Any number of values as the one that ``json_each(?)`` takes."""
    return json.dumps(list(values))


def _spelled(connection: Connection, sql: str) -> str:
    """The statement in the words of the connection's driver."""
    if connection.dialect.name == "postgresql":
        for ours, theirs in _POSTGRES.items():
            sql = sql.replace(ours, theirs)
    return sql
