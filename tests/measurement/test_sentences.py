"""The first sentence says what the reader must not miss, and never more than the interval allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Options, plan
from suasion.experiments import Assignment, Design, Treatment
from suasion.measurement import Comparison, Replay
from suasion.measurement.sentences import sentences
from suasion.stats import Estimate

DESIGN = Design((Treatment("none"), Treatment("mail 1")), Assignment.RANDOMIZED)
CLAIMS = ("gains more", "gains less", "The plan beats", "The plan does worse")


def estimate(low, high):
    return Estimate((low + high) / 2, low, high, 1000, "AIPW")


def told(bench, lot=(0.0, 0.0), propensity=(0.0, 0.0), refusal=None, budget=2.0, effect=0.1, also=None):
    """The sentences about a plan of four people with these intervals."""
    effects = np.full((4, 1), effect)
    made = plan(
        Options(np.arange(4), "none", ("mail 1",), effects, np.ones((4, 1)), np.array([True])), budget, 0, 0
    )
    against = {"by lot": lot, "by propensity": propensity, "nobody": (0.01, 0.03)}
    other = {} if also is None else {"also": estimate(*also)}
    judged = Replay(
        people=1000,
        policies=(),
        comparisons=tuple(Comparison(n, other | {"y": estimate(*e)}) for n, e in against.items()),
        effects={"mail 1": estimate(0.02, 0.06)},
        budgets=(),
        refusal=None if refusal is None else Comparison("free", {"y": estimate(*refusal)}),
    )
    return sentences(bench.declared(budget), DESIGN, made, judged, "USD")


def test_a_plan_that_treats_nobody_says_so_first_and_why(bench):
    said = told(bench, effect=-0.1)
    assert said[0] == (
        "The plan treats nobody. No option is both permitted and expected to help anybody: nobody is treated."
    )
    assert told(bench, budget=0.0)[0].startswith("The plan treats nobody. A budget of 0")


def test_a_plan_that_treats_nobody_claims_nothing_about_money(bench):
    assert not any("For 0 of" in sentence or "propensity" in sentence for sentence in told(bench, budget=0.0))


def test_an_interval_with_zero_is_no_gain(bench):
    said = told(bench, lot=(-0.001, 0.02))
    assert said[0] == (
        "These data do not show that choosing people beats a lottery with the same money: "
        "the difference is 9.5 (-1.0 to 20.0) 'y' per 1,000 people."
    )


def test_a_gain_is_called_a_gain(bench):
    assert told(bench, lot=(0.01, 0.02))[0] == (
        "Choosing people by effect gains more than a lottery with the same money: "
        "15.0 (10.0 to 20.0) 'y' per 1,000 people."
    )


def test_a_loss_is_called_a_loss(bench):
    assert "gains less than a lottery" in told(bench, lot=(-0.02, -0.01))[0]


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.01, 0.02), "The plan beats ranking by propensity"),
        ((-0.02, -0.01), "The plan does worse than ranking by propensity"),
        ((-0.01, 0.02), "The plan cannot be told from ranking by propensity"),
        ((0.0, 0.0), "The plan cannot be told from ranking by propensity"),
    ],
)
def test_ranking_by_propensity_is_judged_by_its_own_interval(bench, interval, words):
    assert any(sentence.startswith(words) for sentence in told(bench, propensity=interval))


def test_the_cost_of_a_refusal_is_told_as_a_cost(bench):
    said = told(bench, refusal=(-0.03, -0.01))
    assert said[-1] == (
        "Refusing the messages that did not pass review costs 20.0 (10.0 to 30.0) 'y' per 1,000 people; "
        "suasion holds to the refusal."
    )
    assert not any("Refusing" in sentence for sentence in told(bench))


def test_another_outcome_does_not_speak_for_the_campaigns(bench):
    assert told(bench, lot=(-0.01, 0.01), also=(0.5, 0.9))[0].startswith("These data do not show")


intervals = st.tuples(st.floats(-1, 1), st.floats(0, 1)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(deadline=None)
@given(intervals, intervals)
def test_nothing_is_claimed_where_an_interval_holds_zero(bench, lot, propensity):
    said = told(bench, lot, propensity)
    for interval, sentence in ((lot, said[0]), (propensity, said[2])):
        holds_zero = interval[0] <= 0 <= interval[1]
        assert holds_zero != any(claim in sentence for claim in CLAIMS)


def test_the_first_sentence_does_not_depend_on_the_order_of_comparisons(bench):
    said = told(bench, lot=(0.01, 0.02), propensity=(-0.5, -0.4))
    assert "gains more" in said[0]
    assert "does worse" in said[2]
