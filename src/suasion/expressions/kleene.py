"""Expression + one person's traits -> true, false or unknown, in Kleene's three-valued logic."""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from suasion.errors import ExpressionError
from suasion.expressions.nodes import (
    And,
    Between,
    Compare,
    Expression,
    In,
    IsNull,
    IsTruth,
    Like,
    Literal,
    Name,
    Node,
    Not,
    Operator,
    Or,
    Type,
    Value,
)

Row = Mapping[str, Value | None]

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}

# Exact classes: bool is an int to Python, and a datetime is a date.
_CLASSES: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,),
    Type.INTEGER: (int,),
    Type.NUMBER: (float, int),
    Type.TEXT: (str,),
    Type.DATE: (datetime.date,),
}


def evaluate(expression: Expression, row: Row) -> bool | None:
    """What the expression says about one row.

    Parameters
    ----------
    expression : Expression
        A parsed expression.
    row : mapping of str to value or None
        The traits, of the types of the catalogue; None or absent is unknown. Integers are of 64 bits,
        and there is no NaN: ingest stores it as NULL.

    Returns
    -------
    bool or None
        None is unknown, as in SQL.

    Raises
    ------
    ExpressionError
        If a value is not of the type that the catalogue gave its name.

    Notes
    -----
    Kleene's strong logic of indeterminacy (S. C. Kleene, Introduction to Metamathematics, 1952, § 64), which
    is that of ISO/IEC 9075. Text compares by code point. An integer beside a number compares as a number.

    Examples
    --------
    >>> from suasion.expressions import parse
    >>> adult = parse("age >= 18 OR guardian", {"age": Type.INTEGER, "guardian": Type.BOOLEAN})
    >>> [evaluate(adult, row) for row in ({"age": 18}, {"age": 3, "guardian": False}, {"age": 3})]
    [True, False, None]
    """
    return _holds(expression.root, row)


def _holds(node: Node, row: Row) -> bool | None:
    match node:
        case And(items):
            return _all(_holds(item, row) for item in items)
        case Or(items):
            return _negate(_all(_negate(_holds(item, row)) for item in items))
        case Not(item):
            return _negate(_holds(item, row))
        case IsNull(item):
            return _value(item, row) is None
        case IsTruth(item, truth):
            return _value(item, row) is truth
        case Compare(sign, left, right, shared):
            return _compared(sign, _read(left, row, shared), _read(right, row, shared))
        case Between(item, low, high, shared):
            value = _read(item, row, shared)
            above = _compared(Operator.AT_LEAST, value, _read(low, row, shared))
            return _all((above, _compared(Operator.AT_MOST, value, _read(high, row, shared))))
        case In(item, values, shared):
            value = _read(item, row, shared)
            return None if value is None else value in values
        case Like(item, pattern):
            value = _read(item, row, Type.TEXT)
            return _pattern(pattern).fullmatch(value) is not None if isinstance(value, str) else None
        case Name() | Literal():
            value = _read(node, row, Type.BOOLEAN)
            return None if value is None else value is True


def _value(node: Node, row: Row) -> Value | None:
    return _read(node, row, node.type) if isinstance(node, Name | Literal) else _holds(node, row)


def _read(part: Name | Literal, row: Row, shared: Type) -> Value | None:
    if isinstance(part, Literal):
        return part.value
    value = row.get(part.name)
    if value is None:
        return None
    if type(value) not in _CLASSES[part.type]:
        raise ExpressionError(
            f"trait {part.name!r}",
            f"a value of Python's type {type(value).__name__}, where the catalogue says {part.type}",
            "Bring the value to the type of the trait.",
        )
    return float(value) if shared is Type.NUMBER and isinstance(value, int | float) else value


def _compared(sign: Operator, left: Value | None, right: Value | None) -> bool | None:
    return None if left is None or right is None else _COMPARE[sign](left, right)


def _all(parts: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            result = None
    return result


def _negate(part: bool | None) -> bool | None:
    return None if part is None else not part


@lru_cache(maxsize=1024)
def _pattern(like: str) -> re.Pattern[str]:
    """The regular expression of a LIKE pattern.

    The pieces between two ``%`` are found leftmost first, in atomic groups: if that fails, no other way
    succeeds, so nothing is tried twice and a hostile pattern costs no more than length times length.
    """
    first, *rest = [re.escape(piece).replace("_", ".") for piece in like.split("%")]
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    found = "".join(f"(?>.*?{piece})" for piece in middle)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)
