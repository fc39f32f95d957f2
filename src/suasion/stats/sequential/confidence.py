"""Intervals that hold at all looks at once, however often one looks and whenever one stops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats
from suasion.stats.sequential.looks import Looks
from suasion.stats.sequential.mixture import needed

METHOD = "asymptotic confidence sequence"


@dataclass(frozen=True)
class Course:
    """Estimates look by look, and when they decided.

    Parameters
    ----------
    estimates : tuple of Estimate or None
        One a look; None before the burn-in ends.
    decided_at : int or None
        First look, from 0, whose interval excludes zero.
    """

    estimates: tuple[Estimate | None, ...]
    decided_at: int | None

    @property
    def latest(self) -> Estimate | None:
        """The last estimate."""
        return next((known for known in reversed(self.estimates) if known), None)


def planned_error(effect: float, power: float = 0.8, level: float = LEVEL) -> float:
    """Standard error at which a fixed two-sided test of this effect has this power.

    Parameters
    ----------
    effect : float
        Planned for; not 0.
    power : float
        Chance of deciding.
    level : float
        Of the interval that is to exclude zero.

    Returns
    -------
    float

    Examples
    --------
    >>> round(planned_error(0.028), 4)
    0.01
    """
    if effect == 0 or not level / 2 < power < 1:
        raise UndefinedError("a planned error", f"effect {effect}, power {power}", "Plan for an effect.")
    return abs(effect) / float(ndtri((1 + level) / 2) + ndtri(power))


def sequence(looks: Looks, tuned_for: float, level: float = LEVEL) -> Course:
    """Confidence sequence of an effect: with chance `level`, all its intervals hold the truth.

    Source: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, Annals of Statistics 52:2613 (asymptotic
    confidence sequences), with the boundary of `needed`. The guarantee is that of large samples; looks before
    an arm has 30 units give no interval. Intervals are as computed: no running intersection, which would
    hide data that change.

    Parameters
    ----------
    looks : Looks
        An effect so far at each look.
    tuned_for : float
        Standard error at the planned end, see `planned_error`: there the sequence is tightest. Chosen before
        looking, it may be wrong without harm to the guarantee.
    level : float
        Chance that no interval ever misses.

    Returns
    -------
    Course

    Raises
    ------
    UndefinedError
        `tuned_for` is not above 0.

    Examples
    --------
    >>> n = np.array([[10, 10], [500, 500], [1000, 1000]])
    >>> shares = np.array([[0.1, 0.1], [0.1, 0.15], [0.1, 0.15]])
    >>> looks = Looks(shares[:, 1] - shares[:, 0], np.sqrt(0.1 / n.min(axis=1)), n)
    >>> course = sequence(looks, tuned_for=planned_error(0.05))
    >>> course.estimates[0], course.estimates[1].scaled(), course.decided_at
    (None, '0.050 (0.010 to 0.090)', 1)
    """
    estimates = bounds(looks, tuned_for, 1 - level, 2)
    return Course(estimates, first(known is not None and known.excludes_zero for known in estimates))


def bounds(looks: Looks, tuned_for: float, alpha: float, sides: int) -> tuple[Estimate | None, ...]:
    """Always-valid intervals; with one side each end alone misses with chance alpha, as the level says."""
    level = 1 - alpha * 2 / sides
    half = np.full(len(looks.values), np.nan)
    judged, fractions = looks.judged, looks.fractions(tuned_for)
    half[judged] = needed(fractions[judged], alpha, sides) * looks.errors[judged]
    return estimates_of(looks, half, METHOD, level)


def estimates_of(looks: Looks, half: Floats, method: str, level: float) -> tuple[Estimate | None, ...]:
    """Values give or take `half`; None where that is not finite."""
    rows = zip(looks.values.tolist(), half.tolist(), looks.n.tolist(), strict=True)
    return tuple(
        Estimate(value, value - by, value + by, n, method, level) if np.isfinite(by) else None
        for value, by, n in rows
    )


def first(found: Iterable[bool]) -> int | None:
    """Index of the first that is true."""
    return next((i for i, true in enumerate(found) if true), None)
