"""Whatever the columns hold, a guard answers, or says clearly why it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import CampaignError, SuasionError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.guards import (
    Severity,
    balance,
    drift,
    fair,
    familiar,
    leaks,
    overlap,
    proxies,
)

COLUMNS = {
    "nothing known": lambda luck, n: np.full(n, np.nan),
    "one value": lambda luck, n: np.full(n, 7.0),
    "one value or nothing": lambda luck, n: np.where(luck.random(n) < 0.5, 7.0, np.nan),
    "numbers": lambda luck, n: luck.normal(size=n),
    "huge numbers": lambda luck, n: luck.normal(size=n) * 1e300,
    "tiny numbers": lambda luck, n: luck.normal(size=n) * 1e-300,
    "yes or no": lambda luck, n: luck.integers(0, 2, n) * 1.0,
    "one person only": lambda luck, n: (np.arange(n) == n - 1) * 1.0,
    "ten thousand categories": lambda luck, n: luck.integers(0, 10_000, n) * 1.0,
    "nearly all missing": lambda luck, n: np.where(np.arange(n) < 2, 1.0, np.nan),
}
kinds = st.lists(st.tuples(st.sampled_from(list(COLUMNS)), st.booleans()), min_size=1, max_size=4)


def _data(kinds: list[tuple[str, bool]], n: int, seed: int, clustered: bool) -> Data:
    luck = np.random.default_rng(seed)
    matrix = np.column_stack([COLUMNS[kind](luck, n) for kind, _ in kinds])
    small = {"numbers", "huge numbers", "tiny numbers"}
    coded = tuple(i for i, (kind, category) in enumerate(kinds) if category and kind not in small)
    return Data(Features(matrix, coded), clusters=luck.integers(0, max(n // 2, 1), n) if clustered else None)


@settings(max_examples=60, deadline=None)
@given(kinds=kinds, n=st.sampled_from([2, 3, 30, 150, 500]), seed=st.integers(0, 99), clustered=st.booleans())
def test_any_columns_get_an_answer_or_a_clear_error(
    kinds: list[tuple[str, bool]], n: int, seed: int, clustered: bool
):
    data, names = _data(kinds, n, seed, clustered), [f"f{i}" for i in range(len(kinds))]
    got = np.arange(n) % 2
    outcome = np.random.default_rng(seed).integers(0, 2, n) * 1.0
    asked = [
        lambda: leaks(data, got, outcome, ["none", "mail"], names),
        lambda: balance(data, got, ["none", "mail"], names),
        lambda: drift(data.features, data.features, names),
        lambda: proxies(data, names, Features(outcome[:, None], (0,)), ["sex"]),
    ]
    for ask in asked:
        assert not [f for f in ask().findings if f.severity is Severity.REFUSAL and f.guard != "leak"]
    if (n if data.clusters is None else len(np.unique(data.clusters))) >= 400:
        assert familiar(data).unlike(data.features).mean() <= 0.05
    else:
        with pytest.raises(CampaignError, match="It takes 400"):
            familiar(data)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused_by_the_name_of_their_column(value: float):
    features = Features(np.array([[1.0, 2.0], [3.0, value], [1.0, 2.0]]), ())
    fine = Features(np.nan_to_num(features.matrix, posinf=0, neginf=0), ())
    with pytest.raises(CampaignError, match="infinite values in column"):
        Data(features)
    with pytest.raises(CampaignError, match="infinite values in income"):
        drift(fine, features, ["age", "income"])
    with pytest.raises(CampaignError, match="infinite values in income"):
        proxies(Data(fine), ["a", "b"], features, ["age", "income"])


def test_one_person_is_refused():
    one = Data(Features(np.ones((1, 1)), ()))
    asked = [
        lambda: leaks(one, np.zeros(1, np.int64), np.ones(1), ["none", "mail"], ["a"]),
        lambda: balance(one, np.zeros(1, np.int64), ["none", "mail"], ["a"]),
        lambda: drift(one.features, one.features, ["a"]),
        lambda: familiar(one),
        lambda: overlap(np.full((1, 2), 0.5), np.zeros(1, np.int64), ["none", "mail"]),
    ]
    for ask in asked:
        with pytest.raises(SuasionError):
            ask()


def test_of_one_person_nothing_is_told():
    one = Data(Features(np.ones((1, 1)), ()))
    assert proxies(one, ["a"], Features(np.ones((1, 1)), ()), ["sex"]).traits[0].auc is None
    assert fair("sex", {"women": np.ones(1, np.bool_)}, np.ones(1), np.ones(1)).groups[0].gap is None


def test_everybody_in_one_household_is_no_trial():
    data = Data(Features(np.arange(50.0)[:, None], ()), clusters=np.zeros(50, np.int64))
    with pytest.raises(CampaignError):
        overlap(np.full((50, 2), 0.5), np.arange(50) % 2, ["none", "mail"], data.clusters)
    with pytest.raises(CampaignError):
        familiar(data)
