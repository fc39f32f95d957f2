"""How sure one must be, by the way one looks: once at the end, a few times, or whenever one likes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, expm1, inf, isfinite, log1p

import numpy as np
from scipy.special import ndtri

from suasion.stats import Estimate, arms, sequential

BURN_IN = 30
"""Where one looks more than once, an arm of fewer independent units tells nothing yet."""
LEAST, MOST, POINTS = 1e-9, 0.49, 60
"""P-values between these are read off so many points."""
WORDS = {
    "fixed": "judged once",
    "sequence": "confidence sequence",
    "group_sequential": "group-sequential boundary",
}


@dataclass(frozen=True)
class Way:
    """How far from zero decides, now.

    Parameters
    ----------
    kind : str
        ``fixed``, ``sequence`` or ``group_sequential``.
    alpha : float
    fractions : tuple of float
        Information at each look over that of the planned end, growing; of a fixed analysis none.
    """

    kind: str
    alpha: float
    fractions: tuple[float, ...] = ()

    def errors(self, alpha: float) -> float:
        """Standard errors from zero that decide at this alpha; infinite where nothing does yet.

        Examples
        --------
        >>> round(Way("fixed", 0.05).errors(0.05), 2), round(Way("sequence", 0.05, (1.0,)).errors(0.05), 2)
        (1.96, 2.76)
        """
        if self.kind == "fixed":
            return float(ndtri(1 - alpha / 2))
        if not self.fractions:
            return inf
        if self.kind == "group_sequential":
            return float(sequential.GroupSequential(alpha).boundaries(self.fractions)[-1])
        unit = sequential.Looks(np.zeros(1), np.ones(1), np.full((1, 2), BURN_IN))
        known = sequential.sequence(unit, self.fractions[-1] ** 0.5, 1 - alpha).latest
        return known.high if known else inf

    def judged(self, found: arms.Effect, least: int) -> tuple[Estimate | None, float | None]:
        """An effect and its p-value as they hold for this way to look.

        Parameters
        ----------
        found : Effect
            By a test that is made once, at 95 %.
        least : int
            Independent units of the smaller arm.

        Returns
        -------
        Estimate or None
        float or None
        """
        if self.kind == "fixed":
            return found.estimate, found.p_value
        if least < BURN_IN or not isfinite(self._needed):
            return None, None
        known = found.estimate
        half = (known.high - known.value) / ONCE
        return self._wider(known), max(found.p_value, self._p_value(abs(known.value) / half))

    def share(self, found: Estimate) -> Estimate | None:
        """A relative effect, with the interval of its logarithm, as it holds for this way to look."""
        if self.kind == "fixed":
            return found
        if not isfinite(self._needed):
            return None
        value = log1p(found.value)
        half = (log1p(found.high) - value) / ONCE * self._needed
        low, high = expm1(value - half), expm1(value + half)
        return Estimate(found.value, low, high, found.n, self._method(found), 1 - self.alpha)

    def _wider(self, known: Estimate) -> Estimate:
        half = (known.high - known.value) / ONCE * self._needed
        return Estimate(
            known.value,
            known.value - half,
            known.value + half,
            known.n,
            self._method(known),
            1 - self.alpha,
        )

    def _method(self, known: Estimate) -> str:
        return f"{known.method}, {WORDS[self.kind]}"

    @cached_property
    def _needed(self) -> float:
        return self.errors(self.alpha)

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """Alphas from the largest on, as logarithms, and the standard errors that decide at each."""
        alphas = np.geomspace(MOST, LEAST, POINTS)
        needed = np.array([self.errors(alpha) for alpha in alphas.tolist()])
        told = np.isfinite(needed)
        return np.log(alphas[told]), np.maximum.accumulate(needed[told])

    def _p_value(self, z: float) -> float:
        """The smallest alpha at which this many standard errors decide; 1 where none below a half does."""
        logs, needed = self._points
        if not len(needed) or z < needed[0]:
            return 1.0
        return exp(float(np.interp(z, needed, logs)))


ONCE = Way("fixed", 0.05).errors(0.05)
"""Standard errors in half an interval of a test that is made once, at 95 %."""
