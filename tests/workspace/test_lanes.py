"""Two lanes, one log: whoever judges any policy by it gets the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from suasion.allocation.policies import Kind, Policy, start
from suasion.experiments import uniforms
from suasion.workspace.deciding.choose import Chooser
from suasion.workspace.deciding.lanes import Lane, Trial, lane_of

ARMS = ("a", "b", "c")
NOTHING = np.zeros(0, np.float32)
OPEN = np.ones(3, np.bool_)
HOLDOUT = 0.1


def fixed(*shares: float) -> Chooser:
    policy = Policy(Kind.FIXED, ARMS, holdout=HOLDOUT, shares=shares)
    return Chooser.of(policy, start(policy))


CHAMPION, CHALLENGER = fixed(0.6, 0.3, 0.1), fixed(0.1, 0.1, 0.8)


def drawn(n: int, share: float, key: bytes) -> tuple[list[int], list[float], list[bool]]:
    """What n persons are shown, with what probability, and by whom."""
    trial = Trial.of("placement:home", CHALLENGER, share)
    luck = uniforms(np.arange(n), "placement:home", key)
    arms, chances, tried = list[int](), list[float](), list[bool]()
    for person in range(n):
        arm, chance, lane = lane_of(CHAMPION, trial, person, key).draw(NOTHING, OPEN, luck[person])
        arms.append(arm)
        chances.append(chance)
        tried.append(lane.is_trial)
    return arms, chances, tried


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_weights_by_the_stored_probability_tell_what_any_policy_brings(share: float):
    n, misses = 2000, list[float]()
    truth = np.array([0.1, 0.5, 0.3])
    target = np.array([0.2, 0.5, 0.3])
    for seed in range(30):
        arms, chances, _ = drawn(n, share, b"key %d" % seed)
        shown = np.array(arms) >= 0
        rewards = np.random.default_rng(seed).random(n) < truth[arms]
        weights = np.where(shown, target[arms] / np.array(chances), 0.0) * rewards
        error = weights.std() / np.sqrt(n)
        misses.append(float((weights.mean() - target @ truth) / error))
    # Thirty independent standard normals, if it is unbiased and its error right.
    assert abs(np.sum(misses)) < norm.ppf(1 - 1e-6) * np.sqrt(30)
    assert 0.4 < np.var(misses) < 2.2


def test_as_many_are_shown_a_variant_as_its_probability_says():
    arms, chances, tried = drawn(20_000, 0.25, b"key")
    said = dict(zip(arms, chances, strict=True))
    mixed = 0.75 * np.array([0.6, 0.3, 0.1]) + 0.25 * np.array([0.1, 0.1, 0.8])
    for arm, chance in [(-1, HOLDOUT), *enumerate((1 - HOLDOUT) * mixed)]:
        assert said[arm] == pytest.approx(chance, abs=1e-12)
        error = np.sqrt(chance * (1 - chance) / 20_000)
        assert np.mean(np.array(arms) == arm) == pytest.approx(chance, abs=5 * error)
    assert np.mean(tried) == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 20_000))


def test_who_is_in_the_holdout_is_so_in_both_lanes():
    arms, _, tried = drawn(5000, 0.5, b"key")
    alone, _, _ = drawn(5000, 1e-12, b"key")
    assert any(tried)
    assert [arm < 0 for arm in arms] == [arm < 0 for arm in alone]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.booleans(), min_size=3, max_size=3), st.floats(0.01, 0.5), st.integers(0, 300))
def test_all_that_a_person_may_be_shown_sums_to_one(open_arms: list[bool], share: float, person: int):
    is_open, lane = np.array(open_arms), lane_of(CHAMPION, Trial.of("r", CHALLENGER, share), person, b"key")
    found = {
        arm: chance
        for arm, chance, _ in (lane.draw(NOTHING, is_open, luck) for luck in np.arange(0.005, 1, 0.01))
    }
    assert sum(found.values()) == pytest.approx(1)
    assert all(arm < 0 or open_arms[arm] for arm in found)


def test_further_variants_are_told_with_the_chance_that_both_lanes_give_after_the_first():
    share, left = 0.4, np.array([False, True, True])
    lane = Lane(CHAMPION, CHALLENGER, (1 - share, share))
    first, _, after = lane.draw(NOTHING, OPEN, 0.2)
    assert first == 0
    second, chance, _ = after.draw(NOTHING, left, 0.1, treated=True)
    assert second == 1
    both = (1 - share) * 0.6 * (0.3 / 0.4) + share * 0.1 * (0.1 / 0.9)
    assert chance == pytest.approx(both / ((1 - share) * 0.6 + share * 0.1))


def test_without_a_challenger_nothing_is_different():
    for person in range(50):
        lane = lane_of(CHAMPION, None, person, b"key")
        assert lane.draw(NOTHING, OPEN, person / 50)[:2] == CHAMPION.draw(NOTHING, OPEN, person / 50)
