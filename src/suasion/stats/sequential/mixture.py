"""How far a running mean must be from a hypothesis to be decided at any look, however often one looks."""

from __future__ import annotations

from math import e, log, sqrt

import numpy as np
from scipy.special import lambertw, log_ndtr

from suasion.stats.influence import Floats

_BISECTIONS = 45
_STAKE = 0.8  # on the planned effect: 62 % power at 100 looks where the fixed test has 80, half gives 60


def spread(alpha: float) -> float:
    """Variance of Robbins' mixture, times the planned information, that is tightest at the planned end."""
    return float(-lambertw(-(alpha**2) / e, -1).real) - 1


def needed(fractions: Floats, alpha: float, sides: int = 2) -> Floats:
    """Standard errors from a hypothesis that decide against it, whenever and however often one looks.

    Four fifths of a bet go to an effect of the size that the planned end can just decide (its boundary is a
    line, Wald 1945, Annals of Mathematical Statistics 16:117), one fifth to Robbins' normal mixture over all
    sizes (Robbins 1970, Annals of Mathematical Statistics 41:1397), which keeps narrowing for ever. A mean of
    two martingales of mean 1 is one; it ever reaches 1 / alpha with chance alpha at most (Ville 1939). The
    line is for power: 2.76 standard errors decide at the planned end for alpha 0.05, where the mixture alone
    takes 3.04.

    Parameters
    ----------
    fractions : array of float, shape (looks,)
        Information so far over that of the planned end, above 0; may pass 1.
    alpha : float
        Chance of ever deciding against a hypothesis that holds.
    sides : int
        2, or 1 for effects above the hypothesis only.

    Returns
    -------
    array of float, shape (looks,)

    Examples
    --------
    >>> needed(np.array([0.1, 0.5, 1.0, 4.0]), alpha=0.05).round(2).tolist()
    [4.24, 2.9, 2.76, 3.39]
    """
    bet = sqrt(2 * log(sides / (alpha * _STAKE)))
    width = spread(2 * alpha / sides)
    low = np.zeros_like(fractions)
    high = bet * (1 + fractions) / (2 * np.sqrt(fractions))  # where the line alone decides
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = _log_wealth(middle, fractions, bet, width, sides) < -log(alpha)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return high


def _log_wealth(z: Floats, fractions: Floats, bet: float, width: float, sides: int) -> Floats:
    """Logarithm of what a bet against the hypothesis has made of 1 at this distance from it."""
    score = z * np.sqrt(fractions)
    line = bet * score - bet**2 * fractions / 2
    grown = 1 + width * fractions
    mixture = width * score**2 / (2 * grown) - np.log(grown) / 2
    if sides == 1:
        mixture += log(2) + log_ndtr(score * np.sqrt(width / grown))
    else:
        line += np.log1p(np.exp(-2 * bet * score)) - log(2)
    return np.logaddexp(line + log(_STAKE), mixture + log(1 - _STAKE))
