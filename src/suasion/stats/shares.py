"""Did each arm get the share of people that was to be drawn for it? Sample ratio mismatch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaln

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats, Ids

ALARM = 0.001
"""Below this p-value the draw, or what was logged of it, is broken: effects are not to be believed."""
FEW = 5
"""Chi-square does not hold where an arm expects fewer."""
MOST = 300_000
"""Ways to spread people over arms that are counted one by one."""


@dataclass(frozen=True)
class Mismatch:
    """Arms as they were filled and as they were to be filled.

    Parameters
    ----------
    statistic : float
        Pearson's chi-square.
    p_value : float
        Chance of counts as far from their shares, if people were drawn by them.
    counts : tuple of int
        Independent units in each arm.
    expected : tuple of float
        Expected units in each.
    n : int
        Units in all.
    method : str
        How the p-value was computed.
    """

    statistic: float
    p_value: float
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    n: int
    method: str

    @property
    def alarm(self) -> bool:
        """Whether chance alone does this less than once in a thousand experiments."""
        return self.p_value < ALARM

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        away = [abs(count - want) / want**0.5 for count, want in zip(self.counts, self.expected, strict=True)]
        arm = int(np.argmax(away))
        got, meant = self.counts[arm] / self.n, self.expected[arm] / self.n
        told = (
            f"Arm {arm} has {self.counts[arm]:,} of {self.n:,}, {got:.2%} where {meant:.2%} were to be drawn"
        )
        if self.alarm:
            return f"{told}: chance does not do this (p = {self.p_value:.1g}); do not believe any effect."
        return f"{told}: chance does as much in {self.p_value:.1%} of trials."


def mismatch(counts: npt.NDArray[np.integer], shares: Floats) -> Mismatch:
    """Test whether arms were filled by their shares.

    Pearson's chi-square (1900); where an arm expects fewer than five, the exact distribution of the same
    statistic over all ways to spread the people. What filled the arms wrongly mostly changed outcomes too, so
    that effects are not to be believed until it is found (Fabijan et al. 2019, KDD).

    Parameters
    ----------
    counts : array of int, shape (arms,)
        Units in each arm: persons, or households where households were drawn (`units_by_arm`).
    shares : array of float, shape (arms,)
        Chances of the draw, up to a common factor.

    Returns
    -------
    Mismatch

    Raises
    ------
    UndefinedError
        Fewer than two arms, nobody in any, a negative count, a share that is not above 0, or few people in
        so many arms that the ways to spread them cannot be counted.

    Examples
    --------
    >>> found = mismatch(np.array([821_588, 815_482]), np.array([0.5, 0.5]))
    >>> found.alarm, round(found.p_value, 7)
    (True, 1.8e-06)
    >>> mismatch(np.array([52, 48]), np.array([1.0, 1.0])).sentence
    'Arm 0 has 52 of 100, 52.00% where 50.00% were to be drawn: chance does as much in 68.9% of trials.'
    """
    seen, shares = np.asarray(counts), np.asarray(shares, np.float64)
    _check(seen, shares)
    chances, n = shares / shares.sum(), int(seen.sum())
    expected = n * chances
    statistic = float(((seen - expected) ** 2 / expected).sum())
    if expected.min() >= FEW:
        method, p_value = "chi-square", float(chdtrc(len(seen) - 1, statistic))
    else:
        method, p_value = "exact", _exact(n, chances, statistic)
    return Mismatch(statistic, p_value, tuple(map(int, seen)), tuple(map(float, expected)), n, method)


def units_by_arm(arms: npt.NDArray[np.integer], count: int, clusters: Ids | None = None) -> Ids:
    """Independent units in each arm: persons, or clusters where whole clusters were drawn.

    Parameters
    ----------
    arms : array of int, shape (n,)
        Arm of each person.
    count : int
        Arms of the experiment, also those that nobody is in.
    clusters : array of int, shape (n,), optional
        Household of each person, if households were drawn.

    Returns
    -------
    array of int, shape (count,)

    Raises
    ------
    UndefinedError
        A household in two arms, or an arm outside 0 to count - 1.

    Examples
    --------
    >>> units_by_arm(np.array([0, 0, 1, 1, 1]), 3, clusters=np.array([7, 7, 8, 9, 9])).tolist()
    [1, 2, 0]
    """
    asked = "the units of each arm"
    if len(arms) and not 0 <= int(arms.min()) <= int(arms.max()) < count:
        raise UndefinedError(asked, f"an arm outside 0 to {count - 1}", "Say how many arms there are.")
    if clusters is None:
        return np.bincount(arms, minlength=count)
    _, first, units = np.unique(clusters, return_index=True, return_inverse=True)
    torn = len(np.unique(units[arms != arms[first][units]]))
    if torn:
        found = f"{torn:,} household(s) with people in two arms"
        raise UndefinedError(asked, found, "Leave them out and say so, or count persons if those were drawn.")
    return np.bincount(arms[first], minlength=count)


def _check(counts: npt.NDArray[np.integer], shares: Floats) -> None:
    asked = "a sample ratio mismatch"
    if counts.ndim != 1 or counts.shape != shares.shape or len(counts) < 2:
        found = f"{counts.size} count(s) and {shares.size} share(s)"
        raise UndefinedError(asked, found, "Give one of each for two arms or more.")
    if not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0 or counts.sum() == 0:
        raise UndefinedError(
            asked, "counts that are negative, broken or all 0", "Count the units of each arm."
        )
    if not (np.isfinite(shares) & (shares > 0)).all():
        raise UndefinedError(asked, "a share that is not above 0", "Leave out arms that are never drawn.")


def _exact(n: int, chances: Floats, statistic: float) -> float:
    """Chance of this statistic or more, over all ways to spread n units."""
    arms = len(chances)
    if comb(n + arms - 1, arms - 1) > MOST:
        found = f"{arms} arms of {n:,} units, one of which expects fewer than {FEW}"
        raise UndefinedError(
            "a sample ratio mismatch", found, "Join arms that expect few, or wait for more people."
        )
    bars = np.array(list(combinations(range(n + arms - 1), arms - 1)), np.int64)
    ends = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), n + arms - 1)])
    ways = np.diff(ends, axis=1) - 1
    expected = n * chances
    far = ((ways - expected) ** 2 / expected).sum(axis=1) >= statistic * (1 - 1e-9)
    logs = gammaln(n + 1) + (ways * np.log(chances) - gammaln(ways + 1)).sum(axis=1)
    return float(min(np.exp(logs[far]).sum(), 1.0))
