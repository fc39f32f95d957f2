"""Proofs to hand out: that a row is in the log, that the log only grew, and by what a send was granted.

Each is one JSON object with all that checking it takes but the public key: hashes in hexadecimal, rows as
``/log.jsonl`` has them but for the hash, and a checkpoint. `saved` checks them, and so does the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from suasion.ledger import Ledger, checkpoints, log, sends


def inclusion(ledger: Ledger, key: bytes, name: str, position: int, at: datetime) -> dict[str, Any] | None:
    """The proof that a row is in the log.

    Parameters
    ----------
    ledger, key, name, at
        As of `checkpoints.latest`.
    position : int

    Returns
    -------
    dict or None
        What JSON can hold; None where there is no such row.
    """
    note, levels = _now(ledger, key, name, at)
    if not 1 <= position <= len(levels[0]):
        return None
    with ledger.engine.connect() as connection:
        row = log.row(connection, position)
    return None if row is None else {"kind": "inclusion", **_shown(row, levels), "checkpoint": note}


def consistency(ledger: Ledger, key: bytes, name: str, size: int, at: datetime) -> dict[str, Any] | None:
    """The proof that the log only continues its first rows.

    Parameters
    ----------
    ledger, key, name, at
        As of `checkpoints.latest`.
    size : int
        How many rows.

    Returns
    -------
    dict or None
        What JSON can hold; None where there are not so many rows.
    """
    note, levels = _now(ledger, key, name, at)
    if not 0 <= size <= len(levels[0]):
        return None
    root = checkpoints.tree.root_of_first(levels, size).hex()
    path = _hex(checkpoints.tree.consistency(levels, size))
    return {"kind": "consistency", "size": size, "root": root, "path": path, "checkpoint": note}


def receipt(ledger: Ledger, key: bytes, name: str, send: int, at: datetime) -> dict[str, Any] | None:
    """The receipt of a send, with the proofs that the log holds it and the record before it.

    Parameters
    ----------
    ledger, key, name, at
        As of `checkpoints.latest`.
    send : int

    Returns
    -------
    dict or None
        What JSON can hold; None where the send was never claimed, or its person was erased.
    """
    note, levels = _now(ledger, key, name, at)
    with ledger.engine.connect() as connection:
        found = sends.receipt.receipt_of(connection, key, send)
        record = log.row(connection, found.content["record"]) if found else None
    if found is None or record is None:
        return None
    return {
        "kind": "receipt",
        "receipt": found.content,
        "place": found.place,
        "size": found.size,
        "root": found.root.hex(),
        "path": _hex(found.path),
        "batch": _shown(found.batch, levels),
        "record": _shown(record, levels),
        "checkpoint": note,
    }


def _now(ledger: Ledger, key: bytes, name: str, at: datetime) -> tuple[str, list[list[bytes]]]:
    """The checkpoint, and the tree that it is of."""
    note = checkpoints.latest(ledger, key, name, at)
    with ledger.engine.connect() as connection:
        leaves = log.hashes(connection)
    return note, checkpoints.tree.levels(leaves[: checkpoints.read(note)[0].size])


def _shown(row: log.LogRow, levels: Sequence[Sequence[bytes]]) -> dict[str, Any]:
    said = {name: value for name, value in vars(row).items() if name != "hash"}
    return {"row": said, "path": _hex(checkpoints.tree.inclusion(levels, row.position - 1))}


def _hex(path: Sequence[bytes]) -> list[str]:
    return [one.hex() for one in path]
