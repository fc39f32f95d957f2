from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import ExpressionError
from suasion.expressions import Type, parse, quote, to_sql

CATALOGUE = {
    "adult": Type.BOOLEAN,
    "age": Type.INTEGER,
    "score": Type.NUMBER,
    "city": Type.TEXT,
    "born": Type.DATE,
    '100% "odd" `name`; --': Type.TEXT,
}
CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("golden.toml").read_text())["case"]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "spark"])
@pytest.mark.parametrize("case", CASES, ids=[case["expression"][:30] for case in CASES])
def test_an_expression_becomes_the_sql_of_the_golden_file(case: dict[str, Any], dialect: str) -> None:
    sql = to_sql(parse(case["expression"], CATALOGUE), dialect)
    assert sql.text == case[dialect]
    assert list(sql.parameters) == case["parameters"]


def test_a_dialect_we_do_not_compile_to_is_refused() -> None:
    with pytest.raises(ExpressionError, match=r"dialect 'mysql'.*Use duckdb, postgres, spark"):
        to_sql(parse("adult", CATALOGUE), "mysql")


@pytest.mark.parametrize("value", ["'; DROP TABLE person; --", "/* */", "a\\' OR 1=1", "?", "%s", '"', "$1"])
def test_a_hostile_text_stays_a_value(value: str) -> None:
    written = value.replace("'", "''")
    sql = to_sql(parse(f"city = '{written}'", CATALOGUE))
    assert sql.parameters == (value,)
    assert sql.text == '"city" = CAST(? AS TEXT)'
    found = duckdb.connect().execute(f"SELECT {sql.text} FROM (SELECT ? AS city)", [*sql.parameters, value])
    assert found.fetchall() == [(True,)]


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_name_stays_a_name(name: str) -> None:
    sql = to_sql(parse(f"{quote(name)} = 'x'", {name: Type.TEXT}))
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE person ({quote(name)} VARCHAR)")
    connection.execute("INSERT INTO person VALUES ('x'), ('y')")
    assert connection.execute(f"SELECT {sql.text} FROM person", list(sql.parameters)).fetchall() == [
        (True,),
        (False,),
    ]
