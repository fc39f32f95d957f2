"""Parquet files give what the same table gives as CSV; types without a text form are refused."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest import LINE_NUMBER, PastTreatment, Records, Source, guess, read
from suasion.ingest.source import OutcomeColumn

TYPES = {kind.value: kind for kind in Type}
DATA = Path(os.environ.get("SUASION_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
MakeSource = Callable[..., Source]


def load(make_source: MakeSource, path: Path, table: pa.Table, **mapping: Any) -> Records:
    pq.write_table(table, path)
    return read(make_source(str(path), **mapping), path.parent, TYPES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.parquet"


def cells(make_source: MakeSource, path: Path, array: pa.Array, kind: str) -> list[Any]:
    table = pa.table({"id": range(len(array)), "t": array})
    return load(make_source, path, table, traits={kind: "t"}).records[f"trait:{kind}"].to_pylist()


@pytest.mark.parametrize(
    ("array", "kind", "wanted"),
    [
        (pa.array([1, None], pa.uint8()), "integer", [1, None]),
        (pa.array([2**63 - 1, 0], pa.uint64()), "integer", [2**63 - 1, 0]),
        (pa.array([1.0, float("nan")]), "integer", [1, None]),
        (pa.array([123456789012345.0, None]), "text", ["123456789012345", None]),
        (pa.array([0.1, float("inf")]), "number", [0.1, None]),
        (pa.array([0.5, 2.0], pa.float16()), "number", [0.5, 2.0]),
        (pa.array([0.5, 2.0], pa.float32()), "text", ["0.5", "2"]),
        (pa.array([Decimal("1.50"), Decimal("-2.00")]), "number", [1.5, -2.0]),
        (pa.array([Decimal("1.00"), Decimal("-2.00")]), "integer", [1, -2]),
        (pa.array([True, False]), "boolean", [True, False]),
        (pa.array([1, 0]), "boolean", [True, False]),
        (pa.array(["a", "b"]).dictionary_encode(), "text", ["a", "b"]),
        (pa.array([7, 8]).dictionary_encode(), "integer", [7, 8]),
        (pa.array([" a", "NA"], pa.large_string()), "text", ["a", None]),
        (pa.array(["1.5", "2"]), "number", [1.5, 2.0]),
        (pa.array([date(2004, 12, 31), None]), "date", [date(2004, 12, 31), None]),
        (
            pa.array([datetime(2004, 12, 31, 23, 59), None], pa.timestamp("ns")),
            "date",
            [date(2004, 12, 31), None],
        ),
        (
            pa.array([datetime(2004, 12, 31, 23, 0, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "date",
            [date(2004, 12, 31)],
        ),
        (pa.array([None, None], pa.null()), "text", [None, None]),
    ],
)
def test_every_plain_type_is_read(
    make_source: MakeSource, path: Path, array: pa.Array, kind: str, wanted: list[Any]
) -> None:
    assert cells(make_source, path, array, kind) == wanted


@pytest.mark.parametrize(
    "array",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([b"a", b"b"]),
        pa.array([time(1, 2), None]),
    ],
)
def test_a_type_without_a_text_form_is_refused_only_if_it_is_mapped(
    make_source: MakeSource, path: Path, array: pa.Array
) -> None:
    table = pa.table({"id": [1, 2], "t": array})
    assert load(make_source, path, table).ignored == ("t",)
    with pytest.raises(SourceError, match="column 't' holds"):
        load(make_source, path, table, traits={"text": "t"})


def test_lines_count_rows_from_one(make_source: MakeSource, path: Path) -> None:
    table = pa.table({"id": [5, 5, None, 6]})
    found = load(make_source, path, table)
    assert found.records["line"].to_pylist() == [1, 4]
    assert found.rejects.to_pylist() == [
        {"line": 2, "column": "id", "reason": "same identifier as line 1"},
        {"line": 3, "column": "id", "reason": "no identifier"},
    ]


def test_a_float_that_is_no_integer_is_rejected(make_source: MakeSource, path: Path) -> None:
    table = pa.table({"id": [1, 2, 3], "t": [1.5, 2.0, 1e300]})
    found = load(make_source, path, table, traits={"integer": "t"})
    assert found.rejects["reason"].to_pylist() == ["not a whole number"] * 2


def test_names_with_dots_and_quotes_are_found(make_source: MakeSource, path: Path) -> None:
    table = pa.table({"id": [1], "a.b": ["x"], 'c"d': ["y"], "a": [{"b": 1}]})
    found = load(make_source, path, table, traits={"text": "a.b"}, contacts={"email": 'c"d'})
    assert found.records["trait:text"].to_pylist() == ["x"]
    assert found.records["contact:email"].to_pylist() == ["y"]


def test_a_table_without_rows_is_refused(make_source: MakeSource, path: Path) -> None:
    with pytest.raises(SourceError, match="it has no rows"):
        load(make_source, path, pa.table({"id": pa.array([], pa.int64())}))


def test_a_damaged_file_is_refused(make_source: MakeSource, path: Path) -> None:
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(SourceError, match="not readable as Parquet"):
        read(make_source(str(path)), path.parent, TYPES)


def test_two_columns_of_one_name_are_refused(make_source: MakeSource, path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["id", "id"])
    with pytest.raises(SourceError, match="'id' more than once"):
        load(make_source, path, table)


@settings(deadline=None, max_examples=40)
@given(numbers=st.lists(st.floats() | st.none(), min_size=1), data=st.data())
def test_any_doubles_and_integers_come_back_exactly(
    make_source: MakeSource,
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[float | None],
    data: st.DataObject,
) -> None:
    size = len(numbers)
    integers = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=size, max_size=size))
    table = pa.table(
        {"id": range(size), "x": pa.array(numbers, pa.float64()), "k": pa.array(integers, pa.int64())}
    )
    path = tmp_path_factory.mktemp("exact") / "x.parquet"
    found = load(make_source, path, table, traits={"number": "x", "integer": "k"})
    wanted = pc.if_else(pc.is_finite(table["x"]), table["x"], None)
    assert found.records["trait:number"].to_pylist() == wanted.to_pylist()
    assert found.records["trait:integer"].to_pylist() == integers


def shared(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"{name} is not in {DATA}; set SUASION_DATA")
    return DATA / name


def test_the_hillstrom_experiment_is_read_as_published(make_source: MakeSource) -> None:
    arms = {
        "none": "segment = 'No E-Mail'",
        "men": "segment = 'Mens E-Mail'",
        "women": "segment = 'Womens E-Mail'",
    }
    source = make_source(
        str(shared("hillstrom.parquet")),
        identifiers={"row": LINE_NUMBER},
        traits={"integer": "recency", "number": "history"},
        treatment=PastTreatment(column="segment", arms=arms, randomized=True),
        outcomes={
            "visit": OutcomeColumn(column="visit", category="behavior"),
            "spend": OutcomeColumn(column="spend", category="behavior"),
        },
    )
    found = read(source, Path(), TYPES)
    assert (found.records.num_rows, found.rejects.num_rows) == (64_000, 0)
    means = found.records.group_by("arm").aggregate([("outcome:visit", "mean"), ("outcome:spend", "mean")])
    rates = {row["arm"]: row for row in means.to_pylist()}
    # The published rates: shared/data/README.md.
    assert {arm: round(100 * row["outcome:visit_mean"], 2) for arm, row in rates.items()} == {
        "none": 10.62,
        "men": 18.28,
        "women": 15.14,
    }
    assert {arm: round(row["outcome:spend_mean"], 3) for arm, row in rates.items()} == {
        "none": 0.653,
        "men": 1.423,
        "women": 1.077,
    }


def test_the_hillstrom_experiment_is_guessed() -> None:
    found = guess(shared("hillstrom.parquet"))
    assert found.identifiers == (LINE_NUMBER,)
    assert found.treatments[0] == "segment"
    assert found.column("segment").control == "No E-Mail"
    assert found.outcomes[:3] == ("visit", "conversion", "spend")


def test_the_turnout_experiment_is_guessed() -> None:
    found = guess(shared("ggl_turnout.parquet"))
    assert found.treatments[0] == "messages"
    assert found.column("messages").control == "Control"
    assert found.outcomes[0] == "primary2006"
