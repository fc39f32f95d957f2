"""Reading a CSV file: ours (lines, reasons, rejects) beside DuckDB's own reader with the types given.

``python -m benchmarks.reading [--quick]``
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.timing import alternate, load
from suasion.expressions import Type
from suasion.ingest import Source, read
from suasion.rules import Basis, Purpose

TRAITS = {f"trait_{i}": (Type.INTEGER, Type.NUMBER, Type.TEXT)[i % 3] for i in range(10)}
SQL = {Type.INTEGER: "BIGINT", Type.NUMBER: "DOUBLE", Type.TEXT: "VARCHAR"}


def write(path: Path, rows: int) -> None:
    """A file of people: an id and ten traits."""
    luck = np.random.default_rng(1)
    columns = [
        luck.integers(0, 99, rows).tolist()
        if kind is Type.INTEGER
        else np.round(luck.normal(size=rows), 3).tolist()
        if kind is Type.NUMBER
        else luck.choice(["north", "south", "east, west"], rows).tolist()
        for kind in TRAITS.values()
    ]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *TRAITS])
        writer.writerows(zip(range(rows), *columns, strict=True))


def main() -> None:
    """Print the figures."""
    rows = 100_000 if "--quick" in sys.argv else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write(path, rows)
        identifiers, traits = {"person": "id"}, {name: name for name in TRAITS}
        source = Source(
            name="people",
            file=path.name,
            licence="generated",
            purposes=(Purpose.COMMERCIAL,),
            basis=Basis.CONTRACT,
            observed_on=date(2026, 1, 1),
            territory="DE",
            identifiers=identifiers,
            traits=traits,
        )
        columns = {"id": "VARCHAR", **{name: SQL[kind] for name, kind in TRAITS.items()}}
        taken = alternate(
            3,
            suasion=lambda: read(source, Path(folder), TRAITS),
            duckdb=lambda: duckdb.read_csv(str(path), columns=columns, header=True).to_arrow_table(),
        )
    ratio = round(taken["suasion_s"] / taken["duckdb_s"], 1)
    print(json.dumps({"benchmark": "reading", "rows": rows, **taken, "times_duckdb": ratio, "load": load()}))


if __name__ == "__main__":
    main()
