"""What a design of places would have found, in the time before."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.geo.design import GeoDesign
from suasion.experiments.geo.panel import Floats, Panel
from suasion.stats import Estimate, proportion, randomization

ASKED = "power of a design of places"


@dataclass(frozen=True)
class Power:
    """How often effects would have been found.

    Parameters
    ----------
    false_alarms : Estimate
        Share of placebos in which the test finds an effect where there is none.
    effects : array of float, shape (k,)
        Per head and period.
    found : tuple of Estimate, length k
        Share of placebos in which each effect, injected, is found. Windows of time overlap: intervals count
        placebos as if they were independent.
    detectable : float
        The smallest effect, up or down, found in 80 % of the placebos.
    usual : float
        The average outcome per head and period, to compare `detectable` with.
    """

    false_alarms: Estimate
    effects: Floats
    found: tuple[Estimate, ...]
    detectable: float
    usual: float


def placebo(
    panel: Panel,
    design: GeoDesign,
    before: int,
    after: int,
    effects: Floats,
    rng: np.random.Generator,
    adjustment: randomization.Adjustment = randomization.Adjustment.REGRESSION,
    alpha: float = 0.05,
    samples: int = 50,
) -> Power:
    """Play the experiment in every window of the time before, with and without an effect.

    Injecting a constant effect and testing for none is testing for its negative: one inversion of the test
    tells for each placebo which effects would have been found.

    Parameters
    ----------
    panel : Panel
        Before the campaign.
    design : GeoDesign
    before, after : int
        Periods of a window that count as before and as treated.
    effects : array of float, shape (k,)
        To inject, per head and period.
    rng : numpy.random.Generator
        Chooses which assignments are played.
    adjustment : suasion.stats.randomization.Adjustment
        As in the analysis to come.
    alpha : float
        Level of the test.
    samples : int
        Assignments played in each window.

    Returns
    -------
    Power

    Raises
    ------
    UndefinedError
        Fewer periods than a window has, or a design with which no effect is found in 80 % of placebos.

    Examples
    --------
    >>> from suasion.experiments.geo.pairs import matched
    >>> from suasion.experiments.geo.panel import panel
    >>> rng = np.random.default_rng(1)
    >>> names, week = [f"T{i:02}" for i in range(16)] * 30, np.repeat(np.arange(30), 16)
    >>> weeks = panel(names, week, rng.normal(size=480))
    >>> tried = placebo(weeks, matched(weeks, "spring"), 12, 4, np.array([3.0]), rng)
    >>> tried.false_alarms.value < 0.1, tried.found[0].value > 0.9, 0.2 < tried.detectable < 2
    (True, True, True)
    """
    windows = len(panel.periods) - before - after + 1
    if windows < 1 or min(before, after, samples) < 1:
        found = f"{len(panel.periods)} periods for {before} before and {after} after"
        raise UndefinedError(ASKED, found, "Give more periods, or a shorter experiment.")
    rates = panel.rates[panel.rows(design.places)]
    made = design.reference.assignments
    played = made[rng.choice(len(made), min(samples, len(made)), replace=False)].astype(np.float64)
    unseen = int(not design.reference.exact)
    ends = [
        (-high, -low)
        for start in range(windows)
        for low, high in _intervals(
            rates[:, start : start + before].mean(axis=1),
            rates[:, start + before : start + before + after].mean(axis=1),
            design,
            played,
            adjustment,
            alpha,
            unseen,
        )
    ]
    return _power(np.array(ends), np.asarray(effects, np.float64), float(rates.mean()))


def _intervals(
    earlier: Floats,
    later: Floats,
    design: GeoDesign,
    played: Floats,
    adjustment: randomization.Adjustment,
    alpha: float,
    unseen: int,
) -> list[tuple[float, float]]:
    """Effects not rejected, for each assignment played, where there was none."""
    scale = randomization.Scale.of(
        design.reference, earlier if adjustment is randomization.Adjustment.REGRESSION else None
    )
    outcomes = later - earlier if adjustment is randomization.Adjustment.CHANGE else later
    return [scale.hits(outcomes, one, one, unseen)[1].interval(alpha) for one in played]


def _power(unfound: Floats, effects: Floats, usual: float) -> Power:
    """From the smallest and largest effect that each placebo would not have found."""
    low, high = unfound.T

    def share(effect: float) -> Estimate:
        return proportion(int(((effect < low) | (effect > high)).sum()), len(low))

    needed = ceil(0.8 * len(low)) - 1
    detectable = max(float(np.sort(high)[needed]), float(np.sort(-low)[needed]))
    if not np.isfinite(detectable):
        raise UndefinedError(ASKED, "no effect that 80 % of placebos find", "It takes more places.")
    return Power(share(0.0), effects, tuple(share(float(effect)) for effect in effects), detectable, usual)
