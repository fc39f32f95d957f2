"""Sums and quotients of independent estimates, by the ends of their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from suasion.stats import Estimate


def together(parts: Sequence[Estimate], level: float) -> Estimate:
    """The sum of independent estimates (Zou and Donner 2008, Statistics in Medicine 27:1693).

    Examples
    --------
    >>> together([Estimate(6, 3, 10, 50, "a"), Estimate(1, -3, 4, 50, "b")], 0.95).scaled(digits=0)
    '7 (2 to 12)'
    """
    value = sum(part.value for part in parts)
    below = sqrt(sum((part.value - part.low) ** 2 for part in parts))
    above = sqrt(sum((part.high - part.value) ** 2 for part in parts))
    method = ", ".join(dict.fromkeys(part.method for part in parts))
    return Estimate(value, value - below, value + above, sum(part.n for part in parts), method, level)


def over(top: Estimate, bottom: Estimate) -> Estimate:
    """The quotient of two independent estimates, the lower one surely above 0.

    Fieller's interval (1954, JRSS B 16:175), by the ends of both intervals, which need not be symmetric
    (Donner and Zou 2012, Statistical Methods in Medical Research 21:347).

    Examples
    --------
    >>> over(Estimate(6, 4, 8, 50, "a"), Estimate(3, 2, 4, 50, "b")).scaled(digits=3)
    '2.000 (1.219 to 3.281)'
    """
    value = top.value / bottom.value
    low, high = min(value, _least(top, bottom)), max(value, -_least(top.times(-1), bottom))
    return Estimate(value, low, high, top.n, f"{top.method} over {bottom.method}", top.level)


def _least(top: Estimate, bottom: Estimate) -> float:
    """The smallest r for which top - r * bottom cannot be told from 0."""
    t, b, a = top.value, bottom.value, top.value - top.low
    s = bottom.high - b if top.low >= 0 else b - bottom.low
    root = sqrt(max(0.0, a * a * (b * b - s * s) + (s * t) ** 2))
    if top.low >= 0:
        return (t * t - a * a) / (t * b + root) if t > 0 else 0.0
    return (t * b - root) / (b * b - s * s)
