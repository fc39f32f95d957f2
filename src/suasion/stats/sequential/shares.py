"""Do the arms fill as they were drawn? Watched while they fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats, Ids
from suasion.stats.sequential.confidence import first
from suasion.stats.sequential.mixture import spread


@dataclass(frozen=True)
class SharesWatched:
    """What counts by arm say of the shares they were drawn with, look by look.

    Parameters
    ----------
    e_values : tuple of float
        What a bet against the shares has made of 1.
    p_values : tuple of float
        One over the largest e-value so far, at most 1: valid at all looks at once.
    alarm_at : int or None
        First look, from 0, whose p-value is at or below alpha.
    """

    e_values: tuple[float, ...]
    p_values: tuple[float, ...]
    alarm_at: int | None


def watch_shares(counts: Ids, shares: Floats, tuned_for: int = 10_000, alpha: float = 0.001) -> SharesWatched:
    """Sequential test of a sample-ratio mismatch.

    Source: Lindon and Malek 2022, Advances in Neural Information Processing Systems 35:34025: the multinomial
    likelihood mixed over a Dirichlet density around the shares, over that of the shares. Exact at any size.

    Parameters
    ----------
    counts : array of int, shape (looks, arms)
        Units that were drawn, persons or households, so far in each arm.
    shares : array of float, shape (arms,)
        Drawn with these chances; above 0, sum 1.
    tuned_for : int
        Units at the planned end: small mismatches are found best there.
    alpha : float
        Chance of ever an alarm where the shares are right.

    Returns
    -------
    SharesWatched

    Raises
    ------
    UndefinedError
        Counts that shrink, or shares that are not.

    Examples
    --------
    >>> counts = np.array([[52, 48], [5020, 4980], [10_500, 9_500]])
    >>> watched = watch_shares(counts, np.array([0.5, 0.5]))
    >>> watched.alarm_at, watched.p_values[1] > 0.5
    (2, True)
    """
    counts, shares = np.asarray(counts), np.asarray(shares, np.float64)
    if counts.ndim != 2 or shares.shape != counts.shape[1:] or len(shares) < 2 or len(counts) == 0:
        raise UndefinedError(
            "a watch of shares", f"counts {counts.shape}, shares {shares.shape}", "See shapes."
        )
    if shares.min() <= 0 or abs(shares.sum() - 1) > 1e-9:
        raise UndefinedError(
            "a watch of shares", "shares not above 0 or not of sum 1", "Leave empty arms out."
        )
    if counts.min() < 0 or (np.diff(counts, axis=0) < 0).any() or tuned_for < 1:
        raise UndefinedError("a watch of shares", "counts that shrink", "Each look holds all units so far.")
    prior = shares * max(tuned_for / spread(alpha), 1.0)
    total, n = float(prior.sum()), counts.sum(axis=1)
    mixed = gammaln(total) - gammaln(total + n) + (gammaln(prior + counts) - gammaln(prior)).sum(axis=1)
    log_e = mixed - counts @ np.log(shares)
    p_values = np.minimum(np.exp(-np.maximum.accumulate(log_e)), 1)
    e_values = np.exp(np.minimum(log_e, 700.0))  # beyond, the number itself would overflow
    return SharesWatched(
        tuple(e_values.tolist()), tuple(p_values.tolist()), first((p_values <= alpha).tolist())
    )
