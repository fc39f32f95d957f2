"""One draw keeps every marginal probability and the total cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from suasion.errors import UndefinedError
from suasion.experiments import draw, uniform_rows

PERSONS, OPTIONS, REDRAWS = 60, 4, 2000


def some_plan(costs: str) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of all sorts, some 0 and some 1, and costs of one sort."""
    rng = np.random.default_rng(3)
    probabilities = rng.dirichlet(np.ones(OPTIONS), PERSONS)
    probabilities[rng.random((PERSONS, OPTIONS)) < 0.2] = 0
    probabilities[:6] = np.eye(OPTIONS)[[0, 1, 2, 3, 0, 1]]
    probabilities[6:12] = [0.98, 0.01, 0.01, 0]
    probabilities[probabilities.sum(axis=1) == 0, 0] = 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    made = {
        "none": np.zeros((PERSONS, OPTIONS)),
        "equal": np.tile([0.0, 2.0, 2.0, 2.0], (PERSONS, 1)),
        "by option": np.tile([0.0, 0.0, 1.0, 2.5], (PERSONS, 1)),
        "by person": rng.lognormal(size=(PERSONS, OPTIONS)) * [0, 1, 1, 3],
    }
    return probabilities, made[costs]


def redraw(probabilities: np.ndarray, costs: np.ndarray, salt: str) -> np.ndarray:
    people = np.arange(len(probabilities))
    luck = uniform_rows(people, probabilities.shape[1], salt)
    return draw(probabilities, costs, luck[:, 0], luck[:, 1:])


@pytest.fixture(scope="module", params=["none", "equal", "by option", "by person"])
def redrawn(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, costs, and what was drawn each time; shape (redraws, persons)."""
    probabilities, costs = some_plan(request.param)
    return probabilities, costs, np.array([redraw(probabilities, costs, f"{i}") for i in range(REDRAWS)])


def test_every_option_is_drawn_as_often_as_its_probability_says(redrawn):
    probabilities, _, chosen = redrawn
    counts = np.stack([(chosen == option).sum(axis=0) for option in range(OPTIONS)], axis=1)
    wrong_once_in = 1e-4 / probabilities.size
    assert (counts >= binom.ppf(wrong_once_in / 2, REDRAWS, probabilities)).all()
    assert (counts <= binom.ppf(1 - wrong_once_in / 2, REDRAWS, probabilities)).all()
    assert not counts[probabilities == 0].any()
    assert (counts[probabilities == 1] == REDRAWS).all()


def test_the_drawn_cost_is_off_by_one_person_at_most(redrawn):
    probabilities, costs, chosen = redrawn
    possible = np.where(probabilities > 0, costs, np.nan)
    gap = np.nanmax(np.nanmax(possible, axis=1) - np.nanmin(possible, axis=1))
    drawn = costs[np.arange(PERSONS), chosen].sum(axis=1)
    assert np.abs(drawn - (probabilities * costs).sum()).max() <= gap + 1e-9


def test_weighting_by_probability_recovers_a_known_total(redrawn):
    probabilities, _, chosen = redrawn
    outcomes = np.random.default_rng(4).normal(5, 2, PERSONS) + np.arange(PERSONS) % 3
    for option in range(OPTIONS):
        reached = probabilities[:, option] > 0.02
        weights = np.where(reached, 1 / np.where(reached, probabilities[:, option], 1), 0)
        totals = ((chosen == option) * weights * outcomes).sum(axis=1)
        z = (totals.mean() - outcomes[reached].sum()) / (totals.std(ddof=1) / np.sqrt(REDRAWS))
        assert abs(z) < 4


@st.composite
def problems(draw_one: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    n, k = draw_one(st.integers(1, 12)), draw_one(st.integers(2, 6))
    weight = st.sampled_from([0.0, 0.0, 1.0, 1.0, 3.0, 1e-3, 1e-9, 1e-15])
    rows = st.lists(weight, min_size=k, max_size=k).filter(lambda row: sum(row) > 1e-3)
    weights = np.array(draw_one(st.lists(rows, min_size=n, max_size=n)))
    kinds = [
        st.just(0.0),
        st.just(2.5),
        st.sampled_from([0.0, 1.0, 2.0]),
        st.floats(0, 1e6),
        st.floats(0, 1e300),
    ]
    cost = draw_one(st.sampled_from(kinds))
    costs = np.array(draw_one(st.lists(st.lists(cost, min_size=k, max_size=k), min_size=n, max_size=n)))
    costs[:, 0] = 0
    return weights / weights.sum(axis=1, keepdims=True), costs, draw_one(st.integers(0, 2**32))


@settings(deadline=None)
@given(problems())
def test_whatever_the_problem_a_draw_is_possible_and_in_budget(problem):
    probabilities, costs, seed = problem
    n, k = probabilities.shape
    luck = np.random.default_rng(seed).random((n, k))
    chosen = draw(probabilities, costs, luck[:, 0], luck[:, 1:])
    people = np.arange(n)
    assert (probabilities[people, chosen] > 0).all()
    possible = np.where(probabilities > 0, costs, np.nan)
    gap = np.nanmax(np.nanmax(possible, axis=1) - np.nanmin(possible, axis=1))
    off = abs(costs[people, chosen].sum() - (probabilities * costs).sum())
    assert off <= gap + 1e-9 * costs.max()


@settings(deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(problem, random):
    probabilities, costs, seed = problem
    n, k = probabilities.shape
    luck = np.random.default_rng(seed).random((n, k))
    turned = np.array(random.sample(range(n), n))
    chosen = draw(probabilities, costs, luck[:, 0], luck[:, 1:])
    moved = draw(probabilities[turned], costs[turned], luck[turned, 0], luck[turned, 1:])
    assert (moved == chosen[turned]).all()


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_equal_costs_draw_the_exact_number(n: int, seed: int):
    rng = np.random.default_rng(seed)
    treated = rng.integers(0, n + 1)
    probabilities = np.tile([1 - treated / n, treated / n * 0.25, treated / n * 0.75], (n, 1))
    costs = np.tile([0.0, 0.1, 0.1], (n, 1))
    assert (draw(probabilities, costs, rng.random(n), rng.random((n, 2))) > 0).sum() == treated


def test_a_million_persons_are_drawn_to_the_exact_number():
    n = 1_000_000
    rng = np.random.default_rng(8)
    probabilities = rng.dirichlet([4.0, 1.0, 1.0, 1.0], n)
    # Make the expected number of treated persons whole.
    treated = 1 - probabilities[:, 0]
    probabilities[:, 1:] *= np.floor(treated.sum()) / treated.sum()
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(axis=1)
    costs = np.tile([0.0, 0.3, 0.3, 0.3], (n, 1))
    chosen = draw(probabilities, costs, rng.random(n), rng.random((n, 3)))
    assert (chosen > 0).sum() == np.floor(treated.sum())


def test_nobody_is_drawn_from_nobody():
    assert draw(np.empty((0, 3)), np.empty((0, 3)), np.empty(0), np.empty((0, 2))).shape == (0,)


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
        draw(probabilities, np.zeros((2, 2)), np.zeros(2), np.zeros((2, 1)))


def test_the_callers_arrays_are_left_alone():
    probabilities, costs = some_plan("by person")
    kept = probabilities.copy(), costs.copy()
    redraw(probabilities, costs, "x")
    assert (probabilities == kept[0]).all()
    assert (costs == kept[1]).all()
