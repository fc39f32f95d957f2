"""The streams that a workspace declares, and where what they send waits."""

from __future__ import annotations

from pathlib import Path

from suasion.ingest import Stream, inbox, load_stream
from suasion.ledger import Ledger

INBOX = "inbox.db"
"""The inbox's file, in the workspace."""


def inbox_of(folder: Path, ledger: Ledger) -> inbox.Inbox:
    """Open a workspace's inbox: beside a ledger on Postgres, so that servers on several machines share it.

    Otherwise it is a file of the workspace; and where there is such a file, it stays in use.
    """
    is_file = (folder / INBOX).exists() or ledger.engine.dialect.name != "postgresql"
    return inbox.Inbox.open(folder / INBOX) if is_file else inbox.Inbox.beside(ledger)


def streams_of(folder: Path) -> dict[str, Stream]:
    """The streams that a workspace declares, by name."""
    return {path.stem: load_stream(path) for path in sorted((folder / "streams").glob("*.toml"))}


def anonymous(stream: str) -> str:
    """The kind of the anonymous identifiers of a stream."""
    return f"{stream}.anonymous"
