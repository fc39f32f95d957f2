"""An arm against the control: variances and degrees of freedom of what is told of the two."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

from suasion.errors import UndefinedError
from suasion.stats.arms.drawn import Drawn
from suasion.stats.arms.sides import Side
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats, Ids

Moved = tuple[Floats, Floats]
"""What each unit of an arm, and of the control, moves a number."""


@dataclass(frozen=True)
class Effect:
    """What an arm changed, against arm 0.

    Parameters
    ----------
    arm : int
        1 or more.
    estimate : Estimate
        The change; its interval holds 0 as often as `p_value` is above 0.05.
    p_value : float
        Chance of a change as large if the arm did nothing; two-sided.
    reduction : float or None
        Share of the variance that covariates removed, against the plain difference; below 0 where they
        harmed, None where there are none.
    """

    arm: int
    estimate: Estimate
    p_value: float
    reduction: float | None = None


@dataclass(frozen=True)
class Pair:
    """One arm and the control.

    Parameters
    ----------
    people : Drawn
    arm : int
    treated, control : Side
    shared : tuple of array of int
        Positions, in the units of the two sides, of the units that have people in both.
    """

    people: Drawn
    arm: int
    treated: Side
    control: Side
    shared: tuple[Ids, Ids]

    @property
    def error_name(self) -> str:
        """How errors are computed where not by Welch."""
        return f"{'HC2' if self.people.units is None else 'CR2'}{self.people.label}"

    @property
    def n(self) -> int:
        """Independent units."""
        return len(self.treated.units) + len(self.control.units) - len(self.shared[0])

    def covariance(self, one: Moved, other: Moved) -> float:
        """Covariance of two differences between the arm and the control."""
        mine, yours = self.shared
        across = one[0][mine] @ other[1][yours] + other[0][mine] @ one[1][yours]
        return float(one[0] @ other[0] + one[1] @ other[1] - across)

    def variance(self, moved: Moved) -> float:
        """Variance of a difference between the arm and the control."""
        return self.covariance(moved, moved)

    def satterthwaite(self) -> float:
        """Degrees of freedom if residuals were independent and varied alike (Bell and McCaffrey 2002).

        The sum over units g, h of (a_g' (I - Z Z') a_h)^2, with a the pulls, needs only their squares and
        Z'a in each unit; the two sides share no person, so that only their shared units meet.
        """
        mine, yours = self.shared
        (square, bend), (other, bent) = self.treated.spread(), self.control.spread()
        length, long = (bend**2).sum(axis=1), (bent**2).sum(axis=1)
        first = (square - length).sum() + (other - long).sum()
        own = (square**2 - 2 * square * length).sum() + (other**2 - 2 * other * long).sum()
        met = (square[mine] * other[yours] - square[mine] * long[yours] - other[yours] * length[mine]).sum()
        turned = _size(bend.T @ bend) + _size(bent.T @ bent) + 2 * _size(bend[mine].T @ bent[yours])
        return float(first**2 / (own + 2 * met + turned))

    def welch(self, moved: Moved) -> float:
        """Degrees of freedom of two variances (Welch 1947, Biometrika 34:28)."""
        parts = [float(side @ side) for side in moved]
        return sum(parts) ** 2 / sum(
            part**2 / (len(side) - 1) for part, side in zip(parts, moved, strict=True)
        )


def pairs_of(people: Drawn, sides: tuple[Side, ...]) -> tuple[Pair, ...]:
    """Each arm but the control with the control."""
    control = sides[0]
    return tuple(
        Pair(people, arm, side, control, _shared(people, side, control))
        for arm, side in enumerate(sides)
        if arm
    )


def judged(pair: Pair, value: float, moved: Moved, scale: float, method: str) -> tuple[Estimate, float]:
    """The estimate with its interval, and the p-value.

    Raises
    ------
    UndefinedError
        As `check_varies`.
    """
    check_varies(pair, moved, scale)
    welch = pair.people.plain and len(pair.treated.aim) == 1
    freedom = pair.welch(moved) if welch else pair.satterthwaite()
    error = sqrt(pair.variance(moved))
    half = error * float(stdtrit(freedom, (1 + LEVEL) / 2))
    name = f"{method}, Welch" if welch else f"{method}, {pair.error_name}"
    estimate = Estimate(value, value - half, value + half, pair.n, name, LEVEL)
    return estimate, 2 * float(stdtr(freedom, -abs(value) / error))


def check_varies(pair: Pair, moved: Moved, scale: float) -> None:
    """Refuse what varies no more than numbers as large as `scale` are rounded: how sure it is nothing tells.

    Raises
    ------
    UndefinedError
    """
    pulls = sum(float(side.pull @ side.pull) for side in (pair.treated, pair.control))
    if pair.variance(moved) <= (1e-11 * scale) ** 2 * pulls:
        found = f"outcomes that do not vary within arm {pair.arm} and the control"
        todo = "Wait for more answers, and leave out covariates that are the outcome itself."
        raise UndefinedError(pair.people.asked, found, todo)


def _shared(people: Drawn, treated: Side, control: Side) -> tuple[Ids, Ids]:
    if people.units is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = np.full(people.count, -1)
    place[control.units] = np.arange(len(control.units))
    found = place[treated.units]
    mine = np.flatnonzero(found >= 0)
    return mine, found[mine]


def _size(matrix: Floats) -> float:
    return float((matrix**2).sum())
