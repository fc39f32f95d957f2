"""The forest is honest, keeps households together, and is the same for a seed."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from suasion.scores.features import Features
from suasion.scores.forest import Forest, Settings, grow_forest
from suasion.scores.forest.bins import bins_of
from suasion.scores.forest.chance import halves, members, some

N = 1200
FEW = Settings(trees=2, depth=4, leaf=20, share=1.0)


def trial(n: int = N, seed: int = 0) -> tuple[Features, np.ndarray, np.ndarray]:
    """The first column says who gains."""
    luck = np.random.default_rng(seed)
    matrix = luck.normal(size=(n, 4))
    surprise = luck.integers(0, 2, (n, 1)) - 0.5
    return Features(matrix, ()), surprise[:, 0] * matrix[:, 0] + luck.normal(size=n), surprise


def arrays(forest: Forest) -> dict[str, Any]:
    return {field.name: getattr(forest, field.name) for field in fields(forest) if field.name != "bins"}


def same(first: Forest, second: Forest) -> bool:
    return all(
        np.array_equal(a, b) for a, b in zip(arrays(first).values(), arrays(second).values(), strict=True)
    )


def test_a_seed_fixes_the_forest_and_another_is_another():
    given = trial()
    first, again, other = (grow_forest(*given, settings=FEW, seed=seed) for seed in (5, 5, 6))
    assert same(first, again)
    assert not same(first, other)


def test_one_processor_grows_the_forest_that_all_grow():
    given, processors = trial(), os.sched_getaffinity(0)
    whole = grow_forest(*given, settings=Settings(trees=20))
    many = np.repeat(given[0].matrix, 90, axis=0)
    asked = whole.intervals(Features(many, ()))
    try:
        os.sched_setaffinity(0, {min(processors)})
        assert same(whole, grow_forest(*given, settings=Settings(trees=20)))
        for there, here in zip(asked, whole.intervals(Features(many, ())), strict=True):
            np.testing.assert_array_equal(there, here)
    finally:
        os.sched_setaffinity(0, processors)


def test_who_says_what_leaves_are_worth_does_not_choose_the_splits_nor_the_other_way_round():
    """Doubling a half's surplus leaves all splits where they are: only its own part in the forest doubles."""
    features, surplus, surprise = trial()
    settings = Settings(trees=1, depth=4, leaf=20, share=1.0)
    choosing, telling = halves(3, 0, 0, N)
    whole = grow_forest(features, surplus, surprise, settings=settings, seed=3)
    assert len(whole.left) > 3
    for rows, factor in (
        (choosing, 1.0),
        (telling, 2.0),
        (np.setdiff1d(np.arange(N), [*choosing, *telling]), 1.0),
    ):
        more = surplus.copy()
        more[rows] *= 2
        found = grow_forest(features, more, surprise, settings=settings, seed=3)
        np.testing.assert_array_equal(found.feature, whole.feature)
        np.testing.assert_array_equal(found.bits, whole.bits)
        np.testing.assert_allclose(found.values, whole.values * [factor, 1.0], rtol=1e-12)


def test_a_household_is_on_one_side_only():
    """Of people in the choosing half's households all may speak, of others nobody."""
    features, surplus, surprise = trial()
    clusters = np.random.default_rng(1).integers(0, 300, N) * 7
    names = np.unique(clusters)
    choosing, telling = halves(0, 0, 0, len(names))
    settings = Settings(trees=1, depth=4, leaf=20, share=1.0)
    whole = grow_forest(features, surplus, surprise, clusters=clusters, settings=settings)
    for homes, moved in ((choosing, "feature"), (telling, "values")):
        for part in np.array_split(names[homes], 5):
            more = surplus.copy()
            more[np.isin(clusters, part)] += 50 * surprise[np.isin(clusters, part), 0]
            found = grow_forest(features, more, surprise, clusters=clusters, settings=settings)
            splits_moved = len(found.left) != len(whole.left) or (found.bits != whole.bits).any()
            assert splits_moved == (moved == "feature")
    quiet = ~np.isin(clusters, names[[*choosing, *telling]])
    assert quiet.any()
    more = surplus + 50 * quiet * surprise[:, 0]
    assert same(whole, grow_forest(features, more, surprise, clusters=clusters, settings=settings))


def test_names_of_households_mean_nothing_but_their_order():
    given = trial()
    clusters = np.random.default_rng(2).integers(0, 300, N)
    first = grow_forest(*given, clusters=clusters, settings=FEW)
    assert same(first, grow_forest(*given, clusters=clusters * 10**12 - 5, settings=FEW))
    alone = grow_forest(*given, clusters=np.arange(N) * 3, settings=FEW)
    assert same(alone, grow_forest(*given, settings=FEW))


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 7, 100, 1001])
def test_a_bag_is_half_of_the_groups_and_each_tree_cuts_it_anew(groups: int):
    first, second = halves(9, 4, 8, groups), halves(9, 4, 9, groups)
    for inside, outside in (first, second):
        assert len(inside) + len(outside) == groups // 2
        assert 0 <= len(outside) - len(inside) <= 1
        assert not set(inside) & set(outside)
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second))
    if groups >= 100:
        assert set(first[0]) != set(second[0])
        assert set(np.concatenate(first)) != set(np.concatenate(halves(9, 5, 10, groups)))


def test_everybody_is_as_likely_on_either_side():
    """4,000 trees of 40 groups: each is on each side in a quarter of them, and pairs meet as they should."""
    sides = np.zeros((4000, 40), np.int8)
    for tree in range(4000):
        inside, outside = halves(1, tree, tree, 40)
        sides[tree, inside], sides[tree, outside] = 1, 2
    for side in (1, 2):
        counts = (sides == side).sum(axis=0)
        assert np.abs(counts - 1000).max() < 5 * np.sqrt(4000 * 0.25 * 0.75)
    together = ((sides > 0).T.astype(float) @ (sides > 0)) / 4000
    off = together[~np.eye(40, dtype=bool)]
    assert np.abs(off - 0.5 * 19 / 39).max() < 5.5 * np.sqrt(0.25 * 0.75 / 4000)


def test_columns_are_drawn_without_preference():
    counts = np.zeros(7)
    for number in range(3000):
        chosen = some(3, 7, 2, number)
        assert len(set(chosen)) == 3
        counts[chosen] += 1
    assert np.abs(counts - 3000 * 3 / 7).max() < 5 * np.sqrt(3000 * 12 / 49)


def test_members_are_the_rows_of_groups():
    order, starts = np.array([4, 1, 0, 3, 2], np.int32), np.array([0, 2, 3, 5])
    assert members(np.array([2, 0], np.int32), starts, order).tolist() == [3, 2, 4, 1]


def test_a_bin_holds_about_as_many_people_as_another_and_keeps_the_order():
    values = np.random.default_rng(0).exponential(size=10_000)
    bins = bins_of(Features(values[:, None], ()))
    found = bins.encode(values[:, None])[:, 0]
    assert (np.diff(found[np.argsort(values)].astype(int)) >= 0).all()
    counts = np.bincount(found)[1:]
    assert len(counts) == 64
    assert counts.min() > 0.9 * 10_000 / 64
    assert bins.encode(np.array([[np.nan], [-1.0], [1e9]])).ravel().tolist() == [0, 1, 64]


def test_ten_thousand_categories_and_a_column_of_nothing_are_no_obstacle():
    luck = np.random.default_rng(0)
    features, surplus, surprise = trial()
    matrix = np.column_stack([features.matrix, luck.integers(0, 10_000, N), np.full(N, np.nan)])
    forest = grow_forest(Features(matrix, (4,)), surplus, surprise, settings=FEW)
    assert np.isfinite(forest.effects(Features(matrix, (4,)))).all()


def test_effects_are_about_as_sure_as_their_intervals_say_where_nobody_differs():
    """The spread of a forest's answers over fresh data against the size of its intervals."""
    errors, sizes = [], []
    person = Features(np.zeros((1, 4)), ())
    for seed in range(60):
        features, _, surprise = trial(1500, seed)
        surplus = np.random.default_rng(1000 + seed).normal(size=1500)
        found, low, high = grow_forest(
            features, surplus, surprise, settings=Settings(trees=100), seed=seed
        ).intervals(person)
        errors.append(found[0, 0])
        sizes.append((high - low)[0, 0] / 2 / 1.959964)
    assert 0.6 < np.mean(sizes) / np.std(errors) < 1.7


@pytest.mark.slow
def test_intervals_hold_a_smooth_truth_about_as_often_as_they_say():
    """200 samples of 3,000; a forest leans a little towards its neighbors, so a few points are forgiven."""
    people = Features(np.array([[x, 0.0, 0.0, 0.0] for x in (-1.0, -0.5, 0.0, 0.5, 1.0)]), ())
    held = []
    for seed in range(200):
        features, _, surprise = trial(3000, seed)
        luck = np.random.default_rng(5000 + seed)
        surplus = surprise[:, 0] * np.tanh(features.matrix[:, 0]) + luck.normal(size=3000)
        _, low, high = grow_forest(features, surplus, surprise, seed=seed).intervals(people)
        truth = np.tanh(people.matrix[:, :1])
        held.append((low <= truth) & (truth <= high))
    assert 0.9 < np.mean(held) < 0.985
