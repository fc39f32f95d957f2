"""Could everybody have got each arm? Propensities near 0 or 1, and how many people the weights leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.data import Floats, Ids
from suasion.scores.guards.asked import numbered
from suasion.scores.guards.finding import Finding, Severity
from suasion.stats import Estimate, mean, proportion

Who = npt.NDArray[np.bool_]
NEAR = 0.1
"""A chance below this part of the arm's average is out of reach; in two equal arms that is 0.05."""
FLOOR = 0.01
"""Estimated propensities are kept this far from 0, so that who stands there may be further out."""
TOO_MANY, MANY = 0.1, 0.02
"""Share of people out of reach: a refusal, and a warning."""
TOO_FEW = 50
"""Independent people whom an arm must be worth."""
WORTH = 0.5
"""Of an arm that is worth less than this part of its people, that is said."""


@dataclass(frozen=True)
class Reach:
    """One arm: who could hardly have got it, and what those who did are worth.

    Parameters
    ----------
    arm : str
    outside : Estimate
        Share of all people whose chance of the arm is (nearly) 0.
    impossible : int
        People whose chance is 0, or no number, or who got it against a chance of 1 of another arm.
    people, worth : int and float
        Who got the arm, and how many equally weighted independent people say as much (Kish 1965, Survey
        Sampling, section 11.7), a household being one.
    least : float
        The smallest chance of the arm.
    """

    arm: str
    outside: Estimate
    impossible: int
    people: int
    worth: float
    least: float


@dataclass(frozen=True)
class Overlap:
    """What `overlap` found: one `Reach` an arm."""

    arms: tuple[Reach, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What to say of it; nothing where everybody could have got each arm."""
        return tuple(finding for reach in self.arms for finding in _said(reach))


def overlap(
    propensities: Floats,
    treatments: Ids,
    arms: Sequence[str],
    clusters: Ids | None = None,
    *,
    estimated: bool = False,
) -> Overlap:
    """Look for people who could not have got an arm.

    Parameters
    ----------
    propensities : array of float, shape (n, arms)
        Known or estimated; here 0, 1 and NaN are findings, not errors.
    treatments : array of int64, shape (n,)
    arms : sequence of str
        Names, the control first.
    clusters : array of int64, shape (n,), optional
    estimated : bool
        Whether they come from a model, which keeps them `FLOOR` away from 0.

    Returns
    -------
    Overlap

    Raises
    ------
    CampaignError
        Arrays that do not fit, or fewer than two people or households.

    Examples
    --------
    >>> import numpy as np
    >>> chances = np.repeat([[0.5, 0.5], [0.99, 0.01]], 100, axis=0)
    >>> found = overlap(chances, np.arange(200) % 2, ["none", "mail"])
    >>> [reach.outside.value for reach in found.arms], found.findings[0].severity.value
    ([0.0, 0.5], 'refusal')
    """
    n = len(treatments)
    units = numbered(clusters, n)
    if propensities.shape != (n, len(arms)) or len(np.unique(units)) < 2:
        found = (
            f"{n} people in {len(np.unique(units))} household(s), propensities of shape {propensities.shape}"
        )
        raise CampaignError("overlap", found, f"Give two people or more, and a row of {len(arms)} for each.")
    # Comparisons with NaN are false.
    sane = np.asarray(((propensities > 0) & (propensities < 1)).all(axis=1), np.bool_)
    reaches = [
        _reach(arm, propensities[:, i], treatments == i, sane, units, clusters, estimated)
        for i, arm in enumerate(arms)
    ]
    return Overlap(tuple(reaches))


def _reach(
    arm: str,
    chance: Floats,
    got: Who,
    sane: Who,
    units: Ids,
    clusters: Ids | None,
    estimated: bool,
) -> Reach:
    usual = float(chance[sane].mean()) if sane.any() else 0.0
    bound = max(NEAR * usual, FLOOR * (1 + 1e-6) if estimated else 0.0)
    outside = ~sane | (chance < bound)
    if clusters is None:
        share = proportion(int(outside.sum()), len(outside))
    else:
        share = mean(outside.astype(np.float64), clusters, "share out of reach")
    used = got & sane
    weights = np.bincount(units[used], 1 / chance[used])
    worth = float(weights.sum() ** 2 / (weights @ weights)) if used.any() else 0.0
    least = float(chance[sane].min()) if sane.any() else 0.0
    return Reach(arm, share, int((~sane).sum()), int(got.sum()), worth, least)


def _said(reach: Reach) -> list[Finding]:
    found: list[Finding] = []
    share = f"{reach.outside.scaled(100, 1)} % of people could hardly have got '{reach.arm}'"
    if reach.impossible:
        text = f"{reach.impossible:,} people could not have got '{reach.arm}', or only it. Leave them out."
        found.append(Finding("overlap", Severity.REFUSAL, text))
    elif reach.outside.value > TOO_MANY:
        found.append(Finding("overlap", Severity.REFUSAL, f"{share}: what it does to them cannot be told."))
    elif reach.outside.value > MANY:
        found.append(Finding("overlap", Severity.WARNING, f"{share}: what it does to them is a guess."))
    worth = f"The {reach.people:,} people who got '{reach.arm}' are worth {reach.worth:,.0f} independent ones"
    if reach.worth < TOO_FEW:
        found.append(
            Finding("overlap", Severity.REFUSAL, f"{worth}, fewer than {TOO_FEW}: too few to learn from.")
        )
    elif reach.worth < WORTH * reach.people:
        found.append(
            Finding("overlap", Severity.WARNING, f"{worth}: few of them, with large weights, decide.")
        )
    return found
