from pathlib import Path

import pytest

from suasion.errors import InputError, WorkspaceError
from suasion.town import Effects, Town, create, town_from


@pytest.mark.parametrize("people", [-1, 0, 99, 10_000_001])
def test_a_town_too_small_or_too_large_is_refused(people: int):
    with pytest.raises(WorkspaceError, match=r"100 to 10,000,000") as caught:
        Town(people, 1, Effects.NONE)
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_that_toml_cannot_hold_is_refused(seed: int):
    with pytest.raises(WorkspaceError, match="seed"):
        Town(100, seed, Effects.NONE)


@pytest.mark.parametrize("effects", Effects)
def test_a_workspace_knows_its_town(tmp_path: Path, effects: Effects):
    town = Town(100, 2**63 - 1, effects)
    create(tmp_path / "deep" / "town", town)
    assert town_from(tmp_path / "deep" / "town") == town


def test_another_workspace_is_no_town(tmp_path: Path):
    (tmp_path / "suasion.toml").write_text('name = "Shop"\n')
    with pytest.raises(WorkspaceError, match=r"no town\.toml"):
        town_from(tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("people = ", "not valid TOML"),
        ('people = 100\nseed = 1\neffects = "magic"\n', "effects: none that is known"),
        ("people = 100\nseed = 1\neffects = ['varied']\n", "effects: none that is known"),
        ('people = "100"\nseed = 1\neffects = "none"\n', "people: no whole number"),
        ('people = 100\nseed = true\neffects = "none"\n', "seed: no whole number"),
        ('people = 100\neffects = "none"\n', "seed: no whole number"),
        ('people = 1\nseed = 1\neffects = "none"\n', "1 people"),
    ],
)
def test_a_damaged_town_is_told_apart(tmp_path: Path, text: str, found: str):
    (tmp_path / "town.toml").write_text(text)
    with pytest.raises(WorkspaceError, match=found):
        town_from(tmp_path)


def test_nothing_is_written_over(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WorkspaceError, match="not empty"):
        create(tmp_path, Town(100, 1, Effects.NONE))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(WorkspaceError, match="not empty"):
        create(tmp_path / "thesis.txt", Town(100, 1, Effects.NONE))
