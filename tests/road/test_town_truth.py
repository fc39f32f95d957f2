"""In a town whose true effects are known, plans and lift are what they claim to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import binomtest

import suasion
from suasion.allocation import Plan, decide, plan_from
from suasion.measurement import Report, lift
from suasion.town import Effects, Town, chances, create
from suasion.workspace import Workspace

PEOPLE, SEED = 20_000, 1
KEY = {"SUASION_KEY": "truth"}


@dataclass(frozen=True)
class Planned:
    """A plan for a town's people, with their true chances under every arm."""

    plan: Plan
    chances: npt.NDArray[np.float64]
    expected: npt.NDArray[np.float64]
    households: npt.NDArray[np.int64]

    @property
    def truth(self) -> float:
        """Mean over eligible people of what the plan changes."""
        return float((self.plan.probabilities * (self.chances - self.chances[:, :1])).sum(axis=1).mean())


def settled(folder: Path, effects: Effects, people: int = PEOPLE) -> tuple[Workspace, Report]:
    create(folder, Town(people, SEED, effects))
    workspace = suasion.open(folder, environment=KEY)
    return workspace, workspace.run()


def planned(workspace: Workspace, effects: Effects) -> Planned:
    """The plan in the lake, and the truth of its people by their member numbers."""
    tables = workspace.tables()
    made, _ = plan_from(tables.read("plans.checkup", "plan"))
    persons = pa.array(made.options.persons)
    identities = tables.read("identities", "ingest")
    named = identities.filter(pc.equal(identities["kind"], "member")).group_by("person")
    members = named.aggregate([("value", "min")])
    known = members["value_min"].take(pc.index_in(persons, members["person"].combine_chunks()))
    numbers = np.array([int(name.removeprefix("R")) for name in known.to_pylist()])
    forecast = tables.read("forecasts.checkup", "score")
    ahead = pc.index_in(persons, forecast["person"].combine_chunks())
    records = tables.read("records.residents", "ingest")
    home = records["household"].take(pc.index_in(persons, records["person"].combine_chunks()))
    return Planned(
        plan=made,
        chances=chances(Town(PEOPLE, SEED, effects), numbers),
        expected=forecast["expected:came:0"].take(ahead).to_numpy(),
        households=home.to_numpy(),
    )


def against(report: Report, way: str) -> Any:
    return next(c.differences["came"] for c in report.replay.comparisons if c.against == way)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    workspace, _ = settled(tmp_path_factory.mktemp("varied") / "town", Effects.VARIED)
    return planned(workspace, Effects.VARIED)


def measured(town: Planned, seed: int) -> tuple[Any, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """One draw, its answers, and the lift that they show."""
    drawn = decide(town.plan, f"draw {seed}", b"key").chosen
    chance = town.chances[np.arange(len(drawn)), drawn]
    answers = (np.random.default_rng(seed).uniform(size=len(drawn)) < chance).astype(np.float64)
    found = lift(town.plan.probabilities, drawn, answers, town.expected, town.households, spent=100.0)
    return found, drawn, answers


def covered(town: Planned, seeds: int) -> int:
    effects = (measured(town, seed)[0].effect for seed in range(seeds))
    return sum(one.low <= town.truth <= one.high for one in effects)


def test_the_interval_of_lift_covers_the_truth(varied: Planned):
    hits = covered(varied, 60)
    assert binomtest(hits, 60, 0.95).pvalue > 0.001, f"{hits} of 60"


@pytest.mark.slow
def test_the_interval_of_lift_covers_the_truth_in_a_thousand_draws(varied: Planned):
    hits = covered(varied, 1_000)
    print(f"coverage {hits / 1_000:.1%} of 1,000{': more than 98 %' if hits > 980 else ''}")
    assert binomtest(hits, 1_000, 0.95).pvalue > 0.001, f"{hits} of 1,000"


def test_comparing_those_sent_to_with_everybody_else_is_wrong_and_our_lift_is_not(varied: Planned):
    found, drawn, answers = measured(varied, 1)
    treated = drawn > 0
    gain = varied.chances[np.arange(len(drawn)), drawn] - varied.chances[:, 0]
    naive = answers[treated].mean() - answers[~treated].mean()
    assert abs(naive - gain[treated].mean()) > 0.05
    assert found.naive == pytest.approx(naive)
    assert found.effect.low <= varied.truth <= found.effect.high


def test_where_those_who_would_come_anyway_gain_least_the_plan_beats_ranking_by_propensity(tmp_path: Path):
    workspace, report = settled(tmp_path / "town", Effects.OPPOSITE)
    assert against(report, "by propensity").low > 0
    town = planned(workspace, Effects.OPPOSITE)
    assert town.truth > 0


def test_where_a_message_does_the_same_for_everybody_nothing_is_claimed_over_a_lottery(tmp_path: Path):
    _, report = settled(tmp_path / "town", Effects.CONSTANT)
    assert not against(report, "by lot").excludes_zero
    assert any("do not tell whom a message helps" in said for said in report.sentences)
