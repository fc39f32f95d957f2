"""A row goes out of a file and every other byte stays."""

from __future__ import annotations

import codecs
import os
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suasion.errors import SourceError
from suasion.ingest import Source, read
from suasion.ingest.subject import cut_rows, find_rows
from suasion.rules import Basis, Purpose

MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


def source(file: str, encoding: str | None = None, **identifiers: str) -> Source:
    return Source(
        name="s",
        file=file,
        licence="ours",
        purposes=(Purpose.CIVIC,),
        basis=Basis.CONSENT,
        observed_on=date(2026, 1, 1),
        territory="DE",
        identifiers=identifiers or {"member": "id"},
        encoding=encoding,
    )


def quoted(cell: str, delimiter: str, always: bool) -> str:
    needed = always or any(letter in cell for letter in f'"{delimiter}\r\n')
    return '"' + cell.replace('"', '""') + '"' if needed else cell


letters = st.sampled_from([*"abcÄé€ŒŸ,;\"'|\t \r\n", "\r\n", '""', "R1", "=R1", "x"])
cells = st.lists(letters, max_size=6).map("".join)
rows = st.lists(
    st.tuples(st.sampled_from(["R1", "R2", "R11", " R1 ", "r1"]), cells, cells, st.booleans()), max_size=12
)


@settings(deadline=None)
@given(
    rows,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "cp1252", "utf-16-le", "utf-16-be"]),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 12), max_size=3),
)
@example([("R1", "", "", False)], ",", "\n", "utf-8", True, True, [0, 0, 1])
@example([("R2", 'a\r\n"b', "", True), ("R1", "\n\n", '"', True)], ";", "\r", "cp1252", False, False, [])
def test_what_is_left_of_a_csv_file_is_the_rows_of_the_others(
    made: list[tuple[str, str, str, bool]],
    delimiter: str,
    end: str,
    encoding: str,
    marked: bool,
    closed: bool,
    blanks: list[int],
):
    """The rows are written here one by one, so that what must be left is known without reading."""
    texts = [
        delimiter.join(
            [quoted(name, delimiter, always), *(quoted(cell, delimiter, always) for cell in others)]
        )
        + end
        for name, *others, always in made
    ]
    theirs = [name.strip() == "R1" for name, *_ in made]
    for place in blanks:
        texts.insert(place, end)
        theirs.insert(place, False)
    if texts and not closed:
        texts[-1] = texts[-1].removesuffix(end)
    header = delimiter.join(["id", "x", "y"]) + end
    mark = MARKS.get(encoding, b"") if marked else b""
    declared = None if mark or encoding == "utf-8" else encoding
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(mark + "".join([header, *texts]).encode(encoding))
        if not made:
            with pytest.raises(SourceError):
                find_rows(source("a.csv", declared), Path(folder), {"member": {"R1"}})
            return
        found = find_rows(source("a.csv", declared), Path(folder), {"member": {"R1"}})
        assert len(found) == sum(theirs)
        cut_rows(source("a.csv", declared), Path(folder), found)
        left = "".join([header, *(text for text, gone in zip(texts, theirs, strict=True) if not gone)])
        assert path.read_bytes() == mark + left.encode(encoding)
        assert os.listdir(folder) == ["a.csv"]


def test_the_lines_of_broken_rows_are_counted_and_stay(tmp_path: Path):
    content = b'\n\nid,x\nR1,1\n\nR2,"a" b\nR3,1,2\nR1,\xff\n"R1","a\nb"\nR4,4\n'
    (tmp_path / "a.csv").write_bytes(content)
    found = find_rows(source("a.csv"), tmp_path, {"member": ["R1"]})
    assert found == (4, 8, 9)
    cut_rows(source("a.csv"), tmp_path, found)
    assert (tmp_path / "a.csv").read_bytes() == b'\n\nid,x\n\nR2,"a" b\nR3,1,2\nR4,4\n'


def test_a_file_that_has_no_exact_copy_stays(tmp_path: Path):
    """UTF-7 has several spellings of one text: what was read does not say which bytes were there."""
    content = b"id,x\nR1,+AGE-\nR2,b\n"
    (tmp_path / "a.csv").write_bytes(content)
    made = source("a.csv", "utf-7")
    with pytest.raises(SourceError, match="no exact copy"):
        cut_rows(made, tmp_path, find_rows(made, tmp_path, {"member": ["R1"]}))
    assert (tmp_path / "a.csv").read_bytes() == content
    assert os.listdir(tmp_path) == ["a.csv"]


def test_mode_and_link_stay(tmp_path: Path):
    (tmp_path / "real.csv").write_text("id\nR1\nR2\n")
    (tmp_path / "real.csv").chmod(0o640)
    (tmp_path / "a.csv").symlink_to("real.csv")
    cut_rows(source("a.csv"), tmp_path, [2])
    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "id\nR2\n"
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o640


def test_a_field_longer_than_the_standard_reader_takes_is_one_row(tmp_path: Path):
    long = "x\n" * 200_000
    (tmp_path / "a.csv").write_text(f'id,x\nR1,"{long}"\nR2,2\n')
    found = find_rows(source("a.csv"), tmp_path, {"member": ["R1"]})
    cut_rows(source("a.csv"), tmp_path, found)
    assert (tmp_path / "a.csv").read_text() == "id,x\nR2,2\n"


def test_any_of_several_identifiers_finds_a_row(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,card\nR1,\n,c1\nR2,c2\nc1,R1\n")
    made = source("a.csv", None, member="id", card="card")
    assert find_rows(made, tmp_path, {"member": ["R1"], "card": ["c1"]}) == (2, 3)


def test_a_line_number_finds_its_row_and_none_is_cut(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id\nR1\nR2\n")
    made = source("a.csv", None, line="#line")
    assert find_rows(made, tmp_path, {"s.line": ["3"], "line": ["2"]}) == (3,)
    with pytest.raises(SourceError, match="number of their line"):
        cut_rows(made, tmp_path, [3])
    assert (tmp_path / "a.csv").read_text() == "id\nR1\nR2\n"


@pytest.mark.parametrize("ids", [[1, 2, 1], [1.0, 2.0, 1.0], ["1", "2", "1"]])
def test_rows_of_a_parquet_file_are_found_as_they_are_read(tmp_path: Path, ids: list[Any]):
    table = pa.table({"id": ids, "x": [[1], None, [2, 3]], "who": pa.array(["Ada", "Bob", "Eve"])})
    table = table.set_column(2, "who", table["who"].dictionary_encode()).replace_schema_metadata({"a": "b"})
    pq.write_table(table, tmp_path / "a.parquet", compression="none")
    before = pq.read_table(tmp_path / "a.parquet")
    made = source("a.parquet")
    as_read = set(read(made, tmp_path, {}).records["id:member"].to_pylist())
    found = find_rows(made, tmp_path, {"member": [value for value in as_read if value.startswith("1")]})
    assert found == (1, 3)
    cut_rows(made, tmp_path, found)
    left = pq.read_table(tmp_path / "a.parquet")
    assert left.to_pylist() == before.to_pylist()[1:2]
    assert left.schema.equals(before.schema, check_metadata=True)
    assert left.schema.metadata == {b"a": b"b"}
    assert b"Ada" not in (tmp_path / "a.parquet").read_bytes()


def test_a_column_that_is_gone_is_named(tmp_path: Path):
    (tmp_path / "a.csv").write_text("ident\nR1\n")
    with pytest.raises(SourceError, match="column 'id'"):
        find_rows(source("a.csv"), tmp_path, {"member": ["R1"]})
