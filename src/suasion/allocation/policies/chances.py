"""From what a policy has learned to the probability of every arm for every person, and the arm drawn."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from suasion.allocation.policies.best import best_of
from suasion.allocation.policies.policy import GUESSED, Bools, Floats, Ints, Kind, Policy, State, design
from suasion.errors import InputError

NOBODY = -1
"""In place of an arm: the holdout, and those to whom no arm is open."""


def probabilities(policy: Policy, state: State, features: npt.NDArray[np.floating], allowed: Bools) -> Floats:
    """The probability of every arm for every person.

    Arms closed by a guardrail are not allowed to anybody. Where arms are combinations of factors, each level
    gets a chance as below among those of its factor, and a combination the product of its levels' chances,
    in proportion to those of the others that are allowed. Of what holdout and floors leave:

    - ``fixed``: arms get their shares, and are not changed by floors, which shares must reach.
    - ``thompson``: each gets the probability that its expected reward, less price times cost, is the highest,
      arms being independent and normal: mean x'm, variance s^2 x'Cx; m and C of the state, s^2 the reward's
      variance about the models. Within 1e-6, by quadrature (see `best_of`); no draws are involved. Source:
      Thompson 1933, Biometrika 25:285; Agrawal and Goyal 2013 (arXiv 1209.3352).
    - ``squarecb``: with f the expected reward less price times cost, and K arms allowed, an arm gets
      1 / (K + g (f(best) - f(arm))), and the best what is left; exact. Source: Foster and Rakhlin 2020 (arXiv
      2002.04926), whose g of order sqrt(K T / regret of the regression) is `gamma` sqrt(n / p) / s here: the
      regret of linear regression is of order K p s^2.

    Parameters
    ----------
    policy : Policy
    state : State
    features : array of float, shape (n, d)
    allowed : array of bool, shape (n, k)
        Arms each person may get.

    Returns
    -------
    array of float, shape (n, k)
        Rows sum to 1 - holdout, or are 0 where no arm is open. An open arm has at least the exploration.

    Raises
    ------
    InputError
        Features that are missing, or not as many as the policy has.

    Examples
    --------
    >>> import numpy as np
    >>> from suasion.allocation.policies import Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("a", "b", "c"), exploration=0.1, holdout=0.1)
    >>> probabilities(policy, start(policy), np.zeros((1, 0)), np.array([[True, True, False]])).round(6)
    array([[0.45, 0.45, 0.  ]])
    """
    if allowed.shape != (len(features), len(policy.arms)):
        raise InputError("a choice", f"a mask of shape {allowed.shape}", "Give one column for each arm.")
    rows, is_open = design(policy, features), allowed & ~state.closed
    made = np.zeros(is_open.shape)
    if policy.kind is Kind.FIXED:
        _by_shares(policy, is_open, made)
        return made
    by_thompson = policy.kind is Kind.THOMPSON
    sharp, shift = sharpness(policy, state), burden(policy, state)
    learned = state.mean, state.covariance, shift, sharp, bounds(policy)
    fill(by_thompson, rows, is_open, policy.parts, *learned, made)
    return made


def chosen(probabilities: Floats, uniforms: Floats) -> Ints:
    """The arm drawn for each person: where their uniform number falls when arms lie side by side.

    Who falls below what the arms leave gets none; as that share stays, so do those persons, whatever the
    policy learns. The same numbers always give the same arms.

    Parameters
    ----------
    probabilities : array of float, shape (n, k)
    uniforms : array of float, shape (n,)
        In [0, 1): of the person's keyed hash (`suasion.experiments.uniforms`).

    Returns
    -------
    array of int64, shape (n,)
        Number of the arm, or -1 for none.

    Examples
    --------
    >>> import numpy as np
    >>> chosen(np.array([[0.5, 0.4]] * 3), np.array([0.05, 0.5, 0.95])).tolist()
    [-1, 0, 1]
    """
    drawn = np.empty(len(probabilities), np.int64)
    _draw(np.ascontiguousarray(probabilities), np.ascontiguousarray(uniforms, np.float64), drawn)
    return drawn


def variance(policy: Policy, state: State) -> float:
    """The reward's variance about the models, the first guess counting as ten rewards."""
    each = policy.parts.shape[1]  # models that learn from one reward
    seen = float(state.weight.sum()) / each
    return (GUESSED * policy.spread**2 + state.residual / each) / (GUESSED + seen)


def sharpness(policy: Policy, state: State) -> float:
    """What sets how sharply arms are told apart: the reward's standard deviation, or SquareCB's gamma."""
    deviation = math.sqrt(variance(policy, state))
    if policy.kind is Kind.THOMPSON:
        return deviation
    seen = float(state.gram[:, 0, 0].sum()) / policy.parts.shape[1]  # with what the prior is worth
    return policy.gamma * math.sqrt(seen / state.mean.shape[1]) / deviation


def burden(policy: Policy, state: State) -> Floats:
    """What each model must foresee before it is worth anything: price times cost, shape (m,)."""
    return state.price * np.array(policy.costs or (0.0,) * len(policy.models))


def bounds(policy: Policy) -> tuple[float, float]:
    """Exploration and holdout."""
    return policy.exploration, policy.holdout


def _by_shares(policy: Policy, is_open: Bools, made: Floats) -> None:
    np.multiply(is_open, policy.shares, out=made)
    total = made.sum(axis=1, keepdims=True)
    # Of arms that have no share, where no others are open, nobody can say which: nobody gets one.
    np.divide(made * (1 - policy.holdout), total, out=made, where=total > 0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill(by_thompson, rows, is_open, parts, mean, covariance, shift, sharp, bounds, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the probabilities (n, k) of the open arms, for rows (n, p)."""
    k, p = len(parts), mean.shape[1]
    room, arms = np.empty((5, max(k, p))), np.empty(k, np.int64)
    for i in range(len(rows)):
        one_row(
            by_thompson,
            rows[i],
            is_open[i],
            parts,
            mean,
            covariance,
            shift,
            sharp,
            bounds,
            room,
            arms,
            out[i],
        )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def one_row(by_thompson, x, is_open, parts, mean, covariance, shift, sharp, bounds, room, arms, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the probabilities (k,) of one person; `room` (5, max(k, p)) and `arms` (k,) are scratch.

    Models are no more than arms: of two factors at least with two levels at least.
    """
    k, factors = parts.shape
    if factors == 1:
        m = 0
        for a in range(k):
            out[a] = 0.0
            if is_open[a]:
                arms[m] = a
                m += 1
        _best_share(by_thompson, x, m, mean, covariance, shift, sharp, room, arms, out)
        for i in range(m):
            out[arms[i]] = _floored(out[arms[i]], m, bounds)
        return
    _levels(by_thompson, x, is_open, parts, mean, covariance, shift, sharp, room, arms)
    m, total = 0, 0.0
    for a in range(k):
        out[a] = 0.0
        if is_open[a]:
            out[a] = 1.0
            for f in range(factors):
                out[a] *= room[4, parts[a, f]]
            total += out[a]
            m += 1
    for a in range(k):
        if is_open[a]:
            # What no combination allowed is any good at is shared alike.
            out[a] = _floored(out[a] / total if total > 0.0 else 1.0 / m, m, bounds)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _levels(by_thompson, x, is_open, parts, mean, covariance, shift, sharp, room, arms):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the chance of every level among those of its factor that an open arm has, into ``room[4]``."""
    k, factors = parts.shape
    chances = room[4]
    for f in range(factors):
        begin, end, m = parts[0, f], parts[k - 1, f] + 1, 0
        for level in range(begin, end):
            chances[level] = 0.0
        for a in range(k):
            if is_open[a]:
                chances[parts[a, f]] = 1.0
        for level in range(begin, end):
            if chances[level] > 0.0:
                arms[m] = level
                m += 1
        _best_share(by_thompson, x, m, mean, covariance, shift, sharp, room, arms, chances)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _floored(chance, m, bounds):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """A chance of one of m within what floors and holdout leave."""
    return bounds[0] + (1.0 - bounds[1] - m * bounds[0]) * chance


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _best_share(by_thompson, x, m, mean, covariance, shift, sharp, room, arms, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the chances of the first m models of `arms` among each other, to where their numbers are."""
    if m == 0:
        return
    for i in range(m):
        value = -shift[arms[i]]
        for j in range(len(x)):
            value += mean[arms[i], j] * x[j]
        room[0, i] = value
    if by_thompson:
        for i in range(m):
            room[1, i] = sharp * math.sqrt(max(_spread(x, covariance[arms[i]], room[2]), 0.0))
        best_of(m, room[0], room[1], arms, room[3], out)
    else:
        _inverse_gap(m, room[0], sharp, arms, out)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _spread(x, covariance, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """x'Cx, in an order that the processor may do several at once of without changing a bit."""
    p, total = len(x), 0.0
    for j in range(p):
        scratch[j] = 0.0
    for i in range(p):
        for j in range(p):
            scratch[j] += covariance[i, j] * x[i]
    for j in range(p):
        total += scratch[j] * x[j]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _inverse_gap(m, values, gamma, arms, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """SquareCB's probabilities of m arms; of equals the first is the best, all the same."""
    best = 0
    for i in range(m):
        if values[i] > values[best]:
            best = i
    left = 1.0
    for i in range(m):
        if i != best:
            out[arms[i]] = 1.0 / (m + gamma * (values[best] - values[i]))
            left -= out[arms[i]]
    out[arms[best]] = left


@numba.njit(cache=True, nogil=True, error_model="numpy")
def draw_one(probabilities, uniform):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The arm on which a uniform number falls, or -1."""
    total, last = 0.0, -1
    for a in range(len(probabilities)):
        total += probabilities[a]
    below = 1.0 - total
    # Rounding may leave a hair of nothing where arms sum to 1.
    if below > 1e-9 and uniform < below:
        return -1
    for a in range(len(probabilities)):
        if probabilities[a] > 0.0:
            below += probabilities[a]
            last = a
            if uniform < below:
                return a
    return last


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw(probabilities, uniforms, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    for i in range(len(out)):
        out[i] = draw_one(probabilities[i], uniforms[i])
