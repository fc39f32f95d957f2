"""Off-policy estimates are those of the textbook, unbiased to the last digit, and silent where the log is."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.learning.ope import Logged, Method, difference, evaluate, given_shown
from suasion.learning.ope.expected import PRIOR, expected
from suasion.learning.ope.told import told

METHODS: tuple[Method, ...] = ("ips", "snips", "dr", "switch")


def rows(luck: np.random.Generator, n: int, k: int, floor: float = 0.0) -> np.ndarray:
    drawn = luck.dirichlet(np.ones(k), n)
    return floor / k + (1 - floor) * drawn


def logged(seed: int, n: int = 900, k: int = 3, floor: float = 0.3, **more) -> Logged:
    luck = np.random.default_rng(seed)
    chances, features = rows(luck, n, k, floor), luck.normal(size=(n, 2))
    arms = (luck.random(n)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(0, k - 1)
    rewards = (features[:, 0] * (arms == 1) + arms / 2 + luck.normal(size=n)).clip(-4, 4)
    given = {"features": features, "bounds": (-4.0, 4.0), **more}
    return Logged(arms, rewards, chances[np.arange(n), arms], chances, **given)


def policy(log: Logged, seed: int) -> np.ndarray:
    assert log.probabilities is not None
    return rows(np.random.default_rng(seed + 1000), log.n, log.probabilities.shape[1])


# --- the textbook, one decision after the other ---------------------------------------------------


def by_hand(log: Logged, target: np.ndarray, method: str, model: np.ndarray, at: float) -> float:
    total = weight_sum = 0.0
    for i in range(log.n):
        arm, reward = int(log.arms[i]), float(log.rewards[i])
        weight = float(target[i, arm]) / float(log.received[i])
        weight_sum += weight
        if method in ("ips", "snips"):
            total += weight * reward
        else:
            if method == "switch" and weight > at:
                weight = 0.0
            total += weight * (reward - float(model[i, arm]))
            total += sum(float(target[i, a]) * float(model[i, a]) for a in range(target.shape[1]))
    return total / (weight_sum if method == "snips" else log.n)


@pytest.mark.parametrize("method", METHODS)
def test_estimates_are_those_of_the_textbook(method: Method):
    for seed in range(5):
        log = logged(seed)
        target, at = policy(log, seed), 1.5
        found = evaluate(log, target, method, at if method == "switch" else None).estimate
        assert found is not None
        by_loop = by_hand(log, target, method, expected(log, 3), at)
        assert found.value == pytest.approx(by_loop, rel=1e-10)


def test_a_model_without_features_is_a_mean_shrunk_to_that_of_all_arms():
    log = logged(1, features=None, bounds=None, clusters=np.repeat(np.arange(450), 2))
    model = expected(log, 4)
    for person in (0, 10, 449):
        # Who is judged by one model was learned together; the rest of the log made the model.
        mine = np.flatnonzero((np.abs(model - model[2 * person]) < 1e-12).all(axis=1))
        rest = np.setdiff1d(np.arange(log.n), mine)
        assert {2 * person, 2 * person + 1} <= set(mine.tolist())
        usual = log.rewards[rest].mean()
        for arm in range(3):
            own = rest[log.arms[rest] == arm]
            shrunk = usual + (log.rewards[own] - usual).sum() / (len(own) + PRIOR)
            assert model[2 * person, arm] == pytest.approx(shrunk, rel=1e-6)
        assert model[2 * person, 3] == pytest.approx(usual, rel=1e-6)


def test_the_interval_of_many_equal_decisions_is_that_of_a_mean():
    luck = np.random.default_rng(3)
    rewards = luck.normal(size=20_000)
    log = Logged(np.zeros(20_000, np.int64), rewards, np.ones(20_000))
    found = evaluate(log, np.ones((20_000, 1)), "ips").estimate
    assert found is not None
    half = 1.96 * rewards.std() / np.sqrt(20_000)
    assert (found.low, found.high) == pytest.approx((rewards.mean() - half, rewards.mean() + half), abs=2e-4)


def test_the_error_of_persons_is_that_of_their_sums():
    log = logged(4, clusters=np.random.default_rng(4).integers(0, 300, 900))
    target = policy(log, 4)
    found = evaluate(log, target, "ips")
    assert found.estimate is not None
    assert found.estimate.n == len(np.unique(log.clusters)) <= 300
    moves = log.weights(target) * log.rewards
    moves = moves - moves.mean()
    sums = [moves[log.clusters == person].sum() for person in np.unique(log.clusters)]
    by_hand = np.sqrt(len(sums) / (len(sums) - 1) * np.square(sums).sum()) / log.n
    assert found.error == pytest.approx(by_hand, rel=1e-10)


# --- unbiased, over every course that a small log could have taken ----------------------------------


def courses(n: int, adaptive: bool):
    """Every sequence of arms of a log of n decisions, with its chance; an adaptive policy follows rewards."""
    luck = np.random.default_rng(5)
    rewards, features = luck.normal((0, 1), size=(n, 2)), luck.normal(size=(n, 1))
    fixed = 0.3 + 0.4 * luck.random(n)
    for arms in itertools.product((0, 1), repeat=n):
        chances, total = np.empty((n, 2)), 0.0
        for i, arm in enumerate(arms):
            second = 0.1 + 0.8 / (1 + np.exp(-2 * total)) if adaptive else fixed[i]
            chances[i] = 1 - second, second
            total += (2 * arm - 1) * rewards[i, arm]
        at = np.array(arms), np.arange(n)
        received = chances[at[1], at[0]]
        log = Logged(at[0], rewards[at[1], at[0]], received, chances, features, adaptive=adaptive)
        yield log, float(received.prod()), rewards


@pytest.mark.parametrize(("method", "adaptive"), [("ips", False), ("ips", True), ("dr", False), ("dr", True)])
def test_estimates_are_unbiased_over_all_courses(method: Method, adaptive: bool):
    n, mean, mass = 10, 0.0, 0.0
    target = rows(np.random.default_rng(6), n, 2)
    for log, chance, rewards in courses(n, adaptive):
        model = expected(log, 2) if method == "dr" else None
        mean += chance * told(log, target, method, None, model).value
        mass += chance
        truth = float((target * rewards).sum(axis=1).mean())
    assert mass == pytest.approx(1)
    assert mean == pytest.approx(truth, abs=1e-10)


def test_models_that_saw_the_future_of_an_adaptive_log_would_be_biased():
    n, mean = 10, 0.0
    target = rows(np.random.default_rng(6), n, 2)
    for log, chance, rewards in courses(n, adaptive=True):
        seen = replace(log, adaptive=False)
        mean += chance * told(seen, target, "dr", None, expected(seen, 2)).value
        truth = float((target * rewards).sum(axis=1).mean())
    assert abs(mean - truth) > 1e-4


# --- what must not matter ---------------------------------------------------------------------------


@given(seed=st.integers(0, 200), method=st.sampled_from(METHODS))
@settings(max_examples=25, deadline=None)
def test_the_value_of_the_logging_policy_is_the_mean_reward(seed: int, method: Method):
    log = logged(seed, n=400)
    assert log.probabilities is not None
    found = evaluate(log, log.probabilities, method)
    assert found.estimate is not None
    assert found.ess == pytest.approx(400)
    about = 0.15 if method in ("dr", "switch") else 1e-12
    assert found.estimate.value == pytest.approx(log.rewards.mean(), abs=about)


@given(
    seed=st.integers(0, 200),
    method=st.sampled_from(("snips", "dr")),
    factor=st.floats(0.01, 100),
    shift=st.floats(-100, 100),
)
@settings(max_examples=25, deadline=None)
def test_another_unit_of_reward_changes_nothing_else(seed: int, method: Method, factor: float, shift: float):
    log = logged(seed, bounds=None)
    target, moved = policy(log, seed), replace(log, rewards=log.rewards * factor + shift)
    one, other = evaluate(log, target, method).estimate, evaluate(moved, target, method).estimate
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        told_again = [(end - shift) / factor for end in (other.low, other.value, other.high)]
        assert told_again == pytest.approx([one.low, one.value, one.high], rel=1e-5, abs=1e-5)


@given(seed=st.integers(0, 200), method=st.sampled_from(METHODS))
@settings(max_examples=25, deadline=None)
def test_arms_by_other_names_are_worth_the_same(seed: int, method: Method):
    log, order = logged(seed), np.array([2, 0, 1])
    assert log.probabilities is not None
    renamed = replace(log, arms=np.argsort(order)[log.arms], probabilities=log.probabilities[:, order])
    target = policy(log, seed)
    one, other = evaluate(log, target, method), evaluate(renamed, target[:, order], method)
    assert one.ess == pytest.approx(other.ess)
    assert one.estimate is not None
    assert other.estimate is not None
    assert one.estimate.value == pytest.approx(other.estimate.value, abs=1e-9)


@given(seed=st.integers(0, 200), method=st.sampled_from(METHODS))
@settings(max_examples=25, deadline=None)
def test_a_difference_is_that_of_the_values_and_turns_with_them(seed: int, method: Method):
    log = logged(seed)
    first, second = policy(log, seed), policy(log, seed + 500)
    ahead, back = difference(log, first, second, method), difference(log, second, first, method)
    alone = [evaluate(log, one, method).estimate for one in (first, second)]
    assert ahead.estimate is not None
    assert back.estimate is not None
    assert alone[0] is not None
    assert alone[1] is not None
    assert ahead.estimate.value == pytest.approx(alone[0].value - alone[1].value)
    assert ahead.estimate.low == pytest.approx(-back.estimate.high)
    assert ahead.error == pytest.approx(back.error)


def test_a_policy_against_itself_is_not_told_to_be_better():
    log = logged(7)
    assert difference(log, policy(log, 7), policy(log, 7)).estimate is None


# --- where the log cannot tell ------------------------------------------------------------------------


def test_what_the_log_could_never_show_is_not_guessed():
    log = logged(8)
    assert log.probabilities is not None
    wide = replace(log, probabilities=np.column_stack([log.probabilities, np.zeros(log.n)]))
    target = np.column_stack([0.75 * policy(log, 8), np.full(log.n, 0.25)])
    found = evaluate(wide, target, "dr")
    assert found.estimate is None
    assert found.unsupported == pytest.approx(0.25)
    assert "25.0%" in (found.reason or "")
    # Without all probabilities, the weights betray it.
    blind = evaluate(replace(wide, probabilities=None), target, "dr")
    assert blind.estimate is None
    assert blind.unsupported is None
    assert "average 1.000" in (blind.reason or "")


def test_what_is_cut_away_is_told_by_an_interval_that_holds_the_worst_and_the_best():
    log = logged(9)
    assert log.probabilities is not None
    wide = replace(log, probabilities=np.column_stack([log.probabilities, np.zeros(log.n)]))
    kept, none = policy(log, 9), np.full(log.n, 0.25)
    target = np.column_stack([0.75 * kept, none])
    alone = evaluate(log, kept, "ips").estimate
    for method, clip in (("switch", None), ("switch", 50.0), ("dr", 50.0), ("ips", 50.0)):
        found = evaluate(wide, target, method, clip).estimate
        assert found is not None
        assert alone is not None
        assert found.low <= 0.75 * alone.value + 0.25 * -4 + 0.1
        assert found.high >= 0.75 * alone.value + 0.25 * 4 - 0.1


def test_a_chance_so_small_that_the_log_never_took_it_is_seen_in_the_probabilities():
    n = 2000
    chances = np.tile([1 - 1e-6, 1e-6], (n, 1))
    luck = np.random.default_rng(10)
    log = Logged(np.zeros(n, np.int64), luck.random(n), chances[:, 0], chances, bounds=(0.0, 1.0))
    found = evaluate(log, np.tile([0.5, 0.5], (n, 1)), "ips")
    assert found.estimate is None
    assert found.ess < 1  # the weights of what was shown alone are all alike, and say 2,000
    cut = evaluate(log, np.tile([0.5, 0.5], (n, 1)), "switch").estimate
    assert cut is not None
    assert cut.low <= 0.26
    assert cut.high >= 0.74


def test_probabilities_that_are_not_those_that_decided_are_noticed():
    log = logged(11, n=4000)
    wrong = np.random.default_rng(11).permutation(log.received) ** 2
    found = evaluate(replace(log, received=wrong, probabilities=None), policy(log, 11), "ips")
    assert found.estimate is None
    assert "what its probabilities say" in (found.reason or "")


def test_a_handful_of_clicks_gives_no_interval():
    n = 5000
    clicks = np.zeros(n)
    log = Logged(np.arange(n) % 2, clicks, np.full(n, 0.5), bounds=(0.0, 1.0))
    first = np.tile([0.8, 0.2], (n, 1))
    assert "alike" in (evaluate(log, first, "ips").reason or "")
    clicks[[2, 1000, 4000]] = 1
    few = evaluate(log, first, "ips")
    assert few.estimate is None
    assert "3 decisions" in (few.reason or "")
    clicks[::100] = 1
    assert evaluate(log, first, "ips").estimate is not None


def test_a_policy_far_from_the_log_is_worth_few_decisions():
    log = logged(12, n=500, floor=0.03)
    assert log.probabilities is not None
    least = np.eye(3)[log.probabilities.argmin(axis=1)]
    found = evaluate(log, least, "ips")
    assert found.estimate is None
    assert found.ess < 100
    assert "worth" in (found.reason or "")
    assert found.largest_weight > 5


def test_a_clip_is_told():
    log = logged(13)
    target = policy(log, 13)
    weights = log.weights(target)
    found = evaluate(log, target, "ips", clip=1.2)
    assert found.largest_weight == pytest.approx(1.2)
    assert found.clipped_share == pytest.approx((weights > 1.2).mean())
    assert found.threshold == 1.2
    free = evaluate(log, target, "ips")
    assert (free.clipped_share, free.threshold) == (0.0, None)
    assert free.largest_weight == pytest.approx(weights.max())


def test_an_evaluation_can_be_stored():
    found = evaluate(logged(14), policy(logged(14), 14)).as_dict()
    assert set(found) >= {"estimate", "reason", "ess", "largest_weight", "clipped_share", "unsupported"}


# --- bad input ------------------------------------------------------------------------------------------

ONES = np.ones(4)
ARMS = np.array([0, 1, 0, 1])
HALVES = np.full((4, 2), 0.5)
BROKEN = {
    "no decisions": lambda: Logged(ARMS[:0], ONES[:0], ONES[:0]),
    "lengths that differ": lambda: Logged(ARMS, ONES[:3], ONES),
    "arms that are no numbers of arms": lambda: Logged(ONES / 3, ONES, ONES),  # pyright: ignore
    "rewards not known yet": lambda: Logged(ARMS, np.array([1, np.nan, 0, 0]), ONES),
    "endless rewards": lambda: Logged(ARMS, np.array([1, np.inf, 0, 0]), ONES),
    "a probability of zero of what was shown": lambda: Logged(ARMS, ONES, np.array([0.5, 0, 0.5, 0.5])),
    "a probability above one": lambda: Logged(ARMS, ONES, ONES * 1.1),
    "a probability that is not known": lambda: Logged(ARMS, ONES, ONES * np.nan),
    "rewards out of bounds": lambda: Logged(ARMS, ONES * 2, ONES, bounds=(0.0, 1.0)),
    "bounds the wrong way round": lambda: Logged(ARMS, ONES, ONES, bounds=(1.0, 0.0)),
    "probabilities that contradict": lambda: Logged(ARMS, ONES, ONES * 0.4, HALVES),
    "rows that do not sum to one": lambda: Logged(ARMS, ONES, ONES * 0.5, HALVES * 0.9),
    "an arm beyond the probabilities": lambda: Logged(ARMS + 1, ONES, ONES * 0.5, HALVES),
    "a holdout among the probabilities": lambda: Logged(ARMS, ONES, ONES * 0.45, HALVES * 0.9),
    "nobody to whom an arm was open": lambda: given_shown(HALVES * 0),
    "more than all": lambda: given_shown(HALVES * 1.5),
    "a target of another shape": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES[:3]),
    "a target without the arm": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES[:, :1] * 2),
    "a target of more arms": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5, HALVES), np.full((4, 4), 0.25)),
    "a target that is no distribution": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES * 1.2),
    "a negative target": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES + np.array([-1, 1])),
    "a target that is not known": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES * np.nan),
    "a clip without bounds": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES, "ips", 2.0),
    "a switch without bounds": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5), HALVES, "switch"),
    "a clip of SNIPS": lambda: evaluate(
        Logged(ARMS, ONES, ONES * 0.5, bounds=(0.0, 1.0)), HALVES, "snips", 2.0
    ),
    "a clip at zero": lambda: evaluate(Logged(ARMS, ONES, ONES * 0.5, bounds=(0.0, 1.0)), HALVES, "ips", 0.0),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_a_log_or_a_policy_is_refused(what: str):
    with pytest.raises(UndefinedError):
        BROKEN[what]()


def test_features_that_are_missing_constant_or_unknown_throughout_do_no_harm():
    log = logged(15)
    assert log.features is not None
    holes = log.features.copy()
    holes[::3, 0] = np.nan
    odd = np.column_stack([holes, np.full(log.n, 7.0), np.full(log.n, np.nan)])
    target = policy(log, 15)
    found = evaluate(replace(log, features=odd), target, "dr").estimate
    alone = evaluate(replace(log, features=holes), target, "dr").estimate
    assert found == alone


def test_one_decision_and_one_person_say_nothing():
    for n in (1, 2, 7):
        log = Logged(np.zeros(n, np.int64), np.arange(n, dtype=float), np.ones(n), np.ones((n, 1)))
        for method in ("ips", "snips", "dr"):
            assert evaluate(log, np.ones((n, 1)), method).estimate is None
    one = logged(16, clusters=np.zeros(900, np.int64))
    for adaptive in (False, True):
        found = evaluate(replace(one, adaptive=adaptive), policy(one, 16), "dr")
        assert found.estimate is None
        assert found.ess <= 1
