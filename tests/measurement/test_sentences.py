"""The first sentence says what the reader must not miss, and never more than the interval allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation import Options, plan
from suasion.experiments import Assignment, Design, Treatment
from suasion.measurement import Lift, Replay
from suasion.measurement.replay import Comparison
from suasion.measurement.sentences import changed, sentences
from suasion.scores import Findings, Ranking
from suasion.scores.extremes import Extremes
from suasion.stats import Estimate

DESIGN = Design((Treatment("none"), Treatment("mail 1")), Assignment.RANDOMIZED)
TRUE = Ranking(True, 0.01, None, None, "differences came true (p = 0.01)")
CHANCE = Ranking(False, 0.4, None, None, "differences may be chance (p = 0.4)")
THIN = Ranking(False, 1.0, None, None, "an arm holds 60 people")
CLAIMS = ("gains more", "gains less", "The plan beats", "The plan does worse")


def estimate(low, high):
    return Estimate((low + high) / 2, low, high, 1000, "AIPW")


def findings(*rankings):
    return Findings(rankings, (), Extremes(None, 0, None))


def told(
    bench,
    lot=(0.0, 0.0),
    propensity=(0.0, 0.0),
    refusal=None,
    budget=2.0,
    effect=0.1,
    also=None,
    lift=None,
    ranking=TRUE,
):
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
    return sentences(bench.declared(budget), DESIGN, made, judged, findings(ranking), "USD", lift)


def test_a_plan_that_treats_nobody_says_so_first_and_why(bench):
    said = told(bench, effect=-0.1)
    assert said[0] == (
        "The plan treats nobody. No option is both permitted and expected to help anybody: nobody is treated."
    )
    assert told(bench, budget=0.0)[0].startswith("The plan treats nobody. A budget of 0")


def test_where_nothing_can_be_ranked_the_first_sentence_says_so_and_what_the_plan_does(bench):
    beginning = (
        "These data do not tell whom a message helps more than others: differences may be chance (p = 0.4)."
    )
    assert told(bench, lot=(0.01, 0.02), ranking=CHANCE)[0] == (
        f"{beginning} So the plan leaves to chance who is treated."
    )
    assert told(bench, budget=8.0, ranking=CHANCE)[0] == f"{beginning} So the plan treats everybody alike."
    assert told(bench, budget=0.0, ranking=CHANCE)[0].startswith(
        f"{beginning} So the plan treats nobody. A budget of 0"
    )


def two(bench, rankings, permitted=(True, True), costs=((1.0, 1.0),) * 4, budget=2.0):
    """The sentences about a plan of four people who could get two mails."""
    effects = np.tile([0.2, 0.1], (4, 1))
    options = Options(
        np.arange(4), "none", ("mail 1", "mail 2"), effects, np.array(costs), np.array(permitted)
    )
    made = plan(options, budget, 0, 0)
    none = {"y": estimate(0.01, 0.02)}
    judged = Replay(
        people=1000,
        policies=(),
        comparisons=tuple(Comparison(n, none) for n in ("by lot", "by propensity", "nobody")),
        effects={"mail 1": estimate(0.1, 0.3), "mail 2": estimate(0.0, 0.2)},
        budgets=(),
        refusal=None,
    )
    design = Design((*DESIGN.treatments, Treatment("mail 2")), Assignment.RANDOMIZED)
    return sentences(bench.declared(budget), design, made, judged, findings(*rankings), "USD")


def test_where_one_of_two_treatments_ranks_people_the_other_is_named(bench):
    said = two(bench, (TRUE, CHANCE))
    assert said[0].startswith("Choosing people by effect gains more")
    assert said[1] == (
        "The effect of 'mail 2' counts as the same for everybody: differences may be chance (p = 0.4)."
    )
    assert not any("counts as the same" in sentence for sentence in two(bench, (TRUE, TRUE)))


def test_of_several_tests_that_failed_the_one_that_came_closest_is_told(bench):
    assert "differences may be chance (p = 0.4)" in two(bench, (THIN, CHANCE))[0]


def test_a_treatment_that_may_not_be_given_speaks_for_no_ranking(bench):
    said = two(bench, (TRUE, THIN), permitted=(False, True))
    assert said[0].startswith("These data do not tell")
    assert "an arm holds 60 people" in said[0]
    assert not any("came true" in sentence for sentence in said)


def test_where_every_message_was_refused_it_is_not_the_data_that_are_blamed(bench):
    assert two(bench, (CHANCE, CHANCE), permitted=(False, False))[0].startswith("The plan treats nobody.")


def test_a_plan_without_ranking_that_looks_at_costs_says_so(bench):
    said = two(bench, (CHANCE, CHANCE), costs=((1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)), budget=6.0)
    assert said[0].endswith("So the plan begins with those who cost least.")


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


def test_wide_intervals_get_no_false_digits(bench):
    assert "2,000 (1,000 to 3,000) 'y' per 1,000 people" in told(bench, lot=(1.0, 3.0))[0]


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


def lifted(low, high, spent=62.0, warnings=(), treated=500):
    """The lift of a plan of 1,240 people that added this many."""
    extra = estimate(low, high)
    price = Estimate(spent / extra.value, spent / high, spent / low, 1000, "cost") if low > 0 else None
    return Lift(1240, 1200, treated, 60, extra.times(1 / 1240), extra, spent, price, 0.2, warnings)


def test_what_was_measured_comes_first_and_then_what_was_expected(bench):
    said = told(bench, lot=(0.01, 0.02), lift=lifted(9, 53))
    assert said[:2] == (
        "The campaign added 31 'y' (9 to 53) among 1,240 people for 62 USD: "
        "2.00 USD for each (1.17 to 6.89).",
        "Expected of as many people, before anything was sent: 25 (12 to 37) 'y'.",
    )
    assert said[2].startswith("Choosing people by effect gains more")
    assert not any("is expected to add" in sentence for sentence in said)


def test_what_is_expected_is_told_of_the_people_whom_the_money_is_for(bench):
    """The plan has four people; the experiment that judged it had a thousand."""
    assert any("add 0 (0 to 0) 'y' among 4 people" in sentence for sentence in told(bench))


def test_a_lift_that_may_be_none_is_called_unknown():
    assert changed(lifted(-12, 40, spent=0.5), "came", "EUR") == (
        "It cannot be told yet whether the campaign changed anything: +14 'came' (-12 to 40) "
        "among 1,240 people for 0.50 EUR."
    )


def test_a_lift_below_zero_is_told_as_a_loss_without_a_price():
    assert changed(lifted(-40, -10), "came", "EUR") == (
        "The campaign took away 25 'came' (10 to 40) among 1,240 people for 62 EUR."
    )


def test_warnings_are_counted_where_the_lift_is_told():
    assert changed(lifted(9, 53, warnings=("a",)), "y", "EUR").endswith(" Read it with care: 1 warning.")
    assert changed(lifted(-9, 53, warnings=("a", "b")), "y", "EUR").endswith("with care: 2 warnings.")


def test_a_campaign_that_treated_nobody_changed_nothing():
    assert changed(lifted(0, 0, treated=0), "y", "EUR") == (
        "The campaign treated nobody, and so changed nothing."
    )


@settings(deadline=None)
@given(st.integers(-1000, 1000), st.integers(0, 1000))
def test_no_change_is_claimed_where_the_interval_of_the_lift_holds_zero(low, width):
    high = low + width
    first = changed(lifted(low, high), "y", "EUR")
    claimed = [claim for claim in ("added", "took away", "cannot be told") if claim in first]
    assert claimed == ["added" if low > 0 else "took away" if high < 0 else "cannot be told"]
    assert (" for each " in first) == (low > 0)
