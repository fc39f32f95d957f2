from __future__ import annotations

import datetime
from typing import Any

import pytest

from suasion.errors import ExpressionError
from suasion.expressions import Type, evaluate, parse

CATALOGUE = {
    "p": Type.BOOLEAN,
    "q": Type.BOOLEAN,
    "i": Type.INTEGER,
    "x": Type.NUMBER,
    "t": Type.TEXT,
    "d": Type.DATE,
}


def _answer(text: str, **row: Any) -> bool | None:
    return evaluate(parse(text, CATALOGUE), row)


# Kleene's tables: false is 0, unknown a half, true 1; AND is the least, OR the greatest, NOT one minus.
RANK = {False: 0.0, None: 0.5, True: 1.0}
TRUTH = {rank: truth for truth, rank in RANK.items()}


@pytest.mark.parametrize("p", [True, False, None])
@pytest.mark.parametrize("q", [True, False, None])
def test_and_or_not_follow_kleene(p: bool | None, q: bool | None) -> None:
    assert _answer("p AND q", p=p, q=q) is TRUTH[min(RANK[p], RANK[q])]
    assert _answer("p OR q", p=p, q=q) is TRUTH[max(RANK[p], RANK[q])]
    assert _answer("NOT p", p=p) is TRUTH[1 - RANK[p]]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("i IN (1, 2)", None),
        ("i NOT IN (1, 2)", None),
        ("i = i", None),
        ("i <> i", None),
        ("i IS NULL", True),
        ("i IS NOT NULL", False),
        ("t LIKE '%'", None),
        ("p IS TRUE", False),
        ("p IS NOT TRUE", True),
        ("(i = 1) IS NULL", True),
        ("5 BETWEEN 9 AND i", False),
        ("5 BETWEEN 1 AND i", None),
        ("true", True),
    ],
)
def test_the_unknown_stays_unknown(text: str, answer: bool | None) -> None:
    assert _answer(text, i=None) is answer
    assert _answer(text) is answer


def test_an_integer_beside_a_number_compares_as_a_number() -> None:
    assert _answer("i = 9007199254740992.0", i=2**53 + 1) is True
    assert _answer("i = 9007199254740992", i=2**53 + 1) is False
    assert _answer("i IN (9007199254740992, 0.5)", i=2**53 + 1) is True


def test_negative_zero_is_zero() -> None:
    assert _answer("x = 0", x=-0.0) is True
    assert _answer("x IN (-0.0)", x=0) is True


def test_text_compares_by_code_point() -> None:
    assert _answer("t > 'Z'", t="a") is True
    assert _answer("t > '\ue000'", t="\U0001f600") is True
    assert _answer("t = 'ä'", t="a\u0308") is False


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("_", "\U0001f600", True),
        ("a%a", "a", False),
        ("a%b%c", "a\nb.c", True),
        ("A", "a", False),
        (".*", "ab", False),
        ("%ab_", "aababc", True),
        ("%a%b%", "aba", True),
        ("a_b", "a\nb", True),
    ],
)
def test_like_matches_whole_texts(pattern: str, text: str, answer: bool) -> None:
    assert _answer(f"t LIKE '{pattern}'", t=text) is answer


def test_a_hostile_pattern_is_answered() -> None:
    assert _answer(f"t LIKE '{'%a' * 40}%b'", t="a" * 5_000) is False


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("i = 1", {"i": True}),
        ("i = 1", {"i": "secret"}),
        ("x = 1", {"x": "secret"}),
        ("p", {"p": 1}),
        ("d IS NULL", {"d": datetime.datetime(2024, 1, 31)}),
        ("t LIKE '%'", {"t": b"secret"}),
    ],
)
def test_a_value_of_another_type_is_refused_and_not_shown(text: str, row: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError, match="where the catalogue says") as caught:
        evaluate(parse(text, CATALOGUE), row)
    assert "secret" not in str(caught.value)
