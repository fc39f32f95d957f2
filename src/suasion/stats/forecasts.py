"""How good the chances are that a model gives: whether they come true, and whom they rank first."""

from __future__ import annotations

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.calibration import Bin, binned
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, Sample, sample


def reliability(
    outcomes: Floats,
    chances: Floats,
    bins: int = 10,
    clusters: Ids | None = None,
    weights: Floats | None = None,
) -> tuple[Bin, ...]:
    """How often it happened among people of like chance: the reliability diagram.

    Source: Murphy and Winkler 1977, Applied Statistics 26:41. Intervals are Wilson's with t and the
    effective number of persons: they do not collapse where nobody, or everybody, did it.

    Parameters
    ----------
    outcomes : array of float, shape (n,)
        1 where it happened, 0 where not.
    chances : array of float, shape (n,)
        Probabilities from a model that did not see the person.
    bins : int
        As many bins of equal weight. People of equal chance stay together, so there may be fewer.
    clusters, weights : array, shape (n,), optional
        Household of each person; how many people each stands for.

    Returns
    -------
    tuple of Bin
        By rising chance.

    Raises
    ------
    UndefinedError
        Outcomes other than 0 and 1, chances outside 0 to 1, no bin asked for, or what `mean` refuses.

    Examples
    --------
    >>> chances = np.array([0.1, 0.1, 0.1, 0.6, 0.7, 0.8])
    >>> low, high = reliability(np.array([0.0, 0, 0, 1, 1, 0]), chances, bins=2)
    >>> print(high.observed.scaled(100, digits=0))
    67 (6 to 98)
    """
    people, outcomes, chances = _forecast("reliability", outcomes, chances, clusters, weights)
    return binned(people, outcomes, chances, bins, _rate)


def brier(
    outcomes: Floats, chances: Floats, clusters: Ids | None = None, weights: Floats | None = None
) -> Estimate:
    """Mean squared distance between chance and outcome; 0 is best.

    Source: Brier 1950, Monthly Weather Review 78:1.

    Parameters
    ----------
    outcomes, chances, clusters, weights : array, shape (n,)
        As for `reliability`.

    Returns
    -------
    Estimate

    Raises
    ------
    UndefinedError
        Outcomes other than 0 and 1, chances outside 0 to 1, or what `mean` refuses.

    Examples
    --------
    >>> brier(np.array([0.0, 1.0]), np.array([0.5, 0.5])).value
    0.25
    """
    people, outcomes, chances = _forecast("Brier score", outcomes, chances, clusters, weights)
    errors = (outcomes - chances) ** 2
    return people.estimate(people.average(errors), errors, "Brier score")


def auc(
    outcomes: Floats, scores: Floats, clusters: Ids | None = None, weights: Floats | None = None
) -> Estimate:
    """How often a person with the outcome scores above one without it; ties count half.

    The interval is Wilson's with t and the variance of the influence values (DeLong, DeLong, Clarke-Pearson
    1988, Biometrics 44:837; summed in clusters: Obuchowski 1997, Biometrics 53:567).

    Parameters
    ----------
    outcomes : array of float, shape (n,)
        1 where it happened, 0 where not.
    scores : array of float, shape (n,)
        What ranks the people.
    clusters, weights : array, shape (n,), optional
        Household of each person; how many people each stands for.

    Returns
    -------
    Estimate
        0.5 for a score that knows nothing, 1 for a perfect one.

    Raises
    ------
    UndefinedError
        Outcomes that are all equal, or other than 0 and 1, or what `mean` refuses.

    Examples
    --------
    >>> auc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.4, 0.8])).value
    0.875
    """
    people, outcomes, scores = _binary("AUC", outcomes, scores, clusters, weights)
    if np.ptp(outcomes) == 0:
        raise UndefinedError(
            "AUC", "outcomes that are all equal", "It takes people with and without the outcome."
        )
    _, block = np.unique(scores, return_inverse=True)
    below_yes = _shares_below(block, people.weights * outcomes)
    below_no = _shares_below(block, people.weights * (1 - outcomes))
    placed = np.where(outcomes == 1, below_no, 1 - below_yes)
    share = people.average(outcomes)
    value = float(np.average(placed, weights=people.weights * outcomes))
    influence = (placed - value) / np.where(outcomes == 1, share, 1 - share)
    fewest = min(len(np.unique(people.units[outcomes == kind])) for kind in (0, 1))
    return people.bounded(value, influence, fewest, "AUC")


def _shares_below(block: Ids, masses: Floats) -> Floats:
    """Of the given mass, the share in lower blocks and half of the own, for each person."""
    mass = np.bincount(block, masses)
    return ((np.cumsum(mass) - mass / 2) / mass.sum())[block]


def _rate(part: Sample, outcomes: Floats) -> Estimate:
    return part.bounded(part.average(outcomes), outcomes, part.count, "Wilson score")


def _binary(
    asked: str, outcomes: Floats, scores: Floats, clusters: Ids | None, weights: Floats | None
) -> tuple[Sample, Floats, Floats]:
    people, (outcomes, scores) = sample(asked, (outcomes, scores), clusters, weights)
    if not np.isin(outcomes, (0, 1)).all():
        raise UndefinedError(
            asked, "outcomes other than 0 and 1", "Give 1 where it happened and 0 where not."
        )
    return people, outcomes, scores


def _forecast(
    asked: str, outcomes: Floats, chances: Floats, clusters: Ids | None, weights: Floats | None
) -> tuple[Sample, Floats, Floats]:
    people, outcomes, chances = _binary(asked, outcomes, chances, clusters, weights)
    outside = int(((chances < 0) | (chances > 1)).sum())
    if outside:
        raise UndefinedError(asked, f"{outside} chance(s) outside 0 to 1", "Give probabilities.")
    return people, outcomes, chances
