"""From text to values: what counts as a number, a date, a yes; what is rejected and why."""

import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest import LINE_NUMBER, PastTreatment, Records, Source, read
from suasion.ingest.source import ConsentColumn, HouseholdColumn, OutcomeColumn

Load = Callable[..., Records]
COMMA = "has a comma; write a decimal point and no thousands separators"


def value(load: Load, kind: str, cell: str) -> Any:
    """The value of a cell, or the reason why it is none; a good row keeps the file alive."""
    good = {"number": "1", "integer": "1", "boolean": "yes", "date": "2020-02-20", "text": "x"}[kind]
    quoted = '"' + cell.replace('"', '""') + '"'
    result = load(f"id,t\n1,{quoted}\n2,{good}\n", traits={kind: "t"})
    if result.rejects.num_rows:
        row = result.rejects.to_pylist()[0]
        assert (row["line"], row["column"]) == (2, "t")
        return row["reason"]
    return result.records[f"trait:{kind}"][0].as_py()


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("7", 7),
        (" -7 ", -7),
        ("+7", 7),
        ("007", 7),
        ("1.0", 1),
        ("1.", 1),
        ("1.5", "not a whole number"),
        ("1e3", "not a whole number"),
        ("0x10", "not a whole number"),
        ("1_000", "not a whole number"),
        ("1,000", COMMA),
        ("old", "not a whole number"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", "does not fit in 64 bits"),
        ("-9223372036854775809.0", "does not fit in 64 bits"),
        ("9" * 60, "does not fit in 64 bits"),
        ("9007199254740993.0", 2**53 + 1),
        ("NaN", None),
        ("-inf", None),
        ("\u0661", "not a whole number"),
    ],
)
def test_integers(load: Load, cell: str, wanted: object) -> None:
    assert value(load, "integer", cell) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("-1E-3", -0.001),
        ("1,5", COMMA),
        ("1.234,5", COMMA),
        ("nan", None),
        ("Infinity", None),
        ("-INF", None),
        ("1e999", "not a number"),
        ("1_000.5", "not a number"),
        ("1.5 EUR", "not a number"),
        ("--1", "not a number"),
        ("1\x00", "not a number"),
    ],
)
def test_numbers(load: Load, cell: str, wanted: object) -> None:
    assert value(load, "number", cell) == wanted


@pytest.mark.parametrize("cell", ["true", "T", "Yes", "y", "1", "TRUE", "1.0"])
def test_every_way_to_say_yes(load: Load, cell: str) -> None:
    assert value(load, "boolean", cell) is True


@pytest.mark.parametrize("cell", ["false", "F", "No", "n", "0", "FALSE", "0.0"])
def test_every_way_to_say_no(load: Load, cell: str) -> None:
    assert value(load, "boolean", cell) is False


@pytest.mark.parametrize("cell", ["2", "maybe", "on", "yess", "-1"])
def test_what_is_neither_yes_nor_no(load: Load, cell: str) -> None:
    assert value(load, "boolean", cell) == "neither yes nor no"


@pytest.mark.parametrize(
    "cell",
    [
        "2004-12-31",
        "2004-12-31T23:59:59Z",
        "2004-12-31 23:59:59.123456",
        "2004-12-31 23:59",
        "2004-12-31T23:59:59+02:00",
        "2004-12-31 18:00:00.000000-0500",
    ],
)
def test_dates_and_timestamps_give_their_day(load: Load, cell: str) -> None:
    assert value(load, "date", cell) == date(2004, 12, 31)


@pytest.mark.parametrize(
    "cell",
    [
        "31.12.2004",
        "12/31/2004",
        "2004/12/31",
        "20041231",
        "2004-1-5",
        "2004-02-30",
        "2004-12-31x",
        "2004-12-31 25:00",
        "2004-12-31 1",
        "infinity",
        "epoch",
    ],
)
def test_what_is_no_date(load: Load, cell: str) -> None:
    assert value(load, "date", cell) == "not a date like 2004-12-31"


@settings(deadline=None, max_examples=60)
@given(
    numbers=st.lists(st.floats(), min_size=1), integers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)
)
def test_any_number_comes_back_exactly(
    make_source: Callable[..., Source],
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[float],
    integers: list[int],
) -> None:
    size = min(len(numbers), len(integers))
    path = tmp_path_factory.mktemp("numbers") / "x.csv"
    rows = "".join(f"{i},{numbers[i]!r},{integers[i]}\n" for i in range(size))
    path.write_text("id,x,k\n" + rows)
    found = read(
        make_source(str(path), traits={"x": "x", "k": "k"}),
        path.parent,
        {"x": Type.NUMBER, "k": Type.INTEGER},
    )
    wanted = [number if math.isfinite(number) else None for number in numbers[:size]]
    assert found.records["trait:x"].to_pylist() == wanted
    assert found.records["trait:k"].to_pylist() == integers[:size]


def test_one_row_with_several_faults_is_one_reject(load: Load) -> None:
    result = load("id,a,b\n1,x,x\n2,1,1\n", traits={"integer": "a", "number": "b"})
    assert result.rejects.to_pylist() == [{"line": 2, "column": "a", "reason": "not a whole number"}]


def test_rejects_never_hold_a_value(load: Load) -> None:
    result = load("id,a\n1,SECRET\n1,5\nSECRET,5\nSECRET,6\n,7\n", traits={"integer": "a"})
    assert result.rejects.num_rows == 3
    assert "SECRET" not in str(result.rejects.to_pylist())


def test_rejects_are_in_the_order_of_the_file(load: Load) -> None:
    result = load("id,a\n1,x\n2\n3,1\n3,2\n4,x\n", traits={"integer": "a"})
    assert result.rejects["line"].to_pylist() == [2, 3, 5, 6]
    assert result.rejects.num_rows + result.records.num_rows == result.rows


def test_a_missing_identifier_is_rejected(load: Load) -> None:
    result = load("id,a\nNA,1\n ,1\n3,1\n")
    assert result.rejects.to_pylist() == [
        {"line": line, "column": "id", "reason": "no identifier"} for line in (2, 3)
    ]


def test_one_of_two_identifiers_is_enough(load: Load) -> None:
    result = load("id,v\n1,\n,7\n,\n", identifiers={"person": "id", "voter": "v"})
    assert result.records.select(["id:person", "id:voter"]).to_pylist() == [
        {"id:person": "1", "id:voter": None},
        {"id:person": None, "id:voter": "7"},
    ]


def test_a_repeated_identifier_keeps_the_first_row(load: Load) -> None:
    result = load("id\n1\n2\n1\n1\n")
    assert result.records["line"].to_pylist() == [2, 3]
    assert [row["reason"] for row in result.rejects.to_pylist()] == ["same identifier as line 2"] * 2


ANSWERS = st.sampled_from(["yes", "no", ""])
ROWS = st.tuples(
    st.sampled_from(["", "1", "2"]), st.sampled_from(["", "a", "b"]), ANSWERS, st.sampled_from("5x")
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_a_no_of_any_row_outweighs_every_yes_of_the_same_identifier(load: Load, rows: list[tuple[str, ...]]):
    """Rejected rows are heard, too: repeated ones, and those with a bad age."""
    consent = ConsentColumn(column="ok", purpose="fundraising", channel="email")
    mapping = {
        "identifiers": {"person": "id", "voter": "v"},
        "consents": (consent,),
        "traits": {"integer": "age"},
    }
    # A row of somebody else, so that there is a good one.
    content = "\n".join(["id,v,ok,age", "9,z,yes,5", *map(",".join, rows)])
    records = load(f"{content}\n", **mapping).records.to_pylist()
    for record in records:
        person, voter = record["id:person"], record["id:voter"]
        same = [ok for one, other, ok, _ in rows if one == (person or None) or other == (voter or None)]
        own = "yes" if person == "9" else rows[record["line"] - 3][2]
        said = False if "no" in same else {"yes": True, "no": False, "": None}[own]
        assert record["consent:fundraising:email"] is said


def test_a_no_to_one_channel_is_none_to_another(load: Load) -> None:
    consents = tuple(ConsentColumn(column=c, purpose="fundraising", channel=c) for c in ("email", "sms"))
    result = load("id,email,sms\n1,yes,yes\n1,no,yes\n", consents=consents)
    (record,) = result.records.to_pylist()
    assert (record["consent:fundraising:email"], record["consent:fundraising:sms"]) == (False, True)


def test_a_rejected_row_does_not_take_an_identifier_away(load: Load) -> None:
    result = load("id,a\n1,x\n1,5\n1,6\n", traits={"integer": "a"})
    assert result.records["line"].to_pylist() == [3]
    assert result.rejects["reason"].to_pylist() == ["not a whole number", "same identifier as line 3"]


def test_the_line_number_serves_as_identifier(load: Load) -> None:
    result = load("a\n5\nx\n5\n", identifiers={"row": LINE_NUMBER}, traits={"integer": "a"})
    assert result.records["id:data.row"].to_pylist() == ["2", "4"]  # line 2 of another file is another person


def test_every_role_has_its_column_and_type(load: Load) -> None:
    result = load(
        "id,hh,mail,ok,age,arm,p,got\n1,h1,a@b.c,yes,31,a,0.25,1\n2,h1,,,,,,\n",
        household=HouseholdColumn(column="hh"),
        contacts={"email": "mail"},
        consents=(ConsentColumn(column="ok", purpose="fundraising", channel="email"),),
        traits={"integer": "age"},
        treatment=PastTreatment(
            column="arm", arms={"none": "arm = 'a'", "some": "arm = 'b'"}, probability="p"
        ),
        outcomes={"collected": OutcomeColumn(column="got", category="health")},
    )
    assert result.records.schema == pa.schema(
        [
            ("line", pa.int64()),
            ("id:person", pa.string()),
            ("household", pa.string()),
            ("contact:email", pa.string()),
            ("consent:fundraising:email", pa.bool_()),
            ("trait:integer", pa.int64()),
            ("outcome:collected", pa.float64()),
            ("arm", pa.string()),
            ("probability", pa.float64()),
        ]
    )
    assert [list(row.values()) for row in result.records.to_pylist()] == [
        [2, "1", "h1", "a@b.c", True, 31, 1.0, "none", 0.25],
        [3, "2", "h1", None, None, None, None, None, None],
    ]


@pytest.mark.parametrize(
    ("cell", "wanted"), [("yes", 1.0), ("F", 0.0), ("2.5", 2.5), ("nan", None), ("", None)]
)
def test_an_outcome_is_a_number_or_a_yes(load: Load, cell: str, wanted: float | None) -> None:
    result = load(f"id,y\n1,{cell}\n2,1\n", outcomes={"y": OutcomeColumn(column="y", category="behavior")})
    assert result.records["outcome:y"][0].as_py() == wanted


def test_an_outcome_that_is_neither_is_rejected(load: Load) -> None:
    result = load("id,y\n1,maybe\n2,1\n", outcomes={"y": OutcomeColumn(column="y", category="behavior")})
    assert result.rejects["reason"].to_pylist() == ["neither a number nor yes or no"]


def test_arms_come_from_conditions_on_a_typed_column(load: Load) -> None:
    arms = {"none": "tinc = 0", "small": "tinc > 0 AND tinc <= 1", "large": "tinc > 1"}
    result = load(
        "id,tinc\n1,0\n2,0.50\n3,1e0\n4,2.08\n5,\n6,-1\n",
        treatment=PastTreatment(column="tinc", arms=arms, type=Type.NUMBER, probabilities={"none": 0.25}),
    )
    assert result.records["arm"].to_pylist() == ["none", "small", "small", "large", None]
    assert result.records["probability"].to_pylist() == [0.25, None, None, None, None]
    assert result.rejects.to_pylist() == [{"line": 7, "column": "tinc", "reason": "no arm matches"}]


@pytest.mark.parametrize("name", ["line", "value", "v0", "b0", "x0", "arm", "Two Words", 'a"b', "c0"])
def test_any_column_name_can_hold_the_treatment(load: Load, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    result = load(
        f"id,{quoted}\n1,a\n2,b\n",
        treatment=PastTreatment(column=name, arms={"none": f"{quoted} = 'a'", "it's": f"{quoted} = 'b'"}),
    )
    assert result.records["arm"].to_pylist() == ["none", "it's"]


def test_a_value_in_two_arms_is_an_error_that_names_them(load: Load) -> None:
    arms = {"none": "t = 0", "low": "t < 5", "high": "t > 3"}
    with pytest.raises(SourceError, match="line 3 matches 'low' and 'high'"):
        load("id,t\n1,9\n2,4\n", treatment=PastTreatment(column="t", arms=arms, type=Type.INTEGER))


@pytest.mark.parametrize("cell", ["0", "1.01", "-0.5", "x"])
def test_an_impossible_probability_is_rejected(load: Load, cell: str) -> None:
    arms = {"none": "t = 'a'", "some": "t = 'b'"}
    result = load(
        f"id,t,p\n1,a,{cell}\n2,b,1\n", treatment=PastTreatment(column="t", arms=arms, probability="p")
    )
    assert result.rejects["reason"].to_pylist() == ["not a probability above 0 and up to 1"]
    assert result.records["probability"].to_pylist() == [1.0]


def test_a_column_of_the_wrong_type_is_one_error(load: Load) -> None:
    rows = "".join(f"{i},x{i}\n" for i in range(5000))
    with pytest.raises(
        SourceError, match=r"column 'a'.*mapped as integer.*none of its 5000 values"
    ) as caught:
        load("id,a\n" + rows, traits={"integer": "a"})
    assert "set the type of trait 'integer' to text" in caught.value.todo


def test_a_file_without_a_good_row_is_an_error_that_tells_the_commonest_reason(load: Load) -> None:
    with pytest.raises(
        SourceError, match="none of the 3 rows is good; most often column 'id': no identifier"
    ):
        load("id,a\n,1\n,2\n3\n")


def test_an_absent_column_gets_a_suggestion_and_the_header(load: Load) -> None:
    with pytest.raises(SourceError, match=r"column 'Agee': not in data.csv. Did you mean 'age'\?"):
        load("id,age\n1,2\n", traits={"integer": "Agee"})


def test_an_unknown_trait_gets_a_suggestion(load: Load) -> None:
    with pytest.raises(SourceError, match=r"traits.integr.*Did you mean 'integer'"):
        load("id,age\n1,2\n", traits={"integr": "age"})


def test_unmapped_columns_are_listed(load: Load) -> None:
    assert load("id,b,a\n1,2,3\n").ignored == ("b", "a")


def test_one_column_may_serve_several_roles(load: Load) -> None:
    result = load("id\n1\n2\n", traits={"integer": "id", "text": "id"})
    assert result.records["trait:integer"].to_pylist() == [1, 2]
    assert result.records["trait:text"].to_pylist() == ["1", "2"]


@pytest.mark.slow
def test_a_million_rows_are_read(make_source: Callable[..., Source], tmp_path: Path) -> None:
    rows = 1_000_000
    with (tmp_path / "x.csv").open("w") as file:
        file.write("id,mail,ok,a,b,c,d,e,f,arm,y,z\n")
        for i in range(rows):
            file.write(
                f"{i},p{i}@example.org,yes,{i % 90},{i / 7},2004-12-31,x{i},{i},no,{'ab'[i % 2]},1,{i}\n"
            )
    source = make_source(
        "x.csv",
        contacts={"email": "mail"},
        consents=(ConsentColumn(column="ok", purpose="commercial", channel="email"),),
        traits={"a": "a", "b": "b", "c": "c", "d": "d", "e": "e", "f": "f"},
        treatment=PastTreatment(column="arm", arms={"none": "arm = 'a'", "mail": "arm = 'b'"}),
        outcomes={
            "y": OutcomeColumn(column="y", category="behavior"),
            "z": OutcomeColumn(column="z", category="behavior"),
        },
    )
    types = dict(
        zip(
            "abcdef",
            [Type.INTEGER, Type.NUMBER, Type.DATE, Type.TEXT, Type.INTEGER, Type.BOOLEAN],
            strict=True,
        )
    )
    found = read(source, tmp_path, types)
    assert found.records.num_rows == rows
    assert found.rejects.num_rows == 0
    assert found.records["line"].to_pylist() == list(range(2, rows + 2))
    assert found.records["trait:e"].to_pylist() == list(range(rows))
