"""What an effect is after a test that could stop early."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from scipy.optimize import brentq

from suasion.stats.sequential.crossing import walk


def stagewise(
    fractions: Sequence[float], lows: Sequence[float], highs: Sequence[float], z: float, level: float
) -> tuple[float, float, float]:
    """Median-unbiased drift and the ends of its interval, outcomes ordered by stage.

    Source: Armitage 1957, Biometrika 44:9; Tsiatis, Rosner, Mehta 1984, Biometrics 40:797; Jennison and
    Turnbull 2000, section 8.4.

    Parameters
    ----------
    fractions, lows, highs : sequence of float
        Of the looks up to the last one.
    z : float
        The statistic at the last look.
    level : float
        Of the interval.

    Returns
    -------
    tuple of float
        Middle, low, high: means of the statistic at fraction 1.
    """
    if z < 0:
        mirrored = stagewise(fractions, [-high for high in highs], [-low for low in lows], -z, level)
        return -mirrored[0], -mirrored[2], -mirrored[1]

    def drift(chance: float) -> float:
        def excess(drift: float) -> float:
            return _as_strong(fractions, lows, highs, z, drift) - chance

        center, reach = z / sqrt(fractions[-1]), 6 / sqrt(fractions[0])
        return float(brentq(excess, -reach, center + reach, xtol=1e-7))

    return drift(0.5), drift((1 - level) / 2), drift((1 + level) / 2)


def _as_strong(
    fractions: Sequence[float], lows: Sequence[float], highs: Sequence[float], z: float, drift: float
) -> float:
    """Chance of stopping above at an earlier look, or of this z or more at the last."""
    steps = list(walk(fractions, lows, highs, drift))
    return sum(above for _, above, _ in steps[:-1]) + steps[-1][2].above(z, fractions[-1], drift)
