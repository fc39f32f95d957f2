"""Learning is ridge regression, exact, however cut; late and missing rewards count when they must."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy, State
from suasion.errors import InputError
from suasion.learning import Exposures, Goal, combined, due, learn, rehearse, store

Stream = dict[str, Any]


def _policy(k: int = 3, d: int = 4, **terms: Any) -> Policy:
    names = tuple("abcdefghij"[:k])
    return Policy(terms.pop("kind", Kind.THOMPSON), names, center=(0.0,) * d, scale=(1.0,) * d, **terms)


def _stream(n: int, k: int = 3, d: int = 4, seed: int = 0, days: int = 1) -> Stream:
    luck = np.random.default_rng(seed)
    return {
        "features": luck.normal(size=(n, d)) * np.geomspace(1, 30, d),
        "arms": luck.integers(0, k, n),
        "rewards": luck.normal(size=n),
        "probabilities": np.full(n, 0.5),
        "days": np.sort(luck.integers(20_000, 20_000 + days, n)),
    }


def _oracle(policy: Policy, stream: Stream, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances by numpy, all at once."""
    x = np.column_stack([np.ones(len(stream["arms"])), stream["features"]])
    means, covariances = [], []
    for arm in range(len(policy.arms)):
        rows = stream["arms"] == arm
        one, w = x[rows], weights[rows, None]
        precision = policy.ridge * np.eye(x.shape[1]) + (w * one).T @ one
        covariances.append(np.linalg.inv(precision))
        means.append(np.linalg.solve(precision, (w * one).T @ stream["rewards"][rows]))
    return np.array(means), np.array(covariances)


def _rows(stream: Stream, rows: Any) -> Stream:
    return {name: values[rows] for name, values in stream.items()}


def test_it_is_ridge_regression():
    policy, stream = _policy(ridge=2.0), _stream(500)
    state = learn(policy, policies.start(policy, 20_000), **stream)
    means, covariances = _oracle(policy, stream, np.ones(500))
    assert np.allclose(state.mean, means, rtol=1e-9, atol=1e-12)
    assert np.allclose(state.covariance, covariances, rtol=1e-8, atol=1e-13)
    assert state.count.tolist() == np.bincount(stream["arms"]).tolist()


def test_after_a_hundred_thousand_rewards_it_is_what_a_fresh_solve_gives():
    policy, stream = _policy(2, 6), _stream(200_000, 2, 6)
    state = learn(policy, policies.start(policy, 20_000), **stream)
    means, covariances = _oracle(policy, stream, np.ones(200_000))
    assert abs(state.mean / means - 1).max() < 1e-6
    diagonal = np.arange(7)
    assert abs(state.covariance[:, diagonal, diagonal] / covariances[:, diagonal, diagonal] - 1).max() < 1e-9


@given(st.lists(st.integers(0, 300), max_size=8), st.floats(0.5, 1.0))
@settings(max_examples=40, deadline=None)
def test_however_a_stream_is_cut_the_same_bytes_are_learned(cuts: list[int], keep: float):
    policy, stream = _policy(keep=keep), _stream(300, days=5)
    stream["late"] = np.arange(300) % 7 == 0
    whole = learn(policy, policies.start(policy), **stream)
    state, edges = policies.start(policy), [0, *sorted(cuts), 300]
    for begin, end in itertools.pairwise(edges):
        state = learn(policy, state, **_rows(stream, slice(begin, end)))
    assert store.to_bytes(policy, state) == store.to_bytes(policy, whole)


@given(st.integers(0, 1000), st.floats(0.3, 0.99), st.booleans())
@settings(max_examples=40, deadline=None)
def test_with_drift_older_days_weigh_less_even_if_they_are_told_of_late(
    seed: int, keep: float, shuffled: bool
):
    policy, stream = _policy(keep=keep), _stream(200, seed=seed, days=6)
    if shuffled:
        stream = _rows(stream, np.random.default_rng(seed).permutation(200))
    state = learn(policy, policies.start(policy), **stream)
    weights = keep ** (stream["days"].max() - stream["days"]).astype(float)
    means, _ = _oracle(policy, stream, weights)
    assert np.allclose(state.mean, means, rtol=1e-6, atol=1e-9)
    assert state.weight.sum() == pytest.approx(weights.sum())


def test_after_a_long_silence_only_the_prior_is_left():
    policy, stream = _policy(keep=0.5), _stream(500)
    state = learn(policy, policies.start(policy), **stream)
    later = {**_rows(stream, slice(0, 1)), "days": np.array([200_000])}
    state = learn(policy, state, **later)
    assert np.allclose(state.mean, _oracle(policy, later, np.ones(1))[0])


def test_what_was_not_foreseen_gives_the_variance_of_the_reward():
    policy, stream = _policy(ridge=1.0), _stream(400)
    state = learn(policy, policies.start(policy, 20_000), **stream)
    x = np.column_stack([np.ones(400), stream["features"]])
    means, _ = _oracle(policy, stream, np.ones(400))
    # Of the normal-inverse-gamma model: residuals, and how far coefficients are from the prior.
    misses = stream["rewards"] - (x * means[stream["arms"]]).sum(axis=1)
    assert state.residual == pytest.approx((misses**2).sum() + (means**2).sum(), rel=1e-9)
    assert policies.variance(policy, state) == pytest.approx((2.5 + state.residual) / 410)


@given(st.integers(0, 1000), st.sampled_from([1.0, 0.9, 0.5]))
@settings(max_examples=30, deadline=None)
def test_a_late_reward_ends_where_a_timely_one_does(seed: int, keep: float):
    policy, stream = _policy(keep=keep), _stream(150, seed=seed, days=3)
    came = np.random.default_rng(seed).random(150) < 0.3
    timely = learn(policy, policies.start(policy), **stream)
    zeros = learn(
        policy, policies.start(policy), **{**stream, "rewards": np.where(came, 0.0, stream["rewards"])}
    )
    late = learn(policy, zeros, **_rows(stream, came), late=np.ones(came.sum(), bool))
    assert np.allclose(late.mean, timely.mean, rtol=1e-8, atol=1e-10)
    # What fades of the prior's share in it depends on when it fades.
    assert late.residual == pytest.approx(timely.residual, rel=1e-6 if keep == 1 else 0.05)
    assert late.count.tolist() == timely.count.tolist()


def test_the_state_it_is_given_stays_as_it_was():
    policy, stream = _policy(keep=0.9), _stream(100)
    state = policies.start(policy)
    before = store.to_bytes(policy, state)
    learn(policy, state, **stream)
    assert store.to_bytes(policy, state) == before


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("arms", -1, "arm"),
        ("arms", 3, "arm"),
        ("rewards", np.nan, "reward"),
        ("rewards", np.inf, "reward"),
        ("probabilities", 0.0, "probability"),
        ("probabilities", np.nan, "probability"),
        ("probabilities", 1.1, "probability"),
        ("days", -1, "1970"),
        ("features", np.nan, "features"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(name: str, value: float, found: str):
    stream = _stream(10)
    stream[name].flat[4] = value
    with pytest.raises(InputError, match=found):
        learn(_policy(), policies.start(_policy()), **stream)


def test_arrays_of_different_lengths_are_refused():
    stream = _stream(10)
    with pytest.raises(InputError, match="one of each"):
        learn(_policy(), policies.start(_policy()), **{**stream, "rewards": stream["rewards"][:9]})


def test_several_goals_are_one_reward():
    goals = [Goal("bought", 2.0), Goal("returned", -1.5)]
    assert combined(goals, np.array([[1.0, 0], [1, 1], [0, 1]])).tolist() == [2.0, 0.5, -1.5]
    with pytest.raises(InputError):
        combined(goals, np.ones((3, 1)))


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_a_rehearsal_is_choosing_and_learning_in_turn(kind: Kind):
    policy = _policy(kind=kind, exploration=0.02, holdout=0.05, keep=0.8)
    luck = np.random.default_rng(2)
    features, rewards = luck.normal(size=(150, 4)), luck.normal(size=(150, 3))
    numbers, days = luck.random(150), np.arange(150) // 40
    made = rehearse(policy, policies.start(policy), features, rewards, numbers, days)
    state, everything = policies.start(policy), np.ones((1, 3), bool)
    for i in range(150):
        row = slice(i, i + 1)
        chances = policies.probabilities(policy, state, features[row], everything)
        arm = policies.chosen(chances, numbers[row])
        assert arm[0] == made.arms[i]
        if arm[0] < 0:
            continue
        assert chances[0, arm[0]] == pytest.approx(made.probabilities[i], rel=1e-9)
        state = learn(policy, state, features[row], arm, rewards[i, arm], chances[0, arm], days[row])
    assert np.allclose(state.mean, made.state.mean, rtol=1e-9)
    assert (made.arms < 0).any()


def test_a_fixed_policy_has_nothing_to_rehearse():
    policy = Policy(Kind.FIXED, ("a", "b"), shares=(0.5, 0.5))
    with pytest.raises(InputError, match="does not learn"):
        rehearse(policy, policies.start(policy), np.zeros((1, 0)), np.ones((1, 2)), np.zeros(1))


nan = float("nan")
times = st.integers(0, 100).map(float)
reached_at = st.one_of(st.just((nan, nan)), st.tuples(times, times))


def _plainly(rows: list[Any], horizon: float, at_once: bool) -> list[tuple[Any, ...]]:
    """What comes to be due, exposure by exposure: when, of which, late, which goals, which before."""
    made = []
    for i, (shown, told, goals) in enumerate(rows):
        over = max(told, shown + horizon)
        known = {g: max(told, heard) for g, (at, heard) in enumerate(goals) if shown <= at <= shown + horizon}
        first = min([*known.values(), over]) if at_once else over
        at_first = {g for g, when in known.items() if when <= first}
        made.append((first, i, -1, at_first, set()))
        learned = set(at_first)
        for when, g in sorted((when, g) for g, when in known.items() if when > first):
            made.append((when, i, g, {g}, set(learned)))
            learned.add(g)
    return [
        (at, i, g >= 0, now, before)
        for at, i, g, now, before in sorted(made, key=lambda one: (one[0], one[1], one[2]))
    ]


@given(
    st.integers(1, 3).flatmap(
        lambda goals: st.lists(
            st.tuples(times, times, st.lists(reached_at, min_size=goals, max_size=goals)), max_size=12
        )
    ),
    st.integers(1, 60).map(float),
    st.lists(st.integers(-1, 250), max_size=6),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_each_exposure_is_due_once_and_each_later_goal_by_itself_however_time_is_cut(
    seen: list[Any], horizon: float, cuts: list[int], at_once: bool
):
    edges, found, exposures = [-1, *sorted(cuts), 300], list[Any](), _seen(seen)
    for after, until in itertools.pairwise(edges):
        made = due(exposures, horizon, after, until, at_once)
        which = ([set(np.flatnonzero(row).tolist()) for row in one] for one in (made.reached, made.before))
        found += zip(made.at.tolist(), made.rows.tolist(), made.late.tolist(), *which, strict=True)
    assert found == _plainly(seen, horizon, at_once)


def _seen(rows: list[Any]) -> Exposures:
    goals = max((len(one) for _, _, one in rows), default=1)
    times = np.array([pairs for _, _, pairs in rows], float).reshape(len(rows), goals, 2)
    shown, told = (np.array([row[at] for row in rows], float) for at in (0, 1))
    return Exposures(shown, told, times[..., 0], times[..., 1])


def test_a_missing_reward_is_a_zero_only_when_its_horizon_has_passed():
    none = np.array([[nan]])
    waiting = Exposures(np.array([10.0]), np.array([11.0]), none, none)
    assert due(waiting, 60, 0, 69.9).rows.size == 0
    made = due(waiting, 60, 0, 70)
    assert (made.rows.tolist(), made.reached.tolist()) == ([0], [[False]])


@pytest.mark.parametrize("keep", [1.0, 0.8])
def test_goals_told_of_one_after_another_end_where_all_at_once_do(keep: float):
    policy, luck, n = replace(_policy(), keep=keep), np.random.default_rng(3), 400
    goals = [Goal("bought", 1.0), Goal("returned", -0.7), Goal("praised", 0.2)]
    reached, rows = luck.random((n, 3)) < 0.4, _stream(n)
    every = {**rows, "rewards": combined(goals, reached * 1.0)}
    at_once = learn(policy, policies.start(policy), **every)
    state = learn(policy, policies.start(policy), **{**rows, "rewards": np.zeros(n)})
    before = np.zeros((n, 3))
    for g in range(3):
        mine = np.flatnonzero(reached[:, g])
        given = {name: values[mine] for name, values in rows.items()} | {
            "rewards": np.full(len(mine), goals[g].weight),
            "late": np.ones(len(mine), bool),
            "before": combined(goals, before[mine]),
        }
        state = learn(policy, state, **given)
        before[:, g] = reached[:, g]
    assert np.allclose(state.mean, at_once.mean, atol=1e-9)
    if keep == 1:
        assert state.residual == pytest.approx(at_once.residual, rel=1e-9)


@pytest.mark.parametrize(("horizon", "shown"), [(0.0, 1.0), (nan, 1.0), (5.0, nan)])
def test_exposures_without_times_are_refused(horizon: float, shown: float):
    one = np.array([shown])
    with pytest.raises(InputError):
        due(Exposures(one, np.ones(1), one[:, None], one[:, None]), horizon, 0, 1)


def test_learning_nothing_changes_nothing():
    policy = _policy()
    state: State = replace(policies.start(policy), price=0.25)
    same = learn(policy, state, **_rows(_stream(5), slice(0, 0)))
    assert store.to_bytes(policy, same) == store.to_bytes(policy, state)
