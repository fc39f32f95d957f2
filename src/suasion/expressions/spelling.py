"""Node -> text: one spelling for each tree, in the language itself."""

from __future__ import annotations

import datetime
from typing import cast

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
    Or,
    Value,
)

_OR, _AND, _NOT, _TEST, _OPERAND = range(5)


def canonical(expression: Expression) -> str:
    """The expression in normal spelling: equal for equal trees, and it parses to the same tree.

    Parameters
    ----------
    expression : Expression
        A parsed expression.

    Returns
    -------
    str
        Names are quoted, keywords in capitals, parentheses only where needed, values of a list sorted.

    Examples
    --------
    >>> from suasion.expressions import Type, parse
    >>> canonical(parse("( AGE in (3,1,3) )", {"AGE": Type.INTEGER}))
    '"AGE" IN (1, 3)'
    """
    return _spell(expression.root)


def spell_value(value: Value) -> str:
    """A value as the language writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime.date():
            return f"DATE '{value.isoformat()}'"
        case _:
            return repr(value)


def in_order(values: frozenset[Value]) -> list[Value]:
    """The values of a list, which are of one type, smallest first."""
    return [*sorted(cast("frozenset[str]", values))]


def _spell(node: Node) -> str:
    match node:
        case Name(name):
            return '"' + name.replace('"', '""') + '"'
        case Literal(value):
            return spell_value(value)
        case And(items):
            return " AND ".join(_inner(item, _NOT) for item in items)
        case Or(items):
            return " OR ".join(_inner(item, _AND) for item in items)
        case Not(item) if not isinstance(item, Between | In | Like | IsNull | IsTruth):
            return f"NOT {_inner(item, _NOT)}"
        case Not(item):
            return _spell_test(item, "NOT ")
        case _:
            return _spell_test(node, "")


def _spell_test(node: Node, negation: str) -> str:
    match node:
        case Compare(operator, left, right):
            return f"{_spell(left)} {operator} {_spell(right)}"
        case Between(item, low, high):
            return f"{_spell(item)} {negation}BETWEEN {_spell(low)} AND {_spell(high)}"
        case In(item, values):
            return f"{_spell(item)} {negation}IN ({', '.join(map(spell_value, in_order(values)))})"
        case Like(item, pattern):
            return f"{_spell(item)} {negation}LIKE {spell_value(pattern)}"
        case IsNull(item):
            return f"{_inner(item, _OPERAND)} IS {negation}NULL"
        case IsTruth(item, truth):
            return f"{_inner(item, _OPERAND)} IS {negation}{'TRUE' if truth else 'FALSE'}"
        case _:
            raise AssertionError(node)


def _inner(node: Node, least: int) -> str:
    """The spelling of a part, in parentheses if it binds less tightly than its place asks for."""
    return _spell(node) if _tightness(node) >= least else f"({_spell(node)})"


def _tightness(node: Node) -> int:
    match node:
        case Or():
            return _OR
        case And():
            return _AND
        case Not(item) if not isinstance(item, Between | In | Like | IsNull | IsTruth):
            return _NOT
        case Name() | Literal():
            return _OPERAND
        case _:
            return _TEST
