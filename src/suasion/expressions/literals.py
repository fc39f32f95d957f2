"""Digits -> values, within what every engine can hold."""

from __future__ import annotations

import datetime
import math
import re

from suasion.expressions.nodes import Literal, Type
from suasion.expressions.refusal import excerpt, refuse

_INTEGERS = range(-(2**63), 2**63)


def number(at: int, content: str) -> Literal:
    """The integer or number written at a character, with or without a minus sign."""
    digits = content.lstrip("-")
    if digits[-1:].upper() == "E":
        raise refuse(f"{excerpt(content)!r} at character {at}, a number without its exponent")
    if not digits.isdigit():
        value = float(content)
        if math.isinf(value):
            raise refuse(f"a number at character {at} beyond 64-bit floating point", "Give a smaller one.")
        # Adding zero turns -0.0 into 0.0: they are equal, and so should their spellings be.
        return Literal(value + 0.0, Type.NUMBER)
    # Python refuses to read thousands of digits as an integer; one of 64 bits has at most 19.
    significant = digits.lstrip("0") or "0"
    value = int(significant[:20]) * (-1 if content.startswith("-") else 1)
    if len(significant) > 19 or value not in _INTEGERS:
        raise refuse(f"an integer at character {at} beyond 64 bits", "Give a smaller one, or write a dot.")
    return Literal(value, Type.INTEGER)


def date(content: str) -> Literal:
    """The date written as year, month and day."""
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", content):
            return Literal(datetime.date.fromisoformat(content), Type.DATE)
    except ValueError:
        pass
    raise refuse(f"no such date {excerpt(content)!r}", "Write it as DATE '2024-01-31'.")
