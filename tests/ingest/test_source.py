"""Mappings: what is accepted, and that every mistake is one clear error."""

from datetime import date
from pathlib import Path

import pytest

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest import Attestation, load_source
from suasion.ingest.source import ConsentColumn, OutcomeColumn

TOP = """
file = "thornton.csv"
licence = "MIT"
purposes = ["public_health"]
basis = "research_replay"
observed_on = 2004-12-31
territory = "MW"
"""
REST = """
[identifiers]
person = "record_id"
[treatment]
column = "tinc"
type = "number"
randomized = true
[treatment.arms]
none = "tinc = 0"
small = "tinc > 0"
[treatment.probabilities]
none = 0.25
[traits]
age = "age"
[outcomes]
collected = { column = "got", category = "health" }
[household]
column = "hh"
[contacts]
email = "mail"
[[consents]]
column = "ok_mail"
purpose = "fundraising"
channel = "email"
[[attest]]
fact = "adult"
value = true
who = "R. Thornton"
why = "only adults were sampled"
"""


def write(folder: Path, text: str, name: str = "thornton.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str, name: str = "thornton.toml") -> str:
    path = write(folder, text, name)
    with pytest.raises(SourceError) as caught:
        load_source(path)
    assert f"{path.parent.name}/{path.name}" in str(caught.value)
    return str(caught.value)


def test_a_full_mapping_becomes_a_source(tmp_path: Path) -> None:
    source = load_source(write(tmp_path, TOP + REST))
    assert source.name == "thornton"
    assert source.observed_on == date(2004, 12, 31)
    assert source.purposes == ("public_health",)
    assert source.treatment is not None
    assert source.treatment.type is Type.NUMBER
    assert source.treatment.control == "none"
    assert list(source.treatment.arms) == ["none", "small"]
    assert source.treatment.probabilities == {"none": 0.25}
    assert source.outcomes == {"collected": OutcomeColumn(column="got", category="health")}
    assert source.consents == (ConsentColumn(column="ok_mail", purpose="fundraising", channel="email"),)
    assert source.attest == (
        Attestation(fact="adult", value=True, who="R. Thornton", why="only adults were sampled"),
    )
    assert source.household is not None
    assert source.household.column == "hh"


@pytest.mark.parametrize("text", ["1", "1.5", '"yes"', "2004-12-31"])
def test_only_a_plain_yes_or_no_is_attested(tmp_path: Path, text: str) -> None:
    assert "attest.0.value" in refusal(tmp_path, TOP + REST.replace("value = true", f"value = {text}"))


@pytest.mark.parametrize("purpose", ["comercial", "everything"])
def test_a_purpose_outside_the_closed_list_is_refused(tmp_path: Path, purpose: str) -> None:
    top = "\n".join(
        f'purposes = ["{purpose}"]' if line.startswith("purposes") else line for line in TOP.splitlines()
    )
    assert "purposes.0" in refusal(tmp_path, top + "\n" + REST)


@pytest.mark.parametrize("key", ["file", "licence", "purposes", "basis", "observed_on", "territory"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in TOP.splitlines() if not line.startswith(key))
    message = refusal(tmp_path, text + REST)
    assert f": {key}: the key is missing" in message


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ("licence =", "license =", ": license:", "'licence'"),
        ("randomized =", "randomised =", ": treatment.randomised:", "'randomized'"),
        ("who =", "whom =", ": attest.0.whom:", "'who'"),
        ("category =", "categorie =", ": outcomes.collected.categorie:", "'category'"),
        ('column = "hh"', 'colum = "hh"', ": household.colum:", "'column'"),
        ("channel =", "chanel =", ": consents.0.chanel:", "'channel'"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(tmp_path: Path, old: str, new: str, key: str, hint: str) -> None:
    message = refusal(tmp_path, (TOP + REST).replace(old, new, 1))
    assert key in message
    assert f"Did you mean {hint}?" in message


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('basis = "research_replay"', 'basis = "whim"', "basis"),
        ('territory = "MW"', 'territory = "Malawi"', "territory"),
        ("observed_on = 2004-12-31", "observed_on = 2004", "observed_on"),
        ('purposes = ["public_health"]', "purposes = []", "purposes"),
        ('purposes = ["public_health"]', 'purposes = "public_health"', "purposes"),
        ("randomized = true", 'randomized = "yes"', "treatment.randomized"),
        ('type = "number"', 'type = "float"', "treatment.type"),
        ("none = 0.25", "none = 0", "treatment.probabilities.none"),
        ("none = 0.25", "none = nan", "treatment.probabilities.none"),
        ('email = "mail"', 'pigeon = "mail"', "contacts.pigeon"),
        ('age = "age"', 'Age = "age"', "traits.Age"),
        ('age = "age"', "age = 3", "traits.age"),
        ('person = "record_id"', "", "identifiers"),
        ('small = "tinc > 0"', "", "treatment.arms"),
        ('fact = "adult"', 'fact = ""', "attest.0.fact"),
        ('fact = "adult"', 'fact = "age"', "attest.0.fact"),
        ('fact = "adult"', 'fact = "consent"', "attest.0.fact"),
        ('fact = "adult"', 'fact = "consent_written"', "attest.0.fact"),
        ('fact = "adult"', 'fact = "objected"', "attest.0.fact"),
        ('fact = "adult"', 'fact = "adlut"', "attest.0.fact"),
    ],
)
def test_an_impossible_value_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in TOP + REST
    assert f"thornton.toml: {key}:" in refusal(tmp_path, (TOP + REST).replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('"tinc > 0"', '"tink > 0"', "arm 'small': unknown trait 'tink'"),
        ('"tinc > 0"', '"tinc >"', "arm 'small'"),
        ("none = 0.25", "nine = 0.25", "Did you mean 'none'?"),
        ("none = 0.25", "none = 0.25\nsmall = 0.25", "they add up to 0.5"),
        ("none = 0.25", "none = 0.25\nsmall = 0.9", "they add up to 1.15"),
        ("randomized =", 'probability = "p"\nrandomized =', "both probability and probabilities"),
        (
            "[[consents]]",
            '[[consents]]\ncolumn="a"\npurpose="fundraising"\nchannel="email"\n[[consents]]',
            "two columns for fundraising by email",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(tmp_path: Path, old: str, new: str, part: str) -> None:
    assert part in refusal(tmp_path, (TOP + REST).replace(old, new, 1))


def test_several_mistakes_are_still_one_error_that_counts_them(tmp_path: Path) -> None:
    wrong = TOP.replace('"MW"', '"Malawi"').replace('"research_replay"', '"whim"')
    assert "(and 1 more)" in refusal(tmp_path, wrong + REST)


def test_broken_toml_tells_its_line(tmp_path: Path) -> None:
    assert "line 3" in refusal(tmp_path, "\n\nfile = = 3")


def test_a_name_that_is_no_name_is_refused(tmp_path: Path) -> None:
    assert ": name:" in refusal(tmp_path, TOP + REST, "My Source.toml")


def test_a_name_inside_the_mapping_is_refused(tmp_path: Path) -> None:
    assert "name of the file" in refusal(tmp_path, 'name = "x"\n' + TOP + REST)


def test_an_absent_mapping_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        load_source(tmp_path / "no.toml")


def test_a_mapping_in_another_encoding_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes('who = "Müller"'.encode("cp1252"))
    with pytest.raises(SourceError, match="not valid TOML"):
        load_source(path)
