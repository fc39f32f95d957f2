"""A draw keeps every marginal probability, whatever else it keeps."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from suasion.errors import UndefinedError
from suasion.experiments import Totals, draw, uniform_rows

PERSONS, OPTIONS, REDRAWS = 60, 4, 2000
HOUSES = np.random.default_rng(6).integers(0, 40, PERSONS)


def nothing_kept(n: int, k: int) -> Totals:
    return Totals((), np.zeros(n, int), np.zeros((0, 1, k)), np.zeros((0, k)))


def money_kept(n: int, k: int) -> Totals:
    return Totals(("money",), np.zeros(n, int), np.zeros((1, 1, k)), np.ones((1, k)))


def some_totals(kept: int) -> Totals:
    """The first of: money, two capacities, treated of three groups, money by option, any weights."""
    rng = np.random.default_rng(5)
    k = OPTIONS - 1
    counts, money = np.zeros((10, 3, k)), np.zeros((10, k))
    money[0], counts[1, :, 0], counts[2, :, 1] = 1, 1, 1
    counts[[3, 4, 5], [0, 1, 2]] = 1
    money[6, 0], money[7, 1], counts[8], counts[9] = (
        1,
        1,
        rng.normal(size=(3, k)),
        rng.integers(-2, 3, (3, k)),
    )
    names = tuple(f"{r}" for r in range(kept))
    return Totals(names, rng.integers(0, 3, PERSONS), counts[:kept], money[:kept])


def some_plan(case: str) -> tuple[np.ndarray, np.ndarray, Totals, np.ndarray | None]:
    """Probabilities of all sorts, some 0 and some 1, costs of one sort, totals to keep, and households."""
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(OPTIONS), PERSONS)
    probabilities[rng.random((PERSONS, OPTIONS)) < 0.2] = 0
    probabilities[:6] = np.eye(OPTIONS)[[0, 1, 2, 3, 0, 1]]
    probabilities[6:12] = [0.98, 0.01, 0.01, 0]
    probabilities[probabilities.sum(axis=1) == 0, 0] = 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    by_person, by_option = rng.lognormal(size=(PERSONS, OPTIONS - 1)), np.array([[0.0, 1.0, 2.5]])
    if case == "households":
        probabilities[:, 1:] /= np.maximum(np.bincount(HOUSES, 1 - probabilities[:, 0])[HOUSES], 1)[:, None]
        probabilities[:, 0] = 1 - probabilities[:, 1:].sum(axis=1)
        return np.clip(probabilities, 0, 1), by_person, some_totals(6), HOUSES
    costs = by_option if case.startswith("3") else by_person
    return probabilities, costs, some_totals(int(case.split()[0])), None


def redraw(plan: tuple[np.ndarray, np.ndarray, Totals, np.ndarray | None], salt: str) -> np.ndarray:
    probabilities, costs, totals, together = plan
    luck = uniform_rows(np.arange(len(probabilities)), probabilities.shape[1], salt)
    return draw(probabilities, costs, totals, luck[:, 0], luck[:, 1:], together)


@pytest.fixture(scope="module", params=["0 kept", "1 kept", "3 kept", "10 kept", "households"])
def redrawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and what was drawn each time; shape (redraws, persons)."""
    plan = some_plan(request.param)
    return plan[0], np.array([redraw(plan, f"{i}") for i in range(REDRAWS)])


def test_every_option_is_drawn_as_often_as_its_probability_says(redrawn):
    probabilities, chosen = redrawn
    counts = np.stack([(chosen == option).sum(axis=0) for option in range(OPTIONS)], axis=1)
    wrong_once_in = 1e-4 / probabilities.size
    assert (counts >= binom.ppf(wrong_once_in / 2, REDRAWS, probabilities)).all()
    assert (counts <= binom.ppf(1 - wrong_once_in / 2, REDRAWS, probabilities)).all()
    assert not counts[probabilities == 0].any()
    assert (counts[probabilities == 1] == REDRAWS).all()


def test_deviations_of_persons_are_those_of_chance(redrawn):
    """Squared standardized deviations of counts are 1 on average: no bias hides in many persons."""
    probabilities, chosen = redrawn
    counts = np.stack([(chosen == option).sum(axis=0) for option in range(OPTIONS)], axis=1)
    left = (probabilities > 0.02) & (probabilities < 0.98)
    spread = np.sqrt(REDRAWS * probabilities[left] * (1 - probabilities[left]))
    squares = ((counts[left] - REDRAWS * probabilities[left]) / spread) ** 2
    assert squares.mean() == pytest.approx(1, abs=0.5)


def test_pooled_by_option_there_is_no_bias(redrawn):
    probabilities, chosen = redrawn
    for option in range(OPTIONS):
        drawn = (chosen == option).sum(axis=1)
        off = drawn.mean() - probabilities[:, option].sum()
        assert abs(off) <= 4.5 * drawn.std(ddof=1) / np.sqrt(REDRAWS) + 1e-9


def test_weighting_by_probability_recovers_a_known_total(redrawn):
    probabilities, chosen = redrawn
    outcomes = np.random.default_rng(4).normal(5, 2, PERSONS) + np.arange(PERSONS) % 3
    for option in range(OPTIONS):
        reached = probabilities[:, option] > 0.02
        weights = np.where(reached, 1 / np.where(reached, probabilities[:, option], 1), 0)
        totals = ((chosen == option) * weights * outcomes).sum(axis=1)
        z = (totals.mean() - outcomes[reached].sum()) / (totals.std(ddof=1) / np.sqrt(REDRAWS))
        assert abs(z) < 4


def test_a_lift_is_estimated_no_worse_than_under_independent_draws(redrawn):
    probabilities, chosen = redrawn
    rng = np.random.default_rng(4)
    fair = (probabilities[:, :2] > 0.1).all(axis=1)
    p = probabilities[fair]
    outcomes = rng.normal(5, 2, (len(p), 2))
    lifts = [((chosen[:, fair] == a) * outcomes[:, a] / p[:, a]).sum(axis=1) for a in (0, 1)]
    alone = (outcomes**2 * (1 / p[:, :2] - 1)).sum() + 2 * outcomes.prod(axis=1).sum()
    assert np.var(lifts[1] - lifts[0]) < 1.2 * alone


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_equal_costs_draw_the_exact_number(n: int, seed: int):
    rng = np.random.default_rng(seed)
    treated = rng.integers(0, n + 1)
    probabilities = np.tile([1 - treated / n, treated / n * 0.25, treated / n * 0.75], (n, 1))
    chosen = draw(probabilities, np.full((1, 2), 0.1), money_kept(n, 2), rng.random(n), rng.random((n, 2)))
    assert (chosen > 0).sum() == treated


def test_a_million_moves_end_at_the_exact_number():
    n = 350_000
    rng = np.random.default_rng(8)
    probabilities = rng.dirichlet([4.0, 1.0, 1.0, 1.0], n)
    # Make the expected number of treated persons whole.
    treated = 1 - probabilities[:, 0]
    probabilities[:, 1:] *= np.floor(treated.sum()) / treated.sum()
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(axis=1)
    chosen = draw(probabilities, np.full((1, 3), 0.3), money_kept(n, 3), rng.random(n), rng.random((n, 3)))
    assert (chosen > 0).sum() == np.floor(treated.sum())


@pytest.mark.parametrize("totals", [nothing_kept, money_kept])
def test_nobody_is_drawn_from_nobody(totals: Callable[[int, int], Totals]):
    none = np.empty((0, 2))
    assert draw(np.empty((0, 3)), none, totals(0, 2), np.empty(0), none).shape == (0,)
    assert draw(np.empty((0, 3)), none, totals(0, 2), np.empty(0), none, np.empty(0, int)).shape == (0,)


@pytest.mark.parametrize("totals", [nothing_kept, money_kept])
def test_one_person_decides_alone(totals: Callable[[int, int], Totals]):
    p, costs = np.array([[0.2, 0.5, 0.3]]), np.array([[1.0, 2.0]])
    lucks = np.random.default_rng(1).random((2500, 1, 3))
    chosen = [int(draw(p, costs, totals(1, 2), luck[:, 0], luck[:, 1:])[0]) for luck in lucks]
    assert np.bincount(chosen) / 2500 == pytest.approx(p[0], abs=0.05)


def test_where_all_is_sure_nothing_is_left_to_chance():
    sure = np.eye(OPTIONS)[np.arange(PERSONS) % OPTIONS]
    rng = np.random.default_rng(2)
    chosen = draw(
        sure, rng.random((PERSONS, 3)), some_totals(10), rng.random(PERSONS), np.empty((PERSONS, 0))
    )
    assert (chosen == np.arange(PERSONS) % OPTIONS).all()


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ([1.1, -0.1], "below 0"),
        ([np.nan, 1.0], "not finite"),
        ([np.inf, 0.0], "not finite"),
        ([0.5, 0.4], "do not sum to 1"),
        ([0.0, 0.0], "do not sum to 1"),
    ],
)
def test_what_is_no_probability_is_refused(row: list[float], found: str):
    probabilities = np.array([[0.5, 0.5], row])
    with pytest.raises(UndefinedError, match=found):
        draw(probabilities, np.zeros((1, 1)), nothing_kept(2, 1), np.zeros(2), np.zeros((2, 1)))


def test_fewer_chances_than_moves_are_refused():
    with pytest.raises(UndefinedError, match="fewer chances"):
        draw(np.full((3, 3), 1 / 3), np.ones((1, 2)), money_kept(3, 2), np.zeros(3), np.zeros((3, 1)))


@pytest.mark.parametrize("case", ["10 kept", "households"])
def test_the_callers_arrays_are_left_alone(case: str):
    plan = some_plan(case)
    kept = plan[0].copy(), plan[1].copy(), plan[2].counts.copy(), plan[2].money.copy()
    redraw(plan, "x")
    assert all((a == b).all() for a, b in zip(kept, (*plan[:2], plan[2].counts, plan[2].money), strict=True))
