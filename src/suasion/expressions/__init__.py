"""One small language for segments, traits, rules and treatment arms.

A condition in SQL syntax is read into a closed list of nodes, typed against a catalogue, and then either
evaluated on one row or compiled to SQL. Both ways give the same answer: true, false or unknown.

The language: trait names, plain or in double quotes; integers, numbers, ``'text'``, ``DATE '2024-01-31'``,
``true`` and ``false``; ``= <> != < <= > >=``; ``[NOT] IN (values)``, ``[NOT] BETWEEN``, ``[NOT] LIKE
'pattern'`` (case counts, no escape); ``IS [NOT] NULL``, ``IS [NOT] TRUE``, ``IS [NOT] FALSE``; ``NOT``,
``AND``, ``OR`` and parentheses. Names match exactly, capitals included.
"""

from suasion.expressions.conjuncts import conjuncts
from suasion.expressions.engine import connected
from suasion.expressions.kleene import compiled, evaluate
from suasion.expressions.nodes import Expression, Node, Type, Value
from suasion.expressions.reading import parse
from suasion.expressions.spelling import canonical
from suasion.expressions.sql import Sql, quote, to_sql

__all__ = [
    "Expression",
    "Node",
    "Sql",
    "Type",
    "Value",
    "canonical",
    "compiled",
    "conjuncts",
    "connected",
    "evaluate",
    "parse",
    "quote",
    "to_sql",
]
