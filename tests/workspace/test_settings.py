"""What holds over all campaigns is declared once, and what is declared wrongly is an error that names it."""

from pathlib import Path

import pytest

from suasion.declarations import read
from suasion.errors import WorkspaceError
from suasion.workspace.settings import CapTerms, PluralityTerms, Settings

PLAIN = 'name = "town"\nterritory = "DE"\ncurrency = "EUR"\npurpose = "civic"\n'


def written(folder: Path, more: str) -> Settings:
    path = folder / "suasion.toml"
    path.write_text(PLAIN + more, encoding="utf-8")
    return read(path, Settings, WorkspaceError)


def test_nothing_is_capped_or_promised_that_nobody_declared(tmp_path: Path):
    plain = written(tmp_path, "")
    assert (plain.cap, plain.household_cap, plain.plurality) == (None, None, None)


def test_a_person_and_a_household_may_have_caps_of_their_own(tmp_path: Path):
    both = written(tmp_path, "[cap]\nsends = 3\ndays = 7\n[household_cap]\nsends = 5\ndays = 14\n")
    assert (both.cap, both.household_cap) == (CapTerms(sends=3, days=7), CapTerms(sends=5, days=14))


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ("days = 30\nleast_share = 0.2", PluralityTerms(days=30, least_share=0.2, of="stance")),
        ("days = 1\nleast_share = 0.5\nof = 'topics'", PluralityTerms(days=1, least_share=0.5, of="topics")),
        ("days = 30\nleast_entropy = 1", PluralityTerms(days=30, least_entropy=1.0)),
    ],
)
def test_plurality_is_a_share_or_an_entropy_of_stances_or_topics(
    tmp_path: Path, terms: str, found: PluralityTerms
):
    assert written(tmp_path, f"[plurality]\n{terms}\n").plurality == found


@pytest.mark.parametrize(
    ("terms", "asked"),
    [
        ("days = 30", "plurality: .*give one of least_share and least_entropy"),
        ("days = 30\nleast_share = 0.2\nleast_entropy = 0.5", "plurality: .*not both"),
        ("least_share = 0.2", "plurality.days: the key is missing"),
        ("days = 0\nleast_share = 0.2", "plurality.days: "),
        ("days = 30\nleast_share = 0", "plurality.least_share: "),
        ("days = 30\nleast_share = 0.51", "plurality.least_share: "),
        ("days = 30\nleast_share = nan", "plurality.least_share: "),
        ("days = 30\nleast_entropy = 1.1", "plurality.least_entropy: "),
        ("days = 30\nleast_entropy = nan", "plurality.least_entropy: "),
        ("days = 30\nleast_share = 0.2\nof = 'opinion'", "plurality.of: "),
        ("days = 30\nleast_shares = 0.2", "plurality.least_shares: .*Did you mean 'least_share'"),
    ],
)
def test_a_malformed_plurality_names_its_key(tmp_path: Path, terms: str, asked: str):
    with pytest.raises(WorkspaceError, match=asked):
        written(tmp_path, f"[plurality]\n{terms}\n")


@pytest.mark.parametrize("wrong", ["sends = 0\ndays = 7", "sends = 3\ndays = 0", "sends = 3", "days = 7"])
def test_a_household_cap_is_a_number_of_messages_in_days(tmp_path: Path, wrong: str):
    with pytest.raises(WorkspaceError, match="household_cap"):
        written(tmp_path, f"[household_cap]\n{wrong}\n")
