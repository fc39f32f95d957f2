"""What a plan is compared with costs what the plan costs and is made of probabilities."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Options, plan
from suasion.measurement.policies import by_lot, by_propensity, everybody, nobody, without_refusal


def cost(way, options):
    return float((way[:, 1:] * options.costs).sum())


def is_valid(way, options, holdout):
    return (
        way.min() >= 0
        and np.allclose(way.sum(axis=1), 1, atol=1e-9)
        and (way[:, 0] >= holdout - 1e-9).all()
        and way[:, 1:][:, ~options.permitted].sum() == 0
    )


def uses_money_or_treats_all(way, options, money, holdout):
    return cost(way, options) == pytest.approx(money, rel=1e-6, abs=1e-9) or (
        cost(way, options) < money and np.allclose(way[:, 0], holdout)
    )


@st.composite
def situations(draw):
    """Random options, a budget between nothing and too much, and floors."""
    luck = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k = draw(st.integers(2, 40)), draw(st.integers(1, 3))
    constant = draw(st.booleans())
    costs = np.tile(luck.choice([0.5, 1.0, 3.0], k), (n, 1)) if constant else luck.uniform(0.1, 2, (n, k))
    effects = luck.normal(draw(st.sampled_from([0.3, -0.2])), 0.3, (n, k))
    permitted = luck.random(k) < 0.8
    names = tuple(f"mail {i}" for i in range(k))
    options = Options(np.arange(n), "none", names, effects, costs, permitted)
    budget = draw(st.floats(0, 1.5)) * float(costs.max(axis=1).sum())
    holdout, exploration = draw(st.sampled_from([(0.0, 0.0), (0.05, 0.02), (0.3, 0.5)]))
    return plan(options, budget, holdout, exploration), holdout, exploration, luck


def floors(holdout, exploration):
    return SimpleNamespace(holdout=holdout, exploration=exploration)


@settings(deadline=None)
@given(situations())
def test_a_lottery_spends_what_the_plan_spends(situation):
    made, holdout, exploration, luck = situation
    average = np.abs(luck.normal(1, 0.3, made.options.effects.shape[1]))
    way = by_lot(made, average, floors(holdout, exploration))
    assert is_valid(way, made.options, holdout)
    assert (way == way[0]).all()
    if made.options.permitted.any():
        assert uses_money_or_treats_all(way, made.options, made.cost, holdout)


@settings(deadline=None)
@given(situations())
def test_ranking_by_propensity_spends_what_the_plan_spends(situation):
    made, holdout, exploration, luck = situation
    n, k = made.options.effects.shape
    way = by_propensity(made, luck.random(n), luck.normal(0.2, 0.3, k), floors(holdout, exploration))
    assert is_valid(way, made.options, holdout)
    if made.options.permitted.any():
        assert uses_money_or_treats_all(way, made.options, made.cost, holdout)


@settings(deadline=None)
@given(situations())
def test_the_plan_without_refusal_spends_what_the_plan_spends_or_all_that_is_useful(situation):
    made, holdout, exploration, _ = situation
    free = without_refusal(made, floors(holdout, exploration))
    assert free.min() >= 0
    np.testing.assert_allclose(free.sum(axis=1), 1)
    if made.shadow_price > 0:
        assert cost(free, made.options) <= made.cost * (1 + 1e-6) + 1e-9
    assert cost(free, made.options) <= max(made.budget, made.cost) * (1 + 1e-6)
    promised = (free[:, 1:] * made.options.effects).sum()
    assert promised >= (made.probabilities[:, 1:] * made.options.effects).sum() - 1e-9 or exploration > 0


def only(effects, costs, permitted=None, budget=10.0):
    effects, costs = np.array(effects, np.float64), np.array(costs, np.float64)
    k = effects.shape[1]
    allowed = np.ones(k, np.bool_) if permitted is None else np.array(permitted)
    names = tuple(f"mail {i}" for i in range(k))
    return plan(Options(np.arange(len(effects)), "none", names, effects, costs, allowed), budget, 0, 0)


def test_propensity_ranks_by_response_and_not_by_effect():
    made = only([[0.9], [0.1], [0.1], [0.1]], np.ones((4, 1)), budget=2)
    way = by_propensity(made, np.array([0.1, 0.2, 0.9, 0.8]), np.array([0.3]), floors(0, 0))
    assert way[:, 1] == pytest.approx([0, 0, 1, 1])


def test_propensity_gives_the_treatment_that_changes_most_per_money():
    made = only(np.ones((4, 2)), np.tile([1.0, 5.0], (4, 1)), budget=7)
    way = by_propensity(made, np.arange(4.0), np.array([0.2, 0.6]), floors(0, 0))
    assert way[:, 2].sum() == 0
    assert way[:, 1] == pytest.approx([0, 0, 1, 1])


def test_a_refused_treatment_is_given_by_no_way_but_the_one_without_refusal():
    made = only(np.tile([0.1, 0.9], (4, 1)), np.ones((4, 2)), [True, False], budget=2)
    assert by_lot(made, np.array([0.1, 0.9]), floors(0, 0))[:, 2].sum() == 0
    assert by_propensity(made, np.arange(4.0), np.array([0.1, 0.9]), floors(0, 0))[:, 2].sum() == 0
    assert without_refusal(made, floors(0, 0))[:, 2].sum() == pytest.approx(2)


def test_refusing_every_message_costs_what_the_budget_would_have_bought():
    made = only(np.full((4, 1), 0.5), np.ones((4, 1)), [False], budget=3)
    assert made.cost == 0
    assert without_refusal(made, floors(0, 0))[:, 1].sum() == pytest.approx(3)


@pytest.mark.parametrize("gain", [0.3, 3e5])
def test_what_costs_nothing_is_given_to_all(gain):
    made = only(np.full((5, 1), gain), np.zeros((5, 1)), budget=0)
    ways = (
        by_lot(made, np.array([gain]), floors(0, 0)),
        by_propensity(made, np.arange(5.0), np.array([gain]), floors(0, 0)),
        without_refusal(made, floors(0, 0)),
    )
    for way in ways:
        assert way[:, 1].tolist() == [1.0] * 5


def test_a_lottery_over_harmful_treatments_treats_nobody():
    made = only([[0.5], [-1.0]], np.ones((2, 1)), budget=1)
    assert by_lot(made, np.array([-0.25]), floors(0, 0)).tolist() == [[1, 0], [1, 0]]


def test_nobody_and_everybody_are_what_they_say():
    made = only(np.ones((3, 2)), np.ones((3, 2)))
    assert nobody(made).tolist() == [[1, 0, 0]] * 3
    assert everybody(made, 1).tolist() == [[0, 0, 1]] * 3
