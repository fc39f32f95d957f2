"""Every reader of an expression gives the same answer: Python, DuckDB on our SQL, and SQL itself."""

from __future__ import annotations

import datetime
import random
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.expressions import Type, canonical, evaluate, parse, quote, to_sql

CATALOGUE = {
    "b": Type.BOOLEAN,
    "not": Type.BOOLEAN,
    "i": Type.INTEGER,
    "Date": Type.INTEGER,
    "x": Type.NUMBER,
    'a "quoted" name': Type.NUMBER,
    "t": Type.TEXT,
    "żółw; --": Type.TEXT,
    "d": Type.DATE,
    "symmetric": Type.DATE,
}
COLUMNS = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INTEGER: "BIGINT",
    Type.NUMBER: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
}
TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "a%",
    "a_b",
    "aab",
    "a\nb",
    "ä",
    "\ue000",
    "\U0001f600",
    "it's",
    "\\",
    "b'; --",
    "ba",
]
VALUES: dict[Type, list[Any]] = {
    Type.BOOLEAN: [True, False],
    Type.INTEGER: [0, 1, -1, 2, 18, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)],
    Type.NUMBER: [0.0, 1.0, -1.0, 0.1, 0.5, 2.0**53, 2.0**63, -(2.0**63), 1e-300, 1e300, 18.0],
    Type.TEXT: TEXTS,
    Type.DATE: [datetime.date(*day) for day in ((1, 1, 1), (1999, 12, 31), (2024, 2, 29), (9999, 12, 31))],
}
ONLY_STORED: dict[Type, list[Any]] = {Type.NUMBER: [-0.0, float("inf"), float("-inf")], Type.TEXT: ["a\0b"]}
NUMERIC = [Type.INTEGER, Type.NUMBER]


def _rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    pools = {kind: [None, None, *VALUES[kind], *ONLY_STORED.get(kind, [])] for kind in Type}
    return [{name: chance.choice(pools[kind]) for name, kind in CATALOGUE.items()} for _ in range(count)]


ROWS = _rows(300, random.Random(7))


@pytest.fixture(scope="module")
def people() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    columns = ", ".join(f"{quote(name)} {COLUMNS[kind]}" for name, kind in CATALOGUE.items())
    connection.execute(f"CREATE TABLE person (place BIGINT, {columns})")
    marks = ", ".join("?" for _ in range(len(CATALOGUE) + 1))
    connection.executemany(
        f"INSERT INTO person VALUES ({marks})", [[at, *row.values()] for at, row in enumerate(ROWS)]
    )
    return connection


def _answers(
    people: duckdb.DuckDBPyConnection, condition: str, parameters: tuple[Any, ...] = ()
) -> list[Any]:
    found = people.execute(f"SELECT ({condition}) FROM person ORDER BY place", list(parameters)).fetchall()
    return [row[0] for row in found]


def _written(value: Any) -> str:
    match value:
        case bool():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime.date():
            return f"date '{value.isoformat()}'"
        case _:
            return repr(value)


def _names(kind: Type) -> st.SearchStrategy[str]:
    plain = {"b", "i", "x", "t", "d", "symmetric"}
    return st.sampled_from([n if n in plain else quote(n) for n, k in CATALOGUE.items() if k is kind])


def _literals(kind: Type) -> st.SearchStrategy[str]:
    return st.sampled_from(VALUES[kind]).map(_written)


def _cased(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from([word, word.lower(), word.title()])


@st.composite
def _tests(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(list(Type)))
    also = st.sampled_from(NUMERIC) if kind in NUMERIC else st.just(kind)
    item = draw(_names(kind) | _literals(kind))
    other = also.flatmap(lambda kind: _names(kind) | _literals(kind))
    no = draw(st.sampled_from(["", "NOT "]))
    signs = ["=", "<>", "!="] if kind is Type.BOOLEAN else ["=", "<>", "!=", "<", "<=", ">", ">="]
    shapes = ["compare", "compare", "in", "null"]
    shapes += ["between"] if kind is not Type.BOOLEAN else ["bare", "truth"]
    shapes += ["like"] if kind is Type.TEXT else []
    match draw(st.sampled_from(shapes)):
        case "compare":
            return f"{item}{draw(st.sampled_from(signs))}{draw(other)}"
        case "in":
            values = draw(st.lists(also.flatmap(_literals), min_size=1, max_size=4))
            return f"{item} {no}{draw(_cased('IN'))} ({', '.join(values)})"
        case "between":
            return f"{item} {no}{draw(_cased('BETWEEN'))} {draw(other)} AND {draw(other)}"
        case "like":
            pattern = draw(st.sampled_from(["a_b", "%a%b%", "_%_"]) | st.text("ab%_ä\n", max_size=6))
            return f"{item} {no}{draw(_cased('LIKE'))} {_written(pattern)}"
        case "null":
            return f"{item} IS {no}{draw(_cased('NULL'))}"
        case "truth":
            return f"{item} IS {no}{draw(st.sampled_from(['TRUE', 'false']))}"
        case _:
            return item


def _conditions(tests: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Conditions with and without parentheses, so that precedence is asked as well."""
    return st.recursive(
        tests,
        lambda part: st.one_of(
            st.tuples(part, _cased("AND") | _cased("OR"), part).map(" ".join),
            st.tuples(part, _cased("AND") | _cased("OR"), part).map(lambda parts: f"({' '.join(parts)})"),
            part.map(lambda text: f"NOT {text}"),
            st.tuples(part, st.sampled_from(["NULL", "NOT NULL", "TRUE", "NOT FALSE"])).map(
                lambda parts: f"({parts[0]}) IS {parts[1]}"
            ),
        ),
        max_leaves=8,
    )


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=_conditions(_tests()))
def test_python_and_duckdb_give_the_same_answers(people: duckdb.DuckDBPyConnection, text: str) -> None:
    expression = parse(text, CATALOGUE)
    sql = to_sql(expression)
    assert [evaluate(expression, row) for row in ROWS] == _answers(people, sql.text, sql.parameters)


@settings(max_examples=300, deadline=None)
@given(text=_conditions(_tests()))
def test_the_canonical_text_parses_to_the_same_tree(text: str) -> None:
    expression = parse(text, CATALOGUE)
    again = parse(canonical(expression), CATALOGUE)
    assert again.root == expression.root
    assert again.names == expression.names
    assert canonical(again) == canonical(expression)


SIMPLE = st.sampled_from(
    [
        *("b", '"not"', "TRUE", "b IS TRUE", "x is not null", "d < DATE '2024-01-01'"),
        *("i = 1", "i<>18", "i >= -1", "i BETWEEN 0 AND 2", "i NOT IN (1, 2)", "x NOT BETWEEN 0 AND 1"),
        *("t like 'a%'", "t NOT LIKE '_'"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(text=_conditions(SIMPLE))
def test_our_reading_is_that_of_duckdb_and_of_sqlglot(people: duckdb.DuckDBPyConnection, text: str) -> None:
    expression = parse(text, CATALOGUE)
    ours = [evaluate(expression, row) for row in ROWS]
    assert ours == _answers(people, text)
    assert ours == _answers(people, sqlglot.parse_one(text).sql(dialect="duckdb"))


@settings(max_examples=300, deadline=None)
@given(pattern=st.text("ab%_ä\n", max_size=6), texts=st.lists(st.text("ab\nä%", max_size=6), min_size=20))
def test_like_is_that_of_duckdb(pattern: str, texts: list[str]) -> None:
    expression = parse(f"t LIKE {_written(pattern)}", CATALOGUE)
    sql = to_sql(expression)
    found = duckdb.execute(f"SELECT {sql.text} FROM (SELECT unnest(?) AS t)", [*sql.parameters, texts])
    assert [evaluate(expression, {"t": text}) for text in texts] == [row[0] for row in found.fetchall()]
