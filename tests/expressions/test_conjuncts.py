"""What must all be true, taken one by one, says what the whole says."""

from __future__ import annotations

import itertools

import pytest

from suasion.expressions import Type, Value, conjuncts, evaluate, parse

TYPES = {"age": Type.INTEGER, "town": Type.TEXT, "member": Type.BOOLEAN}
ROWS: list[dict[str, Value | None]] = [
    dict(zip(TYPES, values, strict=True))
    for values in itertools.product((None, 17, 18, 70), (None, "A", "B"), (None, True, False))
]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("age >= 18", [False]),
        ("age >= 18 AND town NOT IN ('A')", [False, True]),
        ("age <> 18 AND NOT member AND town = 'A'", [True, True, False]),
        ("age NOT BETWEEN 18 AND 30 AND town IS NOT NULL", [True, False]),
        ("(age < 18 OR member) AND NOT (town = 'A' AND age = 70)", [False, True]),
        ("town NOT LIKE 'A%' OR member", [False]),
        ("member IS NOT TRUE AND member", [True, False]),
        ("true", [False]),
    ],
)
def test_the_parts_say_what_the_whole_says(text: str, negated: list[bool]):
    whole = parse(text, TYPES)
    parts = conjuncts(whole)
    assert [opposite for _, opposite in parts] == negated
    assert frozenset[str]().union(*(part.names for part, _ in parts)) == whole.names
    assert all(parse(part.text, TYPES).root == part.root for part, _ in parts)
    for row in ROWS:
        said = [_opposite(evaluate(part, row)) if not_ else evaluate(part, row) for part, not_ in parts]
        together = False if False in said else None if None in said else True
        assert together == evaluate(whole, row), row


def _opposite(truth: bool | None) -> bool | None:
    return None if truth is None else not truth
