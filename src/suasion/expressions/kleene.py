"""Expression + one person's traits -> true, false or unknown, in Kleene's three-valued logic."""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

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
Reader = Callable[[Row], Value | None]
Test = Callable[[Row], bool | None]

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
    return compiled(expression)(row)


@lru_cache(maxsize=4096)
def compiled(expression: Expression) -> Test:
    """The expression as one function of a row, for whoever asks it often; see `evaluate`."""
    return _test(expression.root)


def _test(node: Node) -> Test:
    match node:
        case And(items):
            return _chain([_test(item) for item in items], ends=False)
        case Or(items):
            return _chain([_test(item) for item in items], ends=True)
        case Not(item):
            return _not(_test(item))
        case IsNull(item):
            read = _value(item)
            return lambda row: read(row) is None
        case IsTruth(item, truth):
            read = _value(item)
            return lambda row: read(row) is truth
        case Compare(sign, left, right, shared):
            return _compare(_COMPARE[sign], _read(left, shared), _read(right, shared))
        case Between(item, low, high, shared):
            value = _read(item, shared)
            above = _compare(operator.ge, value, _read(low, shared))
            return _chain([above, _compare(operator.le, value, _read(high, shared))], ends=False)
        case In(item, values, shared):
            return _member(_read(item, shared), values)
        case Like(item, pattern):
            return _like(_read(item, Type.TEXT), pattern)
        case Name() | Literal():
            # The reader refuses what is no boolean.
            return cast("Test", _read(node, Type.BOOLEAN))


def _value(node: Node) -> Reader:
    return _read(node, node.type) if isinstance(node, Name | Literal) else _test(node)


def _read(part: Name | Literal, shared: Type) -> Reader:
    """A function from a row to the operand's value, as the type that is compared."""
    if isinstance(part, Literal):
        value = part.value
        return lambda row: value
    name, kind, classes = part.name, part.type, _CLASSES[part.type]
    as_number = shared is Type.NUMBER

    def read(row: Row) -> Value | None:
        value = row.get(name)
        if value is None:
            return None
        if type(value) not in classes:
            raise ExpressionError(
                f"trait {name!r}",
                f"a value of Python's type {type(value).__name__}, where the catalogue says {kind}",
                "Bring the value to the type of the trait.",
            )
        return float(value) if as_number and isinstance(value, int | float) else value

    return read


def _compare(holds: Callable[[Any, Any], bool], left: Reader, right: Reader) -> Test:
    def test(row: Row) -> bool | None:
        first, second = left(row), right(row)
        return None if first is None or second is None else holds(first, second)

    return test


def _member(read: Reader, values: frozenset[Value]) -> Test:
    def test(row: Row) -> bool | None:
        value = read(row)
        return None if value is None else value in values

    return test


def _like(read: Reader, pattern: str) -> Test:
    fits = _pattern(pattern).fullmatch

    def test(row: Row) -> bool | None:
        value = read(row)
        return fits(value) is not None if isinstance(value, str) else None

    return test


def _not(part: Test) -> Test:
    def test(row: Row) -> bool | None:
        found = part(row)
        return None if found is None else not found

    return test


def _chain(parts: list[Test], *, ends: bool) -> Test:
    """AND where the first false one ends it, OR where the first true one does."""

    def test(row: Row) -> bool | None:
        result: bool | None = not ends
        for part in parts:
            found = part(row)
            if found is ends:
                return ends
            if found is None:
                result = None
        return result

    return test


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
