"""What sources say of a person's yes or no, for the checks inside a claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection

from suasion.rules import Channel, Purpose


def record_consents(
    source: str, said: dict[tuple[Purpose, Channel], pa.Table]
) -> Callable[[Connection, int], None]:
    """Prepare what a source says now; it replaces all that the source said before.

    Parameters
    ----------
    source : str
    said : dict of (purpose, channel) to pyarrow.Table
        Columns person, given (boolean), expires_on (date, null where it does not expire).

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, _run: int) -> None:
        cursor: Any = connection.connection.cursor()
        cursor.execute("DELETE FROM consents WHERE source = ?", (source,))
        for (purpose, channel), table in said.items():
            columns = [table["person"], table["given"].cast(pa.int8()), table["expires_on"].cast(pa.string())]
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            cursor.executemany(
                "INSERT INTO consents (person, purpose, channel, source, given, expires_on) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET given = min(given, excluded.given), "
                "expires_on = min(coalesce(expires_on, excluded.expires_on), "
                "coalesce(excluded.expires_on, expires_on))",
                ((person, purpose, channel, source, given, until) for person, given, until in rows),
            )

    return write
