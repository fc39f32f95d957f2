"""Keep spending on pace, and arms that harm out: prices, caps and guardrails inside the choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.special import betaincc

from suasion.allocation import policies
from suasion.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EAGER = 0.05
"""How far the price goes for one dearest arm too many, in spreads of the reward a unit of that cost."""


def paced(policy: policies.Policy, state: policies.State, spent: float, due: float) -> policies.State:
    """The state with a new price of money: higher where more was spent than was due, else lower.

    Dual ascent on the budget: an arm is chosen for its expected reward less price times cost, and the price
    goes up by a step times what was spent beyond what was due since the last time, never below 0. Source:
    Balseiro and Gur 2019, Management Science 65:3952. One arm should cost nothing, or `affordable` alone
    holds back.

    Parameters
    ----------
    policy : Policy
    state : State
    spent, due : float
        Since the price was last set: money spent, and the budget's part of that time or of those decisions.

    Returns
    -------
    State

    Raises
    ------
    InputError
        Amounts below 0 or not finite.

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("mail", "nothing"), costs=(2.0, 0.0))
    >>> paced(policy, start(policy), spent=20.0, due=10.0).price
    0.0625
    """
    if not (0 <= spent < np.inf and 0 <= due < np.inf):
        raise InputError("pacing", f"{spent} spent of {due} due", "Give amounts from 0 on.")
    return replace(state, price=max(0.0, state.price + step(policy) * (spent - due)))


def step(policy: policies.Policy) -> float:
    """How far the price goes for one unit of money too many; 0 where nothing costs."""
    dearest = float(policy.arm_costs.max())
    return EAGER * policy.spread / dearest**2 if dearest > 0 else 0.0


def affordable(policy: policies.Policy, left: float) -> Bools:
    """Arms that what is left of the budget pays for: a cap, whatever the price says; shape (k,)."""
    return policy.arm_costs <= max(left, 0.0)


def watched(policy: policies.Policy, state: policies.State, shown: Ints, harms: Ints) -> policies.State:
    """The state after exposures and harms are counted; arms that harm too often are switched off.

    An arm is off when its rate of a harm is above the guardrail's limit with the posterior probability that
    the guardrail asks for, under a prior of Beta(limit, 1 - limit), which weighs as one exposure at the
    limit. It stays off: without exposures nothing would speak for it again.

    Parameters
    ----------
    policy : Policy
    state : State
    shown : array of int64, shape (k,)
        New exposures of each arm, counted when they happen: harms come sooner than rewards are settled.
    harms : array of int64, shape (g, k)
        New harms of each guardrail, at most one for each exposure.

    Returns
    -------
    State

    Raises
    ------
    InputError
        Other shapes, or counts below 0.

    Examples
    --------
    >>> from suasion.allocation.policies import Guardrail, Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("a", "b"), guardrails=(Guardrail("complained", 0.01),))
    >>> watched(policy, start(policy), np.array([100, 100]), np.array([[1, 8]])).closed.tolist()
    [False, True]
    """
    fits = shown.shape == state.shown.shape and harms.shape == state.harms.shape
    if not fits or min(shown.min(initial=0), harms.min(initial=0)) < 0:
        raise InputError("guardrails", "counts below 0, or not one each", "Give counts for each arm.")
    exposed, harmed, closed = state.shown + shown, state.harms + harms, state.closed.copy()
    closed |= tripped(policy, exposed, harmed).any(axis=0)
    return replace(state, shown=exposed, harms=harmed, closed=closed)


def tripped(policy: policies.Policy, shown: Ints, harms: Ints) -> Bools:
    """Which guardrails these counts trip for which arms, shape (g, k); see `watched`."""
    made = np.zeros(harms.shape, np.bool_)
    for at, (guardrail, count) in enumerate(zip(policy.guardrails, harms, strict=True)):
        # An exposure told of late may come after its harm.
        fine = np.maximum(shown - count, 0)
        above = betaincc(guardrail.limit + count, 1 - guardrail.limit + fine, guardrail.limit)
        made[at] = above >= guardrail.confidence
    return made
