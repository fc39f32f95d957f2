"""Let a policy choose and learn, person after person, where every reward is known: before it goes live."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.errors import InputError
from suasion.learning.learn_kernels import absorb_one

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_one_row, _draw_one = policies.one_row, policies.draw_one
_GUESSED = policies.GUESSED


@dataclass(frozen=True)
class Rehearsal:
    """What a policy chose, and what it knows by the end.

    Parameters
    ----------
    arms : array of int64, shape (n,)
        -1 for none.
    probabilities : array of float, shape (n,)
        Of the arm chosen; of none, the share of none.
    state : State
    """

    arms: Ints
    probabilities: Floats
    state: policies.State


def rehearse(
    policy: policies.Policy,
    state: policies.State,
    features: npt.NDArray[np.floating],
    rewards: Floats,
    uniforms: Floats,
    days: Ints | None = None,
) -> Rehearsal:
    """Choose for each person, learn the reward at once, and go on to the next.

    The same as `probabilities`, `chosen` and `learn` in turn, but for one rounding of the reward's variance.

    Parameters
    ----------
    policy : Policy
        Thompson sampling or SquareCB.
    state : State
    features : array of float, shape (n, d)
    rewards : array of float, shape (n, k)
        What each arm would bring.
    uniforms : array of float, shape (n,)
        In [0, 1), one for each person.
    days : array of int64, shape (n,), optional
        Counted from 1970; no time passes where left out.

    Returns
    -------
    Rehearsal

    Raises
    ------
    InputError
        A fixed policy, which learns nothing; or arrays that do not fit together.

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("worse", "better"))
    >>> luck = np.random.default_rng(1)
    >>> rewards = luck.random((2000, 2)) < [0.1, 0.3]
    >>> made = rehearse(policy, start(policy), np.zeros((2000, 0)), rewards * 1.0, luck.random(2000))
    >>> bool(np.mean(made.arms[1000:] == 1) > 0.9)
    True
    """
    rows = policies.design(policy, features)
    days = np.full(len(rows), state.day, np.int64) if days is None else days
    fits = rewards.shape == (len(rows), len(policy.arms)) and uniforms.shape == days.shape == (len(rows),)
    if policy.kind is policies.Kind.FIXED or not fits or not np.isfinite(rewards).all():
        found = "a policy that does not learn, or not one of each for every person"
        raise InputError("rehearsing a policy", found, "Give a learning policy, and rewards of every arm.")
    clock = np.array([state.day, state.residual], np.float64)
    count, weight, gram = state.count.copy(), state.weight.copy(), state.gram.copy()
    moment, covariance, mean = state.moment.copy(), state.covariance.copy(), state.mean.copy()
    sums = (count, weight, gram, moment, state.prior_precision, state.prior_moment)
    arms, chances = np.empty(len(rows), np.int64), np.empty(len(rows))
    thompson = policy.kind is policies.Kind.THOMPSON
    how = (
        thompson,
        policy.spread,
        policy.gamma,
        policy.keep,
        policies.bounds(policy),
        policy.parts,
    )
    given = (rows, rewards.astype(np.float64), uniforms.astype(np.float64), days.astype(np.int64))
    _play(
        how,
        given,
        policies.burden(policy, state),
        ~state.closed,
        clock,
        sums,
        (covariance, mean),
        arms,
        chances,
    )
    known = {"count": count, "weight": weight, "gram": gram, "moment": moment}
    learned = replace(
        state, day=int(clock[0]), residual=float(clock[1]), covariance=covariance, mean=mean, **known
    )
    return Rehearsal(arms, chances, learned)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _play(how, given, shift, is_open, clock, sums, models, arms, chances):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the arms chosen and their chances (n,), and change what was known into what is."""
    thompson, spread, gamma, keep, bounds, parts = how
    rows, rewards, uniforms, days = given
    k, each, p = len(parts), parts.shape[1], models[1].shape[1]
    scratch, places, made = np.empty((5, max(k, p))), np.empty(k, np.int64), np.empty(k)
    matrices, seen = np.zeros((2, p, p)), 0.0
    for i in range(len(rows)):
        seen = 0.0
        for a in range(len(sums[1])):
            seen += sums[1][a]
        seen /= each
        sharp = np.sqrt((_GUESSED * spread * spread + clock[1] / each) / (_GUESSED + seen))
        if not thompson:
            known = 0.0
            for a in range(len(sums[1])):
                known += sums[2][a, 0, 0]
            sharp = gamma * np.sqrt(known / each / p) / sharp
        learned = models[1], models[0], shift, sharp, bounds
        _one_row(thompson, rows[i], is_open, parts, *learned, scratch, places, made)
        arm = _draw_one(made, uniforms[i])
        arms[i] = arm
        if arm < 0:
            chances[i] = 1.0 - made.sum()
            continue
        chances[i] = made[arm]
        for f in range(each):
            absorb_one(rows[i], parts[arm, f], rewards[i, arm], days[i], keep, clock, sums, models, matrices)
