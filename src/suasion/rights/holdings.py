"""All places in which a workspace may hold a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from suasion.ingest import Source
from suasion.ledger import Ledger, Tables, reading


@dataclass(frozen=True)
class Holdings:
    """All places in which a workspace may hold a person, and the key by which the erased are known again.

    Parameters
    ----------
    folder : Path
        The workspace; sources are in ``sources/``.
    lake : Path
    ledger : Ledger
    sources : tuple of Source
    outbox : Path or None
        The folder of mails, whose files are named by the tokens of sends.
    key : bytes
        The workspace's secret; empty where there is none, which suffices for an export.
    """

    folder: Path
    lake: Path
    ledger: Ledger
    sources: tuple[Source, ...]
    outbox: Path | None
    key: bytes = field(repr=False)

    def tables(self) -> Tables:
        """The published tables as they stand now."""
        return reading(self.ledger, self.lake)
