"""The closed list of nodes an expression is made of.

Everything that reads an expression (evaluation, SQL, spelling) matches on this list and on nothing
else. `And` and `Or` hold flat tuples, so a chain of thousands of conditions is one level deep.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum

Value = bool | int | float | str | datetime.date


class Type(StrEnum):
    """The type of a trait or a value."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"


class Operator(StrEnum):
    """How two operands are compared."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True)
class Name:
    """A trait of the person."""

    name: str
    type: Type


@dataclass(frozen=True)
class Literal:
    """A value written in the expression; its type keeps ``true``, ``1`` and ``1.0`` apart."""

    value: Value
    type: Type


Operand = Name | Literal


@dataclass(frozen=True)
class Compare:
    """Two operands compared as `type`, the type they are both brought to."""

    operator: Operator
    left: Operand
    right: Operand
    type: Type


@dataclass(frozen=True)
class Between:
    """``low <= item AND item <= high``, all three compared as `type`."""

    item: Operand
    low: Operand
    high: Operand
    type: Type


@dataclass(frozen=True)
class In:
    """One of `values`, which are all of `type`."""

    item: Operand
    values: frozenset[Value]
    type: Type


@dataclass(frozen=True)
class Like:
    """Text that fits a pattern: ``%`` is any run of characters, ``_`` is one character."""

    item: Operand
    pattern: str


@dataclass(frozen=True)
class IsNull:
    """True where the item is unknown; never unknown itself."""

    item: Node


@dataclass(frozen=True)
class IsTruth:
    """True where the condition is known to be `truth`; never unknown itself."""

    item: Node
    truth: bool


@dataclass(frozen=True)
class Not:
    """The opposite; unknown stays unknown."""

    item: Node


@dataclass(frozen=True)
class And:
    """False if any item is false, else unknown if any is unknown, else true."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """True if any item is true, else unknown if any is unknown, else false."""

    items: tuple[Node, ...]


Node = Name | Literal | Compare | Between | In | Like | IsNull | IsTruth | Not | And | Or


@dataclass(frozen=True)
class Expression:
    """A condition that parsed and type-checked.

    Parameters
    ----------
    text : str
        As the user wrote it.
    root : Node
        What it means; always boolean.
    names : frozenset of str
        The traits it reads.
    """

    text: str
    root: Node
    names: frozenset[str]

    def __hash__(self) -> int:
        """By its text alone: Python remembers the hash of a text, and not that of a tree."""
        return hash(self.text)
