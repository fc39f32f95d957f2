"""What is there is found, wherever it stands; what is something else is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.rights import search
from suasion.rights.search import Sought, files_under

VALUE = "Müller.77@x.example"


@settings(deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(1, 60))
def test_a_value_is_found_across_blocks(before: bytes, after: bytes, size: int):
    content = before + b"\0" + VALUE.upper().replace("Ü", "ü").encode() + after
    blocks = [content[i : i + size] for i in range(0, len(content), size)]
    assert Sought.of([VALUE]).is_among(blocks)


@settings(deadline=None)
@given(st.text("abc123", max_size=12), st.text("abc123 ", max_size=30), st.integers(1, 8))
def test_in_text_a_value_is_a_whole_word(value: str, content: str, size: int):
    """Against the definition: some occurrence has no letter or digit beside it."""
    raw = content.encode()
    blocks = [raw[i : i + size] for i in range(0, len(raw), size)]
    padded = f" {content} "
    places = [i for i in range(len(padded)) if value and padded.startswith(value, i)]
    whole = any(padded[i - 1] == " " and padded[i + len(value)] == " " for i in places if i > 0)
    assert Sought.of([value]).is_among(blocks) is (whole and len(value) >= search.SHORTEST)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
def test_a_value_is_found_in_every_encoding(tmp_path: Path, encoding: str):
    path = tmp_path / "a.txt"
    path.write_text(f"x;{VALUE};y", encoding=encoding)
    assert Sought.of([VALUE]).is_in(path)
    assert not Sought.of(["Mueller.77@x.example"]).is_in(path)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", VALUE]),
        pa.array(["a", VALUE], pa.large_string()),
        pa.array([VALUE, "a"]).dictionary_encode(),
        pa.array([VALUE.encode(), b"a"]),
        pa.array([[VALUE], ["a", "b"]]),
        pa.array([{"x": "a", "y": ["b", VALUE]}, {"x": "c", "y": None}]),
        pa.array([[("k", VALUE)], []], pa.map_(pa.string(), pa.string())),
    ],
    ids=str,
)
def test_a_value_is_found_in_any_column_of_a_parquet_file(tmp_path: Path, column: pa.Array):
    path = tmp_path / "a.bin"
    pq.write_table(pa.table({"c": column}), path, compression="zstd")
    assert Sought.of([VALUE]).is_in(path)
    assert not Sought.of(["somebody else"]).is_in(path)


@pytest.mark.parametrize("values", [[880077, 1], [880077.0, None]])
def test_a_number_is_found_where_numbers_count(tmp_path: Path, values: list[float]):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"c": values}), path)
    assert Sought.of(["880077"]).is_in(path)
    assert not Sought.of(["880077"]).is_in(path, numbers=False)
    assert not Sought.of(["88007"]).is_in(path)


def test_notes_of_a_parquet_file_are_searched(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"c": [1]}).replace_schema_metadata({"by": f"made for {VALUE}"}), path)
    assert Sought.of([VALUE]).is_in(path)


def test_a_damaged_parquet_file_is_searched_as_bytes(tmp_path: Path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1\0" + VALUE.encode() + b"\xffPAR1")
    assert Sought.of([VALUE]).is_in(path)


def test_short_values_are_counted_and_not_searched(tmp_path: Path):
    sought = Sought.of(["12345", "123456", VALUE])
    assert (sought.values, sought.short) == (2, 1)
    assert not sought.is_among([b"12345"])
    assert not Sought.of([]).is_among([b"anything"])


def test_every_file_is_looked_at_once_behind_links_too(tmp_path: Path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "deep").mkdir(parents=True)
    outside.mkdir()
    for path in (inside / "a", inside / "deep" / "b", outside / "c"):
        path.write_text("x")
    (inside / "loop").symlink_to(inside)
    (inside / "link").symlink_to(outside)
    (inside / "gone").symlink_to(tmp_path / "nothing")
    found = list(files_under([inside, inside / "deep", outside]))
    assert sorted(path.name for path in found) == ["a", "b", "c"]
