"""Who could not have got an arm, and what the others are worth."""

from __future__ import annotations

import numpy as np
import pytest

from suasion.errors import CampaignError
from suasion.scores.guards import Severity, overlap

ARMS = ("none", "mail")


def _two(chance: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - chance, chance])


def _drawn(chance: np.ndarray, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(chance)) < chance).astype(np.int64)


def test_equal_chances_are_worth_everybody():
    got = np.arange(1000) % 2
    found = overlap(np.full((1000, 2), 0.5), got, ARMS)
    assert found.findings == ()
    assert [reach.worth for reach in found.arms] == pytest.approx([500, 500])
    assert [reach.outside.value for reach in found.arms] == [0, 0]


def test_a_small_arm_by_design_is_no_lack_of_overlap():
    chance = np.full(40_000, 0.004)
    assert overlap(_two(chance), _drawn(chance), ARMS).findings == ()


@pytest.mark.parametrize(
    ("share", "severity"), [(0.01, None), (0.06, Severity.WARNING), (0.2, Severity.REFUSAL)]
)
def test_people_out_of_reach_are_counted(share: float, severity: Severity | None):
    chance = np.where(np.arange(5000) < share * 5000, 0.02, 0.5)
    found = overlap(_two(chance), _drawn(chance), ARMS)
    assert found.arms[1].outside.value == pytest.approx(share)
    said = [f.severity for f in found.findings if "hardly have got 'mail'" in f.text]
    assert said == ([] if severity is None else [severity])


def test_estimated_chances_at_their_clip_are_out_of_reach():
    chance = np.where(np.arange(1000) < 300, 0.01, 0.03)
    known, guessed = (overlap(_two(chance), _drawn(chance), ARMS, estimated=kind) for kind in (False, True))
    assert known.arms[1].outside.value == 0
    assert guessed.arms[1].outside.value == pytest.approx(0.3)


@pytest.mark.parametrize("bad", [0.0, 1.0, np.nan, -0.2, 1.3])
def test_impossible_chances_are_refused_with_their_number(bad: float):
    chance = np.full(400, 0.5)
    chance[:7] = bad
    found = overlap(_two(chance), np.arange(400) % 2, ARMS)
    assert {f.severity for f in found.findings} == {Severity.REFUSAL}
    assert all("7 people could not have got" in f.text for f in found.findings)


def test_a_few_large_weights_are_said():
    chance = np.where(np.arange(2000) < 80, 0.06, 0.9)
    got = np.where(np.arange(2000) < 60, 1, _drawn(chance))
    found = overlap(_two(chance), got, ARMS)
    weights = 1 / chance[got == 1]
    assert found.arms[1].worth == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert any("large weights" in f.text and "'mail'" in f.text for f in found.findings)


def test_an_arm_of_few_households_is_too_few():
    got = np.repeat(np.arange(60) % 2, 20)
    found = overlap(np.full((1200, 2), 0.5), got, ARMS, np.repeat(np.arange(60), 20))
    assert [reach.worth for reach in found.arms] == pytest.approx([30, 30])
    assert [f.severity for f in found.findings] == [Severity.REFUSAL] * 2


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(CampaignError, match="of shape"):
        overlap(np.full((3, 3), 1 / 3), np.array([0, 1, 1]), ARMS)
