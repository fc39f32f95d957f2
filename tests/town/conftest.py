from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from suasion.town import Effects, Town, create

Rows = list[dict[str, str]]


@pytest.fixture(scope="session")
def rows() -> Callable[[Path], Rows]:
    """Reads a CSV file with the standard library."""

    def read(path: Path) -> Rows:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, strict=True))

    return read


@pytest.fixture(scope="session")
def town() -> Town:
    return Town(people=20_000, seed=5, effects=Effects.VARIED)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Path:
    """The workspace of the town; not to be written to."""
    folder = tmp_path_factory.mktemp("town")
    create(folder, town)
    return folder


@pytest.fixture(scope="session")
def register(made: Path, rows: Callable[[Path], Rows]) -> Rows:
    """The rows of ``residents.csv``."""
    return rows(made / "sources" / "residents.csv")
