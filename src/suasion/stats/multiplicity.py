"""Many tests at once: p-values that count how many were made."""

from __future__ import annotations

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats


def holm(p_values: Floats) -> Floats:
    """Adjusted p-values that keep the chance of any false finding below the level.

    Source: Holm 1979, Scandinavian Journal of Statistics 6:65.

    Parameters
    ----------
    p_values : array of float, shape (tests,)
        Of tests that may depend on each other in any way.

    Returns
    -------
    array of float, shape (tests,)
        In the order given; compare each with the level.

    Raises
    ------
    UndefinedError
        No test, or a p-value outside 0 to 1.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order, ordered = _ordered("Holm's p-values", p_values)
    raised = ordered * np.arange(len(ordered), 0, -1)
    return _placed(order, np.maximum.accumulate(raised))


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values that keep the expected share of false findings below the level.

    Source: Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289.

    Parameters
    ----------
    p_values : array of float, shape (tests,)
        Of tests that are independent, or depend positively on each other.

    Returns
    -------
    array of float, shape (tests,)
        In the order given; compare each with the level.

    Raises
    ------
    UndefinedError
        No test, or a p-value outside 0 to 1.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    order, ordered = _ordered("Benjamini and Hochberg's p-values", p_values)
    raised = ordered * (len(ordered) / np.arange(1, len(ordered) + 1))
    return _placed(order, np.minimum.accumulate(raised[::-1])[::-1])


def _ordered(asked: str, p_values: Floats) -> tuple[np.ndarray, Floats]:
    p_values = np.asarray(p_values, np.float64)
    if p_values.ndim != 1 or len(p_values) == 0 or not ((p_values >= 0) & (p_values <= 1)).all():
        found = f"an array of shape {p_values.shape}, or values outside 0 to 1"
        raise UndefinedError(asked, found, "Give one p-value for each test.")
    order = np.argsort(p_values, kind="stable")
    return order, p_values[order]


def _placed(order: np.ndarray, adjusted: Floats) -> Floats:
    placed = np.empty_like(adjusted)
    placed[order] = np.minimum(adjusted, 1)
    return placed
