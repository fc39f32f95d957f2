"""A segment is an expression over traits that the rules let it use."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from suasion.errors import CampaignError, ExpressionError, TraitRefusedError
from suasion.expressions import Type
from suasion.profiles import Trait
from suasion.rules import Gate, Jurisdiction, Occasion, Purpose, Use, load_packs
from suasion.segments import Segment, segment_from

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CATALOGUE = {
    "age": Trait(type=Type.INTEGER, category="age", label="Age", fact="age"),
    "town": Trait(type=Type.TEXT, category="place", label="Town"),
    "hiv": Trait(type=Type.INTEGER, category="health", label="Test result"),
    "arrears": Trait(type=Type.NUMBER, category="debt", label="Months in arrears"),
}


def gate(purpose: Purpose = Purpose.COMMERCIAL) -> Gate:
    occasion = Occasion(frozenset({Use.LEARN}), purpose, "segment", Jurisdiction("DE", NOW.date()), NOW)
    return Gate(load_packs([], Path("none")), occasion)


def segment(folder: Path, where: str, purpose: Purpose = Purpose.COMMERCIAL) -> Segment:
    path = folder / "adults.toml"
    path.write_text(f"label = 'Adults'\nwhere = '''{where}'''\n", encoding="utf-8")
    return segment_from(path, CATALOGUE, gate(purpose))


def test_a_segment_has_the_name_of_its_file(tmp_path: Path):
    found = segment(tmp_path, "age >= 18")
    assert (found.name, found.label) == ("adults", "Adults")
    assert found.expression.names == {"age"}


@pytest.mark.parametrize("same", ["age>=18", "  age  >=  18 ", "(age >= 18)", "((age) >= 18)"])
def test_spacing_does_not_change_the_digest(tmp_path: Path, same: str):
    assert segment(tmp_path, same).digest == segment(tmp_path, "age >= 18").digest


@pytest.mark.parametrize("other", ["age > 18", "age >= 19", "NOT age >= 18", "age >= 18 OR town = 'Ulm'"])
def test_another_meaning_is_another_digest(tmp_path: Path, other: str):
    assert segment(tmp_path, other).digest != segment(tmp_path, "age >= 18").digest


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(
    "where", ["hiv = 1", "town = 'x' AND NOT hiv IS NULL", "town = 'y' OR (town = 'x' AND hiv <> 0)"]
)
def test_a_trait_about_health_selects_nobody(tmp_path: Path, purpose: Purpose, where: str):
    with pytest.raises(TraitRefusedError, match=r"segment use of 'hiv' \(health\).*house\.special_category"):
        segment(tmp_path, where, purpose)


def test_debt_selects_nobody(tmp_path: Path):
    with pytest.raises(TraitRefusedError, match=r"'arrears' \(debt\).*house\.vulnerability"):
        segment(tmp_path, "arrears > 2")


def test_the_same_trait_may_be_fine_for_one_purpose_and_refused_for_another(tmp_path: Path):
    assert segment(tmp_path, "age > 30", Purpose.FUNDRAISING).name == "adults"
    with pytest.raises(TraitRefusedError, match=r"house\.protected"):
        segment(tmp_path, "age > 30", Purpose.CREDIT)


@pytest.mark.parametrize(
    "where",
    [
        "",
        "agee >= 18",
        "Age >= 18",
        "age >= 18; DROP TABLE t",
        "age >= 18 --",
        "town = 'Ulm",
        'town = "Ulm"',
        "town = 18",
        "age",
        "age >= '18'",
        "age IN (SELECT 1)",
        "sleep(9) = 1",
        "person = 1",
        "age >= ?",
        "age >= 18) OR (true",
    ],
)
def test_an_expression_that_is_wrong_is_an_error_that_names_the_segment(tmp_path: Path, where: str):
    with pytest.raises(ExpressionError, match=r"^segment 'adults'"):
        segment(tmp_path, where)


def test_an_unknown_trait_is_answered_with_the_nearest(tmp_path: Path):
    with pytest.raises(ExpressionError, match=r"unknown trait 'agee'\. Did you mean 'age'"):
        segment(tmp_path, "agee >= 18")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("label = 'x'", "where"),
        ("where = 'true'", "label"),
        ("label = ''\nwhere = 'true'", "label"),
        ("label = 'x'\nwhere = true", "where"),
        ("label = 'x'\nwhere = 'true'\nwho = 'me'", "who: a key that is not known"),
        ("label = 'x'\nwhere = 'a' AND 'b'", "not valid TOML"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_file_and_key(tmp_path: Path, content: str, found: str):
    path = tmp_path / "adults.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CampaignError, match=f"adults.toml: .*{found}"):
        segment_from(path, CATALOGUE, gate())


def test_a_segment_that_is_not_there_names_those_that_are(tmp_path: Path):
    segment(tmp_path, "true")
    with pytest.raises(CampaignError, match=r"no such file\. Did you mean 'adults'"):
        segment_from(tmp_path / "adult.toml", CATALOGUE, gate())
