"""Ranks of values, of which equal ones share theirs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def midranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 1; equal values have the mean of theirs.

    Written out here since `scipy.stats` takes longer to import than all else that ranks.

    Parameters
    ----------
    values : array of float, shape (n,)
        Without NaN.

    Returns
    -------
    array of float, shape (n,)

    Examples
    --------
    >>> midranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]
