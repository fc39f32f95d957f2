"""How good a ranking of people is, told by what treating them gains.

Each metric averages the gains with weights that depend on the rank alone (a rank-weighted average treatment
effect: Yadlowsky, Fleming, Shah, Brunskill, Wager 2025, JASA 120:38). People of equal score share the average
weight of their ranks, so that a constant score is exactly the random ranking.

Gains must be of people who did not fit the model that ranks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import xlogy

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, sample
from suasion.stats.ranked import Ranked, area, rank, top


@dataclass(frozen=True)
class Metric:
    """A number for a ranking, called like a function.

    Parameters
    ----------
    name : str
        As the estimate names it.
    measure : callable
        From ranked people to the value and the influence of each.

    Examples
    --------
    >>> import numpy as np
    >>> gains, scores = np.array([3.0, 1.0, 2.0, 0.0]), np.array([0.9, 0.4, 0.6, 0.1])
    >>> print(qini(gains, scores).scaled(100, digits=0))
    31 (8 to 54)
    >>> uplift_at(0.5)(gains, scores).value
    2.5
    """

    name: str
    measure: Callable[[Ranked], tuple[float, Floats]]

    def __call__(
        self, gains: Floats, scores: Floats, clusters: Ids | None = None, weights: Floats | None = None
    ) -> Estimate:
        """How good the ranking is.

        Parameters
        ----------
        gains : array of float, shape (n,)
            AIPW score of treatment minus that of control of each person, in the unit of the outcome; in
            money they make the revenue version.
        scores : array of float, shape (n,)
            What ranks the people; the highest is treated first.
        clusters : array of int, shape (n,), optional
            Household of each person.
        weights : array of float, shape (n,), optional
            How many people each stands for.

        Returns
        -------
        Estimate

        Raises
        ------
        UndefinedError
            Fewer than two independent units, or a value that is not finite.
        """
        people, (gains, scores) = sample(self.name, (gains, scores), clusters, weights)
        return people.estimate(*self.measure(rank(gains, scores, people)), self.name)


def compare(
    metric: Metric,
    gains: Floats,
    first: Floats,
    second: Floats,
    clusters: Ids | None = None,
    weights: Floats | None = None,
) -> Estimate:
    """How much better the first ranking is than the second on the same people, paired.

    Parameters
    ----------
    metric : Metric
        `qini`, `autoc`, `auuc`, or ``uplift_at(share)``.
    gains, first, second : array of float, shape (n,)
        Gains, and the scores of two models.
    clusters, weights : array, shape (n,), optional
        As for the metric.

    Returns
    -------
    Estimate
        Metric of the first minus metric of the second.

    Raises
    ------
    UndefinedError
        As the metric.

    Examples
    --------
    >>> import numpy as np
    >>> gains = np.array([3.0, 1.0, 2.0, 0.0])
    >>> compare(auuc, gains, gains, -gains).value
    0.625
    """
    name = f"{metric.name}, paired difference"
    people, (gains, first, second) = sample(name, (gains, first, second), clusters, weights)
    (value, influence), (other, others) = (
        metric.measure(rank(gains, scores, people)) for scores in (first, second)
    )
    return people.estimate(value - other, influence - others, name)


def curve(
    gains: Floats,
    scores: Floats,
    points: int = 20,
    clusters: Ids | None = None,
    weights: Floats | None = None,
) -> tuple[Estimate, ...]:
    """The gain curve: what treating the top share gains, per person of all.

    Parameters
    ----------
    gains, scores, clusters, weights : array, shape (n,)
        As for a metric.
    points : int
        The curve is told at the shares 1/points, 2/points, ..., 1.

    Returns
    -------
    tuple of Estimate
        With intervals that hold point by point. The random line is the last value times the share.

    Raises
    ------
    UndefinedError
        As a metric, and where no point is asked for.

    Examples
    --------
    >>> import numpy as np
    >>> [point.value for point in curve(np.array([3.0, 1.0, 2.0, 0.0]), np.array([9.0, 4.0, 6.0, 1.0]), 2)]
    [1.25, 1.5]
    """
    if points < 1:
        raise UndefinedError("a gain curve", f"{points} points", "Ask for at least one.")
    people, (gains, scores) = sample("gain curve", (gains, scores), clusters, weights)
    ranked = rank(gains, scores, people)
    shares = [point / points for point in range(1, points + 1)]
    return tuple(people.estimate(*top(share, ranked), "gain curve") for share in shares)


def uplift_at(share: float) -> Metric:
    """The metric "mean gain among the top share".

    Parameters
    ----------
    share : float
        Of the people, above 0 and at most 1. A block of equal scores at the border counts in part.

    Returns
    -------
    Metric

    Raises
    ------
    UndefinedError
        A share out of range; when called, a share of fewer than two independent units.

    Examples
    --------
    >>> import numpy as np
    >>> uplift_at(1.0)(np.array([3.0, 1.0]), np.array([0.2, 0.1])).value
    2.0
    """
    if not 0 < share <= 1:
        raise UndefinedError(
            "uplift at a share", f"a share of {share}", "Give a share above 0 and at most 1."
        )
    return Metric(f"uplift at {share:g}", partial(_uplift, share))


def _uplift(share: float, ranked: Ranked) -> tuple[float, Floats]:
    if share * ranked.count < 2:
        found = f"{share:g} of {ranked.count} independent unit(s)"
        raise UndefinedError("uplift at a share", found, "Give a share of at least two.")
    value, influence = top(share, ranked)
    return value / share, influence / share


def _steep(ends: Floats, unit: float) -> Floats:
    """-log(q) - 1, averaged over the last unit before q: at the top, where it grows, a unit is not small.

    The influence is then what leaving a unit out does; the bare density tells too small errors of few people.
    """
    starts = np.maximum(ends - unit, 0)
    return (xlogy(starts, starts) - xlogy(ends, ends)) / (ends - starts)


qini = Metric("Qini", partial(area, lambda q: q * (1 - q) / 2, lambda q, _: 0.5 - q))
"""Area between the gain curve and the random line. Positive where the ranking is worth something."""

auuc = Metric("AUUC", partial(area, lambda q: q - q * q / 2, lambda q, _: 1 - q))
"""Area under the gain curve itself; half the mean gain for a random ranking."""

autoc = Metric("AUTOC", partial(area, lambda q: -xlogy(q, q), _steep))
"""Mean over all shares of the gain of the top share over that of all: looks hardest at the very top."""
