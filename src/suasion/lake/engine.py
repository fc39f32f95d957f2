"""SQL over Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from suasion.expressions import Value, connected


def query(sql: str, tables: Mapping[str, pa.Table], parameters: Sequence[Value | list[str]] = ()) -> pa.Table:
    """Run one SELECT over named Arrow tables; rows keep no promised order without ORDER BY.

    Parameters
    ----------
    sql : str
        With ``?`` for every value and quoted names for every column that a user named.
    tables : mapping of str to pyarrow.Table
        The relations it may read; there are no others.
    parameters : sequence of values
        In the order of the question marks.

    Returns
    -------
    pyarrow.Table

    Examples
    --------
    >>> numbers = pa.table({"x": [1, 2, 3]})
    >>> query("SELECT max(x) AS m FROM t WHERE x > ?", {"t": numbers}, [1])["m"].to_pylist()
    [3]
    """
    with connected() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql, params=list(parameters)).to_arrow_table()
