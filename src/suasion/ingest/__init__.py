"""Reads a CSV or Parquet file, by a mapping, into clean typed records; takes events into a durable inbox.

Files: ``load_source`` reads the mapping, ``read`` the file, and the caller keeps the tables of records and
rejects. ``guess`` looks at a file that has no mapping yet, ``subject`` finds and cuts one person's rows.
Events: ``load_stream`` reads who may send them, ``tracking`` what they sent, ``inbox`` keeps it.
"""

from suasion.ingest import inbox, signals, subject, tracking
from suasion.ingest.guess import ColumnGuess, Guess, guess
from suasion.ingest.read import Records, read
from suasion.ingest.source import (
    LINE_NUMBER,
    Attestation,
    PastTreatment,
    Source,
    load_source,
)
from suasion.ingest.stream import Stream, load_stream

__all__ = [
    "LINE_NUMBER",
    "Attestation",
    "ColumnGuess",
    "Guess",
    "PastTreatment",
    "Records",
    "Source",
    "Stream",
    "guess",
    "inbox",
    "load_source",
    "load_stream",
    "read",
    "signals",
    "subject",
    "tracking",
]
