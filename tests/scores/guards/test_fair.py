"""Predictions that come true for some groups only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp

from suasion.errors import CampaignError
from suasion.scores.guards import Severity, fair


def _groups(n: int, count: int) -> dict[str, np.ndarray]:
    return {f"g{i}": np.arange(n) % count == i for i in range(count)}


def test_true_predictions_flag_a_group_in_one_of_twenty_trials():
    flagged = 0
    for seed in range(200):
        luck = np.random.default_rng(seed)
        effects = luck.normal(size=600)
        flagged += bool(fair("region", _groups(600, 5), effects, effects + luck.normal(size=600)).findings)
    assert binom.ppf(0.001, 200, 0.05) <= flagged <= binom.ppf(0.999, 200, 0.05)


def test_households_do_not_flag_a_group_more_often():
    flagged = 0
    for seed in range(200):
        luck = np.random.default_rng(seed)
        house = np.repeat(np.arange(200), 3)
        gains = luck.normal(size=200)[house] + luck.normal(size=600) * 0.2
        who = {"a": house % 2 == 0, "b": house % 2 == 1}
        flagged += bool(fair("sex", who, np.zeros(600), gains, house).findings)
    assert flagged <= binom.ppf(0.999, 200, 0.05)


def test_a_group_that_is_promised_too_much_is_named():
    luck = np.random.default_rng(0)
    who = {"women": np.arange(4000) % 2 == 0, "men": np.arange(4000) % 2 == 1}
    gains = np.where(who["women"], 0.0, 0.3) + luck.normal(size=4000)
    found = fair("sex", who, np.full(4000, 0.3), gains)
    (finding,) = found.findings
    assert finding.severity is Severity.WARNING
    assert "2,000 people of 'women' (by 'sex')" in finding.text
    assert "more than the" in finding.text
    assert found.groups[0].gap.low > 0
    assert found.groups[0].p_value == pytest.approx(
        2 * ttest_1samp(0.3 - gains[who["women"]], 0).pvalue, rel=1e-6
    )


def test_small_groups_are_told_nothing_and_that_is_said():
    who = {"few": np.arange(1000) < 30, "many": np.arange(1000) >= 30}
    found = fair("place", who, np.zeros(1000), np.random.default_rng(0).normal(size=1000))
    assert found.groups[0].gap is None
    assert (found.groups[0].p_value, found.groups[0].people) == (None, 30)
    assert found.findings[-1].severity is Severity.NOTE
    assert "'few'" in found.findings[-1].text


def test_many_people_of_few_households_are_a_small_group():
    house = np.repeat(np.arange(20), 50)
    gains = np.random.default_rng(0).normal(size=1000)
    assert fair("sex", {"all": np.ones(1000, np.bool_)}, gains, gains, house).groups[0].gap is None


def test_a_group_that_gets_fewer_predictions_is_named():
    luck = np.random.default_rng(0)
    who = {"north": np.arange(3000) < 1000, "south": np.arange(3000) >= 1000}
    covered = luck.random(3000) < np.where(who["north"], 0.8, 0.99)
    effects = luck.normal(size=3000)
    found = fair("region", who, effects, effects + luck.normal(size=3000), covered=covered)
    assert found.groups[0].covered.value == pytest.approx(0.8, abs=0.05)
    assert "of 'north' (by 'region'), another share than of everybody else" in found.findings[0].text


def test_predictions_of_people_not_covered_are_not_judged():
    luck = np.random.default_rng(0)
    covered = np.arange(2000) % 2 == 0
    predicted = np.where(covered, 0.0, np.nan)
    found = fair("sex", _groups(2000, 1), predicted, luck.normal(size=2000), covered=covered)
    assert found.groups[0].gap.n == 1000


def test_perfect_agreement_is_no_finding():
    assert fair("sex", _groups(400, 2), np.ones(400), np.ones(400)).findings == ()


@pytest.mark.parametrize(
    ("groups", "predicted", "says"),
    [
        ({}, np.zeros(3), "0 groups"),
        ({"a": np.ones(2, np.bool_)}, np.zeros(3), "3 people"),
        ({"a": np.ones(3, np.bool_)}, np.array([0, np.nan, 0]), "not finite"),
    ],
)
def test_a_question_without_an_answer_is_refused(
    groups: dict[str, np.ndarray], predicted: np.ndarray, says: str
):
    with pytest.raises(CampaignError, match=says):
        fair("sex", groups, predicted, np.zeros(3))
