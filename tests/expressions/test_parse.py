from __future__ import annotations

import contextlib
import pickle
import sys
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suasion.expressions as expressions
from suasion.errors import ExpressionError
from suasion.expressions import Type, canonical, evaluate, parse, to_sql
from suasion.expressions.tokens import MAX_CHARACTERS, MAX_DEPTH, MAX_TOKENS

CATALOGUE = {
    "age": Type.INTEGER,
    "Age of car": Type.INTEGER,
    "score": Type.NUMBER,
    "city": Type.TEXT,
    "date": Type.DATE,
    "adult": Type.BOOLEAN,
    "moved": Type.BOOLEAN,
}


def _refusal(text: Any) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse(text, CATALOGUE, "segment 'adults'")
    assert caught.value.asked == "segment 'adults'"
    return caught.value


def test_the_front_door_has_these_names() -> None:
    assert set(expressions.__all__) == {
        *("Expression", "Node", "Sql", "Type", "Value"),
        *("canonical", "compiled", "conjuncts", "connected", "evaluate", "parse", "quote", "to_sql"),
    }


def test_an_expression_knows_the_names_it_reads() -> None:
    expression = parse("age > 3 AND (\"Age of car\" IS NULL OR age < 99) OR 'city' = 'adult'", CATALOGUE)
    assert expression.names == {"age", "Age of car"}


def test_a_bare_boolean_name_is_a_condition() -> None:
    assert evaluate(parse(" adult\n", CATALOGUE), {"adult": True}) is True


def test_a_trait_may_be_called_date() -> None:
    same = parse("date = DATE '2024-01-31'", CATALOGUE)
    assert same.root == parse("\"date\"=date'2024-01-31'", CATALOGUE).root


def test_keywords_are_ascii_so_a_dotless_i_makes_a_name() -> None:
    assert parse("ıs = 1 AND ſ = 1", {"ıs": Type.INTEGER, "ſ": Type.INTEGER}).names == {"ıs", "ſ"}


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("NOT adult = moved", "NOT (adult = moved)"),
        ("adult OR moved AND age = 1", "adult OR (moved AND age = 1)"),
        ("NOT adult AND moved", "(NOT adult) AND moved"),
        ("age != 1", "age<>1"),
        ("age NOT IN (3, 1, 1)", "NOT age IN (1, 3)"),
        ("age IS NOT NULL", "NOT (age IS NULL)"),
        ("(adult AND moved) AND adult", "adult AND (moved AND adult)"),
        ("score = -0.0", "score = 0"),
        ("(age) > ((3))", "age > 003"),
    ],
)
def test_two_ways_to_write_one_tree(text: str, same: str) -> None:
    left, right = parse(text, CATALOGUE), parse(same, CATALOGUE)
    assert left.root == right.root
    assert canonical(left) == canonical(right)


@pytest.mark.parametrize(
    ("text", "other"), [("age = 1", "age = 1.0"), ("adult = true", "adult = false"), ("1 = 1", "true = true")]
)
def test_different_trees_are_spelled_differently(text: str, other: str) -> None:
    left, right = parse(text, CATALOGUE), parse(other, CATALOGUE)
    assert left.root != right.root
    assert canonical(left) != canonical(right)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty text"),
        (" \n\t", "an empty text"),
        (None, "a NoneType instead of text"),
        (b"adult", "a bytes instead of text"),
        (7, "a int instead of text"),
        ("city = 'a\0'", "a NUL character"),
        ("city = '\ud800'", "half of a surrogate pair"),
        ("adult; DROP TABLE person", "';' at character 6"),
        ("age = 1; age = 2", "';'"),
        ("adult -- x", "a comment"),
        ("adult /* x */", "a comment"),
        ("city = 'x", "a quote that is not closed"),
        ("city = 'x''", "a quote that is not closed"),
        ('"city = 1', "a quote that is not closed"),
        ("age + 1 = 2", "'+' at character 5"),
        ("age - 1 = 2", "'-' at character 5"),
        ("age * 2 = 2", "'*' at character 5"),
        ("age = - - 1", "'-' at character 7"),
        ("age = -age", "'-' at character 7"),
        ("lower(city) = 'x'", "a function ('lower')"),
        ("CAST(age AS int) = 1", "a function ('CAST')"),
        ("age::int = 1", "':'"),
        ("p.age = 1", "unknown trait 'p'"),
        ("age.age = 1", "'.' at character 4"),
        ("score = .5", "'.' at character 9"),
        ("age = (SELECT 1)", "'SELECT', which is no trait and not in the language"),
        ("CASE WHEN adult THEN moved END", "'CASE', which is no trait and not in the language"),
        ("city ILIKE 'x'", "'ILIKE', which is no trait and not in the language"),
        ("age <=> 1", "'<=>'"),
        ("age == 1", "'=='"),
        ("!adult", "'!'"),
        ("adult && moved", "'&'"),
        ("city = 'a' || 'b'", "'|'"),
        ("city = 'a' 'b'", "\"'b'\" at character 12"),
        ("city LIKE 'a' ESCAPE '!'", "'ESCAPE'"),
        ("city LIKE 'a\\_b'", "a backslash in a LIKE pattern"),
        ("city LIKE city", "something other than a value after LIKE"),
        ("age IN ()", "IN in a form which is not in the language"),
        ("age IN (1,)", "comma or parenthesis too many or too few"),
        ("age IN 1", "IN in a form which is not in the language"),
        ("age IN (age)", "something other than a value"),
        ("age IN (1, NULL)", "NULL without IS"),
        ("age = NULL", "NULL without IS"),
        ("NULL", "NULL without IS"),
        ("age BETWEEN 1 2", "an AND, NOT, comma or parenthesis too many or too few"),
        ("age NOT NULL", "'NOT' at character 5"),
        ("age IS 3", "IS before something other than NULL, TRUE or FALSE"),
        ("age = 1 = 1", "= beside a condition"),
        ("adult IS TRUE IS NULL", "IS in a form which is not in the language"),
        ("age NOT IN (1) IS NULL", "parenthesis too many or too few"),
        ("(adult", "'adult' at character 2, where the condition goes wrong or breaks off"),
        ("adult)", "')' at character 6"),
        ("adult AND", "'AND' at character 7, where the condition goes wrong or breaks off"),
        ("(adult, moved)", "TUPLE in a form which is not in the language"),
        ("age = 1_000", "'_000'"),
        ("age = 0x1F", "'x1F'"),
        ("age = ٣", "'٣'"),
        ("city = x'41'", "unknown trait 'x'"),
        ("age = 9223372036854775808", "an integer at character 7 beyond 64 bits"),
        ("age = -9223372036854775809", "an integer at character 7 beyond 64 bits"),
        ("age = " + "9" * 5000, "beyond 64 bits"),
        ("score < 1e999", "beyond 64-bit floating point"),
        ("score = NaN", "unknown trait 'NaN'"),
        ("date = DATE '2024-02-30'", "no such date '2024-02-30'"),
        ("date = DATE '20240131'", "no such date"),
        ("date = DATE '2024-W01-1'", "no such date"),
        ("date = DATE '٢٠٢٤-01-01'", "no such date"),
        ("age = 'x'", "age is integer, 'x' is text"),
        ("date = '2024-01-31'", "date is date, '2024-01-31' is text"),
        ("age IN (1, 'x')", "age is integer, 'x' is text"),
        ("age BETWEEN 1 AND true", "age is integer, true is boolean"),
        ("adult < moved", "< on booleans, and adult is boolean"),
        ("age", "the result needs a condition, and age is integer"),
        ("'true'", "the result needs a condition, and 'true' is text"),
        ("adult AND age", "AND needs a condition, and age is integer"),
        ("NOT city", "NOT needs a condition, and city is text"),
        ("age IS TRUE", "IS TRUE needs a condition, and age is integer"),
        ("age LIKE 'x'", "LIKE is for text, and age is integer"),
        ("(adult OR moved) = true", "= beside a condition"),
        ("AGE = 1", "unknown trait 'AGE'"),
        ("age = 1 AS adult", "'AS', which is no trait and not in the language"),
        ("(adult moved)", "too many or too few"),
        ("adult moved", "'moved' at character 7"),
        ("age BETWEEN 1, 2", "',' at character 14"),
        ("age IS NOT DISTINCT FROM 1", "'DISTINCT', which is no trait and not in the language"),
        ("adult IS NOT NOT NULL", "too many or too few"),
        ("age NOT NOT IN (1)", "'NOT'"),
        ("age ISNULL", "'ISNULL', which is no trait and not in the language"),
        ("city ~~ 'x'", "'~' at character 6"),
        ("city COLLATE nocase = 'x'", "'COLLATE', which is no trait and not in the language"),
        ("age = ?", "'?' at character 7"),
        ("age = :x", "':' at character 7"),
        ("age = $1", "'$1' at character 7"),
        ("city = E'x'", "unknown trait 'E'"),
        ("city = n'x'", "'x' at character 8, which is not in the language"),
        ("city = $$x$$", "'$$x$$' at character 8"),
        ("date = TIMESTAMP '2024-01-31'", "'TIMESTAMP', which is no trait"),
        ("/*+ hint */ adult", "a comment"),
        ("{# x #} adult", "a comment"),
        ("-- adult", "a comment"),
        ("age = 1e", "'1e'"),
        ("age IN (moved AND moved, 1)", "something other than a value"),
        ("adult[1]", "'[' at character 6"),
        ("IS", "too many or too few"),
        ("city LIKE IN", "too many or too few"),
        ("age NOT IS NULL", "NOT before IS at character 5"),
        ("age -> 1", "'-' at character 5"),
    ],
)
def test_what_is_not_in_the_language_is_refused_by_name(text: Any, found: str) -> None:
    assert found in _refusal(text).found


def test_a_refusal_lists_what_the_language_has() -> None:
    assert "BETWEEN" in _refusal("upper(city) = 'X'").todo


def test_an_unknown_name_comes_with_a_suggestion() -> None:
    assert _refusal("AGEE > 1").todo.startswith("Did you mean 'age'? Known: 'Age of car', 'adult', 'age'")


WORDS = [
    "and",
    "or",
    "not",
    "is",
    "in",
    "between",
    "like",
    "null",
    "escape",
    "symmetric",
    "distinct",
    "from",
    "DATE",
]


@pytest.mark.parametrize(
    "name", [*WORDS, "interval", "case", "select", "all", "any", "cast", "collate", "json", "0"]
)
def test_a_quoted_name_is_never_a_keyword(name: str) -> None:
    tests = "{0} = 'x' AND 'x' >= {0} AND {0} NOT LIKE 'y' AND {0} BETWEEN {0} AND {0}"
    text = tests.format(f'"{name}"')
    expression = parse(text, {name: Type.TEXT})
    assert expression.names == {name}
    assert evaluate(expression, {name: "x"}) is True
    again = duckdb.execute(f"SELECT {text} FROM (SELECT 'x' AS \"{name}\")").fetchall()
    assert again == [(True,)]
    with pytest.raises(ExpressionError):
        parse(f"'x' \"{name}\" 'y'", {name: Type.TEXT})


PIECES = ["age", "adult", "moved", "city", "1", "-", "'x'", "=", "<>", "(", ")", ",", "NULL", "TRUE", "DATE"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *(word.upper() for word in WORDS[:7])]), max_size=12))
def test_what_we_read_in_any_order_of_words_duckdb_reads_the_same(pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        expression = parse(text, CATALOGUE)
    except ExpressionError:
        return
    row = {"age": 1, "adult": True, "moved": None, "city": "x"}
    table = "(SELECT 1 AS age, true AS adult, NULL::BOOLEAN AS moved, 'x' AS city)"
    assert duckdb.execute(f"SELECT {text} FROM {table}").fetchall() == [(evaluate(expression, row),)]


@given(st.text(st.characters(exclude_categories=[]), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert parse(text, CATALOGUE).names <= set(CATALOGUE)


@pytest.mark.parametrize(
    "shape", ["{0} = 1", "city = {0}", "age = '{0}'", 'age = "{0}"', "age > 1 {0}", "{0}("]
)
def test_a_message_shows_little_of_the_text(shape: str) -> None:
    error = _refusal(shape.format("secret" * 1000))
    assert str(error).count("secret") <= 10


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "adult" + ")" * 10_000,
        "(" * 10_000,
        "NOT " * 10_000 + "adult",
        "NOT (" * 10_000 + "adult" + ")" * 10_000,
        "age = " + "- " * 10_000 + "1",
        "adult = NOT " * 10_000 + "adult",
        "age BETWEEN 1 AND NOT " * 10_000 + "adult",
        "age BETWEEN (adult AND adult) AND NOT " * 10_000 + "adult",
        "adult AND " * MAX_TOKENS + "adult",
        "'" * (MAX_CHARACTERS - 1),
        "x" * (MAX_CHARACTERS + 1),
    ],
    ids=[
        "parens",
        "open",
        "not",
        "not-parens",
        "minus",
        "equals-not",
        "between-not",
        "between-and-not",
        "tokens",
        "quotes",
        "long",
    ],
)
def test_a_monster_is_refused(text: str) -> None:
    _refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(f"age <> {number}" for number in range(2_000)),
        " OR ".join(f"age = {number}" for number in range(10_000, 12_000)),
        f"NOT age IN ({', '.join(str(number) for number in range(10_000))})",
        f"age IN ({', '.join(str(number) for number in range(10_000, 20_000))})",
    ],
    ids=["and", "or", "not-in", "in"],
)
def test_a_long_flat_list_works_everywhere(text: str) -> None:
    expression = parse(text, CATALOGUE)
    sql = to_sql(expression)
    ages = [None, 5, 10_005]
    answers = duckdb.connect().execute(
        f"SELECT {sql.text} FROM (SELECT unnest(?) AS age)", [*sql.parameters, ages]
    )
    assert [row[0] for row in answers.fetchall()] == [None, False, True]
    assert [evaluate(expression, {"age": age}) for age in ages] == [None, False, True]
    assert parse(canonical(expression), CATALOGUE).root == expression.root
    assert pickle.loads(pickle.dumps(expression)) == expression
    assert hash(expression) == hash(parse(text, CATALOGUE))


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"),
        ("NOT ", ""),
        ("adult OR moved AND (", ") IS NOT NULL"),
        ("moved AND (adult OR ", ") IS TRUE"),
    ],
)
def test_the_deepest_nesting_allowed_leaves_the_caller_half_the_stack(opening: str, closing: str) -> None:
    text = opening * MAX_DEPTH + "adult" + closing * MAX_DEPTH
    limit, frame, used = sys.getrecursionlimit(), sys._getframe(), 0
    while frame is not None:
        frame, used = frame.f_back, used + 1
    sys.setrecursionlimit(used + limit // 2)
    try:
        expression = parse(text, CATALOGUE)
        assert parse(canonical(expression), CATALOGUE).root == expression.root
        assert to_sql(expression).text
        assert evaluate(expression, {}) in (None, True, False)
        assert pickle.loads(pickle.dumps(expression)) == expression
    finally:
        sys.setrecursionlimit(limit)
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse(f"NOT ({text})", CATALOGUE)
