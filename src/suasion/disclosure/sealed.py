"""Hold the receipts of a ledger against its log, and its sends against their receipts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from suasion.ledger import checkpoints, log, sends

_WITHOUT = text("""
SELECT s.campaign, count(*), min(s.id) FROM sends s
WHERE s.state <> 'planned' AND (s.state <> 'failed' OR s.at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.send = s.id)
GROUP BY s.campaign ORDER BY s.campaign
""")

_AGAIN = text("""
SELECT s.campaign, count(DISTINCT s.id), min(s.id) FROM sends s JOIN receipts r ON r.send = s.id
WHERE s.state = 'planned' GROUP BY s.campaign ORDER BY s.campaign
""")

_BODY = {"content": str, "record": int, "rules": str, "root": str}
_GONE, _OTHER = "it has a receipt and is gone", "it is not what its receipt says"
_TIME, _WITHOUT_ONE = "it was not claimed when its receipt says", "it was sent without a receipt"
_UNSENT = "it is planned, and has a receipt already"


@dataclass
class _Faults:
    """Numbers of sends by what is wrong with them, and the time of each one's newest receipt."""

    sends: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    newest: dict[int, tuple[str, Any]] = field(default_factory=dict[int, tuple[str, Any]])

    def add(self, fault: str, send: int) -> None:
        self.sends.setdefault(fault, []).append(send)


def broken(connection: Connection, key: bytes, rows: Sequence[log.LogRow]) -> list[str]:
    """What is wrong with the receipts of a ledger.

    Every send that was claimed must have one; each batch of receipts must be the one whose root is in the
    log, after the record that it names; and with the key, all that is fixed of a send must be what its
    receipt was made of.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of `Ledger.reading`.
    key : bytes
        Empty where it is not known.
    rows : sequence of LogRow
        The log.

    Returns
    -------
    list of str
    """
    problems = [
        f"campaign '{name}', {_counted(first, count)}: {fault}"
        for chosen, fault in ((_WITHOUT, _WITHOUT_ONE), (_AGAIN, _UNSENT))
        for name, count, first in connection.execute(chosen)
    ]
    batches = {row.position: row for row in rows if row.kind == "sends"}
    by_position, faults, seen = {row.position: row for row in rows}, _Faults(), set[int]()
    for position, some in groupby(sends.receipt.sealed_in(connection), lambda one: one.batch):
        seen.add(position)
        row = batches.get(position)
        said = None if row is None else _body(row)
        if row is None or said is None:
            problems.append(f"receipts say that row {position} of the log is about them, and it is not")
            continue
        problems += _against_log(row, said, by_position, _checked(key, row, some, faults))
    problems += [
        f"row {position} of the log is about receipts, and there are none" for position in set(batches) - seen
    ]
    for send, (at, claimed) in faults.newest.items():
        if claimed is not None and claimed != _seconds(at):
            faults.add(_TIME, send)
    told = [f"{_counted(some[0], len(some))}: {fault}" for fault, some in faults.sends.items()]
    return [*problems, *told]


def _counted(first: int, count: int) -> str:
    return f"send {first}" if count == 1 else f"send {first} and {count - 1:,} more"


def _checked(key: bytes, row: log.LogRow, some: Iterable[Any], faults: _Faults) -> list[bytes] | None:
    """The leaves of a batch; None where their places are not 0, 1, 2 and so on."""
    leaves, in_order = list[bytes](), True
    for place, one in enumerate(some):
        in_order = in_order and one.place == place and isinstance(one.leaf, bytes)
        leaves.append(one.leaf)
        if one.send is None:
            continue  # of who was erased
        faults.newest[one.send] = row.at, one.at
        if one.id is None:
            faults.add(_GONE, one.send)
        elif one.campaign != row.campaign or (key and _leaf(key, row, one) != one.leaf):
            faults.add(_OTHER, one.send)
    return leaves if in_order else None


def _leaf(key: bytes, row: log.LogRow, one: Any) -> bytes | None:
    """The leaf of what the ledger holds now; None where it holds what no claim wrote."""
    try:
        content = sends.receipt.content_of(key, row, one)
    except (AttributeError, TypeError, ValueError):
        return None
    return None if content is None else sends.receipt.leaf_of(content)


def _against_log(
    row: log.LogRow,
    said: Mapping[str, Any],
    by_position: Mapping[int, log.LogRow],
    leaves: list[bytes] | None,
) -> list[str]:
    problems = list[str]()
    if (
        leaves is None
        or sends.receipt.sealed_root(len(leaves), checkpoints.tree.root(leaves)) != said["root"]
    ):
        problems.append(f"the receipts are not those whose root is in row {row.position} of the log")
    record = by_position.get(said["record"])
    if record is None or record.position >= row.position:
        problems.append(f"row {row.position} of the log is about sends, and their record is not before it")
    elif (record.kind, record.campaign, _content(record)) != ("campaign", row.campaign, said["content"]):
        problems.append(f"row {row.position} of the log names a record of something else")
    return problems


def _body(row: log.LogRow) -> dict[str, Any] | None:
    try:
        said: Any = json.loads(row.body)
    except (ValueError, RecursionError):
        return None
    shaped = isinstance(said, dict) and {name: type(value) for name, value in said.items()} == _BODY
    return said if shaped else None


def _content(row: log.LogRow) -> Any:
    try:
        return json.loads(row.body).get("content")
    except (ValueError, RecursionError, AttributeError):
        return None


def _seconds(at: str) -> float | None:
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
