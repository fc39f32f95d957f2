"""A policy starts from what batch scores foresaw, and a changed one keeps what its arms knew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.errors import InputError
from suasion.learning import learn, priors, rehearse, store
from suasion.learning.priors import from_scores

POLICY = Policy(Kind.THOMPSON, ("a", "b", "c"), center=(0.0, 0.0), scale=(1.0, 1.0), ridge=1.0)


def _people(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


def _expected(people: np.ndarray) -> np.ndarray:
    return np.column_stack([0.3 + 0.2 * people[:, 0], 0.5 - 0.1 * people[:, 1], np.full(len(people), 0.1)])


def _begun(people: np.ndarray, scores: np.ndarray, worth: float, policy: Policy = POLICY) -> Policy:
    """The policy with the prior that scores make."""
    means = from_scores(policy, people, scores)
    return replace(policy, prior=tuple(map(tuple, means.tolist())), worth=worth)


def test_scores_are_what_is_expected_before_anything_is_learned():
    people = _people(20_000)
    state = policies.start(_begun(people, _expected(people), worth=100))
    others = np.column_stack([np.ones(50), _people(50, 2)])
    assert np.allclose(others @ state.mean.T, _expected(others[:, 1:]), atol=1e-3)
    assert state.count.sum() == 0


def test_a_prior_weighs_as_much_as_so_many_rewards():
    people, luck = _people(400), np.random.default_rng(3)
    arms, rewards = luck.integers(0, 3, 400), luck.normal(size=400)
    policy = replace(POLICY, prior=((0.5, 0.0, -1.0),) * 3, worth=50.0)
    after = learn(policy, policies.start(policy), people, arms, rewards, np.ones(400))
    x = np.column_stack([np.ones(400), people])
    for arm in range(3):
        one, weight = x[arms == arm], policy.ridge + policy.worth
        moment = one.T @ rewards[arms == arm] + weight * np.array(policy.prior[arm])
        assert np.allclose(after.mean[arm], np.linalg.solve(np.eye(3) * weight + one.T @ one, moment))


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_good_scores_save_regret_and_bad_ones_are_unlearned(kind: Kind):
    luck, n = np.random.default_rng(4), 4000
    people, cold = _people(n, 5), replace(POLICY, kind=kind)
    rewards = (luck.random((n, 3)) < _expected(people)) * 1.0
    numbers, best = luck.random(n), _expected(people).max(axis=1)

    def regret(policy: Policy, rows: slice) -> float:
        arms = rehearse(policy, policies.start(policy), people, rewards, numbers).arms
        return float((best - _expected(people)[np.arange(n), arms])[rows].mean())

    good = _begun(people, _expected(people), 100, cold)
    bad = _begun(people, 1 - _expected(people), 100, cold)
    assert regret(good, slice(0, 300)) < 0.5 * regret(cold, slice(0, 300))
    assert regret(bad, slice(2000, n)) < 0.02


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_a_rehearsal_begins_from_the_prior_as_deciding_does(kind: Kind):
    policy = replace(POLICY, kind=kind, prior=((0.2, 0.0, 0.0), (0.6, 0.1, 0.0), (0.4, 0.0, 0.0)), worth=30.0)
    people, state = _people(200), policies.start(policy)
    made = policies.probabilities(policy, state, people[:1], np.ones((1, 3), np.bool_))[0]
    assert made[1] > made[2] > made[0]
    numbers = np.random.default_rng(8).random(200)
    for number in numbers:
        one = rehearse(policy, state, people[:1], np.zeros((1, 3)), np.array([number]))
        assert one.probabilities[0] == pytest.approx(made[one.arms[0]], abs=1e-12)


@pytest.mark.parametrize(
    ("prior", "worth"),
    [
        (((0.1, 0.2),) * 3, 1.0),
        (((0.1, 0.2, 0.3),) * 2, 1.0),
        (((0.1, 0.2, np.inf),) * 3, 1.0),
        (((0.1, 0.2, 0.3),) * 3, -1.0),
        ((), 1.0),
    ],
)
def test_a_prior_that_does_not_fit_is_refused(prior: tuple[tuple[float, ...], ...], worth: float):
    with pytest.raises(InputError, match="prior"):
        replace(POLICY, prior=prior, worth=worth)


@pytest.mark.parametrize("scores", [np.zeros((5, 2)), np.full((5, 3), np.nan), np.zeros((4, 3))])
def test_scores_that_do_not_fit_are_refused(scores: np.ndarray):
    with pytest.raises(InputError, match="prior from scores"):
        from_scores(POLICY, _people(5), scores)


def test_a_prior_fades_as_rewards_do():
    bare = Policy(Kind.THOMPSON, ("a", "b"), keep=0.9)
    policy, days = replace(bare, prior=((0.9,), (0.1,)), worth=100.0), np.repeat(np.arange(1, 61), 10)
    arms, luck = np.arange(600) % 2, np.random.default_rng(2).random(600)

    def after(one: Policy) -> np.ndarray:
        nobody = np.zeros((600, 0))
        return learn(one, policies.start(one), nobody, arms, luck, np.ones(600), days).mean[:, 0]

    assert policies.start(policy).mean[:, 0] == pytest.approx([0.9, 0.1])
    # The ridge alone stays where the prior was: 5 of about 50 rewards.
    assert after(policy) == pytest.approx(after(bare) + np.array([0.9, 0.1]) * 5 / 55, abs=0.01)


def test_arms_that_come_and_go_leave_the_prior_of_the_others():
    policy = replace(POLICY, prior=((0.1, 0.0, 0.2), (0.2, 0.0, 0.0), (0.3, 0.1, 0.0)), worth=7.0)
    state = learn(policy, policies.start(policy), _people(3), np.arange(3), np.ones(3), np.ones(3))
    other = replace(policy, arms=("c", "new", "a"), prior=(policy.prior[2], (0.5, 0.5, 0.5), policy.prior[0]))
    after = store.from_bytes(other, store.to_bytes(policy, state))
    assert np.allclose(after.mean[[0, 2]], state.mean[[2, 0]], rtol=1e-9)
    assert np.allclose(after.mean[1], 0.5)
    assert np.allclose(after.covariance[1], np.eye(3) / 8)
    assert after.count.tolist() == [1, 0, 1]


def test_bytes_keep_the_prior_and_another_prior_begins_anew():
    policy = replace(POLICY, prior=((0.1, 0.0, 0.2),) * 3, worth=7.0)
    state = learn(policy, policies.start(policy), _people(3), np.arange(3), np.ones(3), np.ones(3))
    packed = store.to_bytes(policy, state)
    assert store.to_bytes(policy, store.from_bytes(policy, packed)) == packed
    for other in (POLICY, replace(policy, worth=8.0), replace(policy, prior=((0.1, 0.0, 0.3),) * 3)):
        begun = store.from_bytes(other, packed)
        assert begun.count.sum() == 0
        assert (begun.mean == policies.start(other).mean).all()


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
    [
        {"center": (1.0, 0.0)},
        {"prior": ((0.0, 0.0, 1.0),) * 3, "worth": 1.0},
        {"arms": ("a+x", "a+y", "b+x", "b+y"), "factors": (("a", "b"), ("x", "y"))},
    ],
)
def test_nothing_is_kept_of_what_was_measured_otherwise(change: dict[str, object]):
    with pytest.raises(InputError, match="other features or factors"):
        priors.carried(POLICY, _learned(), replace(POLICY, **change))
