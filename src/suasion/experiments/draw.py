"""From probabilities to decisions: one draw that keeps every marginal probability and the total cost."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError

Floats = npt.NDArray[np.float64]
TINY = 1e-12
"""Probabilities below this are rounding dust of sums that should be 0."""


def draw(probabilities: Floats, costs: Floats, order: Floats, chance: Floats) -> npt.NDArray[np.int64]:
    """Draw one option a person by dependent rounding with a weighted sum.

    Two undecided persons at a time move probability between two of their options, in opposite
    directions and such that the total cost stays what it was, until one of them is decided; each move is
    a fair game, so the marginal probability of every option of every person stays what it was. The last
    undecided person moves alone: the drawn cost differs from the expected cost by at most the gap
    between two options of one person.

    Source: Gandhi, Khuller, Parthasarathy, Srinivasan 2006, JACM 53:324, for weighted sums; the
    multi-option person is our reading of Deville and Tille 2004, Biometrika 91:893 (the cube method).

    Parameters
    ----------
    probabilities : array of float, shape (n, k)
        Rows sum to 1; option 0 is nothing.
    costs : array of float, shape (n, k)
        Expected cost of each option.
    order : array of float, shape (n,)
        In which order persons meet; uniform numbers of a keyed hash, so that file order does not matter.
    chance : array of float, shape (n, k - 1)
        Uniform numbers in [0, 1), independent of `order`, one for each move: a move decides at least one
        option, so there are no more.

    Returns
    -------
    array of int64, shape (n,)
        The drawn option of each person.

    Raises
    ------
    UndefinedError
        Rows that are not probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> p, c = np.full((4, 2), 0.5), np.tile([0.0, 3.0], (4, 1))
    >>> int(draw(p, c, np.array([0.1, 0.4, 0.2, 0.3]), np.full((4, 1), 0.7)).sum())
    2
    """
    sums = probabilities.sum(axis=1)
    if not (np.isfinite(probabilities).all() and probabilities.min(initial=0) >= 0):
        raise UndefinedError("a draw", "probabilities below 0 or not finite", "Plan again.")
    if not np.allclose(sums, 1, atol=1e-9):
        raise UndefinedError("a draw", "probabilities of a person that do not sum to 1", "Plan again.")
    state = np.ascontiguousarray(probabilities / sums[:, None])
    alike = TINY * float(costs.max(initial=0))
    meeting = np.argsort(order, kind="stable")
    # In the order of meeting, the numbers do not depend on the order of the file either.
    _round(state, np.ascontiguousarray(costs), alike, meeting, chance[meeting].ravel())
    return np.argmax(state, axis=1).astype(np.int64)


@numba.njit(cache=True)
def _pair(row):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The first two options that still have probability; the second is -1 where the person is decided."""
    first, second = -1, -1
    for option in range(row.shape[0]):
        if row[option] > TINY:
            if first < 0:
                first = option
            else:
                second = option
                break
    return first, second


@numba.njit(cache=True)
def _move(row, a, b, amount):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    row[a] += amount
    row[b] -= amount
    for option in (a, b):
        if row[option] <= TINY:
            row[option] = 0.0


@numba.njit(cache=True)
def _alone(row, a, b, luck):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """One person decides between a and b as a fair game: one of the two is gone afterwards."""
    both = row[a] + row[b]
    _move(row, a, b, row[b] if luck * both < row[a] else -row[a])


@numba.njit(cache=True)
def _together(one, other, a, b, c, d, ratio, luck):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """`one` moves t from b to a while `other` moves ratio * t from d to c: the total cost stays."""
    speed = abs(ratio)
    gives, takes = (other[d], other[c]) if ratio > 0 else (other[c], other[d])
    up, down = min(one[b], gives / speed), min(one[a], takes / speed)
    t = up if luck * (up + down) < down else -down
    _move(one, a, b, t)
    _move(other, c, d, ratio * t)


@numba.njit(cache=True)
def _round(state, costs, alike, order, chance):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    moves = 0
    waiting = -1
    for i in order:
        a, b = _pair(state[i])
        while b >= 0:
            gap = costs[i, a] - costs[i, b]
            if abs(gap) <= alike:
                _alone(state[i], a, b, chance[moves])
            elif waiting < 0:
                waiting = i
                break
            else:
                c, d = _pair(state[waiting])
                rival = costs[waiting, c] - costs[waiting, d]
                if abs(rival) <= alike:
                    _alone(state[waiting], c, d, chance[moves])
                else:
                    _together(state[i], state[waiting], a, b, c, d, -gap / rival, chance[moves])
                if _pair(state[waiting])[1] < 0:
                    waiting = -1
            moves += 1
            a, b = _pair(state[i])
    # What the last person lacks to a whole probability may be the dust of everybody's moves: nothing to draw.
    if waiting >= 0 and state[waiting].max() < 1 - TINY * len(order):
        a, b = _pair(state[waiting])
        while b >= 0:
            _alone(state[waiting], a, b, chance[moves])
            moves += 1
            a, b = _pair(state[waiting])
