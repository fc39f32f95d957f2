"""From what came back to what a policy knows: each reward is learned from once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.errors import InputError
from suasion.learning.learn_kernels import absorb, room, solve

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Goal:
    """One of several rewards that a policy is to bring.

    Parameters
    ----------
    name : str
        The event.
    weight : float
        What one is worth beside the others; below 0 for what is feared.
    """

    name: str
    weight: float


def combined(goals: Sequence[Goal], values: Floats) -> Floats:
    """One reward of several: their weighted sum.

    Parameters
    ----------
    goals : sequence of Goal, length g
    values : array of float, shape (n, g)

    Returns
    -------
    array of float, shape (n,)

    Examples
    --------
    >>> combined([Goal("joined", 10), Goal("unsubscribed", -30)], np.array([[1.0, 0.0], [1, 1]])).tolist()
    [10.0, -20.0]
    """
    if values.ndim != 2 or values.shape[1] != len(goals) or not np.isfinite([g.weight for g in goals]).all():
        raise InputError("several goals", f"values of shape {values.shape}", "Give one column for each goal.")
    total = np.zeros(len(values))
    for at, goal in enumerate(goals):  # in this order, to the bit
        total += goal.weight * values[:, at]
    return total


def learn(
    policy: policies.Policy,
    state: policies.State,
    features: npt.NDArray[np.floating],
    arms: Ints,
    rewards: Floats,
    probabilities: Floats,
    days: Ints | None = None,
    late: npt.NDArray[np.bool_] | None = None,
    before: Floats | None = None,
) -> policies.State:
    """Learn from exposures whose rewards are known.

    Linear regression of the reward for each arm, with the state's prior: learned one after another, so that
    the state depends on the exposures and their order alone, not on how they were cut into calls; the same
    again gives the same bits. Of an arm that is a combination of factors, each level learns the whole reward:
    what it brings beside levels of the others as they were shown. With a `keep` below 1, what was learned
    before a new day counts less from then on, and a reward of an older day counts as if it had come in time.

    Parameters
    ----------
    policy : Policy
    state : State
    features : array of float, shape (n, d)
        As they were when the arm was chosen.
    arms : array of int64, shape (n,)
        Shown, by number.
    rewards : array of float, shape (n,)
    probabilities : array of float, shape (n,)
        With which the arm was chosen. The models take no weights from it; without one an exposure is not of
        this policy, and nobody could judge another policy by it.
    days : array of int64, shape (n,), optional
        Of the exposures, counted from 1970; no time passes where left out.
    late : array of bool, shape (n,), optional
        Exposures that were learned before (`suasion.learning.due`): this reward is added to what was learned.
    before : array of float, shape (n,), optional
        What was learned of them, where they are late; 0 where left out.

    Returns
    -------
    State
        With the version of the given one: the ledger gives versions out.

    Raises
    ------
    InputError
        Not one of each, an arm that is none, a reward that is no number, or a probability not in (0, 1].

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy, start
    >>> policy = Policy(Kind.SQUARECB, ("a", "b"), ridge=1.0)
    >>> four = np.ones(4)
    >>> learn(policy, start(policy), np.zeros((4, 0)), np.array([0, 1, 1, 1]), four, four / 2).mean.tolist()
    [[0.5], [0.75]]
    """
    rows = policies.design(policy, features)
    days = np.full(len(rows), state.day, np.int64) if days is None else days
    late = np.zeros(len(rows), np.bool_) if late is None else late
    before = np.zeros(len(rows)) if before is None else before
    _check(policy, rows, (arms, rewards, probabilities, days, late, before))
    clock = np.array([state.day, state.residual], np.float64)
    count, weight, gram = state.count.copy(), state.weight.copy(), state.gram.copy()
    moment, covariance, mean = state.moment.copy(), state.covariance.copy(), state.mean.copy()
    sums = (count, weight, gram, moment, state.prior_precision, state.prior_moment)
    each = partial(np.repeat, repeats=policy.parts.shape[1], axis=0)
    given = each(rewards.astype(np.float64)), each(days.astype(np.int64)), each(late)
    added, models = each(before.astype(np.float64)), policy.parts[arms].ravel()
    known, scratch = (covariance, mean), room(rows.shape[1])
    absorb(each(rows), models, *given, added, policy.keep, clock, sums, known, scratch)
    return replace(
        state,
        day=int(clock[0]),
        residual=float(clock[1]),
        count=count,
        weight=weight,
        gram=gram,
        moment=moment,
        covariance=covariance,
        mean=mean,
    )


def solved(state: policies.State) -> policies.State:
    """The state with its models solved anew from its sums."""
    covariance, mean = np.empty_like(state.covariance), np.empty_like(state.mean)
    sums = (state.count, state.weight, state.gram, state.moment, state.prior_precision, state.prior_moment)
    for arm in range(len(mean)):
        solve(arm, sums, (covariance, mean), room(mean.shape[1]))
    if not (np.isfinite(covariance).all() and np.isfinite(mean).all()):
        found = "a precision that is not positive definite"
        raise InputError("a policy's models", found, "Give the prior a precision above 0 in every direction.")
    return replace(state, covariance=covariance, mean=mean)


def _check(policy: policies.Policy, rows: Floats, given: tuple[npt.NDArray[Any], ...]) -> None:
    if any(one.shape != (len(rows),) for one in given):
        raise InputError("learning", "not one of each for every exposure", "Give arrays of one length.")
    arms, rewards, probabilities, days, _, before = given
    tests = {
        "an arm that the policy does not have": ((arms >= 0) & (arms < len(policy.arms))).all(),
        "a reward that is missing or not finite": np.isfinite(rewards).all() and np.isfinite(before).all(),
        "a probability that is not above 0 and at most 1": ((probabilities > 0) & (probabilities <= 1)).all(),
        "a day before 1970": (days >= 0).all(),
    }
    for found, fits in tests.items():
        if not fits:
            raise InputError("learning", found, "Learn only from exposures that the policy chose.")
