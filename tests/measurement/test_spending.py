"""What a campaign cost and what came back: to the cent where all is known, and honest where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from suasion.experiments import Assignment, Design, Treatment
from suasion.ledger import Campaign, sends
from suasion.measurement.came_back import cost_rows, return_rows
from suasion.measurement.quotient import over, together
from suasion.measurement.spending import Spending, redeemed, spending
from suasion.rules import Purpose
from suasion.stats import Estimate

VOUCHER = Treatment("voucher", cost=0.5, price=4.0, price_if="bought")
DESIGN = Design((Treatment("none"), Treatment("letter", cost=0.8), VOUCHER), Assignment.KNOWN)
PRICES = {"letter": (0.8, 0.8), "voucher": (0.5, 0.9)}
"""What a send costs for sure, and as expected."""


def campaign(worth: float | None = None, outcome: str = "came") -> Campaign:
    return Campaign(
        name="spring",
        sponsor="a test",
        purpose=Purpose.COMMERCIAL,
        source="past",
        segment="all",
        control="none",
        outcome=outcome,
        features=("age",),
        budget=1000.0,
        worth=worth,
        treatments={"letter": {}},  # pyright: ignore[reportArgumentType]
    )


def costs(*lines: tuple[str | None, int]) -> sends.Costs:
    made = [
        sends.Cost(name and "email", name, n, n * PRICES[name][1] if name else 7.0 * n) for name, n in lines
    ]
    whole = sum(line.money for line in made)
    return sends.Costs(tuple(made), whole + 3, 3.0)


def judged(
    extra: Estimate | None = None,
    worth: float | None = None,
    lines: sends.Costs | None = None,
    came: Any = None,
) -> Spending:
    found = {} if extra is None else {"came": extra}
    vouchers = {} if came is None else {("email", "voucher"): np.asarray(came, float)}
    return spending(campaign(worth), DESIGN, lines or costs(("letter", 100)), vouchers, found, (), "EUR")


def extra(low: float, value: float, high: float) -> Estimate:
    return Estimate(value, low, high, 1000, "AIPW")


def ends(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    return estimate.low, estimate.value, estimate.high


# Cost.


def test_every_send_costs_what_was_set_aside_for_it():
    found = judged(lines=costs(("letter", 100), (None, 2)))
    assert ends(found.spent) == pytest.approx((94, 94, 94))
    assert (found.committed, found.given_back) == (97, 3)
    assert [line.paid.value for line in found.lines] == pytest.approx([80, 14])


def test_vouchers_cost_what_was_redeemed():
    """200 vouchers at 0.50 each, and 4 for each of the 30 who bought; 0.90 each was set aside."""
    found = judged(lines=costs(("letter", 100), ("voucher", 200)), came=[1] * 30 + [0] * 170)
    assert ends(found.lines[1].paid) == pytest.approx((220, 220, 220))
    assert found.lines[1].set_aside == pytest.approx(180)
    assert ends(found.spent) == pytest.approx((300, 300, 300))


@pytest.mark.parametrize("came", [[np.nan] * 200, [1] + [np.nan] * 199, [0] * 50 + [np.nan] * 150])
def test_vouchers_of_which_nothing_is_known_cost_what_was_expected(came: list[float]):
    found = judged(lines=costs(("voucher", 200)), came=came)
    assert ends(found.spent) == pytest.approx((180, 180, 180))
    assert found.spent.method == "as expected when it was planned"


def test_the_cost_of_vouchers_redeemed_later_holds_the_truth_as_often_as_it_says():
    rng, missed, runs = np.random.default_rng(3), 0, 2000
    for _ in range(runs):
        came = (rng.random(300) < 0.2).astype(float)
        known = np.where(np.arange(300) < 120, came, np.nan)
        spent = judged(lines=costs(("voucher", 300)), came=known).spent
        assert spent.low >= 150 + 4 * np.nansum(known) - 1e-9
        missed += not spent.low <= 150 + 4 * came.sum() <= spent.high
    assert 0.03 < missed / runs < 0.08


def test_vouchers_are_found_by_person_channel_and_treatment():
    paid_to = pa.table(
        {
            "person": [7, 3, 5, 9],
            "channel": ["email", "email", "sms", "email"],
            "treatment": ["voucher", "letter", "voucher", "voucher"],
        }
    )
    recorded = pa.table({"person": [3, 5, 7], "outcome:bought": [1.0, 0.0, 1.0]})
    found = redeemed(DESIGN, paid_to, recorded)
    assert set(found) == {("email", "voucher"), ("sms", "voucher")}
    assert np.array_equal(found["email", "voucher"], [1.0, np.nan], equal_nan=True)
    assert found["sms", "voucher"].tolist() == [0.0]
    assert redeemed(DESIGN, paid_to.slice(0, 0), recorded) == {}


# Return.


def test_a_known_cost_scales_what_came_back():
    (found,) = judged(extra(10, 30, 50), worth=4.0).returns
    assert ends(found.ratio) == pytest.approx((0.5, 1.5, 2.5))
    assert ends(found.net) == pytest.approx((-40, 40, 120))
    assert ends(found.cost_per_extra) == pytest.approx((1.6, 80 / 30, 8))


def test_where_less_is_wanted_less_is_what_comes_back():
    (found,) = judged(extra(-50, -30, -10), worth=-4.0).returns
    assert ends(found.ratio) == pytest.approx((0.5, 1.5, 2.5))
    assert ends(found.cost_per_extra) == pytest.approx((1.6, 80 / 30, 8))
    (harm,) = judged(extra(10, 30, 50), worth=-4.0).returns
    assert ends(harm.ratio) == pytest.approx((-2.5, -1.5, -0.5))
    assert harm.cost_per_extra is None


def test_what_is_not_defined_is_none():
    (doubtful,) = judged(extra(-1, 30, 61), worth=4.0).returns
    assert doubtful.cost_per_extra is None
    (unpriced,) = judged(extra(10, 30, 50)).returns
    assert (unpriced.worth, unpriced.net, unpriced.ratio) == (None, None, None)
    nothing = judged(extra(10, 30, 50), worth=4.0, lines=costs())
    assert (nothing.returns[0].ratio, nothing.returns[0].cost_per_extra) == (None, None)
    assert ends(nothing.returns[0].net) == pytest.approx((40, 120, 200))
    assert judged().returns == ()


def test_an_outcome_that_is_money_is_worth_itself():
    both = {"paid": extra(100, 160, 220), "came": extra(10, 30, 50)}
    here = (DESIGN, costs(("letter", 100)), {}, both, ("paid",), "EUR")
    came, paid = spending(campaign(4.0), *here).returns
    assert (came.outcome, came.worth, paid.outcome, paid.worth) == ("came", 4.0, "paid", 1.0)
    assert ends(paid.ratio) == pytest.approx((1.25, 2, 2.75))
    assert spending(campaign(0.3, "paid"), *here).returns[0].worth == 0.3


# Quotients.

symmetric = st.tuples(st.floats(-100, 100), st.floats(0, 60)).map(
    lambda p: extra(p[0] - p[1], p[0], p[0] + p[1])
)
above = st.tuples(st.floats(1, 100), st.floats(0, 0.9)).map(
    lambda p: extra(p[0] * (1 - p[1]), p[0], p[0] * (1 + p[1]))
)
skewed_above = st.tuples(st.floats(1, 100), st.floats(0, 0.9), st.floats(0, 5)).map(
    lambda p: extra(p[0] * (1 - p[1]), p[0], p[0] * (1 + p[2]))
)


@given(symmetric, above)
def test_symmetric_intervals_give_fiellers(top: Estimate, bottom: Estimate):
    """The roots of the quadratic of Fieller 1954, for independent normal estimates."""
    a, s = top.high - top.value, bottom.high - bottom.value
    roots = np.roots([bottom.value**2 - s**2, -2 * top.value * bottom.value, top.value**2 - a**2]).real
    found = over(top, bottom)
    assert (found.low, found.high) == pytest.approx((roots.min(), roots.max()), rel=1e-4, abs=1e-4)


@given(symmetric, skewed_above)
def test_a_quotient_is_where_the_difference_cannot_be_told_from_zero(top: Estimate, bottom: Estimate):
    """At each end, top less end times bottom has an interval that ends at 0; beyond it does not hold 0."""
    found = over(top, bottom)
    assert found.low <= top.value / bottom.value <= found.high
    scale = abs(top.value) + top.high - top.low + 1e-9
    low, high = (together([top, bottom.times(-end)], 0.95) for end in (found.low, found.high))
    assert low.low == pytest.approx(0, abs=1e-6 * scale)
    assert high.high == pytest.approx(0, abs=1e-6 * scale)


@given(symmetric, st.floats(0.1, 100), skewed_above)
def test_a_sure_side_only_scales(top: Estimate, sure: float, bottom: Estimate):
    known = Estimate(sure, sure, sure, 1, "known")
    by_known = over(top, known)
    assert (by_known.low, by_known.high) == pytest.approx((top.low / sure, top.high / sure), abs=1e-9)
    turned = over(known, bottom)
    assert (turned.low, turned.high) == pytest.approx((sure / bottom.high, sure / bottom.low))


@settings(max_examples=5, deadline=None)
@given(st.sampled_from([(60.0, 25.0), (20.0, 20.0), (-30.0, 12.0)]), st.integers(0, 2**31))
def test_a_quotient_holds_the_truth_in_19_of_20_cases(top: tuple[float, float], seed: int):
    rng, z, runs = np.random.default_rng(seed), norm.ppf(0.975), 1500
    missed = 0
    for one, other in zip(rng.normal(*top, runs), rng.normal(40, 7, runs), strict=True):
        above, below = z * top[1], z * 7
        found = over(extra(one - above, one, one + above), extra(other - below, other, other + below))
        missed += not found.low <= top[0] / 40 <= found.high
    assert binomtest(missed, runs, 0.05).pvalue > 1e-5


def test_redeemers_who_are_those_who_came_leave_the_return_honest():
    """A coin decides on a voucher; who buys redeems it, and of every second the answer is known."""
    rng, missed, runs, n = np.random.default_rng(8), 0, 1500, 800
    truth = 800 * 0.1 * 40 / 2 / (400 * 0.5 + 400 * 0.3 * 4)
    for _ in range(runs):
        treated = rng.permutation(np.arange(n) % 2 == 0)
        bought = (rng.random(n) < np.where(treated, 0.3, 0.2)).astype(float)
        known = rng.random(n) < 0.5
        one, other = bought[treated & known], bought[~treated & known]
        gain = (one.mean() - other.mean()) * n / 2
        half = 1.96 * n / 2 * np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
        came = np.where(known, bought, np.nan)[treated]
        (found,) = judged(extra(gain - half, gain, gain + half), 40.0, costs(("voucher", 400)), came).returns
        assert found.ratio is not None
        missed += not found.ratio.low <= truth <= found.ratio.high
    assert missed / runs < 0.065


# Words.


def test_one_sentence_says_whether_it_paid():
    said = {
        (30, 60, 90): "For 1 EUR spent, 3.0 EUR came back (1.5 to 4.5): it paid.",
        (10, 30, 50): "For 1 EUR spent, 1.5 EUR came back (0.5 to 2.5); whether it paid cannot be told yet.",
        (1, 5, 9): "For 1 EUR spent, 0.25 EUR came back (0.05 to 0.45): it did not pay.",
        (-2, 30, 62): "Whether it paid cannot be told yet: for 1 EUR spent, 1.5 EUR came back (-0.1 to 3.1).",
        (-9, -5, -1): "For 1 EUR spent, another 0.25 EUR was lost (0.05 to 0.45).",
    }
    for estimate, sentence in said.items():
        assert judged(extra(*estimate), worth=4.0).sentence == sentence


def test_what_cannot_be_said_is_not():
    assert (
        judged(extra(10, 30, 50), 4.0, costs()).sentence == "Nothing was spent, so there is no return on it."
    )
    unknown = "Whether it paid cannot be told yet: "
    assert judged(worth=4.0).sentence == unknown + "what it changed is not known."
    assert judged(extra(-2, 30, 62)).sentence == unknown + "it is not sure that it brought any 'came'."
    assert judged(extra(10, 30, 50)).sentence == (
        "One more 'came' cost 2.67 EUR (1.60 to 8.00). "
        "Whether that paid depends on what one is worth (worth = ...)."
    )


def test_tables_show_the_same_numbers():
    found = judged(extra(10, 30, 50), 4.0, costs(("letter", 100), ("voucher", 200), (None, 2)), [1, 0] * 100)
    head, rows = cost_rows(found, "EUR")
    cells = [tuple(map(str, row)) for row in rows]
    assert {len(head)} == {len(row) for row in rows}
    assert cells[1] == ("voucher, email", "200", "180.00", "500.00")
    assert [row[0] for row in cells] == ["letter, email", "voucher, email", "people erased since", "together"]
    assert cells[-1][1:] == ("302", "274.00", "594.00")
    head, rows = return_rows(found, "EUR")
    assert {len(head)} == {len(row) for row in rows}
    assert str(rows[0][1]) == "30 (10 to 50)"
    doubtful = return_rows(judged(extra(-1, 30, 61)), "EUR")[1]
    assert [str(cell) for cell in doubtful[0][2:]] == ["–"] * 4
