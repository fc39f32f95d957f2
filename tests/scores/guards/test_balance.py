"""Arms that differ are seen to differ; arms that chance made differ are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.guards import Severity, balance
from suasion.stats.balance import standardized_difference

Make = Callable[..., Any]


def _found(trial: Any, **asked: Any) -> Any:
    return balance(trial.data, trial.got, trial.arms, trial.names, **asked)


def _loud(found: Any) -> list[Any]:
    return [finding for finding in found.findings if finding.severity is not Severity.NOTE]


@pytest.mark.parametrize("drawn", ["persons", "households", "members"])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.2, 0.4, 0.4)])
def test_a_clean_trial_is_balanced(clean: Make, drawn: str, shares: tuple[float, ...]):
    found = [_found(clean(s, 600, shares, drawn, known=True)) for s in range(20)]
    assert sum(bool(_loud(one)) for one in found) <= binom.ppf(0.999, 20, 0.003)
    small = sum(one.p_value < 0.1 for one in found), sum(one.ratio.p_value < 0.1 for one in found)
    assert max(small) <= binom.ppf(0.9999, 20, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("drawn", ["persons", "households", "members"])
def test_p_values_of_clean_trials_are_uniform(clean: Make, drawn: str):
    found = [_found(clean(s, 900, (0.5, 0.5), drawn, known=True)) for s in range(1000)]
    for values in ([one.p_value for one in found], [one.ratio.p_value for one in found]):
        for level in (0.01, 0.1, 0.5):
            count = int((np.array(values) < level).sum())
            assert count <= binom.ppf(0.9999, 1000, level)
    assert sum(bool(_loud(one)) for one in found) <= binom.ppf(0.9999, 1000, 0.003)


def test_an_arm_of_older_people_is_named(clean: Make):
    trial = clean(1)
    age = np.random.default_rng(0).normal(40, 10, 1500) + 4 * trial.got
    found = _found(trial.having("age", age))
    assert (found.differences[0].feature, found.differences[0].arm) == ("age", "mail")
    assert found.differences[0].standardized.low > 0.2
    (finding,) = _loud(found)
    assert finding.severity is Severity.WARNING
    assert "more than the draw can explain, above all in 'age'" in finding.text


def test_an_arm_of_whom_less_is_known_is_named(clean: Make):
    trial = clean(2)
    income = np.where((trial.got == 1) & (np.arange(1500) % 3 == 0), np.nan, np.arange(1500) * 7 % 100)
    assert _found(trial.having("income", income)).differences[0].feature == "income"
    assert "'income'" in _loud(_found(trial.having("income", income)))[0].text


def test_an_arm_of_one_region_is_named(clean: Make):
    trial = clean(3)
    region = np.where((trial.got == 1) & (np.arange(1500) % 5 == 0), 3, trial.data.features.matrix[:, 2])
    assert "'region'" in _loud(_found(trial.having("region", region)))[0].text


def test_the_difference_is_the_usual_one_where_chances_are_equal(clean: Make):
    trial = clean(4, drawn="households")
    age = np.random.default_rng(0).normal(40, 10, 1500) + trial.got
    found = {d.feature: d.standardized for d in _found(trial.having("age", age)).differences}
    usual = standardized_difference(age, trial.got == 1, trial.data.clusters)
    assert found["age"].value == pytest.approx(usual.value, rel=0.02)
    assert found["age"].low == pytest.approx(usual.low, abs=0.01)


def test_known_unequal_chances_leave_no_difference_after_weighting():
    luck = np.random.default_rng(0)
    x = luck.normal(size=20_000)
    chance = 0.2 + 0.6 * (x > 0)
    got = (luck.random(20_000) < chance).astype(np.int64)
    data = Data(Features(x[:, None], ()), np.column_stack([1 - chance, chance]))
    found = balance(data, got, ["none", "mail"], ["age"])
    assert found.findings == ()
    assert not found.differences[0].standardized.excludes_zero
    assert balance(Data(data.features), got, ["none", "mail"], ["age"]).differences[0].standardized.low > 0.9


def test_a_wide_difference_by_chance_is_only_noted():
    luck = np.random.default_rng(12)
    found = balance(
        Data(Features(luck.normal(size=(40, 5)), ())), np.arange(40) % 2, ["none", "mail"], list("abcde")
    )
    assert [finding.severity for finding in found.findings] == [Severity.NOTE]
    assert "chance alone does that" in found.findings[0].text


def test_where_nobody_drew_it_is_said_otherwise(clean: Make):
    trial = clean(5).having("age", clean(5).got * 1.0 + np.arange(1500) % 3)
    found = _found(trial, randomized=False)
    assert "even after weighting by estimated propensities" in _loud(found)[0].text
    assert found.ratio is None


def test_lost_people_are_seen_in_the_sizes_of_the_arms(clean: Make):
    trial = clean(6, n=4000, known=True)
    kept = np.flatnonzero((trial.got == 0) | (np.random.default_rng(0).random(4000) < 0.85))
    found = balance(trial.data.take(kept), trial.got[kept], trial.arms, trial.names)
    assert found.ratio.p_value < 0.001
    assert _loud(found)[0].severity is Severity.REFUSAL
    assert (
        f"'mail' has {(trial.got[kept] == 1).sum():,} people, drawn {len(kept) / 2:,.0f}"
        in _loud(found)[0].text
    )


def test_the_sizes_are_tested_as_pearson_would(clean: Make):
    trial = clean(7, shares=(0.2, 0.3, 0.5), known=True)
    counts = np.bincount(trial.got)
    oracle = chisquare(counts, 1500 * np.array([0.2, 0.3, 0.5]))
    assert _found(trial).ratio.p_value == pytest.approx(oracle.pvalue)


def test_households_treated_as_one_may_make_sizes_differ_more(clean: Make):
    trial = clean(8, n=300, known=True)
    three = np.repeat(np.arange(300), 3)
    data = Data(
        Features(trial.data.features.matrix[three], (2,)), trial.data.propensities[three], clusters=three
    )
    thrice = balance(data, trial.got[three], trial.arms, trial.names)
    assert thrice.ratio.p_value == pytest.approx(_found(trial).ratio.p_value)
    once = _found(trial)
    assert thrice.p_value == pytest.approx(once.p_value, abs=0.25)


def test_more_features_than_households_can_tell_get_no_common_test():
    luck = np.random.default_rng(0)
    data = Data(Features(luck.normal(size=(100, 30)), ()))
    found = balance(data, np.arange(100) % 2, ["none", "mail"], [f"f{i}" for i in range(30)])
    assert found.p_value is None
    assert len(found.differences) == 30


def test_constant_and_unknown_features_have_no_difference():
    matrix = np.column_stack([np.ones(60), np.full(60, np.nan), np.arange(60.0)])
    found = balance(Data(Features(matrix, ())), np.arange(60) % 2, ["none", "mail"], ["one", "gone", "age"])
    known = {d.feature: d.standardized for d in found.differences}
    assert (known["one"], known["gone"]) == (None, None)
    assert known["age"] is not None
