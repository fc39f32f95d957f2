"""The files are those of a real source, stream, and tell no truth."""

import hashlib
import re
from collections import Counter, defaultdict
from datetime import date
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from suasion.town import Effects, Town, create
from suasion.town.rows import pilot_numbers
from suasion.town.stream import CHUNK


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(files)
    }


def near(count: int, of: int, share: float) -> bool:
    """Whether a count is within 4.5 standard errors of a share."""
    return abs(count - of * share) < 4.5 * sqrt(of * share * (1 - share))


def test_the_same_town_gives_the_same_bytes(tmp_path: Path, town: Town, made: Path):
    create(tmp_path, town)
    assert digests(tmp_path) == digests(made)


def test_another_seed_gives_other_people(tmp_path: Path, register):
    create(tmp_path, Town(100, 6, Effects.VARIED))
    other = (tmp_path / "sources" / "residents.csv").read_text("utf-8").splitlines()
    assert other[1] != ",".join(f'"{cell}"' for cell in register[0].values())
    assert len(other) == 101


def test_the_first_residents_do_not_depend_on_the_number_or_on_chunks(tmp_path: Path):
    """The larger town takes two chunks, and the smaller ends in the middle of a household."""
    create(tmp_path / "small", Town(1003, 9, Effects.OPPOSITE))
    create(tmp_path / "large", Town(CHUNK + 1003, 9, Effects.OPPOSITE))
    for name in ("residents.csv", "visits.csv"):
        small = (tmp_path / "small" / "sources" / name).read_bytes()
        assert (tmp_path / "large" / "sources" / name).read_bytes().startswith(small)
    large = (tmp_path / "large" / "sources" / "residents.csv").read_text("utf-8").splitlines()
    assert len(large) == 1 + CHUNK + 1003
    assert [line[:10] for line in large[CHUNK : CHUNK + 3]] == [
        f'"R{number:07}"' for number in range(CHUNK - 1, CHUNK + 2)
    ]


def test_the_effects_are_in_no_file_but_the_pilot(tmp_path: Path):
    """Were they anywhere else, what learns from the files could cheat."""
    for effects in (Effects.NONE, Effects.CONSTANT):
        create(tmp_path / effects, Town(1000, 1, effects))
    none, constant = digests(tmp_path / "none"), digests(tmp_path / "constant")
    assert {name for name in none if none[name] != constant[name]} == {"sources/pilot.csv", "town.toml"}


def test_no_temporary_file_is_left(made: Path):
    assert not list(made.rglob("*.part"))


def test_everybody_is_in_the_register_once(register, town: Town):
    assert [row["member"] for row in register] == [f"R{number:07}" for number in range(town.people)]
    assert len({row["email"] for row in register}) == town.people


def test_an_address_tells_the_number_and_is_plain(register):
    pattern = re.compile(r"[a-z]+\.[a-z]+\.([0-9]+)@town\.example")
    found = [pattern.fullmatch(row["email"]) for row in register]
    assert [int(match[1]) for match in found if match] == list(range(len(register)))


def test_names_and_streets_are_hard_to_handle(register):
    names = {row["first_name"] for row in register}
    streets = {row["street"] for row in register}
    assert any(not name.isascii() for name in names)
    assert any('"' in street for street in streets)
    assert any("'" in street for street in streets)
    assert all(re.fullmatch(r".+ \d+, .+", street) for street in streets)


@pytest.mark.parametrize(("column", "share"), [("first_name", 0.02), ("age", 0.03)])
def test_some_cells_are_blank(register, column: str, share: float):
    assert near(sum(not row[column] for row in register), len(register), share)


def test_there_are_minors(register):
    ages = [int(row["age"]) for row in register if row["age"]]
    assert 0.1 < np.mean(np.array(ages) < 18) < 0.25
    assert min(ages) >= 0
    assert max(ages) <= 100


def test_a_household_has_one_address_and_up_to_five_people(register):
    homes = defaultdict(list)
    for row in register:
        homes[row["household"]].append((row["street"], row["district"], row["distance"]))
    assert {len(home) for home in homes.values()} == {1, 2, 3, 4, 5}
    assert all(len(set(home)) == 1 for home in homes.values())
    assert len({row["district"] for row in register}) == 8


def test_consents_are_given_refused_absent_and_expired(register, town: Town):
    kinds = Counter((row["email_ok"], _when(row["email_ok_until"])) for row in register)
    shares = {("yes", "later"): 0.70, ("no", ""): 0.08, ("", ""): 0.15, ("yes", "before 2026"): 0.07}
    assert kinds.keys() == shares.keys()
    assert all(near(kinds[kind], town.people, share) for kind, share in shares.items())


def test_who_answered_did_so_on_a_day_before_the_register_was_observed(register):
    for row in register:
        assert bool(row["email_ok_on"]) is bool(row["email_ok"])
        if row["email_ok_on"]:
            assert row["email_ok_on"] < "2026-10-01"
            assert row["email_ok_until"] == "" or row["email_ok_on"] < row["email_ok_until"]


def _when(until: str) -> str:
    if not until:
        return ""
    day = date.fromisoformat(until)
    assert not date(2026, 1, 1) <= day < date(2098, 1, 1)
    return "before 2026" if day.year < 2026 else "later"


def test_every_past_visit_is_told_the_newest_first(made: Path, register, rows):
    days = defaultdict(list)
    for row in rows(made / "sources" / "visits.csv"):
        days[row["member"]].append(row["visited_on"])
    assert all(sorted(set(dates), reverse=True) == dates for dates in days.values())
    assert max(dates[0] for dates in days.values()) < "2026-10-01"
    told = {row["member"]: int(row["visits"]) for row in register if row["visits"] != "0"}
    assert {member: len(dates) for member, dates in days.items()} == told
    assert near(len(days), len(register), 0.3)


@pytest.mark.parametrize(
    ("people", "size"), [(100, 50), (101, 50), (5000, 2500), (200_001, 100_000), (300_000, 100_000)]
)
def test_the_pilot_is_a_random_half_but_not_too_many(people: int, size: int):
    numbers = pilot_numbers(Town(people, 3, Effects.NONE))
    assert len(np.unique(numbers)) == len(numbers) == size
    assert 0 <= numbers.min() <= numbers.max() < people
    assert abs(numbers.mean() - (people - 1) / 2) < 4.5 * people / sqrt(12 * size)


def test_the_pilot_gives_each_arm_the_same_chance(made: Path, rows):
    arms = Counter(row["arm"] for row in rows(made / "sources" / "pilot.csv"))
    assert arms.keys() == {"none", "reminder", "invitation"}
    assert all(near(count, arms.total(), 1 / 3) for count in arms.values())
