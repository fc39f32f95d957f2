"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, log10

from suasion.stats import Estimate

PER = 1000
"""Changes are told per this many people."""
MOST_DIGITS = 4
STEPS = 6


@dataclass(frozen=True)
class Shown:
    """A number as text; `interval` is empty where there is none."""

    value: str
    interval: str = ""

    def __str__(self) -> str:
        """The number with its interval."""
        return f"{self.value} ({self.interval})" if self.interval else self.value


@dataclass(frozen=True)
class Unit:
    """How numbers of one kind are shown.

    Parameters
    ----------
    factor : float
        What a number is multiplied by.
    digits : int
        After the decimal point.
    suffix : str
        Behind the value; not repeated in the interval.
    signed : bool
        Whether a value above zero gets a plus.

    Examples
    --------
    >>> print(Unit(1000, 1, signed=True).shown(Estimate(0.031, -0.002, 1.2, n=4000, method="AIPW")))
    +31.0 (-2.0 to 1,200.0)
    """

    factor: float = 1.0
    digits: int = 0
    suffix: str = ""
    signed: bool = False

    def number(self, value: float) -> str:
        """A number without sign and suffix."""
        return f"{value * self.factor:z,.{self.digits}f}"

    def shown(self, estimate: Estimate) -> Shown:
        """An estimate with its interval."""
        plus = "+" if self.signed and round(estimate.value * self.factor, self.digits) > 0 else ""
        interval = f"{self.number(estimate.low)} to {self.number(estimate.high)}"
        return Shown(f"{plus}{self.number(estimate.value)}{self.suffix}", interval)


PERCENT = Unit(100, 1, " %")
COUNT = Unit()


def level(estimates: Iterable[Estimate], *, share: bool) -> Unit:
    """The unit of means of an outcome: percent of people, or the plain number a person."""
    widths = [estimate.high - estimate.low for estimate in estimates]
    return Unit(100, digits(widths, 100, least=1), " %") if share else Unit(1, digits(widths, 1, least=0))


def change(estimates: Iterable[Estimate], *, share: bool) -> Unit:
    """The unit of differences: outcomes per thousand people."""
    widths = [estimate.high - estimate.low for estimate in estimates]
    return Unit(PER, digits(widths, PER, least=1 if share else 0), signed=True)


def digits(widths: Iterable[float], factor: float, least: int) -> int:
    """How many digits after the point make sense: the widest interval spans six steps of the last.

    Examples
    --------
    >>> digits([0.05, 0.44], 1, least=0), digits([0.0], 1, least=1)
    (2, 1)
    """
    widest = max((width * factor for width in widths), default=0.0)
    return max(least, min(MOST_DIGITS, ceil(log10(STEPS / widest)))) if widest > 0 else least


def number(value: float) -> str:
    """A lone number: three digits that count, and never fewer than the whole part.

    Examples
    --------
    >>> number(53210.4), number(29.41), number(0.03441)
    ('53,210', '29.4', '0.0344')
    """
    return Unit(1, max(0, min(6, 3 - ceil(log10(abs(value))))) if value else 0).number(value)


def price(values: Iterable[float]) -> Unit:
    """The unit of a cost a person: cents, and finer where the largest is small."""
    largest = max(values, default=0.0)
    return Unit(1, max(2, min(MOST_DIGITS, 3 - ceil(log10(largest)))) if largest > 0 else 2)


def money(value: float) -> str:
    """A sum: with cents only where it is small and has some.

    Examples
    --------
    >>> money(1234.5), money(500.0), money(0.25)
    ('1,234', '500', '0.25')
    """
    return f"{value:z,.0f}" if abs(value) >= PER or value == round(value) else f"{value:z,.2f}"
