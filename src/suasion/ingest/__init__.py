"""Reads a CSV or Parquet file, by a mapping, into clean typed records and a table of rejects.

Pure of any store: ``load_source`` reads the mapping, ``read`` the file, and the caller keeps the tables.
``guess`` looks at a file that has no mapping yet.
"""

from suasion.ingest.cells import NULL_TOKENS
from suasion.ingest.guess import ColumnGuess, Guess, guess
from suasion.ingest.read import Records, read
from suasion.ingest.source import (
    LINE_NUMBER,
    Attestation,
    ConsentColumn,
    HouseholdColumn,
    OutcomeColumn,
    PastTreatment,
    Source,
    load_source,
)
from suasion.ingest.subject import cut_rows, find_rows

__all__ = [
    "LINE_NUMBER",
    "NULL_TOKENS",
    "Attestation",
    "ColumnGuess",
    "ConsentColumn",
    "Guess",
    "HouseholdColumn",
    "OutcomeColumn",
    "PastTreatment",
    "Records",
    "Source",
    "cut_rows",
    "find_rows",
    "guess",
    "load_source",
    "read",
]
