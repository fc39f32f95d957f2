"""Every learner keeps the contract, and says what its formula says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.special import expit

from suasion.errors import CampaignError
from suasion.scores import learners
from suasion.scores.contract import check, keeps_when_reloaded
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.learned import load, save
from suasion.scores.learner import learn
from suasion.scores.learners import (
    EffectModel,
    Sample,
    aipw,
    learn_by_arm,
    learn_crossed,
    learn_doubly_robust,
    learn_forest,
    learn_jointly,
    learn_linearly,
    learn_residuals,
    learn_response,
)
from suasion.scores.learners.boosted import EFFECT_ROUNDS, OUTCOME_ROUNDS
from suasion.scores.learners.linear import PENALTIES
from suasion.scores.pool import fit

LEARNERS = {name: getattr(learners, name) for name in learners.__all__ if name.startswith("learn_")}
N = 900


def again(model: EffectModel) -> Any:
    return load(save(model))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_keeps_the_contract(name: str):
    assert check(LEARNERS[name]) == ()
    assert check(LEARNERS[name], [keeps_when_reloaded(again)]) == ()


@pytest.mark.slow
def test_the_whole_pool_keeps_the_contract():
    def pooled(sample: Sample) -> EffectModel:
        return fit(sample.data, sample.treatments, sample.outcome, seed=sample.seed).model

    assert check(pooled) == ()
    assert check(pooled, [keeps_when_reloaded(again)]) == ()


def experiment(arms: int = 3, *, binary: bool = False, weighted: bool = False, n: int = N) -> Sample:
    """Unequal chances, holes, a category; expectations that are anything but right."""
    luck = np.random.default_rng([arms, binary, weighted])
    matrix = np.column_stack([luck.normal(size=(n, 3)), luck.integers(0, 4, n)])
    matrix[luck.random(matrix.shape) < 0.1] = np.nan
    chances = luck.dirichlet(np.full(arms, 8.0), n)
    got = (luck.random(n)[:, None] > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1)
    outcome = np.nan_to_num(matrix[:, 0]) * (1 + got) + luck.normal(size=n)
    expected = luck.normal(size=(n, arms))
    if binary:
        outcome, expected = (outcome > 0).astype(float), expit(expected)
    weights = luck.uniform(0.5, 3, n) if weighted else None
    return Sample(Data(Features(matrix, (3,)), chances, weights), got, outcome, expected, chances)


class Direct:
    """LightGBM itself, asked by its own `predict`."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def __call__(
        self,
        target: np.ndarray,
        rows: np.ndarray,
        extra: np.ndarray | float = 1.0,
        *,
        gentle: bool = True,
        features: Features | None = None,
        asked: np.ndarray | None = None,
    ) -> np.ndarray:
        data = self.sample.data
        weights = np.ones(len(rows)) * extra * (1 if data.weights is None else data.weights[rows])
        features = features or data.features
        plain = data.weights is None and np.isscalar(extra)
        model = learn(
            features,
            rows,
            target,
            rounds=EFFECT_ROUNDS if gentle else OUTCOME_ROUNDS,
            weights=None if plain else weights / weights.mean(),
            gentle=gentle,
        )
        return np.asarray(model.predict(features.matrix if asked is None else asked))


SAMPLES = [(2, False, False), (2, True, True), (3, False, True), (4, True, False)]
each_sample = pytest.mark.parametrize(("arms", "binary", "weighted"), SAMPLES)


@each_sample
def test_by_arm_is_a_model_for_each_arm(arms: int, binary: bool, weighted: bool):
    sample = experiment(arms, binary=binary, weighted=weighted)
    direct = Direct(sample)
    rows = [np.flatnonzero(sample.treatments == arm) for arm in range(arms)]
    expected = np.column_stack([direct(sample.outcome[r], r, gentle=False) for r in rows])
    model = learn_by_arm(sample)
    np.testing.assert_allclose(model.expected(sample.data.features), expected, rtol=1e-10)
    effects = expected[:, 1:] - expected[:, [0]]
    np.testing.assert_allclose(model.effects(sample.data.features), effects, rtol=1e-9, atol=1e-12)


@each_sample
def test_jointly_is_one_model_asked_about_each_arm(arms: int, binary: bool, weighted: bool):
    sample = experiment(arms, binary=binary, weighted=weighted)
    direct, matrix = Direct(sample), sample.data.features.matrix

    def given(got: np.ndarray) -> np.ndarray:
        return np.column_stack([matrix, *(got == arm for arm in range(1, arms))])

    features = Features(given(sample.treatments), (3,))
    under = [
        direct(
            sample.outcome,
            np.arange(N),
            gentle=False,
            features=features,
            asked=given(np.full(N, arm)),
        )
        for arm in range(arms)
    ]
    effects = np.column_stack([one - under[0] for one in under[1:]])
    np.testing.assert_allclose(
        learn_jointly(sample).effects(sample.data.features), effects, rtol=1e-9, atol=1e-12
    )


@each_sample
def test_doubly_robust_is_a_regression_of_aipw_gains(arms: int, binary: bool, weighted: bool):
    sample = experiment(arms, binary=binary, weighted=weighted)
    direct, m, y, got, e = Direct(sample), sample.expected, sample.outcome, sample.treatments, sample.chances
    effects = [
        direct(
            (m[:, arm] + (got == arm) * (y - m[:, arm]) / e[:, arm])
            - (m[:, 0] + (got == 0) * (y - m[:, 0]) / e[:, 0]),
            np.arange(N),
        )
        for arm in range(1, arms)
    ]
    found = learn_doubly_robust(sample).effects(sample.data.features)
    np.testing.assert_allclose(found, np.column_stack(effects), rtol=1e-9, atol=1e-12)


@each_sample
def test_residuals_are_a_weighted_regression_of_one_arm_at_a_time(arms: int, binary: bool, weighted: bool):
    sample = experiment(arms, binary=binary, weighted=weighted)
    direct, effects = Direct(sample), []
    for arm in range(1, arms):
        rows = np.flatnonzero(np.isin(sample.treatments, (0, arm)))
        treated = sample.chances[rows, arm] / (sample.chances[rows, 0] + sample.chances[rows, arm])
        usual = treated * sample.expected[rows, arm] + (1 - treated) * sample.expected[rows, 0]
        surprise = (sample.treatments[rows] == arm) - treated
        effects.append(direct((sample.outcome[rows] - usual) / surprise, rows, surprise**2))
    found = learn_residuals(sample).effects(sample.data.features)
    np.testing.assert_allclose(found, np.column_stack(effects), rtol=1e-9, atol=1e-12)


@each_sample
def test_crossed_mixes_what_is_imputed_on_the_treated_and_on_the_others(
    arms: int, binary: bool, weighted: bool
):
    sample = experiment(arms, binary=binary, weighted=weighted)
    direct, effects = Direct(sample), []
    control = np.flatnonzero(sample.treatments == 0)
    for arm in range(1, arms):
        rows = np.flatnonzero(sample.treatments == arm)
        treated = direct(sample.outcome[rows] - sample.expected[rows, 0], rows)
        others = direct(sample.expected[control, arm] - sample.outcome[control], control)
        share = sample.chances[:, arm].sum() / sample.chances[:, [0, arm]].sum()
        effects.append(share * others + (1 - share) * treated)
    found = learn_crossed(sample).effects(sample.data.features)
    np.testing.assert_allclose(found, np.column_stack(effects), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_response_is_a_line_through_gains(weighted: bool):
    sample = experiment(3, weighted=weighted)
    shares = sample.chances.mean(axis=0)
    weights = np.ones(N) if sample.data.weights is None else sample.data.weights
    slopes, levels = np.polyfit(sample.expected @ shares, sample.gains, 1, w=np.sqrt(weights))
    usual = learn_by_arm(sample).expected(sample.data.features) @ shares
    found = learn_response(sample).effects(sample.data.features)
    np.testing.assert_allclose(found, levels + usual[:, None] * slopes, rtol=1e-8, atol=1e-10)


def test_response_without_any_difference_is_the_average():
    sample = experiment(2)
    same = replace(sample, expected=np.full((N, 2), 1 / 3))
    np.testing.assert_allclose(learn_response(same).effects(same.data.features), same.gains.mean())


def rows_of(sample: Sample) -> tuple[np.ndarray, np.ndarray, int]:
    """The design of the linear learner, and how many columns one treatment has, from their definition."""
    columns = [np.ones(len(sample.outcome))]
    for place, column in enumerate(sample.data.features.matrix.T):
        if place == 3:
            marks = [column == code for code in np.unique(column[~np.isnan(column)])]
        else:
            marks = [np.where(np.isnan(column), np.nanmean(column), column), np.isnan(column)]
        columns += [(mark - mark.mean()) / mark.std() for mark in marks]
    design = np.column_stack(columns)
    rows = np.hstack([sample.surprise[:, [arm]] * design for arm in range(sample.count)])
    return rows, design, design.shape[1]


@pytest.mark.parametrize("arms", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_linear_effects_are_the_likeliest_ridge_regression(arms: int, weighted: bool):
    """By the density of what is left of the surplus once average effects are projected away (REML)."""
    sample = experiment(arms, weighted=weighted, n=60)
    rows, design, q = rows_of(sample)
    weights = np.ones(60) if sample.data.weights is None else sample.data.weights
    root = np.sqrt(weights / weights.mean())
    rows, surplus = rows * root[:, None], sample.surplus * root
    free = np.arange(sample.count) * q
    bound = np.setdiff1d(np.arange(rows.shape[1]), free)
    away = null_space(rows[:, free].T)
    inner, left = away.T @ rows[:, bound], away.T @ surplus
    unit = (inner**2).sum() / len(bound)

    def likelihood(penalty: float) -> float:
        covariance = np.eye(len(left)) + inner @ inner.T / penalty
        fit = left @ np.linalg.solve(covariance, left)
        return -(len(left) * np.log(fit) + np.linalg.slogdet(covariance)[1])

    penalty = max(unit * PENALTIES, key=likelihood)
    padding = np.zeros((len(bound), rows.shape[1]))
    padding[np.arange(len(bound)), bound] = np.sqrt(penalty)
    told = np.concatenate([surplus, np.zeros(len(bound))])
    coefficients = np.linalg.lstsq(np.vstack([rows, padding]), told)[0].reshape(sample.count, q)
    found = learn_linearly(sample).effects(sample.data.features)
    np.testing.assert_allclose(found, design @ coefficients.T, rtol=1e-6, atol=1e-8)


def test_linear_effects_do_not_depend_on_the_order_or_the_unit_of_columns():
    sample = experiment(3)
    order, units = [2, 3, 0, 1], np.array([1e-6, 1.0, 1e9, 10.0])
    matrix = np.ascontiguousarray(sample.data.features.matrix[:, order] * units)
    other = replace(sample, data=replace(sample.data, features=Features(matrix, (1,))))
    found = learn_linearly(sample).effects(sample.data.features)
    np.testing.assert_allclose(
        found, learn_linearly(other).effects(other.data.features), rtol=1e-6, atol=1e-9
    )


def test_the_forest_learns_from_surplus_and_surprise():
    sample = experiment(3, weighted=True)
    forest, plain = (
        learn_forest(sample),
        learn_forest(replace(sample, data=replace(sample.data, weights=None))),
    )
    assert (forest.effects(sample.data.features) != plain.effects(sample.data.features)).any()


def test_aipw_is_unbiased_for_any_expectation():
    """Over all ways to assign one person, weighted by their chances."""
    expected, chances, outcomes = np.array([[5.0, -2.0]]), np.array([0.2, 0.8]), np.array([1.0, 4.0])
    scores = [
        aipw(expected, np.array([arm]), chances[[arm]], outcomes[[arm]])[0] * chances[arm] for arm in (0, 1)
    ]
    np.testing.assert_allclose(sum(scores), outcomes)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"treatments": np.zeros(N, np.int64)}, "nobody in arm"),
        ({"outcome": np.full(N, np.nan)}, f"{N} of 'outcome'"),
        ({"expected": np.full((N, 3), np.inf)}, f"{3 * N} of 'expected'"),
    ],
)
def test_a_sample_that_teaches_nothing_is_refused(changed: dict[str, np.ndarray], said: str):
    with pytest.raises(CampaignError, match=said):
        replace(experiment(3), **changed)
