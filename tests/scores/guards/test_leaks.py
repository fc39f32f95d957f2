"""Features that know too much are named; clean trials are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, chi2_contingency

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.guards import Leaks, Severity, leaks
from suasion.scores.guards.surprise import one_hot, surprise

Make = Callable[..., Any]
DRAWS = [
    ((0.5, 0.5), "persons"),
    ((0.5, 0.5), "households"),
    ((0.6, 0.4), "members"),
    ((0.93, 0.07), "persons"),
    ((0.2, 0.4, 0.4), "households"),
]


def _found(trial: Any, **asked: Any) -> Leaks:
    return leaks(trial.data, trial.got, trial.outcome, trial.arms, trial.names, **asked)


def _texts(found: Any) -> str:
    return " ".join(str(finding) for finding in found.findings)


def _alarms(clean: Make, seeds: range, **trial: Any) -> int:
    return sum(bool(_found(clean(seed, **trial), seed=seed).findings) for seed in seeds)


@pytest.mark.parametrize(("shares", "drawn"), DRAWS)
def test_a_clean_trial_raises_no_alarm(clean: Make, shares: tuple[float, ...], drawn: str):
    alarms = _alarms(clean, range(20), shares=shares, drawn=drawn, n=900)
    assert alarms <= binom.ppf(0.999, 20, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("shares", "drawn"), DRAWS)
def test_a_clean_trial_raises_an_alarm_in_at_most_one_of_a_hundred(
    clean: Make, shares: tuple[float, ...], drawn: str
):
    alarms = _alarms(clean, range(1000, 2000), shares=shares, drawn=drawn, n=900)
    assert alarms <= 10


@pytest.mark.slow
def test_forty_villages_treated_as_wholes_raise_no_more_alarms():
    alarms = 0
    for seed in range(1000):
        luck = np.random.default_rng(seed)
        village = luck.integers(0, 40, 1200)
        x = luck.normal(size=(1200, 8)) + luck.normal(size=(40, 8))[village]
        got = luck.permutation(np.arange(40) % 2)[village]
        data = Data(Features(x, ()), clusters=village)
        found = leaks(data, got, luck.normal(size=1200), ["none", "mail"], list("abcdefgh"), seed=seed)
        alarms += bool(found.findings)
    assert alarms <= 10


@pytest.mark.parametrize("drawn", ["persons", "households", "members"])
def test_a_mail_that_was_opened_tells_who_got_it(clean: Make, drawn: str):
    trial = clean(1, drawn=drawn)
    opened = trial.got * (np.random.default_rng(5).random(1500) < 0.15)
    found = _found(trial.having("visits", opened.astype(float)))
    assert found.features == ("visits",)
    assert "'visits' tells who got 'mail'" in _texts(found)
    assert found.findings[0].severity is Severity.REFUSAL
    (leak,) = found.alone
    assert (leak.people, leak.got) == (opened.sum(), opened.sum())


def test_a_few_people_of_a_small_arm_are_enough(clean: Make):
    trial = clean(21, shares=(0.93, 0.07))
    opened = (trial.got == 1) & (np.cumsum(trial.got == 1) % 8 == 0)
    found = _found(trial.having("visits", opened.astype(float)))
    assert opened.sum() < 20
    assert (found.features, found.alone[0].got) == (("visits",), opened.sum())


def test_what_is_missing_may_tell_it_too(clean: Make):
    trial = clean(2)
    answered = np.where(trial.got == 1, np.random.default_rng(0).normal(size=1500), np.nan)
    assert _found(trial.having("income", answered)).features == ("income",)


def test_a_category_may_tell_it(clean: Make):
    trial = clean(3)
    region = trial.data.features.matrix[:, 2].copy()
    region[(trial.got == 1) & (np.arange(1500) % 4 == 0)] = 31
    assert _found(trial.having("region", region)).features == ("region",)


def test_a_spread_that_differs_tells_it_though_the_means_are_equal(clean: Make):
    trial = clean(4)
    age = np.random.default_rng(0).normal(size=1500) * np.where(trial.got == 1, 2, 1)
    assert _found(trial.having("age", age)).features == ("age",)


def test_features_that_tell_it_only_together_are_found(clean: Make):
    trial = clean(5, n=4000)
    luck = np.random.default_rng(0)
    one, other = luck.normal(size=(2, 4000))
    other = np.abs(other) * np.where((trial.got == 1) == (one > 0), 1, -1)
    found = _found(trial.having("age", one).having("income", other))
    (guessed,) = found.together
    assert found.alone == ()
    assert set(guessed.by[:2]) == {"age", "income"}
    assert guessed.auc.low > 0.8
    assert "All features together tell who got 'mail'" in _texts(found)


def test_each_arm_is_named(clean: Make):
    trial = clean(6, shares=(0.4, 0.3, 0.3))
    talked = (trial.got == 2) * (np.arange(1500) % 3 == 0)
    found = _found(trial.having("visits", talked.astype(float)))
    assert found.alone[0].arm == "call"
    assert {leak.feature for leak in found.alone} == {"visits"}
    assert len(found.alone) == 3
    assert [f.text for f in found.findings if "'visits' tells" in f.text] == [found.findings[0].text]
    assert "who got 'call'" in found.findings[0].text


def test_known_unequal_chances_are_no_leak():
    alarms = 0
    for seed in range(8):
        luck = np.random.default_rng(seed)
        x = luck.normal(size=(1500, 3))
        chance = 1 / (1 + np.exp(-x[:, 0]))
        got = (luck.random(1500) < chance).astype(np.int64)
        features, outcome, names = Features(x, ()), luck.normal(size=1500), ["a", "b", "c"]
        known = Data(features, np.column_stack([1 - chance, chance]))
        alarms += bool(leaks(known, got, outcome, ["none", "mail"], names, seed=seed).findings)
        assert leaks(Data(features), got, outcome, ["none", "mail"], names).features == ("a",)
    assert alarms <= 1


def test_where_nobody_drew_features_may_tell_the_treatment(clean: Make):
    trial = clean(7)
    told = _found(trial.having("age", trial.got + 0.0), randomized=False)
    assert (told.alone, told.together, told.findings) == ((), (), ())


@pytest.mark.parametrize("sign", [1, -1])
def test_the_outcome_in_disguise_is_found(clean: Make, sign: int):
    trial = clean(8)
    noise = np.random.default_rng(0).normal(size=1500)
    found = _found(trial.having("income", sign * (trial.outcome * 8 + noise)))
    assert [(twin.feature, twin.measure) for twin in found.twins] == [("income", "AUC")]
    assert "nearly the outcome" in _texts(found)


def test_money_that_the_outcome_is_made_of_is_found(clean: Make):
    trial = clean(9)
    spent = np.where(trial.outcome == 1, np.random.default_rng(0).exponential(size=1500) + 1, 0)
    found = leaks(trial.having("income", spent**3 * 0.8).data, trial.got, spent, trial.arms, trial.names)
    assert [(twin.feature, twin.measure) for twin in found.twins] == [("income", "R2")]


def test_a_level_and_a_gap_can_be_the_outcome(clean: Make):
    trial = clean(10)
    region = np.where(trial.outcome == 1, 30, trial.data.features.matrix[:, 2])
    gap = np.where(trial.outcome == 1, 1.0, np.nan)
    assert [twin.feature for twin in _found(trial.having("region", region)).twins] == ["region"]
    assert [twin.feature for twin in _found(trial.having("age", gap)).twins] == ["age"]


def test_ten_thousand_categories_are_not_the_outcome(clean: Make):
    trial = clean(11)
    ids = np.random.default_rng(0).integers(0, 10_000, 1500).astype(float)
    assert _found(trial.having("region", ids)).findings == ()


def test_what_was_recorded_after_the_trial_began_is_named(clean: Make):
    recorded = {name: date(2026, 3, 1) for name in ("spent", "member", "region", "age")}
    found = _found(clean(12), recorded=recorded | {"age": date(2026, 3, 2)}, began=date(2026, 3, 1))
    assert found.late == ("age",)
    assert found.undated == ("visits", "income")
    assert [finding.severity for finding in found.findings] == [Severity.REFUSAL, Severity.NOTE]


def test_a_finding_names_no_value(clean: Make):
    trial = clean(13).having("income", clean(13).got * 987_654.321)
    assert "987" not in _texts(_found(trial))


def test_the_order_of_people_changes_nothing_in_what_features_tell_alone(clean: Make):
    trial = clean(14, drawn="households").having("age", clean(14, drawn="households").got * 1.0)
    order = np.random.default_rng(0).permutation(1500)
    turned = leaks(trial.data.take(order), trial.got[order], trial.outcome[order], trial.arms, trial.names)
    assert turned.features == _found(trial).features
    assert turned.alone[0].people == _found(trial).alone[0].people


def test_without_households_the_test_is_pearsons():
    luck = np.random.default_rng(0)
    codes, got = luck.integers(0, 6, 400), luck.integers(0, 2, 400)
    departure = surprise(Data(Features(codes[:, None] * 1.0, ())), got, 1).test(one_hot(codes))
    table = np.zeros((6, 2))
    np.add.at(table, (codes, got), 1)
    oracle = chi2_contingency(table, correction=False)
    assert departure.statistic == pytest.approx(oracle.statistic)
    assert (departure.freedom, departure.p_value) == (5, pytest.approx(oracle.pvalue))


def test_households_treated_as_one_count_once():
    luck = np.random.default_rng(1)
    codes, got = luck.integers(0, 4, 300), luck.integers(0, 2, 300)
    once = surprise(Data(Features(codes[:, None] * 1.0, ())), got, 1).test(one_hot(codes))
    three = np.repeat(np.arange(300), 3)
    data = Data(Features(codes[three][:, None] * 1.0, ()), clusters=three)
    thrice = surprise(data, got[three], 1).test(one_hot(codes[three]))
    assert thrice.statistic == pytest.approx(once.statistic)


def _bad(**change: Any) -> dict[str, Any]:
    good = {
        "data": Data(Features(np.arange(8.0).reshape(4, 2), ())),
        "treatments": np.array([0, 1, 0, 1]),
        "outcome": np.arange(4.0),
        "arms": ["none", "mail"],
        "names": ["a", "b"],
    }
    return good | change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"treatments": np.zeros(4, np.int64)}, "nobody in arm"),
        ({"treatments": np.array([0, 1, 0, 2])}, "none of the 2 arms"),
        ({"treatments": np.array([0, 1, 0])}, "3 treatments of 4 people"),
        ({"arms": ["none"]}, "none of the 1 arms"),
        ({"names": ["a"]}, "1 different names for 2 columns"),
        ({"names": ["a", "a"]}, "1 different names for 2 columns"),
        ({"outcome": np.array([0, 1, np.nan, 1])}, "not finite"),
        ({"outcome": np.arange(3.0)}, "3 values"),
    ],
)
def test_a_question_without_an_answer_is_refused(change: dict[str, Any], says: str):
    with pytest.raises(CampaignError, match=says):
        leaks(**_bad(**change))


def test_of_very_few_people_nothing_is_told():
    found = leaks(**_bad())
    assert (found.alone, found.together, found.twins, found.findings) == ((), (), (), ())
