"""A table is written once and whole; what is read is what was written, or damage."""

from __future__ import annotations

import datetime
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suasion.errors import DamageError
from suasion.lake import StoredTable, load, query, store, sweep

TABLE = pa.table(
    {
        "person": pa.array([2**63 - 1, -1, None], pa.int64()),
        'odd "name", żółw; --': pa.array([0.1, float("nan"), None]),
        "text": pa.array(["", "it's", None]),
        "day": pa.array([datetime.date(2024, 2, 29), datetime.date(1, 1, 1), None]),
        "yes": pa.array([True, False, None]),
        "bytes": pa.array([b"\0\xff", b"", None]),
    }
).replace_schema_metadata({"plan": '{"budget": 500.0}'})


def test_a_table_comes_back_as_it_was_stored(tmp_path: Path):
    stored = store(tmp_path / "lake", "traits", TABLE)
    again = load(tmp_path / "lake", stored)
    assert again.schema.equals(TABLE.schema, check_metadata=True)
    assert repr(again.to_pylist()) == repr(TABLE.to_pylist())
    assert (stored.name, stored.rows) == ("traits", 3)


@pytest.mark.parametrize("table", [TABLE.slice(0, 0), pa.table({"x": pa.array([], pa.int64())})])
def test_a_table_without_rows_comes_back(tmp_path: Path, table: pa.Table):
    assert load(tmp_path, store(tmp_path, "empty", table)).equals(table)


def test_a_second_version_leaves_the_first_alone(tmp_path: Path):
    first = store(tmp_path, "traits", pa.table({"x": [1]}))
    second = store(tmp_path, "traits", pa.table({"x": [2, 3]}))
    assert first.file != second.file
    assert load(tmp_path, first)["x"].to_pylist() == [1]
    assert load(tmp_path, second)["x"].to_pylist() == [2, 3]


def test_a_file_name_with_equals_signs_adds_no_column(tmp_path: Path):
    folder = tmp_path / "year=2024"
    assert load(folder, store(folder, "a=b", pa.table({"x": [1]}))).column_names == ["x"]


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "a folder": _folder,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": _truncate,
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "noise": lambda path: path.write_bytes(b"\xa5" * path.stat().st_size),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named_with_its_table(tmp_path: Path, damage: Callable[[Path], object]):
    stored = store(
        tmp_path, "traits", pa.table({"x": [i * 7919 % 1009 for i in range(100)], "y": ["a"] * 100})
    )
    damage(tmp_path / stored.file)
    with pytest.raises(DamageError) as found:
        load(tmp_path, stored)
    assert "table 'traits'" in found.value.asked
    assert "suasion ingest" in found.value.todo
    assert found.value.exit_code == 1


def test_a_file_with_other_rows_than_the_ledger_says_is_damaged(tmp_path: Path):
    stored = store(tmp_path, "traits", pa.table({"x": [1, 2, 3]}))
    other = store(tmp_path, "traits", pa.table({"x": [1, 2, 3, 4]}))
    (tmp_path / other.file).replace(tmp_path / stored.file)
    with pytest.raises(DamageError, match="table 'traits'"):
        load(tmp_path, stored)
    with pytest.raises(DamageError, match="4 rows, not 3"):
        load(tmp_path, replace(stored, size=other.size))


def test_a_flipped_bit_in_the_data_never_changes_a_value(tmp_path: Path):
    table = pa.table({"person": list(range(200)), "text": [f"town {i % 7}" for i in range(200)]})
    stored = store(tmp_path, "traits", table)
    path = tmp_path / stored.file
    whole = path.read_bytes()
    (footer,) = struct.unpack("<I", whole[-8:-4])
    seen: Counter[str] = Counter()
    for place in range(4, len(whole) - footer - 8):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            assert load(tmp_path, stored).equals(table)
            seen["harmless"] += 1
        except DamageError:
            seen["damage"] += 1
    assert seen["damage"] > 10 * seen["harmless"]


def test_a_sweep_deletes_only_what_the_ledger_does_not_know(tmp_path: Path):
    known = [store(tmp_path, name, TABLE).file for name in ("traits", "scores.a-b", "traits")]
    orphans = [store(tmp_path, name, TABLE).file for name in ("traits", "plans.x")]
    theirs = ["people.parquet", "people-2024.parquet", "notes.txt", "traits-0123456789ab.csv"]
    for name in theirs:
        (tmp_path / name).write_bytes(b"mine")
    assert sweep(tmp_path, known) == len(orphans)
    assert {path.name for path in tmp_path.iterdir()} == {*known, *theirs}
    assert sweep(tmp_path, known) == 0


def test_a_lake_that_does_not_exist_yet_has_nothing_to_sweep(tmp_path: Path):
    assert sweep(tmp_path / "lake", []) == 0


def _stored_texts(folder: Path) -> tuple[StoredTable, list[str]]:
    """Few distinct values in many rows, so that Parquet encodes them by dictionary."""
    values = [f"it's {i % 11}" for i in range(30_000)]
    columns = {"text": values, "blob": [value.encode() for value in values], "n": list(range(len(values)))}
    return store(folder, "words", pa.table(columns)), values


@pytest.mark.parametrize("column", ["text", "blob"])
def test_duckdb_finds_a_value_in_a_stored_column(tmp_path: Path, column: str):
    """Equality pushed down into a dictionary-encoded column of bytes has lost rows in some engines."""
    stored, values = _stored_texts(tmp_path)
    path = tmp_path / stored.file
    chunk = pq.read_metadata(path).row_group(0).column(["text", "blob"].index(column))
    assert "RLE_DICTIONARY" in chunk.encodings
    counts = Counter(values)
    for value in [*counts, "it's", "absent"]:
        wanted = value if column == "text" else value.encode()
        plain = f"SELECT count(*), min(n) FROM read_parquet(?) WHERE {column} = ?"
        count, first = duckdb.execute(plain, [str(path), wanted]).fetchone() or (0, None)
        assert (count, first) == (counts[value], values.index(value) if value in counts else None)
        among = f"SELECT count(*) FROM read_parquet(?) WHERE {column} IN (?, ?)"
        assert duckdb.execute(among, [str(path), wanted, wanted]).fetchone() == (counts[value],)
    loaded = query(f"SELECT count(*) AS n FROM t WHERE {column} = ?", {"t": load(tmp_path, stored)}, [wanted])
    assert loaded["n"].to_pylist() == [0]
