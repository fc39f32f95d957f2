"""Keep analytical tables: immutable Parquet files and the engine that runs SQL over them."""

from suasion.lake.engine import query
from suasion.lake.files import StoredTable, load, store, sweep

__all__ = ["StoredTable", "load", "query", "store", "sweep"]
