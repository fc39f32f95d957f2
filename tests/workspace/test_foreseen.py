"""No policy is judged on what it learned from, and what is on trial must make sense."""

import re
import textwrap
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from suasion.allocation.placement import Placement, placement_from
from suasion.errors import CampaignError
from suasion.learning import Exposures, Goal, clock
from suasion.workspace.streaming.closing import Closed
from suasion.workspace.streaming.foreseen import would_show
from suasion.workspace.streaming.lessons import Lessons

PLACED = run_path(str(Path(__file__).with_name("placed.py")))
LEARNS = '[policy]\nkind = "thompson"\nscales = { age = [50, 15] }\n'
N = 300
BLOCKS = np.array_split(np.arange(N), 6)


def declared(folder: Path, *texts: str) -> Placement:
    path = folder / "home.toml"
    said = PLACED["PLACEMENT"]
    start, end = said.index("[policy]"), said.index("[review]")
    path.write_text(said[:start] + "\n".join(texts) + "\n" + said[end:], "utf-8")
    return placement_from(path)


@pytest.fixture
def lessons() -> Lessons:
    """One exposure a minute; every second person books, and says so half an hour later."""
    luck = np.random.default_rng(3)
    at = np.asarray(1_000_000 + 60.0 * np.arange(N), np.float64)
    booked = np.where(luck.random(N) < 0.5, at + 1800, np.nan)[:, None]
    return Lessons(
        luck.normal(50, 15, (N, 3)).astype(np.float32),
        luck.integers(0, 2, N),
        np.full(N, 0.45),
        np.full(N, 0.1),
        (at // 86_400).astype(np.int64),
        Exposures(at, at, booked, booked),
        86_400.0,
        (Goal("Booked", 1.0),),
    )


def shown_by(lessons: Lessons, placement: Placement, closed: frozenset[str] = frozenset()) -> Any:
    counted = clock.Counted(lessons.arms, np.zeros(N), lessons.exposures.told_at, np.empty((N, 0)))
    return would_show(lessons, counted, Closed(0.0, closed), placement, BLOCKS)


def test_what_a_block_brought_changes_nothing_that_is_said_of_it_or_before(lessons: Lessons, tmp_path: Path):
    placement = declared(tmp_path, LEARNS)
    said = shown_by(lessons, placement)
    assert np.ptp(said[BLOCKS[0]]) < 1e-5, "nothing is known before the first"
    for place, rows in enumerate(BLOCKS):
        booked = lessons.exposures.rewarded_at.copy()
        booked[rows] = np.where(np.isnan(booked[rows]), lessons.exposures.shown_at[rows, None] + 60, np.nan)
        other = replace(
            lessons, exposures=replace(lessons.exposures, rewarded_at=booked, reward_told_at=booked)
        )
        again = shown_by(other, placement)
        until = rows[-1] + 1
        assert (again[:until] == said[:until]).all()
        assert place == len(BLOCKS) - 1 or (again[until:] != said[until:]).any()


def test_a_variant_that_was_switched_off_is_shown_by_neither(lessons: Lessons, tmp_path: Path):
    said = shown_by(lessons, declared(tmp_path, LEARNS), frozenset({"walk"}))
    assert (said == [1.0, 0.0]).all()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('kind = "thompson"\nshare = 0.6', "share"),
        ('kind = "thompson"\nshare = 0', "share"),
        ('kind = "thompson"\nmargin = -0.1', "margin"),
        ('kind = "thompson"\nmargin = inf', "margin"),
        ('kind = "fixed"\nshares = { bus = 0.5, tram = 0.5 }', "challenger.shares: no variant 'tram'"),
        ('kind = "fixed"\nshares = { bus = 0.99, walk = 0.01 }', "challenger.shares: one is below"),
        ('kind = "squarecb"\nscales = { height = [1, 1] }', "challenger.scales: no feature 'height'"),
        (
            'kind = "thompson"\nshares = { bus = 0.5, walk = 0.5 }',
            "challenger.shares are for the kind 'fixed'",
        ),
        ('kind = "thompson"\nshar = 0.2', "shar"),
    ],
)
def test_a_challenger_that_makes_no_sense_is_refused(text: str, wrong: str, tmp_path: Path):
    with pytest.raises(CampaignError, match=wrong):
        declared(tmp_path, LEARNS, f"[challenger]\n{text}")


def test_the_challenger_as_a_policy_is_all_that_the_placement_is_else(tmp_path: Path):
    placement = declared(tmp_path, LEARNS, '[challenger]\nkind = "squarecb"\nkeep = 0.9')
    tried = placement.challenging
    assert tried is not None
    assert (tried.policy.kind, tried.policy.keep, tried.policy.scales) == ("squarecb", 0.9, {})
    assert (
        tried.model_copy(update={"policy": placement.policy, "challenger": placement.challenger}) == placement
    )
    assert declared(tmp_path, LEARNS).challenging is None
    assert declared(tmp_path, LEARNS).digest != placement.digest


def test_the_challenger_of_the_documentation_fits_its_placement(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text("utf-8")
    (banner,) = re.findall(r"`office/placements/banner.toml`:\n\n```toml\n(.*?)^```", page, re.M | re.S)
    (lines,) = re.findall(r"^    \[challenger\]\n(?:    .*\n)+", page, re.M)
    (tmp_path / "banner.toml").write_text(banner + textwrap.dedent(lines), "utf-8")
    tried = placement_from(tmp_path / "banner.toml").challenger
    assert tried is not None
    assert (tried.kind, tried.share) == ("squarecb", 0.2)
