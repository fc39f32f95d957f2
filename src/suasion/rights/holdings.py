"""All places in which a workspace may hold a person."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suasion.ingest import Source, tracking
from suasion.ledger import Ledger, Tables, reading
from suasion.rights.passed import Recipient

Known = Mapping[str, Container[object]]
"""Values by which a person is known, by kind."""


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
    recipients : tuple of Recipient
        Who else got data.
    learn_again : callable, optional
        Learns the model of a campaign again, by its name.
    find_waiting : callable, optional
        What streams sent of a person and nobody has read yet, by stream.
    erase_waiting : callable, optional
        Deletes it, and what the inbox's files still hold of what was read; how many events they were.
    patience : float
        Seconds to wait for another run to end.
    """

    folder: Path
    lake: Path
    ledger: Ledger
    sources: tuple[Source, ...]
    outbox: Path | None
    key: bytes = field(repr=False)
    recipients: tuple[Recipient, ...] = ()
    learn_again: Callable[[str], object] | None = None
    find_waiting: Callable[[Known], Mapping[str, Sequence[tracking.Event]]] | None = None
    erase_waiting: Callable[[Known], int] | None = None
    patience: float = 0.0

    def tables(self) -> Tables:
        """The published tables as they stand now."""
        return reading(self.ledger, self.lake)
