"""Nodes from typed parts, or an error that names both sides.

A comparison of an integer with a number brings both to a 64-bit floating-point number, and so does the
SQL, explicitly. Engines left to themselves disagree: some compare 9007199254740993 with 2.0**53 as
decimals, some as floating-point numbers.
"""

from __future__ import annotations

from suasion.expressions.nodes import (
    Between,
    Compare,
    In,
    IsTruth,
    Like,
    Literal,
    Name,
    Node,
    Operand,
    Operator,
    Type,
)
from suasion.expressions.refusal import excerpt, refuse
from suasion.expressions.spelling import spell_value

_NUMERIC = {Type.INTEGER, Type.NUMBER}


def compare(operator: Operator, left: Node, right: Node) -> Compare:
    """Two operands of one type compared; booleans only for equality."""
    ordered = operator not in (Operator.EQUAL, Operator.UNEQUAL)
    first, second = operand(left, operator), operand(right, operator)
    shared = _shared(operator, ordered, first, second)
    return Compare(operator, _brought(first, shared), _brought(second, shared), shared)


def between(item: Node, low: Node, high: Node) -> Between:
    """Three operands of one type; all three as numbers if one is."""
    parts = [operand(part, "BETWEEN") for part in (item, low, high)]
    shared = _shared("BETWEEN", True, *parts)
    subject, lowest, highest = (_brought(part, shared) for part in parts)
    return Between(subject, lowest, highest, shared)


def member(item: Node, literals: list[Literal]) -> In:
    """An operand and the literals it may equal; all as numbers if one is."""
    subject = operand(item, "IN")
    shared = _shared("IN", False, subject, *literals)
    values = frozenset(_literal(literal, shared).value for literal in literals)
    return In(_brought(subject, shared), values, shared)


def like(item: Node, pattern: Literal) -> Like:
    """A text operand and a pattern; no escape, because engines differ on what a backslash does."""
    subject = operand(item, "LIKE")
    for part in (subject, pattern):
        if part.type is not Type.TEXT:
            raise refuse(f"LIKE is for text, and {describe(part)}", "Compare other types with = or BETWEEN.")
    if "\\" in str(pattern.value):
        raise refuse("a backslash in a LIKE pattern, which not all databases read alike", "Leave it out.")
    return Like(subject, str(pattern.value))


def truth(item: Node, wanted: bool) -> IsTruth:
    """A boolean part asked for being known true or known false."""
    return IsTruth(boolean(item, f"IS {str(wanted).upper()}"), wanted)


def boolean(node: Node, where: str) -> Node:
    """The node itself, if it is a condition."""
    if isinstance(node, Name | Literal) and node.type is not Type.BOOLEAN:
        raise refuse(f"{where} needs a condition, and {describe(node)}", "Compare it with something.")
    return node


def operand(node: Node, where: str) -> Operand:
    """The node itself, if it is a name or a literal."""
    if not isinstance(node, Name | Literal):
        raise refuse(
            f"{where} beside a condition, where a trait name or a value should be",
            "Combine conditions with AND, OR, NOT, IS TRUE or IS FALSE.",
        )
    return node


def describe(part: Operand) -> str:
    """The operand and its type, for messages."""
    text = part.name if isinstance(part, Name) else spell_value(part.value)
    return f"{excerpt(text)} is {part.type}"


def _shared(where: str, ordered: bool, first: Operand, *others: Operand) -> Type:
    shared = first.type
    for other in others:
        if other.type is shared:
            continue
        if not {shared, other.type} <= _NUMERIC:
            raise refuse(
                f"{where} between different types: {describe(first)}, {describe(other)}",
                "Compare like with like; text goes in 'quotes', a date is written DATE '2024-01-31'.",
            )
        shared = Type.NUMBER
    if ordered and shared is Type.BOOLEAN:
        raise refuse(f"{where} on booleans, and {describe(first)}", "Use =, IS TRUE or IS FALSE.")
    return shared


def _brought(part: Operand, shared: Type) -> Operand:
    """A literal as the shared type; a name stays, and is converted where it is read."""
    return _literal(part, shared) if isinstance(part, Literal) else part


def _literal(part: Literal, shared: Type) -> Literal:
    if shared is Type.NUMBER and isinstance(part.value, int):
        return Literal(float(part.value), shared)
    return part
