"""The value of a policy by bets: exact in every sample, at every look, whatever the tails."""

from __future__ import annotations

from math import log

import numpy as np
from scipy.special import logsumexp

from suasion.errors import UndefinedError
from suasion.learning.ope.interval import LEVEL
from suasion.learning.ope.logged import DUST, Floats, Ids, Logged
from suasion.stats import Estimate

METHOD = "IPS, exact confidence sequence"
_BETS = 0.98 * 0.5 ** np.arange(18.0)
_BISECTIONS = 30


def exact_sequence(
    logged: Logged, target: Floats, looks: Ids, largest: float, usual: float | None = None
) -> tuple[Estimate, ...]:
    """Intervals of inverse propensity weighting that hold all at once, without any normal approximation.

    A bet is made that each decision's weighted reward is on average above a hypothesis, and one that it is
    below; a hypothesis against which 1 grew to 2 / (1 - level) is ruled out (Waudby-Smith and Ramdas 2024,
    JRSS-B 86:1; for policies Waudby-Smith, Wu, Ramdas, Karampatziakis, Mineiro 2022, arXiv 2210.10768). The
    bets are a fixed mixture over shares of what may be staked, in powers of two. What is needed is that the
    logged probabilities are right and that decisions are of different persons.

    Parameters
    ----------
    logged : Logged
        With bounds of rewards and without clusters; rows in order of time.
    target : array of float, shape (n, k)
        As for `evaluate`; fixed before these decisions.
    looks : array of int, shape (looks,)
        Decisions that each look knows, growing, up to n; one is enough.
    largest : float
        The largest weight that could be: the target's largest probability over the logging policy's floor.
        Known before looking.
    usual : float, optional
        A reward that is usual, chosen before looking; only what differs from it is weighted. The least one
        where left out, which is best for rare rewards. A wrong one costs width, not the guarantee.

    Returns
    -------
    tuple of Estimate
        One a look.

    Raises
    ------
    UndefinedError
        Rewards without bounds, clusters, a weight above the largest, or a target that does not fit or would
        show what the log never could.

    Examples
    --------
    >>> arms = np.arange(4000) % 2
    >>> clicks = (np.arange(4000) % 20 < 5 * arms).astype(float)
    >>> log = Logged(arms, clicks, np.full(4000, 0.5), bounds=(0.0, 1.0))
    >>> always = np.tile([0.0, 1.0], (4000, 1))
    >>> [look.scaled(digits=2) for look in exact_sequence(log, always, np.array([400, 4000]), largest=2)]
    ['0.20 (0.11 to 0.33)', '0.20 (0.17 to 0.24)']
    """
    low, high = _bounds(logged, target, largest)
    largest = float(largest)
    weights = logged.weights(target)
    center = 0.0 if usual is None else (min(max(usual, low), high) - low) / (high - low)
    rewards = (logged.rewards - low) / (high - low)
    values = weights * (rewards - center) + center
    least, most = center * (1 - largest), center + largest * (1 - center)
    shares = ((values - least) / (most - least)).clip(0.0, 1.0)  # but for rounding they are there
    return tuple(_look(shares[:n], least, most, low, high) for n in looks.tolist())


def _bounds(logged: Logged, target: Floats, largest: float) -> tuple[float, float]:
    weights, asked = logged.weights(target), "an exact sequence"
    if logged.bounds is None or logged.clusters is not None:
        todo = "Give the bounds, and one decision a person; or use `sequence`."
        raise UndefinedError(asked, "rewards without bounds, or clusters", todo)
    if weights.max() > largest * (1 + DUST) or largest < 1:
        found = f"a weight of {weights.max():.3g} where {largest:.3g} is the largest"
        raise UndefinedError(asked, found, "Give the largest weight that could be, at least 1.")
    if logged.probabilities is not None and (target[logged.probabilities <= 0] > DUST).any():
        raise UndefinedError(
            asked, "what the log could never have shown", "Judge another policy by this log."
        )
    return logged.bounds


def _look(shares: Floats, least: float, most: float, low: float, high: float) -> Estimate:
    """The interval of a mean of numbers between 0 and 1, told as a reward."""
    value = float(shares.mean())
    ends = _lowest(shares, value), value, 1 - _lowest(1 - shares, 1 - value)
    told = [low + (high - low) * (least + (most - least) * end) for end in ends]
    # No policy is worth less than the least reward, or more than the largest.
    return Estimate(
        told[1], min(max(told[0], low), told[1]), max(min(told[2], high), told[1]), len(shares), METHOD
    )


def _lowest(shares: Floats, value: float) -> float:
    """The highest mean below the one seen that is ruled out; 0 where none is."""
    seen, times = np.unique(shares, return_counts=True)
    low, high, enough = 0.0, value, log(2 / (1 - LEVEL))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if middle > 0 and log_wealth(seen, times, middle) >= enough:
            low = middle
        else:
            high = middle
    return low


def log_wealth(seen: Floats, times: Ids, mean: float) -> float:
    """What bets that the mean is above this one made of 1; each stakes a share of all it may lose."""
    gains = np.log1p(_BETS[:, None] * (seen / mean - 1)) @ times
    return float(logsumexp(gains)) - log(len(_BETS))
