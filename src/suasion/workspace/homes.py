"""Who lives together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.ledger import Tables
from suasion.workspace.brief import Brief

Ids = npt.NDArray[np.int64]


def households_of(tables: Tables, brief: Brief, persons: Ids) -> Ids | None:
    """Who lives together, by the first source that says so; a person it does not place lives alone."""
    for source in brief.sources:
        records = tables.read(f"records.{source.name}", "ingest")
        if records["household"].null_count < records.num_rows:
            places = pc.index_in(pa.array(persons), records["person"].combine_chunks())
            home = records["household"].take(places).to_numpy(zero_copy_only=False).astype(np.float64)
            return np.where(np.isnan(home), -persons - 1, home).astype(np.int64)
    return None
