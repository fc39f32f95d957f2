"""Money and harms come out the same however time is cut, and as a plain count says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.allocation.policies import Budget, Guardrail, Kind, Policy, start
from suasion.learning import clock, store
from suasion.learning.pacing import step

END = 30 * clock.CLOCK
POLICY = Policy(
    Kind.THOMPSON,
    ("ad", "film", "none"),
    costs=(1.0, 2.5, 0.0),
    budget=Budget(40.0, 500.0, END - 700.0),
    guardrails=(Guardrail("left", 0.05, 0.9), Guardrail("complained", 0.02)),
)
moments = st.integers(0, int(END)).map(float)
heard = st.one_of(st.just(np.inf), moments)
exposures = st.lists(st.tuples(st.integers(0, 2), moments, heard, heard), max_size=60)


def _counted(rows: list[Any]) -> clock.Counted:
    table = np.array(rows, float).reshape(-1, 4)
    told, arms = table[:, 1], table[:, 0].astype(np.int64)
    return clock.Counted(arms, np.array(POLICY.costs)[arms], told, np.maximum(table[:, 2:], told[:, None]))


@given(exposures, st.lists(st.integers(0, int(END)).map(float), max_size=8), moments)
@settings(max_examples=150, deadline=None)
def test_however_time_is_cut_the_same_bits_come_out(rows: list[Any], cuts: list[float], approved: float):
    counted, state, closings = _counted(rows), start(POLICY), list[clock.Closing]()
    after = -1.0
    for until in [*sorted(cuts), END]:
        state, more = clock.settled(
            POLICY, state, counted, approved if approved <= until else 0.0, after, until
        )
        closings, after = closings + list(more), until
    begun = replace(start(POLICY), since=approved)
    once, said = clock.settled(POLICY, begun, counted, approved, -1.0, END)
    assert store.to_bytes(POLICY, state) == store.to_bytes(POLICY, once)
    assert [one for one in closings if one.at >= approved] == list(said)


@given(exposures)
@settings(max_examples=50, deadline=None)
def test_what_was_spent_and_harmed_is_a_plain_count(rows: list[Any]):
    counted = _counted(rows)
    state, _ = clock.settled(POLICY, start(POLICY), counted, 0.0, -1.0, END)
    paid = [POLICY.costs[int(arm)] for arm, told, *_ in rows if told >= 500]
    assert state.spent == pytest.approx(sum(paid))
    assert state.shown.tolist() == [sum(int(row[0]) == arm for row in rows) for arm in range(3)]
    for rail in (2, 3):
        harmed = [sum(int(row[0]) == arm and row[rail] < np.inf for row in rows) for arm in range(3)]
        assert state.harms[rail - 2].tolist() == harmed


def test_the_price_rises_by_what_was_spent_beyond_what_was_due_and_never_below_nothing():
    told = np.full(10, 1000.0)  # by the fourth look
    counted = clock.Counted(np.ones(10, np.int64), np.full(10, 2.5), told, np.full((10, 2), np.inf))
    rate = 40.0 / (END - 700.0 - 500.0)
    state, _ = clock.settled(POLICY, start(POLICY), counted, 0.0, -1.0, 4 * clock.CLOCK)
    assert state.price == pytest.approx(step(POLICY) * (25.0 - rate * clock.CLOCK))
    later, _ = clock.settled(POLICY, state, counted, 0.0, 4 * clock.CLOCK, END)
    assert 0 <= later.price < state.price


def test_without_a_budget_nothing_is_spent_and_money_has_no_price():
    free = replace(POLICY, budget=None)
    before = replace(start(free), spent=3.0, price=0.5)
    counted = clock.Counted(np.zeros(4, np.int64), np.ones(4), np.full(4, 600.0), np.full((4, 2), np.inf))
    state, _ = clock.settled(free, before, counted, 0.0, -1.0, END)
    assert (state.spent, state.price) == (0.0, 0.0)


def test_nothing_new_gives_the_same_state():
    counted = clock.Counted(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 2)))
    begun = start(POLICY)
    assert clock.settled(POLICY, begun, counted, 0.0, -1.0, END)[0] is begun


def test_a_closing_says_when_by_what_and_on_which_counts_and_a_new_approval_opens():
    n = 50
    harmed = np.full((n, 2), np.inf)
    harmed[:30, 0] = 400.0
    counted = clock.Counted(np.zeros(n, np.int64), np.ones(n), np.full(n, 100.0), harmed)
    state, (one,) = clock.settled(POLICY, start(POLICY), counted, 0.0, -1.0, END)
    assert (one.arm, one.guardrail.name, one.harms, one.shown, one.at) == ("ad", "left", 30, 50, 600.0)
    assert state.closed.tolist() == [True, False, False]
    opened, again = clock.settled(POLICY, state, counted, END + 5, END, END + 10_000)
    assert (opened.closed.any(), again, opened.shown.sum()) == (False, (), 0)
