"""What an experiment measures: a share of people who do something, or an amount a person."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """The share of people who do something, compared as a difference by the normal approximation.

    Parameters
    ----------
    baseline : float
        Share without treatment, between 0 and 1.
    pooled : bool
        Whether the test takes one variance for both arms, as if there were no effect (Fleiss, Levin, Paik
        2003, Statistical Methods for Rates and Proportions, 3rd ed., chapter 4). Otherwise each arm has its
        own (Chow, Shao, Wang 2008, Sample Size Calculations in Clinical Research, section 4.2), as in
        intervals of a lift.

    Examples
    --------
    >>> Share(0.2).spoken(0.031)
    '3.1 points'
    """

    baseline: float
    pooled: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.baseline < 1:
            found = "a share without treatment that is not between 0 and 1"
            raise UndefinedError("the power of an experiment", found, "Give it as a fraction, such as 0.02.")

    @property
    def method(self) -> str:
        """Name of the test."""
        return (
            f"difference of shares, normal approximation, {'pooled' if self.pooled else 'unpooled'} variance"
        )

    @property
    def room(self) -> float:
        """The largest effect there can be."""
        return 1 - self.baseline

    def variance(self, effect: float) -> float:
        """Variance between people under an effect."""
        return (self.baseline + effect) * (1 - self.baseline - effect)

    def assumed(self, effect: float, control: float, treated: float) -> tuple[float, float]:
        """Variances of both arms as the test takes them."""
        if not self.pooled:
            return self.variance(0), self.variance(effect)
        together = self.variance(effect * treated / (control + treated))
        return together, together

    def freedom(self, people: float) -> float:
        """Degrees of freedom of the test, for people who are independent."""
        return inf

    def spoken(self, effect: float) -> str:
        """An effect in words."""
        number = _number(100 * effect)
        return f"{number} point{'' if number == '1' else 's'}"

    def doubts(self, effect: float, arms: tuple[int, ...]) -> tuple[str, ...]:
        """Why the approximation may be poor: fewer than 5 expected of a kind (Fleiss, Levin, Paik 2003)."""
        shares = (self.baseline, self.baseline + effect)
        least = min(min(arms) * min(share, 1 - share) for share in shares)
        if least >= 5:
            return ()
        return (f"An arm expects only {least:.1f} people of one kind: the approximation is rough below 5.",)


@dataclass(frozen=True)
class Amount:
    """An amount a person, such as money, compared by Student's t.

    Parameters
    ----------
    baseline : float
        Mean without treatment.
    deviation : float
        Standard deviation between people.
    skewness : float
        Third standardized moment; 0 where people are spread evenly around the mean.
    unit : str
        As a sentence says it: ``"EUR"``.

    Examples
    --------
    >>> Amount(1.25, 14.6, unit="EUR").spoken(0.3)
    '0.3 EUR'
    """

    baseline: float
    deviation: float
    skewness: float = 0.0
    unit: str = ""

    def __post_init__(self) -> None:
        if not (isfinite(self.baseline) and 0 < self.deviation < inf and isfinite(self.skewness)):
            found = "a mean, deviation or skewness that is not finite, or no deviation above 0"
            raise UndefinedError("the power of an experiment", found, "Take amounts that differ.")

    @classmethod
    def of(cls, values: Floats, unit: str = "") -> Amount:
        """The amount as people had it in the past.

        Parameters
        ----------
        values : array of float, shape (n,)
            One for each person, zeros included.
        unit : str

        Returns
        -------
        Amount

        Raises
        ------
        UndefinedError
            Fewer than two people, values that are all equal or not finite.

        Examples
        --------
        >>> Amount.of(np.array([0.0, 0.0, 0.0, 4.0])).deviation
        2.0
        """
        if len(values) < 2:
            raise UndefinedError("an amount", f"{len(values)} person(s)", "Give the amounts of two at least.")
        centered = values - values.mean()
        variance = float(np.mean(centered**2))
        skewness = float(np.mean(centered**3)) / variance**1.5 if variance > 0 else 0.0
        return cls(float(values.mean()), sqrt(variance * len(values) / (len(values) - 1)), skewness, unit)

    @classmethod
    def of_buyers(
        cls, share: float, mean: float, deviation: float, skewness: float | None = None, unit: str = ""
    ) -> Amount:
        """The amount a person where few buy: variance p s^2 + p (1 - p) m^2.

        Parameters
        ----------
        share : float
            Of people who buy, p, above 0 and at most 1.
        mean, deviation : float
            Of what buyers spend, m and s.
        skewness : float, optional
            Of what buyers spend; that of a lognormal with the same mean and deviation where not given.
        unit : str

        Returns
        -------
        Amount

        Raises
        ------
        UndefinedError
            A share outside (0, 1], or buyers who spend nothing.

        Examples
        --------
        >>> spend = Amount.of_buyers(0.01, mean=100, deviation=80, unit="EUR")
        >>> round(spend.baseline, 6), round(spend.deviation, 2), round(spend.skewness, 1)
        (1.0, 12.77, 21.0)
        """
        if not (0 < share <= 1 and mean > 0 and deviation >= 0):
            found = "a share of buyers outside 0 to 1, or buyers who spend nothing"
            raise UndefinedError("an amount", found, "Give the share as a fraction, and what buyers spend.")
        ratio = deviation / mean
        lean = ratio**3 + 3 * ratio if skewness is None else skewness
        average, second = share * mean, share * (deviation**2 + mean**2)
        third = share * (lean * deviation**3 + 3 * mean * deviation**2 + mean**3)
        variance = second - average**2
        central = third - 3 * average * second + 2 * average**3
        return cls(average, sqrt(variance), central / variance**1.5 if variance > 0 else 0.0, unit)

    @property
    def method(self) -> str:
        """Name of the test."""
        return "difference of means, noncentral t"

    @property
    def room(self) -> float:
        """The largest effect there can be."""
        return inf

    def variance(self, effect: float) -> float:
        """Variance between people under an effect: the same."""
        return self.deviation**2

    def assumed(self, effect: float, control: float, treated: float) -> tuple[float, float]:
        """Variances of both arms as the test takes them."""
        return self.variance(0), self.variance(effect)

    def freedom(self, people: float) -> float:
        """Degrees of freedom of the test, for people who are independent."""
        return people - 2

    def spoken(self, effect: float) -> str:
        """An effect in words."""
        return f"{_number(effect)} {self.unit}".rstrip()

    def doubts(self, effect: float, arms: tuple[int, ...]) -> tuple[str, ...]:
        """Why the approximation may be poor: an arm of at most 25 G1^2 people, G1 the skewness.

        Source: Cochran 1977, Sampling Techniques, 3rd ed., section 2.15; of the smallest arm, since the
        skewness of two equal arms largely cancels in their difference.
        """
        needed = 25 * self.skewness**2
        if min(arms) > needed:
            return ()
        about = f"The amounts are so skewed ({self.skewness:.1f}) that Cochran's rule asks for more than"
        return (f"{about} {needed:,.0f} people an arm, not {min(arms):,}: intervals would be rough.",)


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    size = f"{value:.3g}"
    return f"{float(size):,.0f}" if "e" in size and abs(value) >= 1 else size
