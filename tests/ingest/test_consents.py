"""What a mapping says of consent, and at which times nobody can have agreed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from suasion.errors import SourceError
from suasion.ingest import Records, Source, load_source, read
from suasion.ingest.source import ConsentColumn

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAPPING = """
file = "x.csv"
licence = "ours"
purposes = ["commercial"]
basis = "consent"
observed_on = 2026-01-31
territory = "DE"
identifiers = { person = "id" }
[[consents]]
column = "ok"
purpose = "commercial"
channel = "email"
"""


def mapped(folder: Path, more: str) -> ConsentColumn:
    (folder / "x.toml").write_text(MAPPING + more, "utf-8")
    return load_source(folder / "x.toml").consents[0]


@pytest.fixture
def taken(tmp_path: Path, make_source: Any) -> Any:
    """Read ``id,ok,on,...`` at a time."""

    def loaded(content: str, at: datetime | None = NOW, **mapping: Any) -> Records:
        (tmp_path / "x.csv").write_text(content, "utf-8")
        usual = {"column": "ok", "purpose": "commercial", "channel": "email", "said_at": "on"}
        source: Source = make_source("x.csv", consents=({**usual, **mapping},))
        return read(source, tmp_path, {}, at)

    return loaded


def said(result: Records) -> list[Any]:
    return result.records["said:commercial:email"].to_pylist()


def test_the_words_may_stand_in_a_file_of_their_own(tmp_path: Path):
    (tmp_path / "words.txt").write_text("Yes, write\r\nto me.\n\n", "utf-8")
    assert mapped(tmp_path, 'wording_file = "words.txt"').wording == "Yes, write\nto me."


def test_other_words_in_the_file_are_another_mapping(tmp_path: Path):
    words = tmp_path / "words.txt"
    words.write_text("Yes.", "utf-8")
    before = mapped(tmp_path, 'wording_file = "words.txt"')
    words.write_text("Yes!", "utf-8")
    assert mapped(tmp_path, 'wording_file = "words.txt"') != before


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ('wording_file = "none.txt"', "no such file"),
        ('wording_file = "blank.txt"', "an empty file"),
        ('wording_file = "latin.txt"', "no such file in UTF-8"),
        ('wording_file = "../words.txt"', "outside of the folder"),
        ('wording_file = "/etc/hostname"', "outside of the folder"),
        ('wording_file = "."', "no such file"),
        ('wording = "x"\nwording_file = "blank.txt"', "a wording, too"),
        ('wording = " "', "at least 1 character"),
        ("separate = 1", "valid boolean"),
        ("said_at = 7", "said_at"),
    ],
)
def test_words_that_are_none_are_refused(tmp_path: Path, more: str, found: str):
    (tmp_path / "blank.txt").write_text(" \n", "utf-8")
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xff")
    (tmp_path.parent / "words.txt").write_text("Yes.", "utf-8")
    with pytest.raises(SourceError, match=found):
        mapped(tmp_path, more)


@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05T23:30:00-05:00", "2026-01-06T04:30:00Z"),
        ("2026-01-05T23:30:00", "2026-01-05T23:30:00Z"),
        ('"asked_on"', None),
    ],
)
def test_when_it_was_said_is_a_column_or_one_time_for_all(tmp_path: Path, value: str, on: str | None):
    assert mapped(tmp_path, f"said_at = {value}").said_on == on


def test_what_lacks_is_told():
    column = ConsentColumn(column="ok", purpose="commercial", channel="email", said_at=date(2026, 1, 1))
    assert column.lacking == ("wording", "capture")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("2026-01-05", "2026-01-05"),
        ("2026-01-05 10:30", "2026-01-05T10:30:00Z"),
        ("2026-01-05T10:30:15Z", "2026-01-05T10:30:15Z"),
        ("2026-01-05 10:30:15 UTC", "2026-01-05T10:30:15Z"),
        ("2026-01-05T00:30+02:00", "2026-01-04T22:30:00Z"),
        ("2026-01-05 00:30:00 -0530", "2026-01-05T06:00:00Z"),
        ("2026-01-05 10:30:15.75+01", "2026-01-05T09:30:15Z"),
        ("", None),
    ],
)
def test_times_are_kept_in_utc_and_days_as_days(taken: Any, cell: str, kept: str | None):
    assert said(taken(f"id,ok,on\n1,yes,{cell}\n")) == [kept]


def test_what_is_no_time_is_a_reject(taken: Any):
    for wrong in ("5.1.2026", "2026-02-30", "2026-01-05T25:00", "yesterday"):
        result = taken(f"id,ok,on\n1,yes,{wrong}\n2,yes,2026-01-01\n")
        assert result.rejects["reason"].to_pylist() == [
            "neither a date like 2004-12-31 nor a time like 2004-12-31T18:30Z"
        ]


def test_nobody_agreed_in_the_future(taken: Any):
    rows = "id,ok,on\n1,yes,2026-11-21\n2,yes,2026-11-22\n3,yes,2026-11-21T12:00Z\n4,yes,2026-11-21T12:01Z\n"
    result = taken(rows)
    assert result.records["id:person"].to_pylist() == ["1", "3"]
    assert [tuple(one.values()) for one in result.rejects.to_pylist()] == [
        (3, "on", "said in the future"),
        (5, "on", "said in the future"),
    ]
    assert taken(rows, None).rejects.num_rows == 0


def test_the_day_of_today_is_that_of_the_clock(taken: Any):
    """West of Greenwich it is still the day before."""
    late = datetime(2026, 11, 21, 20, tzinfo=timezone(timedelta(hours=-8)))
    assert taken("id,ok,on\n1,yes,2026-11-21\n2,yes,2026-11-22\n", late).rejects["line"].to_pylist() == [3]


def test_a_no_of_the_future_is_still_heard(taken: Any):
    result = taken("id,ok,on\n1,no,2030-01-01\n")
    assert result.records["consent:commercial:email"].to_pylist() == [False]


def test_nobody_agreed_after_the_last_day_of_it_or_confirmed_before(taken: Any):
    rows = "id,ok,on,until,sure\n1,yes,2026-01-02,2026-01-01,\n2,yes,2026-01-01,2026-01-01,2026-01-01\n"
    rows += (
        "3,yes,2026-01-02,,2026-01-01\n4,yes,2026-01-02,,2026-11-22\n5,no,2026-01-02,2026-01-01,2026-01-01\n"
    )
    result = taken(rows, expires="until", confirmed="sure")
    assert result.records["id:person"].to_pylist() == ["2", "5"]
    assert [tuple(one.values()) for one in result.rejects.to_pylist()] == [
        (2, "on", "said after its own last day"),
        (4, "sure", "confirmed before it was said"),
        (5, "sure", "confirmed in the future"),
    ]


def test_the_time_of_a_yes_is_none_of_the_no_that_outweighs_it(taken: Any):
    result = taken("id,ok,on\n1,yes,2026-01-01\n1,no,2026-06-01\n2,no,2026-02-01\n")
    assert result.records["consent:commercial:email"].to_pylist() == [False, False]
    assert said(result) == [None, "2026-02-01"]
