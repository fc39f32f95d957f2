"""Counts of people by a number, in which nobody can be found."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt

from suasion.measurement.who import LEAST

Floats = npt.NDArray[np.float64]
CELLS = 15
"""About as many."""
ENDS = (0.01, 0.99)
"""The numbers of the few beyond are in the outermost cells, which are open."""


@dataclass(frozen=True)
class Cell:
    """People whose number is at least `low` and below `high`; None is an open end.

    `people` is None where the count is not shown.
    """

    low: float | None
    high: float | None
    people: int | None


def histogram(values: Floats) -> tuple[Cell, ...]:
    """Count people in cells of equal, round width.

    Parameters
    ----------
    values : array of float, shape (n,)

    Returns
    -------
    tuple of Cell
        By rising number. Counts below `LEAST` are left out, and the next smallest with them where these
        people could be told from the rest.

    Examples
    --------
    >>> cells = histogram(np.arange(1000) / 100)
    >>> cells[0], cells[-1]
    (Cell(low=None, high=1.0, people=100), Cell(low=9.0, high=None, people=100))
    """
    low, high = np.quantile(values, ENDS)
    if high - low <= 1e-12 * max(1.0, abs(high)):
        return (Cell(None, None, len(values) if len(values) >= LEAST else None),)
    step = _round((high - low) / CELLS)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    counts = np.bincount(np.clip(np.floor(values / step + 1e-9), first, last - 1).astype(int) - first)
    counts = np.pad(counts, (0, last - first - len(counts)))
    hidden = _hidden(counts)
    edges = [float(f"{(first + i) * step:.12g}") for i in range(len(counts) + 1)]
    return tuple(
        Cell(
            edges[i] if i else None,
            edges[i + 1] if i + 1 < len(counts) else None,
            None if hidden[i] else int(counts[i]),
        )
        for i in range(len(counts))
    )


def _round(step: float) -> float:
    """The next number of 1, 2 or 5 and zeros."""
    unit = 10.0 ** floor(log10(step))
    return next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= step * (1 - 1e-9))


def _hidden(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Small counts, and as many others that together they are not small."""
    hidden = (counts > 0) & (counts < LEAST)
    for i in np.argsort(np.where(counts > 0, counts, np.iinfo(np.int64).max), kind="stable"):
        if hidden.any() and counts[hidden].sum() < LEAST:
            hidden[i] = True
    return hidden
