"""What an experiment can show is what books, other programs and simulated experiments say."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, lognorm, norm

from suasion.errors import UndefinedError
from suasion.experiments.power import (
    Amount,
    Clusters,
    Layout,
    Share,
    affordable,
    of,
    people_needed,
    smallest_effect,
    smallest_holdout,
)

shares = st.floats(0.02, 0.9)
layouts = st.builds(
    Layout,
    st.sampled_from([(0.5, 0.5), (0.1, 0.9), (0.4, 0.3, 0.3), (0.25, 0.25, 0.2, 0.3)]),
    st.sampled_from([0.05, 0.01]),
    st.sampled_from([0.0, 0.6]),
    st.sampled_from([None, Clusters(2.1, 0.2, 0.4)]),
)
quantities = st.one_of(
    st.builds(Share, st.floats(0.05, 0.6), st.booleans()),
    st.builds(Amount, st.floats(0, 50), st.floats(0.1, 80)),
)


def test_shares_have_the_power_and_the_people_of_the_manual_of_r():
    # Examples and details of power.prop.test.
    assert of(Share(0.5, pooled=True), 100, 0.25).power == pytest.approx(0.740, abs=5e-4)
    assert people_needed(Share(0.5, pooled=True), 0.25, target=0.9).arms == (77, 77)
    assert smallest_effect(Share(0.5, pooled=True), 100, target=0.9).effect == pytest.approx(0.3026, abs=5e-5)
    assert people_needed(Share(0.9, pooled=True), 0.1).arms == (74, 74)
    with pytest.raises(UndefinedError, match="even an effect of 10 points, the largest there can be"):
        smallest_effect(Share(0.9, pooled=True), 60)


def test_shares_with_variances_of_their_own_take_the_people_of_chow_shao_and_wang():
    # Sample Size Calculations in Clinical Research, section 4.2.
    assert people_needed(Share(0.65), 0.2).arms == (70, 70)


@pytest.mark.parametrize(("d", "n"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_means_take_the_people_of_cohen(d: float, n: int):
    # Cohen 1992, Psychological Bulletin 112:155, table 2: 393, 64, 26; R finds 393.4 for the first.
    assert people_needed(Amount(10, 3), 3 * d).arms == (n, n)


def test_means_have_the_power_of_the_manual_of_r():
    # Examples of power.t.test: 0.8689528, and 22.02110 people.
    assert of(Amount(0, 1), 40, 1).power == pytest.approx(0.8689528, abs=5e-7)
    assert people_needed(Amount(0, 1), 1, target=0.9).arms == (23, 23)


@settings(deadline=None, max_examples=60)
@given(shares, st.floats(-0.4, 0.4), st.integers(40, 50_000), st.sampled_from([1, 2, 9]))
def test_shares_have_the_power_that_statsmodels_finds(base: float, effect: float, n: int, ratio: int):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    if not 0.001 < base + effect < 0.999:
        return
    control = ratio / (1 + ratio)
    ours = of(Share(base, pooled=True), n * (1 + ratio), effect, Layout((control, 1 - control)))
    assert ours.arms == (n * ratio, n)
    theirs = proportion.power_proportions_2indep(effect, base, n, ratio=ratio, return_results=False)
    assert ours.power == pytest.approx(theirs, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1.5), st.integers(4, 3000), st.sampled_from([1, 2, 9]), st.sampled_from([0.05, 0.01]))
def test_means_have_the_power_that_statsmodels_finds(d: float, n: int, ratio: int, level: float):
    power = pytest.importorskip("statsmodels.stats.power")
    control = ratio / (1 + ratio)
    ours = of(Amount(5, 2), n * (1 + ratio), 2 * d, Layout((control, 1 - control), level))
    theirs = power.TTestIndPower().power(d, n, level, ratio=ratio)
    if np.isfinite(theirs):  # its second tail may be no number
        assert ours.power == pytest.approx(theirs, abs=1e-9)
    assert 0 < ours.power <= 1


def exact(base: float, other: float, n: int) -> float:
    """Chance that a test with variances of their own finds a difference, over all outcomes."""
    a, b = np.arange(n + 1)[:, None] / n, np.arange(n + 1)[None, :] / n
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / n)
    found = np.abs(a - b) > norm.ppf(0.975) * error
    chances = binom.pmf(np.arange(n + 1), n, base)[:, None] * binom.pmf(np.arange(n + 1), n, other)[None, :]
    return float((chances * found).sum())


@pytest.mark.parametrize(("base", "effect", "n"), [(0.2, 0.1, 300), (0.05, 0.05, 400), (0.6, -0.15, 150)])
def test_shares_have_about_the_power_of_all_outcomes_counted(base: float, effect: float, n: int):
    assert of(Share(base), 2 * n, effect).power == pytest.approx(exact(base, base + effect, n), abs=0.02)


@settings(deadline=None)
@given(quantities, layouts, st.integers(400, 5000), st.floats(0.3, 0.95))
def test_the_smallest_effect_has_its_power_and_takes_its_people(quantity, layout, people, target):
    if isinstance(quantity, Share) and of(quantity, people, 0.999999 * quantity.room, layout).power < target:
        with pytest.raises(UndefinedError, match="even an effect"):
            smallest_effect(quantity, people, layout, target)
        return
    least = smallest_effect(quantity, people, layout, target)
    assert least.people == people
    assert of(quantity, people, least.effect, layout).power == pytest.approx(target, abs=1e-7)
    # A real number of people in each arm, rounded up, is close to the whole people that were divided.
    again = people_needed(quantity, least.effect, layout, target)
    assert again.power >= target - 1e-9
    assert abs(again.people - people) <= 0.02 * people + 4 * len(layout.shares)


@settings(deadline=None)
@given(quantities, layouts, st.floats(0.02, 0.3))
def test_one_person_less_in_each_arm_would_not_do(quantity, layout, size):
    effect = size if isinstance(quantity, Share) else size * quantity.deviation
    needed = people_needed(quantity, effect, layout)
    fewer = sum(needed.arms) - 2 * len(needed.arms)
    smallest = 2 * (layout.clusters.size if layout.clusters else 1) / min(layout.shares)
    if fewer > smallest + len(needed.arms):
        assert of(quantity, fewer, effect, layout).power < needed.power


@settings(deadline=None)
@given(quantities, layouts, st.integers(400, 4000))
def test_more_people_a_larger_effect_and_knowledge_help(quantity, layout, people):
    unit = 0.02 if isinstance(quantity, Share) else quantity.deviation / 20
    known = Layout(layout.shares, layout.level, 0.9, layout.clusters)
    base = of(quantity, people, unit, layout).power
    # A whole person more or less in an arm is no trend.
    assert of(quantity, 2 * people, unit, layout).power > base - 1e-3
    assert of(quantity, people, 2 * unit, layout).power > base
    assert of(quantity, people, unit, known).power > base
    assert 0 < base < 1


def test_without_an_effect_something_is_found_as_often_as_the_level_says():
    assert of(Share(0.2), 500, 0).power == pytest.approx(0.05)
    assert of(Amount(3, 2), 30, 0, Layout(level=0.01)).power == pytest.approx(0.01)
    assert of(Amount(3, 2), 30, 0, Layout((0.4, 0.3, 0.3))).power == pytest.approx(0.025)


def test_what_is_known_beforehand_saves_people_as_its_square_says():
    alone, known = (people_needed(Amount(0, 1), 0.02, Layout(correlation=rho)).people for rho in (0, 0.7))
    assert known / alone == pytest.approx(1 - 0.49, abs=1e-3)


def test_clusters_have_the_published_design_effect():
    # Eldridge, Ashby, Kerry 2006: 1 + ((cv^2 + 1) m - 1) ICC, and for equal sizes that of Kish 1965.
    assert Clusters(20, 0.05).effect == pytest.approx(1.95)
    assert Clusters(20, 0.05, 0.65).effect == pytest.approx(1 + (1.4225 * 20 - 1) * 0.05)
    assert Clusters(1, 0.3).effect == pytest.approx(1)
    assert Clusters(30, 1).effect == pytest.approx(30)


def test_simulated_clusters_are_found_different_as_often_as_said():
    rng, runs, clusters, size, icc, effect = np.random.default_rng(5), 20_000, 24, 10, 0.1, 0.45
    means = rng.normal(0, sqrt(icc + (1 - icc) / size), (runs, clusters))
    means[:, clusters // 2 :] += effect
    a, b = means[:, : clusters // 2], means[:, clusters // 2 :]
    pooled = (a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / 2
    t = (b.mean(axis=1) - a.mean(axis=1)) / np.sqrt(pooled * 4 / clusters)
    found = np.mean(np.abs(t) > 2.0738731)  # of 22 degrees of freedom, as tables have it
    said = of(Amount(0, 1), clusters * size, effect, Layout(clusters=Clusters(size, icc))).power
    assert said == pytest.approx(found, abs=4 * sqrt(0.25 / runs))


def test_spend_of_few_buyers_has_the_moments_of_simulated_spend():
    rng, n, share, sigma = np.random.default_rng(7), 2_000_000, 0.2, 0.4
    spend = np.where(rng.random(n) < share, rng.lognormal(1, sigma, n), 0)
    law = lognorm(sigma, scale=np.e)
    made = Amount.of_buyers(share, float(law.mean()), float(law.std()))
    seen = Amount.of(spend)
    assert made.baseline == pytest.approx(seen.baseline, rel=5e-3)
    assert made.deviation == pytest.approx(seen.deviation, rel=5e-3)
    assert made.skewness == pytest.approx(seen.skewness, rel=2e-2)
    assert made == Amount.of_buyers(share, law.mean(), law.std(), float(law.stats("s")), "")


def test_when_all_buy_alike_the_amount_is_a_share_in_money():
    made = Amount.of_buyers(0.1, mean=50, deviation=0)
    assert made.deviation == pytest.approx(50 * sqrt(0.1 * 0.9))
    assert made.skewness == pytest.approx((1 - 0.2) / sqrt(0.1 * 0.9))
    assert Amount.of_buyers(1, mean=50, deviation=5, skewness=0).skewness == pytest.approx(0, abs=1e-6)


def test_skewed_money_is_doubted_as_cochran_says():
    spend = Amount(1, 10, skewness=20)  # needs more than 25 x 400 people
    assert of(spend, 20_002, 1).doubts == ()
    (doubt,) = of(spend, 20_000, 1).doubts
    assert "10,000 people an arm, not 10,000" in doubt
    assert of(spend, 40_000, 1, Layout((0.1, 0.9))).doubts


def test_few_expected_people_of_a_kind_are_doubted():
    assert "only 2.0 people" in of(Share(0.02), 200, 0.2).doubts[0]
    assert not of(Share(0.2), 200, 0.2).doubts
    assert of(Share(0.2), 200, 0.79).doubts  # nearly all do it when treated


def test_five_hundred_people_and_two_hundred_euros_get_a_plain_answer():
    told = affordable(Share(0.15), people=500, budget=200, cost=0.5, hoped=0.02)
    assert told.arms == (250, 250)
    assert told.sentence.startswith("A budget of 200 is enough to treat 250 of 500 people.")
    # 0.0994 = (1.95996 + 0.84162) sqrt((0.15 x 0.85 + 0.2494 x 0.7506) / 250)
    assert "only an effect above 9.94 points would be seen 8 times in 10" in told.sentence
    assert "The 2 points hoped for would be seen" in told.sentence
    needed = people_needed(Share(0.15), 0.02)
    assert f"takes {needed.people:,} people and a budget of {needed.arms[1] / 2:,.6g}." in told.sentence
    assert told.relative == pytest.approx(told.effect / 0.15)


def test_money_that_treats_few_leaves_the_others_alone():
    poor = affordable(Share(0.15), people=500, budget=30, cost=0.5)
    assert poor.arms == (440, 60)
    assert poor.effect > affordable(Share(0.15), 500, 1000, 0.5).effect
    with pytest.raises(UndefinedError, match="money for 1 person"):
        affordable(Share(0.15), people=500, budget=0.7, cost=0.5)


def test_a_hope_that_will_be_seen_is_not_argued_with():
    told = affordable(Share(0.15), people=5000, budget=5000, cost=1, hoped=0.05)
    assert told.sentence.endswith("The 5 points hoped for would be seen almost always.")


@settings(deadline=None, max_examples=40)
@given(st.floats(0.03, 0.4), st.floats(0.02, 0.2), st.sampled_from([1, 3]))
def test_the_smallest_holdout_does_and_one_person_less_does_not(base: float, effect: float, arms: int):
    people, layout = 20_000, Layout.holding_out(0.5, arms)
    best = layout.leaving(round(people * layout.even) / people)
    if of(Share(base), people, effect, best).power < 0.8:
        with pytest.raises(UndefinedError, match="at best"):
            smallest_holdout(Share(base), people, effect, layout)
        return
    found = smallest_holdout(Share(base), people, effect, layout)
    assert found.power >= 0.8
    alone = found.arms[0]
    fewer = layout.leaving((alone - 1) / people)
    assert alone <= 3 or of(Share(base), people, effect, fewer).power < 0.8
    assert f"leave {100 * alone / people:.3g} % of them alone" in found.sentence


def test_several_treatments_share_the_level():
    two, one = Layout((0.4, 0.3, 0.3)), Layout((4 / 7, 3 / 7), level=0.025)
    assert of(Share(0.2), 1000, 0.1, two).power == pytest.approx(of(Share(0.2), 700, 0.1, one).power)
    assert of(Share(0.2), 1000, 0.1, two).method.endswith("unpooled variance, Bonferroni over 2 treatments")


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_everybody_is_in_one_arm(people: int, weights: list[float]):
    layout = Layout(tuple(weight / sum(weights) for weight in weights))
    arms = layout.split(people)
    assert sum(arms) == people
    assert all(abs(a - people * s) <= 1 + 1e-6 for a, s in zip(arms, layout.shares, strict=True))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Share(0.0),
        lambda: Share(1.2),
        lambda: Amount(1, 0),
        lambda: Amount.of(np.array([1.0])),
        lambda: Amount.of(np.array([2.0, 2.0])),
        lambda: Amount.of(np.array([2.0, np.nan])),
        lambda: Amount.of_buyers(0, 10, 1),
        lambda: Layout((0.5, 0.6)),
        lambda: Layout((1.0,)),
        lambda: Layout(level=0),
        lambda: Clusters(0.5, 0.1),
        lambda: of(Share(0.2), 100, 0.9),
        lambda: of(Share(0.2), 100, float("nan")),
        lambda: of(Share(0.2), 3, 0.1),
        lambda: of(Amount(1, 1), 30, 1, Layout(clusters=Clusters(10, 0.1))),
        lambda: people_needed(Share(0.2), 0),
        lambda: people_needed(Amount(1, 1), 1e-9),
        lambda: people_needed(Share(0.2), 0.1, target=1),
        lambda: smallest_effect(Share(0.2), 100, target=0.05),
        lambda: affordable(Share(0.2), 100, 10, 1, hoped=0),
    ],
)
def test_what_has_no_answer_is_refused(ask):
    with pytest.raises(UndefinedError):
        ask()
