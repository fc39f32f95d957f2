"""Values are bound, names are quoted, and a query reads nothing but the tables it is given."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.expressions import quote
from suasion.lake import query, store

TEXTS = ["'; DROP TABLE t; --", "it's", '"', "", "?", "$1", "%s", "a\\", "żółw", "x' OR '1'='1", "NULL"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_looked_for_as_it_is(text: str):
    table = pa.table({"text": [*TEXTS, None]})
    found = query("SELECT text FROM t WHERE text = ?", {"t": table}, [text])
    assert found["text"].to_pylist() == [text]


@settings(deadline=None, max_examples=40)
@given(
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
)
def test_any_quoted_name_names_its_column(name: str):
    found = query(f"SELECT {quote(name)} AS found FROM t", {"t": pa.table({name: [7]})})
    assert found["found"].to_pylist() == [7]


@pytest.mark.parametrize(
    "value", [2**63 - 1, -(2**63), 0.1, 1e300, True, datetime.date(9999, 12, 31), "x", ["a", "b'; --"]]
)
def test_a_value_comes_back_as_it_was_bound(value: Any):
    assert query("SELECT ? AS v", {}, [value])["v"].to_pylist() == [value]


def test_values_are_bound_in_the_order_of_the_question_marks():
    found = query(
        "SELECT ? - x AS d FROM t WHERE x > ? ORDER BY d", {"t": pa.table({"x": [1, 2, 3]})}, [10, 1]
    )
    assert found["d"].to_pylist() == [7, 8]


@pytest.mark.parametrize("parameters", [[], [1, 2]])
def test_a_value_too_few_or_too_many_is_an_error(parameters: list[Any]):
    with pytest.raises(duckdb.Error):
        query("SELECT ?", {}, parameters)


def test_a_query_leaves_the_tables_it_was_given_alone():
    table = pa.table({"x": [1, 2]})
    query("SELECT x + 1 FROM t", {"t": table})
    with pytest.raises(duckdb.Error):
        query("UPDATE t SET x = 9", {"t": table})
    assert table["x"].to_pylist() == [1, 2]


def test_a_query_reads_no_file(tmp_path: Path):
    path = tmp_path / store(tmp_path, "secret", pa.table({"x": [1]})).file
    for relation in (f"'{path}'", f"read_parquet('{path}')", f"read_text('{path}')"):
        with pytest.raises(duckdb.PermissionException):
            query(f"SELECT * FROM {relation}", {})


def test_a_query_sees_no_variable_and_no_table_of_an_earlier_one():
    elsewhere = pa.table({"x": [1]})
    query("SELECT * FROM elsewhere", {"elsewhere": elsewhere})
    for name in ("elsewhere", "sql", "tables"):
        with pytest.raises(duckdb.CatalogException):
            query(f"SELECT * FROM {name}", {"t": elsewhere})
