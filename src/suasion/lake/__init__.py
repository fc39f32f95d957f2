"""Keep analytical tables: immutable Parquet files and the engine that runs SQL over them."""

from suasion.lake.about import load_about
from suasion.lake.engine import query
from suasion.lake.files import StoredTable, load, store, sweep
from suasion.lake.subject import rows_about, without

__all__ = ["StoredTable", "load", "load_about", "query", "rows_about", "store", "sweep", "without"]
