"""Group-sequential designs: boundaries for looks whose number and times need not be planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats
from suasion.stats.sequential.confidence import Course, estimates_of, first
from suasion.stats.sequential.crossing import START, Reached, spacings, walk
from suasion.stats.sequential.looks import Looks
from suasion.stats.sequential.spending import Spending, spent
from suasion.stats.sequential.stopped import stagewise

_CLOSEST = 1.0001  # information of a look over that of the look before
_LEAST, _MOST = 1e-12, 8.0  # spending less than this, or beyond this many errors, is no test


@dataclass(frozen=True)
class GroupSequential:
    """A test at looks, each spending a part of alpha, with a planned end.

    Boundaries by recursive numerical integration (Armitage, McPherson, Rowe 1969, Journal of the Royal
    Statistical Society A 132:235; Jennison and Turnbull 2000, Group Sequential Methods, chapter 19) of an
    alpha-spending function (Lan and DeMets 1983, Biometrika 70:659). When to look must not depend on what
    was seen.

    Parameters
    ----------
    alpha : float
        Chance of deciding where there is no effect, over all looks and sides.
    spending : {"obrien-fleming", "pocock", "kim-demets"}
        How alpha is spent.
    sides : int
        2, or 1 for effects above zero only.
    exponent : float
        Of kim-demets.

    Examples
    --------
    >>> GroupSequential().boundaries([0.2, 0.4, 0.6, 0.8, 1.0]).round(3).tolist()
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """

    alpha: float = 0.05
    spending: Spending = "obrien-fleming"
    sides: int = 2
    exponent: float = 3.0

    def __post_init__(self) -> None:
        if not (0 < self.alpha < 0.5 and self.sides in (1, 2) and self.exponent > 0):
            found = f"alpha {self.alpha}, sides {self.sides}, exponent {self.exponent}"
            raise UndefinedError(
                "a group-sequential design", found, "Give 0 < alpha < 0.5, and 1 or 2 sides."
            )

    @property
    def level(self) -> float:
        """Confidence level of its intervals."""
        return 1 - self.alpha * 2 / self.sides

    def boundaries(self, fractions: Sequence[float], ended: bool = False) -> Floats:
        """Standard errors from zero that decide at each look.

        Parameters
        ----------
        fractions : sequence of float
            Information at each look over that of the planned end: above 0, growing. At the first of 1 or
            more all of alpha is spent.
        ended : bool
            Whether the last look is the end, though less came than planned: it spends what is left.

        Returns
        -------
        array of float, shape (looks,)
            Infinite where a look spends nothing. Those of earlier looks do not depend on later ones.

        Raises
        ------
        UndefinedError
            No look, fractions that do not grow, or looks closer than 0.01 % of information.
        """
        at = _checked(fractions)
        reached, gone, found = START, 0.0, list[float]()
        for i, (now, spacing) in enumerate(zip(at, spacings(at), strict=True)):
            end = ended and i == len(at) - 1
            budget = self._by(1.0 if end else now) - gone
            high = _solve(reached, now, budget)
            gone += reached.above(high, now)
            reached = reached.inside(self._low(high), high, now, 0.0, spacing)
            found.append(high)
        return np.array(found)

    def power(self, fractions: Sequence[float], drift: float) -> Floats:
        """Chance of deciding by each look that there is an effect above zero.

        Parameters
        ----------
        fractions : sequence of float
            As for `boundaries`.
        drift : float
            Effect over the standard error of the planned end.

        Returns
        -------
        array of float, shape (looks,)
        """
        highs = self.boundaries(fractions).tolist()
        lows = [self._low(high) for high in highs]
        return np.cumsum([above for _, above, _ in walk(fractions, lows, highs, drift)])

    def inflation(self, fractions: Sequence[float], power: float = 0.8) -> float:
        """Largest sample size over that of the fixed test of the same power.

        Parameters
        ----------
        fractions : sequence of float
            Looks planned, the last at 1.
        power : float
            Chance of deciding by the last look.

        Returns
        -------
        float

        Examples
        --------
        >>> round(GroupSequential().inflation([0.2, 0.4, 0.6, 0.8, 1.0]), 3)
        1.025
        """
        fixed = float(ndtri(1 - self.alpha / self.sides) + ndtri(power))
        if not self.alpha < power < 1:
            raise UndefinedError("an inflation", f"power {power}", "Give a power between alpha and 1.")
        drift = brentq(lambda d: self.power(fractions, d)[-1] - power, 0, 4 * fixed, xtol=1e-9)
        return (float(drift) / fixed) ** 2

    def course(self, looks: Looks, planned_error: float, ended: bool = False) -> Course:
        """Repeated confidence intervals, and when the design decided.

        Source: Jennison and Turnbull 1989, Journal of the Royal Statistical Society B 51:305: they hold at
        all looks at once, whether or not one stops.

        Parameters
        ----------
        looks : Looks
            An effect so far at each look. One that adds no information to the look before spends nothing.
        planned_error : float
            Standard error at the planned end.
        ended : bool
            Whether the last look is the end.

        Returns
        -------
        Course
        """
        half = np.full(len(looks.values), np.nan)
        rows, fractions = _growing(looks.fractions(planned_error))
        if rows:
            half[rows] = self.boundaries(fractions, ended) * looks.errors[rows]
        method = f"repeated confidence interval, {self.spending} spending"
        estimates = estimates_of(looks, half, method, self.level)
        return Course(estimates, first(known is not None and self._decides(known) for known in estimates))

    def final(self, looks: Looks, planned_error: float, ended: bool = False) -> Estimate | None:
        """Median-unbiased estimate and interval after the test has stopped.

        Outcomes are ordered by stage (Armitage 1957, Biometrika 44:9; Tsiatis, Rosner, Mehta 1984, Biometrics
        40:797): stopping earlier is stronger. What was seen after the stop does not count.

        Parameters
        ----------
        looks, planned_error, ended
            As for `course`.

        Returns
        -------
        Estimate or None
            None while the test goes on.
        """
        stop = self.course(looks, planned_error, ended).decided_at
        rows, fractions = _growing(looks.fractions(planned_error))
        if stop is None and not (rows and (ended or fractions[-1] >= 1)):
            return None
        k = len(rows) - 1 if stop is None else rows.index(stop)
        at, last = fractions[: k + 1], rows[k]
        highs = self.boundaries(at, ended and k == len(rows) - 1).tolist()
        lows = [self._low(high) for high in highs]
        value, error = float(looks.values[last]), float(looks.errors[last])
        middle, low, high = (
            drift * error * sqrt(at[-1]) for drift in stagewise(at, lows, highs, value / error, self.level)
        )
        return Estimate(middle, low, high, int(looks.n[last]), "median-unbiased, stagewise", self.level)

    def _by(self, fraction: float) -> float:
        return spent(self.spending, self.alpha / self.sides, fraction, self.exponent)

    def _low(self, high: float) -> float:
        return -high if self.sides == 2 else -inf

    def _decides(self, known: Estimate) -> bool:
        return known.low > 0 or (self.sides == 2 and known.high < 0)


def _solve(reached: Reached, at: float, budget: float) -> float:
    if budget < _LEAST:
        return inf
    return float(brentq(lambda bound: reached.above(bound, at) - budget, -_MOST, _MOST, xtol=1e-10))


def _checked(fractions: Sequence[float]) -> list[float]:
    at = [float(fraction) for fraction in fractions]
    grows = all(now >= _CLOSEST * before for before, now in zip([0.0, *at], at, strict=False))
    if not at or not grows or at[0] <= 0 or not isfinite(at[-1]):
        raise UndefinedError(
            "boundaries", f"fractions {at}", "Give fractions above 0 that grow by 0.01 % each."
        )
    return at


def _growing(fractions: Floats) -> tuple[list[int], list[float]]:
    """Looks that add information, with it."""
    rows = list[int]()
    for i, fraction in enumerate(fractions.tolist()):
        if isfinite(fraction) and (not rows or fraction >= _CLOSEST * fractions[rows[-1]]):
            rows.append(i)
    return rows, fractions[rows].tolist()
