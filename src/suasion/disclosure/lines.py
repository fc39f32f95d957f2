"""The log as JSON lines, for whoever wants to keep and check it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from suasion.errors import DamageError
from suasion.ledger import log

_KINDS = {"position": int, "kind": str, "campaign": str, "body": str, "at": str, "hash": str}


def line_of(row: log.LogRow) -> str:
    """A row as one line of JSON in ASCII, without its end.

    Examples
    --------
    >>> row = log.LogRow(1, "pause", "x", "{}", "2026-11-21T12:00:00.000000+00:00", "0" * 64)
    >>> read_log([line_of(row)]) == (row,)
    True
    """
    return json.dumps(asdict(row))


def read_log(lines: Iterable[str]) -> tuple[log.LogRow, ...]:
    """Read a log that was saved as JSON lines; what it says is not checked, see `verify_lines`.

    Parameters
    ----------
    lines : iterable of str
        Such as an open file.

    Returns
    -------
    tuple of LogRow

    Raises
    ------
    DamageError
        A line is no row of a log.
    """
    return tuple(_row(line, number) for number, line in enumerate(lines, 1))


def _row(line: str, number: int) -> log.LogRow:
    damage = DamageError(f"line {number} of the log", "it is no row of a log", "Download the log again.")
    try:
        said: Any = json.loads(line)
        json.dumps(said, ensure_ascii=False).encode()  # no half of a character
    except (ValueError, RecursionError):
        raise damage from None
    if not isinstance(said, dict) or {key: type(value) for key, value in said.items()} != _KINDS:
        raise damage
    return log.LogRow(**said)
