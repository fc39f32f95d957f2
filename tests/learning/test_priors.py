"""A policy starts from what batch scores foresaw, and a changed one keeps what its arms knew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.errors import InputError
from suasion.learning import learn, priors, rehearse
from suasion.learning.priors import from_scores, given

POLICY = Policy(Kind.THOMPSON, ("a", "b", "c"), center=(0.0, 0.0), scale=(1.0, 1.0), ridge=1.0)


def _people(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


def _expected(people: np.ndarray) -> np.ndarray:
    return np.column_stack([0.3 + 0.2 * people[:, 0], 0.5 - 0.1 * people[:, 1], np.full(len(people), 0.1)])


def test_scores_are_what_is_expected_before_anything_is_learned():
    people = _people(2000)
    state = from_scores(POLICY, people, _expected(people), worth=1e6)
    others = np.column_stack([np.ones(50), _people(50, 2)])
    assert np.allclose(others @ state.mean.T, _expected(others[:, 1:]), atol=1e-4)
    assert state.count.sum() == 0


def test_a_prior_weighs_as_much_as_so_many_rewards():
    people, luck = _people(400), np.random.default_rng(3)
    arms, rewards = luck.integers(0, 3, 400), luck.normal(size=400)
    scored = from_scores(POLICY, people, np.zeros((400, 3)), worth=400)
    after = learn(POLICY, scored, people, arms, rewards, np.ones(400))
    x = np.column_stack([np.ones(400), people])
    for arm in range(3):
        one = x[arms == arm]
        precision = np.eye(3) + x.T @ x + one.T @ one
        assert np.allclose(after.mean[arm], np.linalg.solve(precision, one.T @ rewards[arms == arm]))


def test_good_scores_save_regret_and_bad_ones_are_unlearned():
    luck, n = np.random.default_rng(4), 4000
    people = _people(n, 5)
    rewards = (luck.random((n, 3)) < _expected(people)) * 1.0
    numbers, best = luck.random(n), _expected(people).max(axis=1)

    def regret(state: policies.State, rows: slice) -> float:
        arms = rehearse(POLICY, state, people, rewards, numbers).arms
        return float((best - _expected(people)[np.arange(n), arms])[rows].mean())

    cold = policies.start(POLICY)
    good = from_scores(POLICY, people, _expected(people), worth=100)
    bad = from_scores(POLICY, people, 1 - _expected(people), worth=100)
    assert regret(good, slice(0, 300)) < 0.5 * regret(cold, slice(0, 300))
    assert regret(bad, slice(2000, n)) < 0.02


def test_a_prior_that_is_given_is_taken():
    means = np.arange(9.0).reshape(3, 3)
    precisions = np.tile(np.diag([1.0, 2.0, 3.0]), (3, 1, 1))
    state = given(POLICY, policies.start(POLICY), means, precisions)
    assert np.allclose(state.mean, means)
    assert np.allclose(state.covariance, np.tile(np.diag([1, 1 / 2, 1 / 3]), (3, 1, 1)))


@pytest.mark.parametrize("precision", [0.0, -1.0, np.nan])
def test_a_prior_without_precision_is_refused(precision: float):
    with pytest.raises(InputError, match="positive definite"):
        given(POLICY, policies.start(POLICY), np.zeros((3, 3)), np.tile(np.eye(3) * precision, (3, 1, 1)))


@pytest.mark.parametrize(
    ("scores", "worth"),
    [
        (np.zeros((5, 2)), 1.0),
        (np.full((5, 3), np.nan), 1.0),
        (np.zeros((5, 3)), 0.0),
        (np.zeros((4, 3)), 1.0),
    ],
)
def test_scores_that_do_not_fit_are_refused(scores: np.ndarray, worth: float):
    with pytest.raises(InputError, match="prior from scores"):
        from_scores(POLICY, _people(5), scores, worth)


def _learned() -> policies.State:
    people, luck = _people(300), np.random.default_rng(6)
    return learn(
        POLICY, policies.start(POLICY), people, luck.integers(0, 3, 300), luck.random(300), np.ones(300)
    )


def test_arms_that_stay_know_what_they_knew_and_a_new_one_is_taken_for_one_of_them():
    state, new = _learned(), replace(POLICY, arms=("c", "new", "a"))
    after = priors.carried(POLICY, state, new)
    assert np.allclose(after.mean[[0, 2]], state.mean[[2, 0]], rtol=1e-9)
    assert after.count.tolist() == [state.count[2], 0, state.count[0]]
    assert np.allclose(after.mean[1], state.mean[[0, 2]].mean(axis=0))
    assert np.allclose(after.covariance[1], np.eye(3))


def test_a_policy_with_all_arms_new_starts_from_nothing():
    after = priors.carried(POLICY, _learned(), replace(POLICY, arms=("x", "y")))
    assert after.count.tolist() == [0, 0]
    assert (after.mean == 0).all()


@pytest.mark.parametrize(
    "change",
    [{"center": (1.0, 0.0)}, {"arms": ("a+x", "a+y", "b+x", "b+y"), "factors": (("a", "b"), ("x", "y"))}],
)
def test_nothing_is_kept_of_what_was_measured_otherwise(change: dict[str, object]):
    with pytest.raises(InputError, match="other features or factors"):
        priors.carried(POLICY, _learned(), replace(POLICY, **change))
