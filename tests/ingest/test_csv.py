"""CSV files as they really come: encodings, quotes, line ends, ragged rows."""

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest import Records, Source, read
from suasion.ingest.cells import NULL_TOKENS

Load = Callable[..., Records]
TRAIT = {"traits": {"text": "t"}}


def rejects(result: Records) -> list[tuple[int, str | None, str]]:
    return [(row["line"], row["column"], row["reason"]) for row in result.rejects.to_pylist()]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(load: Load, mark: str) -> None:
    result = load(f"id{mark}t\n1{mark}a\n", **TRAIT)
    assert result.records.to_pylist() == [
        {"line": 2, "id:person": "1", "trait:text": "a", "arm": None, "probability": None}
    ]


def test_a_delimiter_inside_a_quoted_header_does_not_count(load: Load) -> None:
    result = load('id;"a,b,c,d";t\n1;x;y\n', **TRAIT)
    assert result.ignored == ("a,b,c,d",)


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-8", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(load: Load, codec: str) -> None:
    result = load("id,t\n1,Zoë\n".encode(codec), **TRAIT)
    assert result.records["trait:text"].to_pylist() == ["Zoë"]


@pytest.mark.parametrize("codec", ["cp1252", "latin-1", "utf-16-le", "UTF8"])
def test_a_declared_encoding_is_used(load: Load, codec: str) -> None:
    result = load("id,t\n1,Zoë\n".encode(codec), encoding=codec, **TRAIT)
    assert result.records["trait:text"].to_pylist() == ["Zoë"]


def test_a_mark_is_dropped_though_utf8_is_declared(load: Load) -> None:
    assert load("id,t\n1,a\n".encode("utf-8-sig"), encoding="utf-8", **TRAIT).rows == 1


def test_a_wrong_encoding_asks_for_cp1252(load: Load) -> None:
    with pytest.raises(SourceError, match=r"3 of 3 rows are not valid UTF-8.*cp1252"):
        load("id,t\n1,é\n2,é\n3,é\n".encode("cp1252"), **TRAIT)


def test_a_header_in_a_wrong_encoding_asks_for_cp1252(load: Load) -> None:
    with pytest.raises(SourceError, match=r"header is not valid UTF-8.*cp1252"):
        load("id,té\n1,a\n".encode("cp1252"))


def test_one_line_of_invalid_bytes_is_one_reject(load: Load) -> None:
    result = load(b"id,t\n1,a\n2,\xff\xfe\n3,c\n", **TRAIT)
    assert result.records["line"].to_pylist() == [2, 4]
    assert rejects(result) == [(3, "t", "not valid UTF-8")]
    assert result.rows == 3


def test_invalid_bytes_in_a_column_that_is_not_mapped_do_no_harm(load: Load) -> None:
    result = load(b"id,t,u\n1,a,\xff\n2,b,\xff\n", **TRAIT)
    assert result.rejects.num_rows == 0
    assert result.ignored == ("u",)


def test_an_unknown_encoding_is_an_error(load: Load) -> None:
    with pytest.raises(SourceError, match="encoding 'klingon' is not known"):
        load("id,t\n1,a\n", encoding="klingon")


@pytest.mark.parametrize("codec", ["base64", "rot13"])
def test_a_codec_that_is_no_text_encoding_is_an_error(load: Load, codec: str) -> None:
    with pytest.raises(SourceError, match="is not known"):
        load("id,t\n1,a\n", encoding=codec)


def test_bytes_that_are_not_utf16_are_an_error(load: Load) -> None:
    with pytest.raises(SourceError, match="not UTF-16"):
        load("id,t\n1,a\n".encode("utf-16") + b"\x00\xd8a\x00\n", **TRAIT)


def test_quoted_newlines_count_as_lines(load: Load) -> None:
    result = load('id,t\n1,"a\nb\r\nc"\n2,d\n', **TRAIT)
    assert result.records["line"].to_pylist() == [2, 5]
    assert result.records["trait:text"].to_pylist() == ["a\nb\r\nc", "d"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_line_end_works_and_the_last_may_be_missing(load: Load, end: str, last: bool) -> None:
    result = load(end.join(["id,t", "1,a", "2,b"]) + end * last, **TRAIT)
    assert result.records["line"].to_pylist() == [2, 3]
    assert result.records["trait:text"].to_pylist() == ["a", "b"]


def test_blank_lines_are_no_rows_but_count_as_lines(load: Load) -> None:
    result = load("\nid,t\n\n1,a\n\n", **TRAIT)
    assert result.records["line"].to_pylist() == [4]
    assert result.rows == 1


def test_a_ragged_row_is_rejected_with_both_counts(load: Load) -> None:
    result = load('id,t\n1\n2,a\n3,a,b\n4,"x\ny",z\n', **TRAIT)
    assert rejects(result) == [
        (2, None, "1 field, header has 2"),
        (4, None, "3 fields, header has 2"),
        (5, None, "3 fields, header has 2; the row spans lines 5 to 6"),
    ]
    assert result.rows == 4


def test_a_nul_byte_is_rejected(load: Load) -> None:
    result = load(b"id,t\n1,a\x00b\n2,c\n", **TRAIT)
    assert rejects(result) == [(2, "t", "holds a NUL byte")]


def test_a_binary_file_is_refused(load: Load) -> None:
    with pytest.raises(SourceError, match="NUL bytes, so it is not text"):
        load(b"PK\x03\x04\x00\x00\x08\n\x00\x00")


def test_utf16_without_a_mark_is_refused_with_advice(load: Load) -> None:
    with pytest.raises(SourceError, match="utf-16-le"):
        load("id,t\n1,a\n".encode("utf-16-le"))


def test_a_very_long_field_is_read_whole(load: Load) -> None:
    result = load(f"id,t\n1,{'x' * 2_000_000}\n", **TRAIT)
    assert len(result.records["trait:text"][0].as_py()) == 2_000_000


def test_the_field_limit_of_the_process_is_left_alone(load: Load) -> None:
    before = csv.field_size_limit()
    load("id,t\n1,a\n", **TRAIT)
    assert csv.field_size_limit() == before


def test_a_quote_that_is_never_closed_tells_where_it_opened(load: Load) -> None:
    rows = "".join(f"{i},x\n" for i in range(1000))
    with pytest.raises(SourceError, match="row on line 3 is not closed properly"):
        load(f'id,t\na,b\nc,"d\n{rows}', **TRAIT)


def test_a_quote_that_meets_another_row_s_quote_tells_where_it_opened(load: Load) -> None:
    with pytest.raises(SourceError, match=r"row on line 2 is not closed properly \(read to line 3\)"):
        load('id,t\n1,"a\n2,"b"\n3,c\n', **TRAIT)


def test_a_misplaced_quote_on_one_line_rejects_only_that_line(load: Load) -> None:
    result = load('id,t\n1,"a"b\n2,c\n3,d"e"f\n', **TRAIT)
    assert rejects(result) == [(2, None, "a quote is not closed before the delimiter")]
    assert result.records["trait:text"].to_pylist() == ["c", 'd"e"f']


def test_a_quote_open_in_the_last_line_rejects_it(load: Load) -> None:
    result = load('id,t\n1,a\n2,"b', **TRAIT)
    assert rejects(result) == [(3, None, "a quote is not closed before the delimiter")]


def test_a_quote_open_in_the_header_is_an_error(load: Load) -> None:
    with pytest.raises(SourceError, match="header is not closed"):
        load('id,"t\n1,a\n')


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(load: Load, content: str) -> None:
    with pytest.raises(SourceError, match="it is empty"):
        load(content)


def test_a_header_without_rows_is_refused(load: Load) -> None:
    with pytest.raises(SourceError, match="a header and no rows"):
        load("id,t\n")


def test_two_columns_of_one_name_are_refused(load: Load) -> None:
    with pytest.raises(SourceError, match="'t' more than once"):
        load("id,t,t\n1,a,b\n")


def test_columns_that_differ_only_in_capitals_stay_apart(load: Load) -> None:
    result = load("id,t,T\n1,a,b\n", traits={"text": "T"})
    assert result.records["trait:text"].to_pylist() == ["b"]


def test_unnamed_columns_are_ignored(load: Load) -> None:
    assert load(",id,,t\n0,1,x,a\n", **TRAIT).ignored == ("", "")


def test_an_absent_file_is_refused(make_source: Callable[..., Source], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read(make_source("no.csv"), tmp_path, {})


def test_an_absolute_path_needs_no_folder(make_source: Callable[..., Source], tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id\n1\n")
    assert read(make_source(str(path)), Path("nowhere"), {}).rows == 1


# With "\n" as line end, Python's writer leaves a lone "\r" unquoted, which is a line end when read.
@pytest.mark.parametrize(
    ("quoting", "end"), [(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n")]
)
@settings(deadline=None, max_examples=60)
@given(cells=st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=30))
def test_any_text_comes_back_with_its_line(
    make_source: Callable[..., Source], quoting: int, end: str, cells: list[tuple[str, str]]
) -> None:
    cells = [(a.replace("\0", ""), b.replace("\0", "")) for a, b in cells]
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator=end, quoting=quoting)
    writer.writerow(["a", "id", "b"])
    lines: list[int] = []
    for i, (a, b) in enumerate(cells):
        text = held.getvalue().replace("\r\n", "\n").replace("\r", "\n")
        lines.append(text.count("\n") + 1)
        writer.writerow([a, i, b])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.csv").write_bytes(held.getvalue().encode())
        found = read(
            make_source("x.csv", traits={"a": "a", "b": "b"}), Path(folder), {"a": Type.TEXT, "b": Type.TEXT}
        )
    wanted = pa.table(
        {
            "line": lines,
            "id:person": [str(i) for i in range(len(cells))],
            "trait:a": pa.array([known(a) for a, _ in cells], pa.string()),
            "trait:b": pa.array([known(b) for _, b in cells], pa.string()),
        }
    )
    assert found.records.drop_columns(["arm", "probability"]).to_pylist() == wanted.to_pylist()
    assert found.rejects.num_rows == 0


def known(cell: str) -> str | None:
    trimmed = cell.strip()
    return None if trimmed in NULL_TOKENS else trimmed


@pytest.mark.parametrize("token", NULL_TOKENS)
def test_every_null_token_is_null(load: Load, token: str) -> None:
    result = load(f"id,t,n\n1,{token}, {token} \n", traits={"text": "t", "number": "n"})
    assert result.records["trait:text"].to_pylist() == [None]
    assert result.records["trait:number"].to_pylist() == [None]
