"""No drawn total is beyond reach, however the totals, the people and chance conspire."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import UndefinedError
from suasion.experiments import Totals, draw, reach
from suasion.experiments.draw import prepared
from suasion.experiments.flight import fly

seeds = st.integers(0, 2**32)


class Problem(NamedTuple):
    p: np.ndarray
    costs: np.ndarray
    totals: Totals
    order: np.ndarray
    chance: np.ndarray
    together: np.ndarray | None

    def drawn(self) -> np.ndarray:
        return draw(*self)

    def turned(self, rows: list[int]) -> "Problem":
        """The same people in another order of the file."""
        costs = self.costs[rows] if len(self.costs) > 1 else self.costs
        together = None if self.together is None else self.together[rows]
        return Problem(
            self.p[rows],
            costs,
            self.totals.among(np.array(rows)),
            self.order[rows],
            self.chance[rows],
            together,
        )

    def worth(self, weights: np.ndarray) -> np.ndarray:
        """All totals of weights (n, 1 + k), as they are defined."""
        n, k = len(self.p), self.p.shape[1] - 1
        costs, totals = np.broadcast_to(self.costs, (n, k)), self.totals
        return np.array(
            [
                sum(
                    weights[i, 1 + j]
                    * (totals.counts[r, totals.groups[i], j] + totals.money[r, j] * costs[i, j])
                    for i in range(n)
                    for j in range(k)
                )
                for r in range(len(totals.names))
            ]
        )


def probabilities(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    p = rng.dirichlet(np.full(1 + k, rng.choice([0.05, 0.3, 1, 5])), n)
    p[p < rng.choice([1e-15, 1e-6])] = 0
    if rng.random() < 0.3:
        p = np.round(p * 4) / 4  # ties
    p[p.sum(axis=1) == 0, 0] = 1
    return p / p.sum(axis=1, keepdims=True)


def some_totals(rng: np.random.Generator, n: int, k: int) -> Totals:
    """Numbers of people, whole weights, any weights or few; some totals follow from others, or nearly."""
    count, groups = rng.integers(0, 11), rng.integers(1, 5)
    shape = (count, groups, k)
    counts = [
        (rng.random(shape) < 0.3) * 1.0,
        rng.integers(-2, 3, shape) * 1.0,
        rng.normal(size=shape),
        (rng.random(shape) < 0.15) * rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9, (count, 1, 1)),
    ][rng.integers(4)]
    money = (rng.random((count, k)) < 0.3) * rng.choice([0.0, 1.0, 1.0, -1.0], (count, k))
    if count > 2 and rng.random() < 0.4:
        nearly = 1 + rng.normal(size=(groups, k)) * rng.choice([0, 10.0 ** -rng.integers(6, 16)])
        counts[2], money[2] = (counts[0] + counts[1]) * nearly, money[0] + money[1]
    return Totals(tuple(map(str, range(count))), rng.integers(0, groups, n), counts, money)


@st.composite
def problems(chosen: st.DrawFn, together: bool | None = None) -> Problem:
    rng = np.random.default_rng(chosen(seeds))
    n, k = chosen(st.integers(1, 30)), chosen(st.integers(1, 5))
    p = probabilities(rng, n, k)
    costs = [
        rng.lognormal(size=(n, k)),
        rng.lognormal(sigma=4, size=(n, k)),
        rng.integers(0, 3, (n, k)) * 1.0,
        rng.integers(0, 3, (1, k)) * 1.0,
    ][chosen(st.integers(0, 3))]
    chance = [
        rng.random((n, k)),
        np.zeros((n, k)),
        np.full((n, k), 1 - 1e-16),
        rng.integers(0, 2, (n, k)) * 0.99,
    ]
    houses = rng.integers(0, n, n) if (rng.random() < 0.4 if together is None else together) else None
    if houses is not None:
        p[:, 1:] /= np.maximum(np.bincount(houses, 1 - p[:, 0])[houses], 1)[:, None]
        p[:, 0] = np.maximum(1 - p[:, 1:].sum(axis=1), 0)
    return Problem(p, costs, some_totals(rng, n, k), rng.random(n), chance[chosen(st.integers(0, 3))], houses)


@settings(deadline=None, max_examples=600)
@given(problems())
def test_no_total_is_beyond_reach(problem: Problem):
    chosen = problem.drawn()
    n, width = problem.p.shape
    assert (problem.p[np.arange(n), chosen] > 0).all()
    off = np.abs(problem.worth(np.eye(width)[chosen]) - problem.worth(problem.p))
    apart = reach(problem.totals, problem.costs, problem.together)
    assert (off <= apart * (1 + 1e-7) + 1e-9 * (apart == 0)).all()


@settings(deadline=None, max_examples=300)
@given(problems(together=True))
def test_at_most_one_of_a_household_is_treated(problem: Problem):
    assert problem.together is not None
    assert np.bincount(problem.together[problem.drawn() > 0], minlength=1).max() <= 1


@settings(deadline=None, max_examples=300)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(problem: Problem, random):
    rows = random.sample(range(len(problem.p)), len(problem.p))
    assert (problem.turned(rows).drawn() == problem.drawn()[rows]).all()


@settings(deadline=None, max_examples=300)
@given(problems(together=False), seeds)
def test_with_one_total_a_draw_is_off_by_one_person_at_most(problem: Problem, seed: int):
    n, k = len(problem.p), problem.p.shape[1] - 1
    totals = Totals(("money",), np.zeros(n, int), np.zeros((1, 1, k)), np.ones((1, k)))
    alone = problem._replace(totals=totals)
    costs = np.column_stack([np.zeros(n), np.broadcast_to(problem.costs, (n, k))])
    possible = np.where(problem.p > 1e-12, costs, np.nan)
    gap = np.nanmax(np.nanmax(possible, axis=1) - np.nanmin(possible, axis=1))
    off = np.abs(alone.worth(np.eye(1 + k)[alone.drawn()]) - alone.worth(problem.p))
    assert off <= gap + 1e-9 * costs.max()


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**32))
def test_a_person_who_touches_two_of_many_totals_makes_the_reach_two(totals: int, seed: int):
    """Edges of a graph, each end a total: the worst case for dropping by counts."""
    rng = np.random.default_rng(seed)
    ends = np.array([(a, b) for a in range(totals) for b in range(a + 1, totals)] or [(0, 0)])
    counts = np.zeros((totals, len(ends), 1))
    for at, edge in enumerate(ends):
        counts[edge, at] = 1
    names, n = tuple(map(str, range(totals))), 3 * len(ends)
    kept = Totals(names, np.resize(np.arange(len(ends)), n), counts, np.zeros((totals, 1)))
    assert (reach(kept, np.zeros((1, 1))) == min(totals, 2)).all()
    p = rng.random(n)
    p = np.column_stack([1 - p, p])
    problem = Problem(p, np.zeros((1, 1)), kept, rng.random(n), rng.random((n, 1)), None)
    off = problem.worth(np.eye(2)[problem.drawn()]) - problem.worth(p)
    assert np.abs(off).max() < min(totals, 2)


def realistic(n: int, k: int, rng: np.random.Generator) -> Totals:
    """Money, three capacities, four groups."""
    counts, money = np.zeros((8, 4, k)), np.zeros((8, k))
    money[0] = 1
    for at in range(3):
        counts[1 + at, :, at] = 1
    for group in range(4):
        counts[4 + group, group] = 1
    names = ("money", "mail", "calls", "visits", "a", "b", "c", "d")
    return Totals(names, rng.integers(0, 4, n), counts, money)


def test_the_reach_of_money_capacities_and_groups_is_three():
    """A move touches money, the group or a second channel, and the channel."""
    totals = realistic(50, 5, np.random.default_rng(1))
    assert reach(totals, np.full((1, 5), 2.0)).tolist() == [6, 3, 3, 3, 3, 3, 3, 3]
    costs = np.random.default_rng(2).random((50, 5))
    assert reach(totals, costs) == pytest.approx([3 * costs.max(), 3, 3, 3, 3, 3, 3, 3])


def test_nobody_has_no_reach():
    totals = realistic(0, 5, np.random.default_rng(1))
    assert reach(totals, np.empty((0, 5))).tolist() == [0] * 8


@pytest.mark.parametrize("floors", [False, True])
def test_a_million_moves_do_not_drift(floors: bool):
    n, k = 250_000, 5
    rng = np.random.default_rng(3)
    p = np.full((n, 1 + k), 0.004)
    p[np.arange(n), rng.integers(0, 1 + k, n)] = 0.98
    p = p if floors else rng.dirichlet(np.ones(1 + k), n)
    costs, totals = rng.lognormal(size=(n, k)), realistic(n, k, rng)
    units = prepared(p.copy(), np.arange(n + 1), costs, totals)
    moves, left = fly(units, rng.random(n * k), np.zeros(n, np.int64))
    after = units.p.reshape(p.shape)
    assert moves > 1_000_000
    assert len(left) <= 8
    assert (np.abs(after - np.round(after)).max(axis=1) > 1e-9).sum() <= 8
    own = totals.counts[:, totals.groups] + totals.money[:, None] * costs
    before = (own * p[:, 1:]).sum(axis=(1, 2))
    assert (own * after[:, 1:]).sum(axis=(1, 2)) == pytest.approx(before, rel=1e-9)


def test_parts_that_fly_apart_land_together():
    """More people than fly in one part, still within reach, and in households, one of each at most."""
    n, k = 300_000, 3
    rng = np.random.default_rng(4)
    p, costs, totals = rng.dirichlet([5, 1, 1, 1], n), rng.lognormal(size=(n, k)), realistic(n, k, rng)
    own = totals.counts[:, totals.groups] + totals.money[:, None] * costs
    for houses in (None, np.arange(n) // 2):
        p = p if houses is None else np.column_stack([(1 + p[:, 0]) / 2, p[:, 1:] / 2])
        order, chance = rng.random(n), rng.random((n, k))
        chosen = draw(p, costs, totals, order, chance, houses)
        off = (own * (np.eye(1 + k)[chosen] - p)[:, 1:]).sum(axis=(1, 2))
        assert (np.abs(off) < reach(totals, costs, houses)).all()
        assert houses is None or np.bincount(houses[chosen > 0]).max() == 1
        assert np.bincount(chosen) / n == pytest.approx(p.mean(axis=0), abs=0.002)


def test_households_with_more_than_one_treatment_are_refused():
    costs, totals = np.ones((1, 3)), realistic(2, 3, np.random.default_rng(1))
    order, chance, house = np.zeros(2), np.zeros((2, 3)), np.zeros(2, int)
    half = np.array([[0.5, 0.5, 0, 0], [0.5, 0, 0, 0.5]])
    assert (draw(half, costs, totals, order, chance, house) > 0).sum() == 1
    half[0] = [0.4, 0.6, 0, 0]
    with pytest.raises(UndefinedError, match="1 households"):
        draw(half, costs, totals, order, chance, house)
