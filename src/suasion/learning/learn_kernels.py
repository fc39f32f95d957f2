"""The arithmetic of learning, in one order of operations, so that a replay gives the same bits."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

REFRESH = 4096
"""After so many rewards of an arm its model is solved anew, so that rounding does not add up."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def absorb(rows, arms, rewards, days, late, before, keep, clock, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Learn from rewards one after another; to those that are late, what was learned `before` they add.

    `clock` (2,): day and residual. `sums`: count, weight, gram, moment, prior precision, prior moment.
    `models`: covariance, mean. `scratch` (2, p, p). All but priors are changed in place.
    """
    for i in range(len(arms)):
        if late[i]:
            _mend(rows[i], arms[i], rewards[i], before[i], days[i], keep, clock, sums, models, scratch)
        else:
            absorb_one(rows[i], arms[i], rewards[i], days[i], keep, clock, sums, models, scratch)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def absorb_one(x, a, reward, day, keep, clock, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Learn from one reward: by Sherman and Morrison 1950, Annals of Mathematical Statistics 21:124."""
    w = _counted(day, keep, clock, sums, models, scratch)
    count, weight, gram, moment = sums[0], sums[1], sums[2], sums[3]
    p, c, mean, u = len(x), models[0][a], models[1][a], scratch[0, 0]
    if w < 1e-12:
        count[a] += 1
        return
    for j in range(p):
        u[j] = 0.0
    for i in range(p):
        for j in range(p):
            u[j] += c[i, j] * x[i]
    inner, foreseen = 1.0 / w, 0.0
    for j in range(p):
        inner += u[j] * x[j]
        foreseen += mean[j] * x[j]
    surprise = reward - foreseen
    clock[1] += surprise * surprise / inner
    count[a] += 1
    weight[a] += w
    for i in range(p):
        wx, gain = w * x[i], u[i] / inner
        moment[a, i] += wx * reward
        mean[i] += gain * surprise
        for j in range(p):
            gram[a, i, j] += wx * x[j]
            c[i, j] -= u[j] * gain
    if count[a] % REFRESH == 0:
        solve(a, sums, models, scratch)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _mend(x, a, reward, before, day, keep, clock, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Add to a reward that was learned: precision stays, the moment moves."""
    w = _counted(day, keep, clock, sums, models, scratch)
    moment, p, c, mean, u = sums[3], len(x), models[0][a], models[1][a], scratch[0, 0]
    for j in range(p):
        u[j] = 0.0
    for i in range(p):
        for j in range(p):
            u[j] += c[i, j] * x[i]
    inner, foreseen, change = 0.0, 0.0, w * reward
    for j in range(p):
        inner += u[j] * x[j]
        foreseen += mean[j] * x[j]
    clock[1] = max(0.0, clock[1] + change * (reward + 2.0 * (before - foreseen) - change * inner))
    for j in range(p):
        moment[a, j] += change * x[j]
        mean[j] += change * u[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _counted(day, keep, clock, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """What a reward of a day counts; a new day lets what was learned before it fade."""
    if day > clock[0]:
        _fade(_power(keep, day - clock[0]), clock, sums, models, scratch)
        clock[0] = day
    # A reward of an older day counts what it would have counted by now.
    return _power(keep, clock[0] - day)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def solve(a, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write covariance and mean of an arm from its sums, by Cholesky; own loops: a library may reorder."""
    gram, moment, prior, begun = sums[2][a], sums[3][a], sums[4][a], sums[5][a]
    p, low, inverse = len(moment), scratch[0], scratch[1]
    for i in range(p):
        for j in range(i + 1):
            rest = gram[i, j] + prior[i, j]
            for t in range(j):
                rest -= low[i, t] * low[j, t]
            low[i, j] = math.sqrt(rest) if i == j else rest / low[j, j]
    for j in range(p):
        for i in range(j, p):
            rest = 1.0 if i == j else 0.0
            for t in range(j, i):
                rest -= low[i, t] * inverse[t, j]
            inverse[i, j] = rest / low[i, i]
    for i in range(p):
        for j in range(i + 1):
            total = 0.0
            for t in range(i, p):
                total += inverse[t, i] * inverse[t, j]
            models[0][a, i, j] = models[0][a, j, i] = total
    for i in range(p):
        total = 0.0
        for j in range(p):
            total += models[0][a, i, j] * (moment[j] + begun[j])
        models[1][a, i] = total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fade(left, clock, sums, models, scratch):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Let all that was learned, not the prior, count that much of what it did."""
    if left == 1.0:
        return
    weight, gram, moment = sums[1], sums[2], sums[3]
    clock[1] *= left
    for a in range(len(weight)):
        weight[a] *= left
        moment[a] *= left
        gram[a] *= left
        solve(a, sums, models, scratch)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _power(keep, days):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """keep to the power of days, by products only: what a library's power rounds is its own affair."""
    made, square, left = 1.0, keep, int(days)
    while left > 0:
        if left % 2 == 1:
            made *= square
        square *= square
        left //= 2
    return made


def room(p: int) -> npt.NDArray[np.float64]:
    """Scratch for models of p coefficients."""
    return np.zeros((2, p, p))
