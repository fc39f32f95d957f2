"""What of one person still waits in the inbox: found, and erased."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from suasion.ingest import inbox as inboxes
from suasion.ingest import tracking
from suasion.ledger import Ledger
from suasion.workspace.streams import INBOX, anonymous, inbox_of, streams_of

Known = Mapping[str, Container[object]]
"""Values of a person's identifiers, by kind."""


def waiting_of(folder: Path, ledger: Ledger, known: Known) -> dict[str, list[tracking.Event]]:
    """A person's events that wait, by stream.

    Parameters
    ----------
    folder : Path
        The workspace.
    ledger : Ledger
    known : mapping of str to container of str

    Returns
    -------
    dict of str to list of Event
    """
    if not _may_wait(folder, ledger):
        return {}
    with closing(inbox_of(folder, ledger)) as inbox:
        found = {stream: inboxes.find(inbox, stream, *ids) for stream, *ids in _in_streams(folder, known)}
    return {stream: events for stream, events in found.items() if events}


def erase_waiting(folder: Path, ledger: Ledger, known: Known) -> int:
    """Delete a person's events that wait, and overwrite what of others, too, is still in the file's log.

    To be called after the ledger knows that the person is erased: what comes later is left out by the turn.

    Parameters
    ----------
    folder : Path
        The workspace.
    ledger : Ledger
    known : mapping of str to container of str

    Returns
    -------
    int
        How many events were deleted.

    Raises
    ------
    BusyError
        Another process keeps the file's log from being emptied: erase again.
    """
    if not _may_wait(folder, ledger):
        return 0
    with closing(inbox_of(folder, ledger)) as inbox:
        return sum(inboxes.erase(inbox, stream, *ids) for stream, *ids in _in_streams(folder, known))


def _may_wait(folder: Path, ledger: Ledger) -> bool:
    """Whether there is an inbox, or may be one on a server."""
    streams = (folder / "streams").is_dir()
    return (folder / INBOX).exists() or (streams and ledger.engine.dialect.name == "postgresql")


def _in_streams(folder: Path, known: Known) -> Iterator[tuple[str, Container[object], Container[object]]]:
    """By what each stream names the person: as users, and as visitors."""
    for name, stream in streams_of(folder).items():
        yield name, known.get(stream.user_id, ()), known.get(anonymous(name), ())
