"""Exact confidence sequences for a share of persons: complaints, opt-outs."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from scipy.special import betaln, xlog1py, xlogy

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats, Ids
from suasion.stats.sequential.mixture import spread

METHOD = "exact confidence sequence of a share"
_BISECTIONS = 60


@dataclass(frozen=True)
class Counts:
    """Events among independent persons at each look; every look holds all so far.

    Parameters
    ----------
    events, n : array of int, shape (looks,)
        Persons with the event, and all persons. Where households were drawn together, give `Looks` with their
        errors instead.

    Raises
    ------
    UndefinedError
        Counts that shrink, more events than persons, or shapes that differ.
    """

    events: Ids
    n: Ids

    def __post_init__(self) -> None:
        if self.events.shape != self.n.shape or self.events.ndim != 1:
            raise UndefinedError("counts", f"shapes {self.events.shape}, {self.n.shape}", "Give one a look.")
        others = self.n - self.events
        if min(part.min(initial=0) for part in (self.events, others)) < 0 or any(
            (np.diff(part) < 0).any() for part in (self.events, others)
        ):
            raise UndefinedError(
                "counts", "counts that shrink, or events over n", "Each look holds all so far."
            )


def rate_sequence(
    counts: Counts, expected: float, tuned_for: int, level: float = LEVEL
) -> tuple[Estimate | None, ...]:
    """Exact confidence sequence of a share: with chance `level`, all its intervals hold the truth.

    A bet spread over all shares by a beta density is compared with each share; those against which it has
    made 1 into 1 / (1 - level) are ruled out (Robbins 1970, Annals of Mathematical Statistics 41:1397; Ville
    1939). No normal approximation: it holds for a few complaints in thousands of messages.

    Parameters
    ----------
    counts : Counts
        Events and persons so far at each look.
    expected : float
        Share around which the bet is spread, between 0 and 1: a limit, or what is usual. A wrong one costs
        width, not the guarantee.
    tuned_for : int
        Persons at the planned end, where the sequence is about tightest.
    level : float
        Chance that no interval ever misses.

    Returns
    -------
    tuple of Estimate or None
        None before anybody was counted.

    Raises
    ------
    UndefinedError
        `expected` not between 0 and 1, or `tuned_for` below 1.

    Examples
    --------
    >>> counts = Counts(np.array([2, 30]), np.array([1000, 10_000]))
    >>> [known.scaled(1000, digits=1) for known in rate_sequence(counts, 0.002, 10_000)]
    ['2.0 (0.2 to 8.1)', '3.0 (1.6 to 5.0)']
    """
    if tuned_for < 1 or not 0 < expected < 1:
        found = f"an expected share of {expected}, a planned end of {tuned_for} persons"
        raise UndefinedError("a rate", found, "Give a share between 0 and 1, and 1 person or more.")
    density = max(tuned_for / spread(1 - level), 1.0)
    a, b = density * expected, density * (1 - expected)
    hits, misses = counts.events.astype(np.float64), (counts.n - counts.events).astype(np.float64)
    least = betaln(a + hits, b + misses) - betaln(a, b) + log(1 - level)
    lows, highs = _lowest(hits, misses, least), 1 - _lowest(misses, hits, least)
    rows = zip(counts.events.tolist(), counts.n.tolist(), lows.tolist(), highs.tolist(), strict=True)
    return tuple(
        Estimate(hit / n, min(low, hit / n), max(high, hit / n), n, METHOD, level) if n else None
        for hit, n, low, high in rows
    )


def _lowest(hits: Floats, misses: Floats, least: Floats) -> Floats:
    """Share below the one seen where the log-likelihood comes down to `least`; 0 where none was seen."""
    low, high = np.zeros_like(hits), hits / np.maximum(hits + misses, 1)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        ruled_out = xlogy(hits, middle) + xlog1py(misses, -middle) <= least
        low, high = np.where(ruled_out, middle, low), np.where(ruled_out, high, middle)
    return low
