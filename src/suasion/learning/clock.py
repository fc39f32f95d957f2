"""Money and harms are counted at fixed times, so that however turns are cut the same comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.learning.pacing import paced, tripped, watched

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CLOCK = 300.0
"""Seconds from one setting of the price, and one look at the guardrails, to the next."""


@dataclass(frozen=True)
class Counted:
    """Exposures as money and harms count; times in seconds since 1970.

    Parameters
    ----------
    arms : array of int64, shape (n,)
        -1 where it is none of the policy's: such as one that is no more.
    costs : array of float, shape (n,)
        What each cost when it was decided.
    told_at : array of float, shape (n,)
        When we were told of each.
    harmed_at : array of float, shape (n, g)
        When we knew of the harm of each guardrail that followed it; infinite where none did.
    """

    arms: Ints
    costs: Floats
    told_at: Floats
    harmed_at: Floats


@dataclass(frozen=True)
class Closing:
    """An arm that was switched off, and by what.

    Parameters
    ----------
    arm : str
    guardrail : Guardrail
    harms, shown : int
        Persons harmed, of persons shown the arm.
    at : float
        The look, seconds since 1970.
    """

    arm: str
    guardrail: policies.Guardrail
    harms: int
    shown: int
    at: float


def settled(
    policy: policies.Policy,
    state: policies.State,
    counted: Counted,
    since: float,
    after: float,
    until: float,
) -> tuple[policies.State, tuple[Closing, ...]]:
    """The state after all that was spent and looked at by a time.

    What was spent is the cost of all exposures that we were told of since the budget began. The price is set,
    and guardrails are looked at, whenever the clock shows a multiple of `CLOCK`: of what was told by then,
    whenever that is worked out.

    Parameters
    ----------
    policy : Policy
    state : State
    counted : Counted
        All there are.
    since : float
        The newest approval: with it guardrails begin to count anew, and every arm is open.
    after, until : float
        From when on the state knows nothing, and up to when it is to know.

    Returns
    -------
    State
        The given one, where nothing changed.
    tuple of Closing

    Examples
    --------
    >>> from suasion.allocation.policies import Budget, Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("ad", "none"), costs=(1.0, 0.0), budget=Budget(10.0, 0.0, 3000.0))
    >>> counted = Counted(np.zeros(3, np.int64), np.ones(3), np.array([10.0, 20.0, 400.0]), np.empty((3, 0)))
    >>> made, _ = settled(policy, start(policy), counted, since=0.0, after=-1.0, until=450.0)
    >>> made.spent, made.price
    (3.0, 0.025)
    """
    return _looked(policy, _priced(policy, state, counted, after, until), counted, since, after, until)


def _priced(
    policy: policies.Policy, state: policies.State, counted: Counted, after: float, until: float
) -> policies.State:
    spent, price, budget = 0.0, 0.0, policy.budget
    if budget is not None:
        paid = (counted.told_at >= budget.since) & (counted.told_at <= until)
        spent = math.fsum(counted.costs[paid].tolist())
        price = _price(policy, budget, state, counted, after, until)
    return state if (spent, price) == (state.spent, state.price) else replace(state, spent=spent, price=price)


def _price(
    policy: policies.Policy,
    budget: policies.Budget,
    state: policies.State,
    counted: Counted,
    after: float,
    until: float,
) -> float:
    """The price after the ticks of a time, of which each knows what was told since the one before."""
    first = max(_tick(after), _before(budget.since))
    last = min(_tick(until), math.ceil(budget.until / CLOCK))
    if last <= first:
        return state.price
    ticks = np.ceil(counted.told_at / CLOCK)
    rows = np.flatnonzero((ticks > first) & (ticks <= last) & (counted.told_at >= budget.since))
    places = ticks[rows].astype(np.int64) - first - 1
    money = np.bincount(places, counted.costs[rows], minlength=last - first)
    rate = budget.amount / (budget.until - budget.since)
    for tick, spent in enumerate(money.tolist(), first + 1):
        if spent or state.price:  # else it stays 0
            begun, ended = max((tick - 1) * CLOCK, budget.since), min(tick * CLOCK, budget.until)
            state = paced(policy, state, spent, rate * (ended - begun))
    return state.price


def _looked(
    policy: policies.Policy,
    state: policies.State,
    counted: Counted,
    since: float,
    after: float,
    until: float,
) -> tuple[policies.State, tuple[Closing, ...]]:
    first, last = _tick(after), _tick(until)
    if since > state.since:
        nothing = {name: np.zeros_like(getattr(state, name)) for name in ("shown", "harms", "closed")}
        state, first = replace(state, since=since, **nothing), _before(since)
    if not policy.guardrails:
        return state, ()
    # What comes first comes at the first look, the exposure and then each harm.
    known = np.ceil(np.column_stack([counted.told_at, counted.harmed_at]) / CLOCK)
    counts_here = (counted.arms >= 0) & (counted.told_at >= state.since)
    fits = (known > first) & (known <= last) & counts_here[:, None]
    looks, place = np.unique(known[fits], return_inverse=True)
    rows, which = np.nonzero(fits)
    counts = np.zeros((len(looks), known.shape[1], len(policy.arms)), np.int64)
    np.add.at(counts, (place, which, counted.arms[rows]), 1)
    closings = list[Closing]()
    for look, count in zip(looks.tolist(), counts, strict=True):
        made = watched(policy, state, count[0], count[1:])
        closings += _closings(policy, made, made.closed & ~state.closed, look * CLOCK)
        state = made
    return state, tuple(closings)


def _closings(
    policy: policies.Policy, state: policies.State, closed: npt.NDArray[np.bool_], at: float
) -> list[Closing]:
    """Why arms were closed."""
    why = tripped(policy, state.shown, state.harms)
    return [
        Closing(
            policy.arms[arm], policy.guardrails[rail], int(state.harms[rail, arm]), int(state.shown[arm]), at
        )
        for arm in np.flatnonzero(closed).tolist()
        for rail in np.flatnonzero(why[:, arm]).tolist()[:1]
    ]


def _tick(at: float) -> int:
    """The last one by a time."""
    return math.floor(at / CLOCK)


def _before(at: float) -> int:
    """The last one before a time."""
    return math.ceil(at / CLOCK) - 1
