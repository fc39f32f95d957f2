"""Workspaces to walk, and the command line as a function."""

from __future__ import annotations

import csv
import random
import shutil
import string
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from suasion.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def suasion_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, run in this process."""

    def run(*words: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["suasion", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """The clinic's workspace with its data, not yet ingested."""
    pytest.importorskip("causaldata", reason="the extra 'demo' is not installed")
    folder = tmp_path / "clinic"
    shutil.copytree(ROOT / "examples" / "clinic", folder)
    data = import_module("causaldata.thornton_hiv").load_pandas().data
    data.to_csv(folder / "sources" / "thornton_hiv.csv", index=False)
    return folder


@dataclass(frozen=True)
class Unseen:
    """A generated experiment, and the answers that a person who knows it would give."""

    path: Path
    people: int
    treatment: str
    control: str
    outcome: str
    arms: int


@pytest.fixture
def unseen(tmp_path: Path) -> Callable[[int], Unseen]:
    """Files nobody has seen: random names, 2 to 5 arms, binary or continuous outcomes, missing values."""
    return lambda seed: _write_unseen(tmp_path, seed)


def _write_unseen(folder: Path, seed: int) -> Unseen:
    luck, words = np.random.default_rng(seed), random.Random(seed)
    letters = string.ascii_letters + " -;'\"é.%" * (seed % 2)

    def name() -> str:
        return words.choice("abcXYZ") + "".join(words.choice(letters) for _ in range(8)) + words.choice("qr")

    n, arms = int(luck.integers(600, 1500)), int(luck.integers(2, 6))
    labels, got = [name() for _ in range(arms)], luck.integers(0, arms, n)
    pull = luck.normal(0, 0.3, arms)
    mood = luck.normal(size=n) + pull[got]
    result = (mood > 0).astype(int) if seed % 3 else np.round(np.exp(mood), 2)
    columns = {name(): _trait(luck, words, n) for _ in range(int(luck.integers(2, 7)))}
    columns |= {name(): [labels[i] for i in got], name(): result.tolist()}
    *_, treatment, outcome = columns
    path = folder / f"unseen {seed}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return Unseen(path, n, treatment, labels[0], outcome, arms)


def _trait(luck: np.random.Generator, words: random.Random, n: int) -> list[object]:
    kind = words.randrange(3)
    if kind == 0:
        values: list[object] = np.round(luck.normal(50, 20, n), 1).tolist()
    elif kind == 1:
        values = luck.integers(0, 9, n).tolist()
    else:
        levels = ["".join(words.choice(string.ascii_lowercase) for _ in range(5)) for _ in range(15)]
        values = [levels[i] for i in luck.integers(0, 15, n)]
    return ["" if gap else value for gap, value in zip(luck.random(n) < 0.1, values, strict=True)]
