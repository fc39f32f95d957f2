"""Guesses: right where names or contents tell, candidates where they do not."""

from pathlib import Path

import pytest

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest import Guess, guess


def look(folder: Path, header: str, *rows: str) -> Guess:
    path = folder / "x.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return guess(path)


def roles(found: Guess) -> dict[str, str]:
    return {column.name: column.role for column in found.columns}


def test_names_and_contents_give_roles(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        "voter_id,household_id,contact,mobile,variant,yearOfBirth,religion,voted,zip,blank",
        "a1,1,a@b.org,+49 30 1234567,control,1950,x,1,01234,",
        "a2,1,c@d.org,+49 30 1234568,letter,1961,y,0,01234,",
        "a3,2,e@f.org,030/1234569,letter,1950,x,1,99999,",
    )
    assert roles(found) == {
        "voter_id": "identifier",
        "household_id": "household",
        "contact": "email",
        "mobile": "phone",
        "variant": "treatment",
        "yearOfBirth": "trait",
        "religion": "trait",
        "voted": "outcome",
        "zip": "trait",
        "blank": "ignored",
    }
    assert found.identifiers == ("voter_id", "#line")
    assert found.column("variant").control == "control"
    assert found.column("variant").values == ("letter", "control")
    assert found.column("religion").category == "belief"
    assert found.column("yearOfBirth").why == "a date or year of birth"


def test_the_type_is_the_narrowest_that_fits_every_cell(tmp_path: Path) -> None:
    found = look(
        tmp_path,
        "whole,real,day,flag,code,word",
        "1,1.5,2004-12-31,yes,007,a",
        "2,2,2005-01-01T10:00,no,123,b",
        "3,NA,,yes,999,1",
    )
    assert {column.name: column.type for column in found.columns} == {
        "whole": Type.INTEGER,
        "real": Type.NUMBER,
        "day": Type.DATE,
        "flag": Type.BOOLEAN,
        "code": Type.TEXT,
        "word": Type.TEXT,
    }
    assert found.column("real").missing == 1


def test_random_names_leave_candidates_by_content(tmp_path: Path) -> None:
    rows = [f"{1000 + i},{'pq'[i % 2]},{i % 3 % 2},{i / 7}" for i in range(50)]
    found = look(tmp_path, "xq1,zz,kk,ww", *rows)
    assert found.identifiers == ("xq1", "#line")
    assert found.treatments == ("zz", "kk")
    assert found.outcomes == ("kk",)
    assert roles(found) == {"xq1": "identifier", "zz": "trait", "kk": "trait", "ww": "trait"}


def test_a_control_like_value_makes_a_treatment_likelier(tmp_path: Path) -> None:
    rows = [f"{'pq'[i % 2]},{['placebo', 'pill'][i % 2]}" for i in range(10)]
    assert look(tmp_path, "aa,bb", *rows).treatments == ("bb", "aa")


def test_a_column_with_thirteen_values_is_no_treatment(tmp_path: Path) -> None:
    rows = [f"{i % 13},{i % 12}" for i in range(156)]
    assert look(tmp_path, "arm13,arm12", *rows).treatments == ("arm12",)


def test_an_identifier_must_be_unique_and_complete(tmp_path: Path) -> None:
    assert look(tmp_path, "id,key,n", "1,a,1.5", "1,,2.5", "2,c,3.5").identifiers == ("#line",)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("hiv2004", "health"),
        ("disease_history", "health"),
        ("Religion", "belief"),
        ("ethnicGroup", "origin"),
        ("union_member", "union"),
        ("party", "politics"),
        ("sex life", "sex_life"),
        ("grace", None),
        ("recency", None),
        ("trace", None),
        ("essex", None),
    ],
)
def test_sensitive_names_get_their_category(tmp_path: Path, name: str, category: str | None) -> None:
    found = look(tmp_path, f"id,{name}", "a,x1", "b,x2", "c,x1")
    assert found.column(name).category == category


def test_the_same_file_is_guessed_the_same_each_time(tmp_path: Path) -> None:
    rows = [f"{i},{'abc'[i % 3]},{i % 2},{(i * 7) % 5}" for i in range(1000)]
    assert look(tmp_path, "a,b,c,d", *rows) == look(tmp_path, "a,b,c,d", *rows)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        guess(tmp_path / "no.csv")
