"""Traits that no feature is, and that the features tell all the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.guards import Proxy, proxies

NAMES = ["shoes", "visits", "region"]


def _ask(
    traits: np.ndarray,
    categorical: tuple[int, ...] = (),
    n: int = 4000,
    shift: np.ndarray | float = 0.0,
    seed: int = 0,
    **data: np.ndarray,
) -> tuple[Proxy, ...]:
    luck = np.random.default_rng(seed)
    matrix = np.column_stack([luck.normal(size=n) + shift, luck.normal(size=n), luck.integers(0, 5, n)])
    found = proxies(
        Data(Features(matrix, (2,)), **data),
        NAMES,
        Features(traits.reshape(n, -1), categorical),
        [f"t{i}" for i in range(traits.reshape(n, -1).shape[1])],
    )
    return found.traits


def test_what_no_feature_tells_is_told_by_none():
    holds = [
        _ask(np.random.default_rng(100 + s).integers(0, 2, 1000) * 1.0, (0,), 1000, seed=s)[0].auc
        for s in range(20)
    ]
    assert sum(auc.low > 0.5 for auc in holds) <= 3
    assert np.mean([auc.value for auc in holds]) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("gap", [1.0, 3.0])
def test_the_auc_is_what_the_normal_shift_makes_it(gap: float):
    woman = np.random.default_rng(1).integers(0, 2, 4000) * 1.0
    (proxy,) = _ask(woman, (0,), shift=gap * woman)
    truth = float(ndtr(gap / np.sqrt(2)))
    assert proxy.auc.low - 0.01 <= truth <= proxy.auc.high + 0.02
    assert proxy.by[0][0] == "shoes"
    assert proxy.by[0][1] > 0.5


def test_a_number_is_told_as_above_or_below_its_median():
    luck = np.random.default_rng(2)
    age = luck.normal(size=4000)
    (proxy,) = _ask(age, shift=age * 3)
    assert proxy.auc.value > 0.85
    assert proxy.group is None


def test_of_a_category_the_group_told_best_is_named():
    luck = np.random.default_rng(3)
    faith = luck.integers(0, 4, 4000) * 1.0
    (proxy,) = _ask(faith, (0,), shift=4.0 * (faith == 2))
    assert proxy.group == 2
    assert proxy.auc.value > 0.95


def test_the_best_told_come_first_and_what_cannot_be_judged_last():
    luck = np.random.default_rng(4)
    woman = luck.integers(0, 2, 4000) * 1.0
    rare = (np.arange(4000) < 50) * 1.0
    found = _ask(np.column_stack([rare, luck.integers(0, 2, 4000), woman]), (0, 1, 2), shift=2 * woman)
    assert [proxy.trait for proxy in found] == ["t2", "t1", "t0"]
    assert found[2].auc is None


def test_unknown_traits_are_left_out():
    woman = np.random.default_rng(5).integers(0, 2, 4000) * 1.0
    known = np.where(np.arange(4000) % 4 == 0, np.nan, woman)
    (proxy,) = _ask(known, (0,), shift=2 * woman)
    assert proxy.people == 3000
    assert proxy.auc.value == pytest.approx(float(ndtr(np.sqrt(2))), abs=0.03)


def test_a_household_does_not_tell_its_own_members():
    luck = np.random.default_rng(6)
    house = np.repeat(np.arange(500), 4)
    faith = luck.integers(0, 2, 500)[house] * 1.0
    address = luck.normal(size=500)[house]
    features = Features(np.column_stack([address, luck.normal(size=2000)]), ())
    told = [
        proxies(
            Data(features, clusters=clusters), ["address", "age"], Features(faith[:, None], (0,)), ["faith"]
        )
        for clusters in (house, None)
    ]
    together, apart = (found.traits[0].auc for found in told)
    assert together.low < 0.5 < together.high
    assert apart.low > 0.5


def test_a_sentence_says_how_well_and_by_what():
    woman = np.random.default_rng(7).integers(0, 2, 1000) * 1.0
    features = Features(np.column_stack([woman + np.random.default_rng(0).normal(size=1000)]), ())
    found = proxies(
        Data(features), ["shoes"], Features(np.column_stack([woman, np.ones(1000)]), (0,)), ["sex", "alive"]
    )
    assert [finding.guard for finding in found.findings] == ["proxy", "proxy"]
    assert "The features tell 'sex' with AUC 0.7" in found.findings[0].text
    assert "most of all by 'shoes'" in found.findings[0].text
    assert "'alive' cannot be judged" in found.findings[1].text


def test_a_trait_that_is_a_feature_is_refused():
    features = Features(np.arange(300.0)[:, None], ())
    with pytest.raises(CampaignError, match="both: age"):
        proxies(Data(features), ["age"], features, ["age"])
