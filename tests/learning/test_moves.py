"""Money moves to what brings most, as far as that is known, and never away from what must stay measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.learning import steering
from suasion.stats import Estimate

HOLDOUT, COST, ROUND, ROUNDS = 0.2, 1.0, 1500.0, 8
LEAST = 0.1


def shown(luck: np.random.Generator, money: float, effect: float, base: float = 0.1):
    """People who see something as long as the money lasts, and what they do."""
    n = round(money / COST / (1 - HOLDOUT))
    treated = luck.random(n) >= HOLDOUT
    chances = np.where(treated, 1 - HOLDOUT, HOLDOUT)
    rewards = (luck.random(n) < base + effect * treated) * 1.0
    return treated, chances, rewards, treated * COST


def spent(luck: np.random.Generator, effects: dict[str, float], *, moves: bool) -> float:
    """Extra outcomes that are expected of the money, round after round."""
    shares = dict.fromkeys(effects, 1 / len(effects))
    told = {name: list[tuple[np.ndarray, ...]]() for name in effects}
    extra = 0.0
    for _ in range(ROUNDS):
        for name, effect in effects.items():
            told[name].append(shown(luck, ROUND * shares[name], effect))
            extra += ROUND * shares[name] / COST * effect
        if moves:
            all_told = {name: map(np.concatenate, zip(*rounds, strict=True)) for name, rounds in told.items()}
            gains = {name: steering.gained(*columns) for name, columns in all_told.items()}
            shares = steering.move(shares, dict.fromkeys(effects, LEAST), gains).shares
    return extra


def test_moved_money_brings_more_than_an_even_split():
    effects = {"web": 0.02, "app": 0.06, "mail": 0.12}
    luck = np.random.default_rng(1)
    moved = np.array([spent(luck, effects, moves=True) for _ in range(40)])
    even = spent(luck, effects, moves=False)
    least, most = even, ROUND * ROUNDS / COST * (0.8 * 0.12 + LEAST * 0.08)
    assert moved.min() > least
    assert moved.mean() > even + 0.6 * (most - even)


@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_where_all_bring_the_same_nothing_is_lost(effect: float):
    effects = dict.fromkeys(("web", "app", "mail"), effect)
    luck = np.random.default_rng(2)
    moved = [spent(luck, effects, moves=True) for _ in range(3)]
    assert moved == pytest.approx([spent(luck, effects, moves=False)] * 3)


def test_where_nothing_differs_no_part_is_favored_in_the_long_run():
    luck, shares = np.random.default_rng(3), np.zeros(3)
    names = ("web", "app", "mail")
    for _ in range(300):
        gains = {name: steering.gained(*shown(luck, 500.0, 0.05)) for name in names}
        made = steering.move(dict.fromkeys(names, 1 / 3), dict.fromkeys(names, LEAST), gains).shares
        shares += [made[name] for name in names]
    assert shares / 300 == pytest.approx(np.full(3, 1 / 3), abs=0.06)


def test_a_return_is_what_money_brought_and_its_interval_covers_the_truth():
    luck, covered = np.random.default_rng(4), 0
    for _ in range(400):
        made = steering.gained(*shown(luck, 800.0, 0.05))
        assert made is not None
        covered += made.low <= 0.05 / COST <= made.high
    assert covered >= 370  # 380 are expected; a binomial of 0.95 falls below 370 once in a thousand


def test_a_return_does_not_depend_on_how_large_the_holdout_was():
    luck = np.random.default_rng(5)
    treated, chances, rewards, costs = shown(luck, 80_000.0, 0.05)
    changed = np.arange(len(treated)) > len(treated) // 2  # from half way on fewer are held out
    drop = changed & ~treated & (luck.random(len(treated)) < 0.5)
    kept_chance = np.where(changed & ~treated, HOLDOUT / 2, chances)
    made = steering.gained(treated[~drop], kept_chance[~drop], rewards[~drop], costs[~drop])
    assert made is not None
    assert made.low < 0.05 < made.high
    assert made.high - made.low < 0.03


@pytest.mark.parametrize("column", ["treated", "untreated", "rewards", "costs"])
def test_of_too_few_nothing_is_said(column: str):
    treated, chances, rewards, costs = shown(np.random.default_rng(6), 500.0, 0.3)
    rows = {"treated": ~treated, "untreated": treated}.get(column, np.ones(len(treated), bool))
    rewards = rewards * (column != "rewards")
    costs = costs * (column != "costs")
    assert steering.gained(treated[rows], chances[rows], rewards[rows], costs[rows]) is None


values = st.floats(-5, 5)
widths = st.floats(0.001, 5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, widths), min_size=1, max_size=6), st.floats(0.01, 0.15))
def test_shares_sum_to_one_and_nobody_gets_less_than_the_least(parts, least: float):
    gains = {f"p{n}": Estimate(v, v - w, v + w, 99, "x") for n, (v, w) in enumerate(parts)}
    made = steering.move(dict.fromkeys(gains, 1 / len(gains)), dict.fromkeys(gains, least), gains)
    assert sum(made.shares.values()) == pytest.approx(1)
    assert min(made.shares.values()) >= least - 1e-12


def test_two_parts_get_the_probability_that_each_is_best():
    one, other = Estimate(1.0, 0.02, 1.98, 99, "x"), Estimate(0.5, -0.48, 1.48, 99, "x")
    made = steering.move({"a": 0.5, "b": 0.5}, {"a": 0.1, "b": 0.1}, {"a": one, "b": other})
    luck = np.random.default_rng(7)
    best = np.mean(luck.normal(1.0, 0.5, 400_000) > luck.normal(0.5, 0.5, 400_000))
    assert made.shares["a"] == pytest.approx(0.1 + 0.8 * best, abs=0.004)


def test_what_is_not_known_leaves_shares_as_they_are_and_says_so():
    known = Estimate(1.0, 0.9, 1.1, 99, "x")
    made = steering.move({"a": 0.3, "b": 0.7}, {"a": 0.1, "b": 0.1}, {"a": known, "b": None})
    assert made.shares == {"a": 0.3, "b": 0.7}
    assert "too little is known of what b brings" in made.reason


def test_where_nothing_is_known_to_bring_anything_that_is_said():
    none = Estimate(0.1, -0.2, 0.4, 99, "x")
    made = steering.move({"a": 0.5, "b": 0.5}, {"a": 0.1, "b": 0.1}, {"a": none, "b": none})
    assert "None is known to bring anything" in made.reason


def test_parts_that_do_not_fit_are_refused():
    known = Estimate(1.0, 0.9, 1.1, 99, "x")
    with pytest.raises(UndefinedError):
        steering.move({"a": 1.0}, {"b": 0.1}, {"a": known})
    with pytest.raises(UndefinedError):
        steering.move({"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.6}, {"a": known, "b": known})
