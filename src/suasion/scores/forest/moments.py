"""What a leaf must know of its people to solve for their effects, and the solution."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def width(treatments: int) -> int:
    """How many sums describe a group: one a treatment, and one a pair of treatments."""
    return treatments + treatments * (treatments + 1) // 2


def moments(surplus: Floats, surprise: Floats, weights: Floats | None) -> Floats:
    """For each person the terms of the normal equations of the R-loss.

    The R-loss (Nie and Wager 2021, Biometrika 108:299) is ``(surplus - surprise @ effects) ** 2``; its
    minimum over a group solves ``A effects = b`` with ``b`` the sum of ``surprise * surplus`` and ``A`` that
    of ``outer(surprise, surprise)``.

    Parameters
    ----------
    surplus : array of float, shape (n,)
        Outcome minus what was expected of the person.
    surprise : array of float, shape (n, k)
        Got the treatment (0 or 1) minus the probability of getting it.
    weights : array of float, shape (n,), optional

    Returns
    -------
    array of float, shape (n, k + k (k + 1) / 2)
        First b, then the upper triangle of A by rows.
    """
    k = surprise.shape[1]
    upper = [surprise[:, i] * surprise[:, j] for i in range(k) for j in range(i, k)]
    terms = np.column_stack([surprise * surplus[:, None], *upper])
    return terms if weights is None else terms * weights[:, None]


@numba.njit(cache=True, nogil=True)
def solve(sums, k, least, lower, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Solve for the effects of a group; the drop of its R-loss by them, or -1 where it cannot be told.

    A pivot of A below that of `least` (k,) means that the group lacks people of some treatment. `lower`
    (k, k) is room to work in.
    """
    if k == 1:
        if sums[1] <= least[0]:
            return -1.0
        out[0] = sums[0] / sums[1]
        return sums[0] * out[0]
    if k == 2:
        rest = sums[4] - sums[3] * sums[3] / sums[2] if sums[2] > 0 else 0.0
        if sums[2] <= least[0] or rest <= least[1]:
            return -1.0
        lower[0, 0], lower[1, 1] = np.sqrt(sums[2]), np.sqrt(rest)
        out[1] = (sums[1] - sums[3] / sums[2] * sums[0]) / rest
        out[0] = (sums[0] - sums[3] * out[1]) / sums[2]
        return sums[0] * out[0] + sums[1] * out[1]
    at = k
    for i in range(k):
        for j in range(i, k):
            lower[j, i] = sums[at]
            at += 1
    for i in range(k):
        for j in range(i):
            for row in range(i, k):
                lower[row, i] -= lower[i, j] * lower[row, j]
        if lower[i, i] <= least[i]:
            return -1.0
        root = np.sqrt(lower[i, i])
        for row in range(i, k):
            lower[row, i] /= root
    drop = 0.0
    for i in range(k):
        out[i] = sums[i]
        for j in range(i):
            out[i] -= lower[i, j] * out[j]
        out[i] /= lower[i, i]
        drop += out[i] * out[i]
    for i in range(k - 1, -1, -1):
        for row in range(i + 1, k):
            out[i] -= lower[row, i] * out[row]
        out[i] /= lower[i, i]
    return drop
