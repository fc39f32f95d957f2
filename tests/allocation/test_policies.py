"""Probabilities of learning policies are what they say they are, and draws follow them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr, ndtr

from suasion.allocation import policies
from suasion.allocation.policies import Guardrail, Kind, Policy, State
from suasion.errors import InputError
from suasion.experiments import uniforms

NAMES = tuple("abcdefghijklmnop")
LEARNING = (Kind.THOMPSON, Kind.SQUARECB)
numbers = st.floats(-3, 3)
logs = st.floats(-4, 4)


def _knowing(policy: Policy, means: Any, deviations: Any) -> State:
    """A state without features, whose arms' expected rewards are so distributed."""
    scale = policies.variance(policy, policies.start(policy))
    means, deviations = np.asarray(means, float), np.asarray(deviations, float)
    covariance = (deviations**2 / scale)[:, None, None]
    return replace(policies.start(policy), mean=means[:, None], covariance=covariance)


def _seen(state: State, weight: Any) -> State:
    """The state as if so many rewards of each model had been learned, of people with usual features."""
    weight = np.broadcast_to(np.asarray(weight, float), state.weight.shape)
    return replace(state, weight=weight, gram=weight[:, None, None] * np.eye(state.mean.shape[1]))


def _best(means: Any, deviations: Any) -> np.ndarray:
    """The policy's probabilities, without floors."""
    policy = Policy(Kind.THOMPSON, NAMES[: len(means)])
    state = _knowing(policy, means, deviations)
    return policies.probabilities(policy, state, np.zeros((1, 0)), np.ones((1, len(means)), bool))[0]


def _fine(means: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """The same by a trapezoid rule on a million points, fine wherever any arm varies."""
    points = np.unique(means + deviations * np.linspace(-9, 9, 20_001)[:, None])
    z = (points[:, None] - means) / deviations
    below = log_ndtr(z)
    others = np.exp(below.sum(axis=1, keepdims=True) - below - z * z / 2)
    return np.trapezoid(others / deviations / np.sqrt(2 * np.pi), points, axis=0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(numbers, logs), min_size=1, max_size=9))
def test_the_probability_of_being_best_is_within_a_millionth_whatever_the_arms(
    arms: list[tuple[float, float]],
):
    means, deviations = np.array([m for m, _ in arms]), np.exp([s for _, s in arms])
    found = _best(means, deviations)
    assert abs(found - _fine(means, deviations)).max() < 1e-6
    assert abs(found.sum() - 1) < 1e-12


@given(numbers, numbers, st.floats(-16, 4), st.floats(-16, 4))
@settings(max_examples=300, deadline=None)
def test_of_two_arms_it_is_the_known_formula(one: float, other: float, small: float, large: float):
    deviations = np.exp([small, large])
    expected = ndtr((one - other) / np.hypot(*deviations))
    assert abs(_best([one, other], deviations)[0] - expected) < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_a_million_draws_agree_with_it(seed: int):
    luck = np.random.default_rng(seed)
    means, deviations = luck.normal(size=10) * 0.5, np.exp(luck.normal(size=10))
    drawn = np.argmax(luck.normal(means, deviations, size=(1_000_000, 10)), axis=1)
    seen, expected = np.bincount(drawn, minlength=10) / 1e6, _best(means, deviations)
    assert (abs(seen - expected) < 5 * np.sqrt(expected * (1 - expected) / 1e6) + 1e-6).all()


def test_draws_of_the_coefficients_agree_with_it_where_there_are_features():
    policy = Policy(Kind.THOMPSON, NAMES[:4], center=(1.0, -2.0), scale=(2.0, 0.5))
    luck = np.random.default_rng(7)
    roots = luck.normal(size=(4, 3, 3))
    covariance = roots @ roots.transpose(0, 2, 1)
    state = replace(policies.start(policy), mean=luck.normal(size=(4, 3)), covariance=covariance)
    person = np.array([[2.0, -1.0]])
    x = np.array([1.0, 0.5, 2.0])
    noise = luck.normal(size=(400_000, 4, 3)) * 0.5  # the first guess of the reward's spread
    drawn = np.argmax((state.mean + np.einsum("aij,naj->nai", roots, noise)) @ x, axis=1)
    seen = np.bincount(drawn, minlength=4) / len(drawn)
    found = policies.probabilities(policy, state, person, np.ones((1, 4), bool))[0]
    assert (abs(seen - found) < 5 * np.sqrt(0.25 / len(drawn))).all()


def test_arms_that_are_known_for_sure_share_if_they_are_equal():
    assert _best([1.0, 2.0, 2.0], [0.0, 0.0, 0.0]).tolist() == [0, 0.5, 0.5]


@given(st.lists(st.tuples(numbers, logs), min_size=2, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_arms_changes_nothing(arms: list[tuple[float, float]], luck: Any):
    order = luck.sample(range(len(arms)), len(arms))
    means, deviations = np.array([m for m, _ in arms]), np.exp([s for _, s in arms])
    assert np.allclose(_best(means[order], deviations[order]), _best(means, deviations)[order], atol=1e-9)


@given(st.lists(numbers, min_size=1, max_size=8), st.floats(0, 1e5))
@settings(max_examples=100, deadline=None)
def test_squarecb_is_the_formula(means: list[float], weight: float):
    policy = Policy(Kind.SQUARECB, NAMES[: len(means)], gamma=3.0)
    state = _seen(_knowing(policy, means, np.ones(len(means))), weight)
    best, k = int(np.argmax(means)), len(means)
    spread = np.sqrt(10 * 0.25 / (10 + k * weight))
    gamma = 3.0 * np.sqrt(k * weight) / spread
    expected = [1 / (k + gamma * (means[best] - mean)) for mean in means]
    expected[best] = 1 - sum(expected[:best]) - sum(expected[best + 1 :])
    found = policies.probabilities(policy, state, np.zeros((1, 0)), np.ones((1, k), bool))[0]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 2**31), st.sampled_from(Kind), st.integers(1, 6), st.floats(0, 0.5), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_floors_and_holdout_are_kept_and_what_is_not_allowed_has_no_chance(
    seed: int, kind: Kind, k: int, holdout: float, part: float
):
    luck = np.random.default_rng(seed)
    shares = tuple([1 / k] * k) if kind is Kind.FIXED else ()
    floor = part * (1 - holdout) / k
    policy = Policy(kind, NAMES[:k], floor, holdout, shares, center=(0.0,) * 2, scale=(1.0,) * 2)
    state = _seen(replace(policies.start(policy), mean=luck.normal(size=(k, 3))), 50.0)
    allowed = luck.random((20, k)) < 0.6
    found = policies.probabilities(policy, state, luck.normal(size=(20, 2)), allowed)
    assert (found[~allowed] == 0).all()
    assert (found[allowed] >= floor - 1e-12).all()
    assert np.allclose(found.sum(axis=1), np.where(allowed.any(axis=1), 1 - holdout, 0), atol=1e-12)


def test_fixed_shares_stay_among_the_arms_that_are_open():
    policy = Policy(Kind.FIXED, ("a", "b", "c"), holdout=0.1, shares=(0.5, 0.3, 0.2))
    allowed = np.array([[True, True, True], [False, True, True], [False, False, False]])
    found = policies.probabilities(policy, policies.start(policy), np.zeros((3, 0)), allowed)
    assert np.allclose(found, [[0.45, 0.27, 0.18], [0, 0.54, 0.36], [0, 0, 0]])


@pytest.mark.parametrize("kind", LEARNING)
def test_a_closed_arm_is_shown_to_nobody_and_a_dear_one_to_fewer(kind: Kind):
    policy = Policy(kind, ("a", "b"), costs=(1.0, 0.0), guardrails=(Guardrail("complained", 0.01),))
    even = _seen(_knowing(policy, [0.0, 0.0], [1.0, 1.0]), 1.0)
    both = np.ones((1, 2), bool)
    assert np.allclose(policies.probabilities(policy, even, np.zeros((1, 0)), both), 0.5)
    dear = policies.probabilities(policy, replace(even, price=1.0), np.zeros((1, 0)), both)[0]
    assert dear[0] < 0.3
    closed = replace(even, closed=np.array([True, False]))
    assert policies.probabilities(policy, closed, np.zeros((1, 0)), both).tolist() == [[0, 1]]


def test_draws_follow_the_probabilities():
    chances = np.array([0.1, 0.0, 0.55, 0.25])
    people = np.arange(200_000)
    drawn = policies.chosen(np.tile(chances, (len(people), 1)), uniforms(people, "placement", b"key"))
    seen = np.bincount(drawn + 1, minlength=5) / len(people)
    assert seen[2] == 0
    expected = np.array([0.1, *chances])
    assert (abs(seen - expected) < 5 * np.sqrt(expected * (1 - expected) / len(people)) + 1e-12).all()


def test_whoever_is_held_out_stays_so_whatever_is_learned():
    luck = np.random.default_rng(3)
    policy = Policy(Kind.THOMPSON, NAMES[:5], exploration=0.02, holdout=0.07, center=(0.0,), scale=(1.0,))
    numbers, people = uniforms(np.arange(20_000), "p"), luck.normal(size=(20_000, 1))
    held = []
    for _ in range(5):
        state = replace(policies.start(policy), mean=luck.normal(size=(5, 2)))
        found = policies.probabilities(policy, state, people, np.ones((20_000, 5), bool))
        held.append(np.flatnonzero(policies.chosen(found, numbers) == policies.NOBODY))
    assert all(np.array_equal(held[0], other) for other in held[1:])
    assert abs(len(held[0]) / 20_000 - 0.07) < 5 * np.sqrt(0.07 / 20_000)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1, exclude_max=True))
def test_an_arm_without_a_chance_is_never_drawn(weights: list[float], uniform: float):
    chances = np.array(weights) / max(sum(weights), 1e-300)
    drawn = policies.chosen(chances[None], np.array([uniform]))[0]
    assert drawn == policies.NOBODY if not any(weights) else chances[drawn] > 0


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_every_number_draws_an_arm_where_arms_sum_to_one(uniform: float):
    chances = np.full((1, 10), 0.1)  # which sum to a hair below 1
    assert policies.chosen(chances, np.array([uniform]))[0] >= 0


@pytest.mark.parametrize("kind", LEARNING)
def test_one_person_alone_gets_what_they_get_among_others(kind: Kind):
    luck = np.random.default_rng(5)
    policy = Policy(kind, NAMES[:6], center=(0.0,) * 3, scale=(1.0,) * 3)
    state = _seen(replace(policies.start(policy), mean=luck.normal(size=(6, 4))), 9.0)
    people, allowed = luck.normal(size=(50, 3)), luck.random((50, 6)) < 0.7
    together = policies.probabilities(policy, state, people, allowed)
    alone = [policies.probabilities(policy, state, people[i, None], allowed[i, None])[0] for i in range(50)]
    assert np.array_equal(together, alone)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"arms": ()}, "no arms"),
        ({"arms": ("a", "a")}, "named twice"),
        ({"exploration": 0.5, "holdout": 0.1}, "exploration"),
        ({"exploration": -0.1}, "exploration"),
        ({"holdout": 1.0}, "holdout"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"kind": Kind.FIXED}, "shares"),
        ({"kind": Kind.FIXED, "shares": (0.99, 0.01), "exploration": 0.05}, "shares"),
        ({"costs": (1.0,)}, "costs"),
        ({"costs": (1.0, float("nan"))}, "costs"),
        ({"center": (1.0,)}, "centers"),
        ({"center": (float("nan"),), "scale": (1.0,)}, "center"),
        ({"center": (1.0,), "scale": (0.0,)}, "scale"),
        ({"spread": 0.0}, "spread"),
        ({"keep": 0.0}, "day"),
        ({"keep": 1.5}, "day"),
        ({"gamma": float("inf")}, "gamma"),
    ],
)
def test_a_policy_that_does_not_fit_together_is_refused(wrong: dict[str, Any], found: str):
    with pytest.raises(InputError, match=found):
        Policy(**{"kind": Kind.THOMPSON, "arms": ("a", "b"), **wrong})


@pytest.mark.parametrize("limit", [0.0, 1.0, float("nan")])
def test_a_guardrail_without_a_rate_is_refused(limit: float):
    with pytest.raises(InputError):
        Guardrail("complained", limit)


@pytest.mark.parametrize("features", [np.full((1, 1), np.nan), np.full((1, 1), np.inf), np.zeros((1, 2))])
def test_features_that_are_missing_are_refused(features: Any):
    policy = Policy(Kind.THOMPSON, ("a",), center=(0.0,), scale=(1.0,))
    with pytest.raises(InputError):
        policies.probabilities(policy, policies.start(policy), features, np.ones((1, 1), bool))


def test_a_mask_of_another_shape_is_refused():
    policy = Policy(Kind.THOMPSON, ("a", "b"))
    with pytest.raises(InputError, match="mask"):
        policies.probabilities(policy, policies.start(policy), np.zeros((1, 0)), np.ones((1, 3), bool))


LEVELS = (("a", "b", "c"), ("x", "y"), ("s", "t"))


def _factored(kind: Kind, luck: np.random.Generator, **more: Any) -> tuple[Policy, State]:
    arms = tuple("+".join(one) for one in itertools.product(*LEVELS))
    policy = Policy(kind, arms, factors=LEVELS, center=(0.0,) * 2, scale=(1.0,) * 2, **more)
    state, m = policies.start(policy), len(policy.models)
    spread = luck.normal(size=(m, 3, 3))
    known = {"mean": luck.normal(size=(m, 3)), "covariance": spread @ spread.transpose(0, 2, 1) / 9}
    return policy, _seen(replace(state, price=0.3, **known), 40.0)


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
@pytest.mark.parametrize("seed", range(4))
def test_a_combination_has_the_product_of_its_levels_chances_among_those_allowed(kind: Kind, seed: int):
    luck = np.random.default_rng(seed)
    costs = tuple(luck.random(7))
    policy, state = _factored(kind, luck, exploration=0.01, holdout=0.1, costs=costs)
    people, allowed = luck.normal(size=(30, 2)), luck.random((30, 12)) < 0.6
    made = policies.probabilities(policy, state, people, allowed)
    for x, is_open, found in zip(people, allowed, made, strict=True):
        by_level, ends = list[dict[int, float]](), np.cumsum([0, 3, 2, 2])
        for f, levels in enumerate(LEVELS):
            here = sorted({int(policy.parts[arm, f]) for arm in np.flatnonzero(is_open)})
            names = tuple(levels[level - ends[f]] for level in here)
            alone = Policy(
                kind, names, center=(0.0,) * 2, scale=(1.0,) * 2, costs=tuple(costs[i] for i in here)
            )
            some = {name: getattr(state, name)[here] for name in ("mean", "covariance")}
            # The variance of rewards is of all models together.
            weight = np.full(len(here), 7 * 40.0 / 3 / len(here))
            known = _seen(replace(policies.start(alone), price=0.3, **some), weight)
            chance = policies.probabilities(alone, known, x[None], np.ones((1, len(here)), bool))[0]
            by_level.append(dict(zip(here, chance.tolist(), strict=True)))
        products = np.array(
            [
                is_open[arm] * np.prod([by_level[f][int(policy.parts[arm, f])] for f in range(3)])
                if is_open[arm]
                else 0.0
                for arm in range(12)
            ]
        )
        if products.sum() == 0:  # of levels that are best, no combination is allowed
            products = is_open * 1.0
        expected = is_open * 0.01 + (0.9 - 0.01 * is_open.sum()) * products / products.sum()
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", [Kind.THOMPSON, Kind.SQUARECB])
def test_floors_holdout_and_closed_combinations_are_kept_with_factors(kind: Kind):
    luck = np.random.default_rng(5)
    policy, state = _factored(kind, luck, exploration=0.02, holdout=0.1)
    state = replace(state, closed=np.arange(12) == 4)
    people, allowed = luck.normal(size=(200, 2)) * 30, luck.random((200, 12)) < 0.5
    allowed[0] = False
    made = policies.probabilities(policy, state, people, allowed)
    is_open = allowed & ~state.closed
    assert (made[~is_open] == 0).all()
    assert (made[is_open] >= 0.02 - 1e-12).all()
    assert made.sum(axis=1) == pytest.approx(np.where(is_open.any(axis=1), 0.9, 0.0), abs=1e-9)


def test_factors_of_which_arms_are_not_the_combinations_are_refused():
    with pytest.raises(InputError, match="not the combinations"):
        Policy(Kind.THOMPSON, ("a+x", "b+x"), factors=(("a", "b"), ("x", "y")))
