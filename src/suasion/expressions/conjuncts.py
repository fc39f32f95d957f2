"""Take a condition apart: what must all be true."""

from __future__ import annotations

from suasion.expressions.nodes import (
    And,
    Between,
    Compare,
    Expression,
    In,
    IsNull,
    IsTruth,
    Like,
    Name,
    Node,
    Not,
    Operator,
    Or,
)
from suasion.expressions.nodes import Literal as Written
from suasion.expressions.spelling import canonical


def conjuncts(expression: Expression) -> tuple[tuple[Expression, bool], ...]:
    """The conditions that must all be true, and whether each says what must *not* be.

    Parameters
    ----------
    expression : Expression

    Returns
    -------
    tuple of (Expression, bool)
        In their order; one that says what must not be is returned without its negation, and True.

    Examples
    --------
    >>> from suasion.expressions import Type, parse
    >>> found = conjuncts(parse("age >= 18 AND town NOT IN ('X')", {"age": Type.INTEGER, "town": Type.TEXT}))
    >>> [(condition.text, negated) for condition, negated in found]
    [('"age" >= 18', False), ('"town" IN (\\'X\\')', True)]
    """
    items = expression.root.items if isinstance(expression.root, And) else (expression.root,)
    return tuple(_said(item) for item in items)


def _said(node: Node) -> tuple[Expression, bool]:
    match node:
        case Not(item) if not isinstance(item, IsNull):
            return _expression(item), True
        case Compare(Operator.UNEQUAL, left, right, kind):
            return _expression(Compare(Operator.EQUAL, left, right, kind)), True
        case _:
            return _expression(node), False


def _expression(root: Node) -> Expression:
    made = Expression("", root, frozenset(_names(root)))
    return Expression(canonical(made), root, made.names)


def _names(node: Node) -> set[str]:
    match node:
        case Name(name):
            return {name}
        case Written():
            return set()
        case Compare(_, left, right):
            return _names(left) | _names(right)
        case Between(item, low, high):
            return _names(item) | _names(low) | _names(high)
        case In(item) | Like(item) | IsNull(item) | IsTruth(item) | Not(item):
            return _names(item)
        case And(items) | Or(items):
            return {name for item in items for name in _names(item)}
