"""In a world whose policies have known values, intervals hold them, looks never mislead, and gates keep."""

from __future__ import annotations

from dataclasses import replace
from math import comb, exp

import numpy as np
import pytest
from scipy.stats import binomtest

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy
from suasion.errors import UndefinedError
from suasion.learning import learn
from suasion.learning.ope import (
    Logged,
    Method,
    compare,
    difference,
    evaluate,
    exact_sequence,
    given_shown,
    sequence,
    standing,
)
from suasion.learning.ope.bounded import log_wealth
from suasion.stats.sequential import Counts, Course, Guardrail, watch

TYPES, ARMS = 60, 4
"""Kinds of people, all equally many: a policy's value is a finite sum."""


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


LUCK = np.random.default_rng(42)
FEATURES = LUCK.normal(size=(TYPES, 3))
CHANCES = 1 / (1 + np.exp(1.5 - FEATURES @ LUCK.normal(size=(3, ARMS)) * 0.6))
"""Of a click, by kind and arm."""
LOGGING = 0.8 * softmax(FEATURES @ LUCK.normal(size=(3, ARMS)) * 0.7) + 0.2 / ARMS
BEST, WORST = np.eye(ARMS)[CHANCES.argmax(axis=1)], np.eye(ARMS)[CHANCES.argmin(axis=1)]
POLICIES = [
    *(softmax(FEATURES @ LUCK.normal(size=(3, ARMS)) * heat) for heat in np.linspace(0, 2.5, 12)),
    *(np.eye(ARMS)[np.full(TYPES, arm)] for arm in range(ARMS)),
    BEST,
    WORST,
    LOGGING,
    (LOGGING + BEST) / 2,
]
"""Twenty candidates: from equal split to sharp, one arm for all, the best, the worst, and the log's own."""


def value(policy: np.ndarray) -> float:
    return float((policy * CHANCES).sum(axis=1).mean())


def picked(luck: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    return (luck.random(len(chances))[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(0, ARMS - 1)


def log_of(seed: int, n: int, rate: float = 1.0) -> tuple[np.ndarray, Logged]:
    """Kinds of people, and what the logging policy showed them."""
    luck = np.random.default_rng(seed)
    kinds = luck.integers(0, TYPES, n)
    chances = LOGGING[kinds]
    arms = picked(luck, chances)
    clicks = (luck.random(n) < rate * CHANCES[kinds, arms]).astype(np.float64)
    received = chances[np.arange(n), arms]
    return kinds, Logged(arms, clicks, received, chances, FEATURES[kinds], bounds=(0.0, 1.0))


# --- intervals -------------------------------------------------------------------------------------


def held(method: Method, clip: float | None, n: int, seeds: int) -> list[tuple[int, int]]:
    """For each of the twenty policies, how often its interval held its value, of how many given."""
    out = [(0, 0)] * len(POLICIES)
    for seed in range(seeds):
        kinds, log = log_of(seed, n)
        for place, policy in enumerate(POLICIES):
            found = evaluate(log, policy[kinds], method, clip).estimate
            if found is not None:
                hits, given = out[place]
                out[place] = hits + (found.low <= value(policy) <= found.high), given + 1
    return out


@pytest.mark.parametrize("method", ["ips", "snips", "dr"])
def test_intervals_of_twenty_policies_hold_their_values(method: Method):
    for hits, given in held(method, None, 1500, 20):
        assert given >= 8
        assert binomtest(hits, given, 0.95).pvalue > 0.001


def test_intervals_where_weights_are_cut_hold_at_least_as_often():
    for method, clip in (("switch", None), ("ips", 2.0)):
        for hits, given in held(method, clip, 1500, 4):
            assert given == 4
            assert binomtest(hits, given, 0.95, "less").pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "clip", "n"),
    [
        ("ips", None, 2000),
        ("ips", None, 10_000),
        ("snips", None, 2000),
        ("dr", None, 2000),
        ("dr", None, 5000),
        ("switch", None, 2000),
        ("switch", 4.0, 2000),
        ("ips", 3.0, 2000),
        ("dr", 3.0, 2000),
    ],
)
def test_intervals_of_twenty_policies_hold_their_values_closely(method: Method, clip: float | None, n: int):
    cut = clip is not None or method == "switch"
    for hits, given in held(method, clip, n, 120):
        assert given >= 80
        assert binomtest(hits, given, 0.95, "less" if cut else "two-sided").pvalue > 0.001


def test_the_model_makes_intervals_narrower_and_none_does_not_make_them_wrong():
    widths = {method: [] for method in ("ips", "dr")}
    for seed in range(5):
        kinds, log = log_of(seed, 4000)
        for method, known in widths.items():
            found = evaluate(log, BEST[kinds], method).estimate
            assert found is not None
            known.append(found.high - found.low)
    assert np.mean(widths["dr"]) < 0.9 * np.mean(widths["ips"])


def persons(seed: int) -> tuple[np.ndarray, Logged]:
    """People who come back up to eight times, of whom some always click and some never do."""
    luck = np.random.default_rng(seed)
    who = np.repeat(np.arange(300), luck.integers(1, 9, 300))
    kinds, eager = luck.integers(0, TYPES, 300)[who], luck.random(300)[who]
    arms = picked(luck, LOGGING[kinds])
    clicks = (eager < CHANCES[kinds, arms]).astype(np.float64)
    received = LOGGING[kinds, arms]
    return kinds, Logged(arms, clicks, received, LOGGING[kinds], clusters=who, bounds=(0.0, 1.0))


def test_persons_who_come_back_count_once():
    policy, together, alone, runs = POLICIES[2], 0, 0, 200
    for seed in range(runs):
        kinds, log = persons(seed)
        known = evaluate(log, policy[kinds], "ips").estimate
        naive = evaluate(replace(log, clusters=None), policy[kinds], "ips").estimate
        assert known is not None
        assert naive is not None
        together += known.low <= value(policy) <= known.high
        alone += naive.low <= value(policy) <= naive.high
    assert binomtest(together, runs, 0.95).pvalue > 0.001
    assert binomtest(alone, runs, 0.95, "less").pvalue < 0.001  # the test could fail


def learned(seed: int, n: int, every: int) -> tuple[np.ndarray, Logged]:
    """The log of a policy that learns on the way: mostly the arm that did best so far, a fifth by lot."""
    luck = np.random.default_rng(seed)
    kinds, arms, clicks = luck.integers(0, TYPES, n), np.empty(n, np.int64), np.empty(n)
    chances, shown, won = np.empty((n, ARMS)), np.ones(ARMS), np.full(ARMS, 0.5)
    for start in range(0, n, every):
        part = slice(start, start + every)
        chances[part] = 0.2 / ARMS + 0.8 * (np.arange(ARMS) == (won / shown).argmax())
        arms[part] = picked(luck, chances[part])
        clicks[part] = luck.random(every) < CHANCES[kinds[part], arms[part]]
        shown += np.bincount(arms[part], minlength=ARMS)
        won += np.bincount(arms[part], clicks[part], minlength=ARMS)
    received = chances[np.arange(n), arms]
    return kinds, Logged(arms, clicks, received, chances, FEATURES[kinds], bounds=(0.0, 1.0), adaptive=True)


@pytest.mark.parametrize("method", ["ips", "dr"])
def test_a_log_whose_policy_learned_on_the_way_tells_the_truth(method: Method):
    policy, hits, runs = POLICIES[4], 0, 80
    for seed in range(runs):
        kinds, log = learned(seed, 1500, 50)
        found = evaluate(log, policy[kinds], method).estimate
        assert found is not None
        hits += found.low <= value(policy) <= found.high
    assert binomtest(hits, runs, 0.95).pvalue > 0.001


def test_our_own_policies_are_told_from_the_logs_of_one_another():
    """Thompson sampling with a holdout logs; SquareCB is judged, from the same state."""
    luck, names, some = np.random.default_rng(1), ("a", "b", "c", "d"), np.ones((1, ARMS), bool)
    shape = {"center": (0.0,) * 3, "scale": (1.0,) * 3, "exploration": 0.05, "holdout": 0.1}
    logs, judged = Policy(Kind.THOMPSON, names, **shape), Policy(Kind.SQUARECB, names, **shape)
    kinds, first = log_of(100, 300)
    assert first.features is not None
    state = learn(logs, policies.start(logs), first.features, first.arms, first.rewards, first.received)
    of_kind = [
        policies.probabilities(one, state, FEATURES, np.repeat(some, TYPES, 0)) for one in (logs, judged)
    ]
    target, hits, runs = given_shown(of_kind[1]), 0, 60
    for _ in range(runs):
        kinds = luck.integers(0, TYPES, 2500)
        arms = policies.chosen(of_kind[0][kinds], luck.random(2500))
        kinds, arms = kinds[arms >= 0], arms[arms >= 0]
        assert 2100 < len(kinds) < 2400
        clicks = (luck.random(len(kinds)) < CHANCES[kinds, arms]).astype(float)
        chances = given_shown(of_kind[0])[kinds]
        log = Logged(arms, clicks, chances[np.arange(len(kinds)), arms], chances, FEATURES[kinds])
        found = evaluate(log, target[kinds]).estimate
        assert found is not None
        hits += found.low <= value(target) <= found.high
    assert binomtest(hits, runs, 0.95).pvalue > 0.001


# --- looks --------------------------------------------------------------------------------------------


def test_a_bet_against_the_truth_neither_wins_nor_loses():
    """Over all courses of ten throws, what 1 becomes is 1 on average."""
    for chance in (0.03, 0.4, 0.9):
        worth = sum(
            comb(10, k)
            * chance**k
            * (1 - chance) ** (10 - k)
            * exp(log_wealth(np.array([0.0, 1.0]), np.array([10 - k, k]), chance))
            for k in range(11)
        )
        assert worth == pytest.approx(1)


@pytest.mark.parametrize(("rate", "usual"), [(1.0, None), (1.0, 0.2), (0.01, None)])
def test_no_look_of_an_exact_sequence_misses_in_95_of_100_logs(rate: float, usual: float | None):
    policy, missed, runs = POLICIES[3], 0, 50
    largest, looks = float((policy / LOGGING).max()), np.array([30, 300, 2000])
    for seed in range(runs):
        kinds, log = log_of(seed, 2000, rate)
        found = exact_sequence(log, policy[kinds], looks, largest, usual)
        missed += not all(one.low <= rate * value(policy) <= one.high for one in found)
    assert binomtest(missed, runs, 0.05, "greater").pvalue > 0.001


def test_an_exact_interval_is_given_where_clicks_are_too_few_for_another():
    kinds, log = log_of(1, 3000, 0.002)
    target = POLICIES[3][kinds]
    assert evaluate(log, target, "ips").estimate is None
    (found,) = exact_sequence(log, target, np.array([3000]), float((POLICIES[3] / LOGGING).max()))
    assert 0 <= found.low <= 0.002 * value(POLICIES[3]) <= found.high < 0.05


def test_an_exact_interval_is_not_much_wider_than_it_must_be():
    kinds, log = log_of(2, 40_000)
    target = POLICIES[3][kinds]
    known = evaluate(log, target, "ips").estimate
    (found,) = exact_sequence(log, target, np.array([40_000]), float((POLICIES[3] / LOGGING).max()))
    assert known is not None
    assert 1 < (found.high - found.low) / (known.high - known.low) < 2


BROKEN = {
    "no bounds": {"bounds": None},
    "persons who come back": {"clusters": np.arange(500) // 2},
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_exact_sequence_asks_for_what_makes_it_exact(what: str):
    kinds, log = log_of(3, 500)
    with pytest.raises(UndefinedError):
        exact_sequence(replace(log, **BROKEN[what]), LOGGING[kinds], np.array([500]), 9.0)
    with pytest.raises(UndefinedError):
        exact_sequence(log, BEST[kinds], np.array([500]), 1.01)


def test_looks_at_the_value_of_a_policy_never_mislead_in_95_of_100_logs():
    policy, missed, runs, looks = POLICIES[3], 0, 60, np.array([100, 300, 600, 1000, 1500, 2000, 3000])
    for seed in range(runs):
        kinds, log = log_of(seed, 3000)
        found = sequence(log, policy[kinds], looks, 0.015, "snips").estimates
        missed += not all(one is None or one.low <= value(policy) <= one.high for one in found)
        assert found[-1] is not None
    assert binomtest(missed, runs, 0.05, "greater").pvalue > 0.001


def test_looks_are_wider_than_one_look_and_tell_the_same():
    kinds, log = log_of(4, 3000)
    found = sequence(log, BEST[kinds], np.array([1500, 3000]), 0.015, against=LOGGING[kinds])
    known = difference(log, BEST[kinds], LOGGING[kinds]).estimate
    assert known is not None
    assert found.latest is not None
    assert found.latest.value == pytest.approx(known.value)
    assert found.latest.high - found.latest.low > known.high - known.low


# --- champion and challenger ----------------------------------------------------------------------------


def test_the_better_challenger_goes_live_and_the_worse_does_not():
    kinds, log = log_of(5, 6000)
    better = compare(log, BEST[kinds], LOGGING[kinds], ("v2", "v1"))
    assert better.may_go_live
    assert better.text.startswith("v2 may go live in place of v1. It would gain 0.")
    worse = compare(log, WORST[kinds], LOGGING[kinds], ("v3", "v1"))
    assert not worse.may_go_live
    assert "worse" in worse.text


def test_a_margin_lets_a_challenger_live_that_is_as_good():
    kinds, log = log_of(6, 6000)
    nearly = 0.95 * LOGGING + 0.05 * WORST
    assert not compare(log, nearly[kinds], LOGGING[kinds], ("v2", "v1")).may_go_live
    assert compare(log, nearly[kinds], LOGGING[kinds], ("v2", "v1"), margin=0.02).may_go_live
    with pytest.raises(UndefinedError):
        compare(log, nearly[kinds], LOGGING[kinds], ("v2", "v1"), margin=-0.02)


@pytest.mark.parametrize("method", ["ips", "snips"])
def test_a_challenger_of_equal_worth_rarely_goes_live(method: Method):
    """A mix of the best and the worst, worth just what the champion is."""
    share = (value(LOGGING) - value(WORST)) / (value(BEST) - value(WORST))
    equal, live, runs = share * BEST + (1 - share) * WORST, 0, 150
    assert value(equal) == pytest.approx(value(LOGGING))
    for seed in range(runs):
        kinds, log = log_of(seed, 2000)
        live += compare(log, equal[kinds], LOGGING[kinds], ("v2", "v1"), method=method).may_go_live
    assert binomtest(live, runs, 0.025, "greater").pvalue > 0.001


@pytest.mark.parametrize("method", ["dr", "switch"])
def test_a_challenger_that_the_log_could_not_show_stays_off(method: Method):
    kinds, log = log_of(7, 6000)
    assert log.probabilities is not None
    wide = replace(log, probabilities=np.column_stack([log.probabilities, np.zeros(log.n)]))
    champion = np.column_stack([LOGGING[kinds], np.zeros(log.n)])
    challenger = np.column_stack([0.98 * BEST[kinds], np.full(log.n, 0.02)])
    found = compare(wide, challenger, champion, ("v2", "v1"), method=method)
    assert not found.may_go_live
    assert "2.0%" in found.text


def test_what_is_approved_is_what_was_shown():
    kinds, log = log_of(8, 3000)
    shown = compare(log, BEST[kinds], LOGGING[kinds], ("v2", "v1"))
    assert shown.digest == compare(log, BEST[kinds], LOGGING[kinds], ("v2", "v1")).digest
    others = (
        compare(log, BEST[kinds], LOGGING[kinds], ("v3", "v1")),
        compare(log, BEST[kinds], LOGGING[kinds], ("v2", "v1"), margin=0.01),
        compare(log.first(2999), BEST[kinds][:-1], LOGGING[kinds][:-1], ("v2", "v1")),
    )
    assert len({shown.digest, *(other.digest for other in others)}) == 4


def test_a_guardrail_or_a_loss_returns_to_the_champion_and_doubt_does_not():
    rail = Guardrail("complaints", tuned_for=5000, most=0.01)
    unknown = watch([rail], {"complaints": Counts(np.array([1]), np.array([100]))})
    assert standing(unknown).stays
    # Harm at the second look stays harm, though later looks are calm.
    counts = Counts(np.array([1, 90, 90]), np.array([100, 3000, 9000]))
    assert not standing(watch([rail], {"complaints": counts})).stays

    kinds, log = log_of(9, 6000)
    looks = np.array([2000, 4000, 6000])
    losing = sequence(log, WORST[kinds], looks, 0.01, against=LOGGING[kinds])
    fallen = standing(unknown, losing)
    assert not fallen.stays
    assert "less than the champion" in fallen.reasons[0]
    assert standing(unknown, losing, margin=1.0).stays
    assert standing(unknown, sequence(log, BEST[kinds], looks, 0.01, against=LOGGING[kinds])).stays
    assert standing(unknown, Course((None, *losing.estimates, None), 1)).stays is False
    assert standing(()).stays
