"""How this stage says no: short, and always with what the language has."""

from __future__ import annotations

from suasion.errors import ExpressionError

LANGUAGE = (
    "The language has trait names, numbers, 'text', DATE '2024-01-31', true, false, = <> != < <= > >=, "
    "IN (...), BETWEEN, LIKE, IS NULL, IS TRUE, IS FALSE, NOT, AND, OR and parentheses."
)

# Two excerpts fit in one message without showing more than some 60 characters of the expression.
EXCERPT = 28


def excerpt(text: str) -> str:
    """The text, cut short."""
    return text if len(text) <= EXCERPT else text[:EXCERPT] + "…"


def refuse(found: str, todo: str = LANGUAGE) -> ExpressionError:
    """An error about an expression not yet named; `parse` puts in what was asked."""
    return ExpressionError("expression", found, todo)
