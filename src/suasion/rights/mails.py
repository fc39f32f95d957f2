"""The mails of one person in the outbox, known by the tokens that name their files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from suasion.ledger import tokens
from suasion.rights.holdings import Holdings


def mails_of(holdings: Holdings, sends: Collection[int]) -> Iterator[tuple[int, Path]]:
    """The files of sends, staged, handed over or read; mail programs append marks such as ``:2,S``."""
    if holdings.outbox is None or not sends:
        return
    by_token = {tokens.token_of(holdings.key, send): send for send in sends}
    for folder, _, names in os.walk(holdings.outbox):
        for name in names:
            send = by_token.get(name.partition(":")[0])
            if send is not None:
                yield send, Path(folder, name)


def remove(holdings: Holdings, sends: Collection[int]) -> int:
    """Delete the mails of sends; returns how many there were."""
    paths = [path for _, path in mails_of(holdings, sends)]
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def content_of(path: Path) -> dict[str, str]:
    """What a mail says: its headers that a reader sees, and its text."""
    mail = message_from_bytes(path.read_bytes(), policy=default)
    body = mail.get_body(("plain", "html"))
    said = {name: str(mail[name]) for name in ("Date", "From", "To", "Subject") if name in mail}
    return {**said, "text": body.get_content() if body else ""}
