"""A town: how many live there, the seed that everything follows from, and what messages truly do."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from suasion.errors import WorkspaceError

FEWEST, MOST = 100, 10_000_000
FILE = "town.toml"


class Effects(StrEnum):
    """What a message truly changes."""

    VARIED = "varied"
    CONSTANT = "constant"
    NONE = "none"
    OPPOSITE = "opposite"


@dataclass(frozen=True)
class Town:
    """A simulated town. Its residents are numbered from 0; a resident is a function of seed and number.

    Parameters
    ----------
    people : int
        100 to 10 million.
    seed : int
        0 or more, below 2**63.
    effects : Effects

    Raises
    ------
    WorkspaceError
        Too few or too many people, or no such seed.

    Examples
    --------
    >>> Town(people=1000, seed=1, effects=Effects.VARIED).people
    1000
    """

    people: int
    seed: int
    effects: Effects

    def __post_init__(self) -> None:
        if not FEWEST <= self.people <= MOST:
            todo = f"Give {FEWEST} to {MOST:,}."
            raise WorkspaceError("a town", f"{self.people:,} people", todo)
        if not 0 <= self.seed < 2**63:
            raise WorkspaceError("a town", f"seed {self.seed}", "Give a whole number from 0 below 2**63.")


def town_from(folder: Path) -> Town:
    """Read which town a workspace was made for.

    Parameters
    ----------
    folder : Path
        A workspace that `create` wrote.

    Returns
    -------
    Town

    Raises
    ------
    WorkspaceError
        No ``town.toml`` there, or one that describes no town.
    """
    path = folder / FILE
    if not path.is_file():
        raise WorkspaceError(str(folder), f"no {FILE}", "Name a workspace that was made as a town.")
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(FILE, f"not valid TOML: {error}", "Correct the file.") from None
    return Town(_whole(said, "people"), _whole(said, "seed"), _effects(said))


def town_text(town: Town) -> str:
    """What ``town.toml`` says of a town."""
    return (
        "# The simulated town that lives here. What it truly does follows from these three.\n"
        f'people = {town.people}\nseed = {town.seed}\neffects = "{town.effects}"\n'
    )


def _whole(said: dict[str, Any], key: str) -> int:
    value = said.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WorkspaceError(f"{FILE}: {key}", "no whole number", "Give one.")
    return value


def _effects(said: dict[str, Any]) -> Effects:
    if said.get("effects") not in list(Effects):
        raise WorkspaceError(f"{FILE}: effects", "none that is known", f"Known: {', '.join(Effects)}.")
    return Effects(said["effects"])
