"""A message is planned only if a named person reviewed it and found no harm."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from suasion.errors import CampaignError
from suasion.messages import message_from
from suasion.rules import Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REVIEW = "[review]\nby = 'Ada'\non = 2026-11-01\n"
CLEAN = f"{REVIEW}exposes_third_persons = false\ndiscourages_voting = false\n"


def gate(purpose: Purpose = Purpose.COMMERCIAL, on: datetime = NOW) -> Gate:
    occasion = Occasion(frozenset({Use.LEARN}), purpose, "spring", Jurisdiction("DE", on.date()), on)
    return Gate(load_packs([], Path("none")), occasion)


def judged(folder: Path, content: str, **occasion) -> dict[str, bool]:
    """The rules against the message, and whether for want of a fact."""
    path = folder / "letter.toml"
    path.write_text(content, encoding="utf-8")
    return {reason.rule: reason.unknown for reason in message_from(path).judge(gate(**occasion)).reasons}


@pytest.mark.parametrize("purpose", Purpose)
def test_a_message_that_nobody_reviewed_is_refused(tmp_path: Path, purpose: Purpose):
    found = judged(tmp_path, "text = 'Come.'", purpose=purpose)
    assert found == {"house.third_persons": True, "house.demobilize": True}


def test_a_review_that_found_nothing_wrong_permits(tmp_path: Path):
    assert judged(tmp_path, f"text = 'Come.'\n{CLEAN}") == {}


def test_a_review_that_does_not_say_is_refused(tmp_path: Path):
    assert judged(tmp_path, f"text = 'Come.'\n{REVIEW}exposes_third_persons = false") == {
        "house.demobilize": True
    }
    assert judged(tmp_path, f"text = 'Come.'\n{REVIEW}") == {
        "house.third_persons": True,
        "house.demobilize": True,
    }


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [("exposes_third_persons", "house.third_persons"), ("discourages_voting", "house.demobilize")],
)
def test_a_review_that_found_harm_is_refused(tmp_path: Path, wrong: str, rule: str):
    content = CLEAN.replace(f"{wrong} = false", f"{wrong} = true")
    assert judged(tmp_path, f"text = 'Your neighbors will see.'\n{content}") == {rule: False}


def test_before_any_rule_is_in_force_nothing_is_permitted(tmp_path: Path):
    assert judged(tmp_path, f"text = 'Come.'\n{CLEAN}", on=datetime(2010, 1, 1, tzinfo=UTC)) == {
        "house.default": False
    }


def test_a_message_keeps_its_text_and_the_name_of_its_file(tmp_path: Path):
    path = tmp_path / "letter.toml"
    text = "Grüße, {{name}}; DROP TABLE \"x\" 'y' 🙂"
    path.write_text(f"text = '''{text}'''\n{CLEAN}", encoding="utf-8")
    message = message_from(path)
    assert (message.name, message.text) == ("letter", text)
    assert message.review is not None
    assert message.review.by == "Ada"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "text: "),
        ("text = ''", "text: "),
        ("text = 'a'\ntexd = 'b'", "texd: a key that is not known"),
        ("text = 'a'\n[review]\nby = 'Ada'", "review.on: "),
        ("text = 'a'\n[review]\nby = ''\non = 2026-11-01", "review.by: "),
        ("text = 'a'\n[review]\non = 2026-11-01", "review.by: "),
        (f"text = 'a'\n{REVIEW}exposes_third_persons = 'perhaps'", "review.exposes_third_persons: "),
        (f"text = 'a'\n{REVIEW}exposed_third_persons = false", "Did you mean 'exposes_third_persons'"),
        ("text = 'a", "not valid TOML"),
    ],
)
def test_a_malformed_message_is_an_error_that_names_file_and_key(tmp_path: Path, content: str, found: str):
    with pytest.raises(CampaignError, match=found) as error:
        judged(tmp_path, content)
    assert error.value.asked.split(": ")[0].endswith("letter.toml")


def test_a_message_that_is_not_there_names_those_that_are(tmp_path: Path):
    (tmp_path / "letter.toml").write_text("text = 'a'")
    with pytest.raises(CampaignError, match=r"no such file\. Did you mean 'letter'"):
        message_from(tmp_path / "leter.toml")
