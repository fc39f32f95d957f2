"""What a campaign in places brought, and what each euro of it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.geo.design import GeoDesign
from suasion.experiments.geo.panel import Floats, Panel
from suasion.stats import Estimate, randomization

ASKED = "the effect in places"


@dataclass(frozen=True)
class Compared:
    """The effect of a campaign in places.

    Parameters
    ----------
    effect : Estimate
        Per head and period in a treated place.
    total : Estimate
        Outcomes that would not have been, in all treated places and periods.
    p_value : float
        Two-sided, of no effect anywhere.
    """

    effect: Estimate
    total: Estimate
    p_value: float


def compare(
    panel: Panel,
    design: GeoDesign,
    start: Any,
    adjustment: randomization.Adjustment = randomization.Adjustment.REGRESSION,
    level: float = 0.95,
) -> Compared:
    """Compare treated places with the others, by what other assignments would have shown.

    Parameters
    ----------
    panel : Panel
        Before and during the campaign.
    design : GeoDesign
    start : a period
        The first of the campaign.
    adjustment : suasion.stats.randomization.Adjustment
    level : float

    Returns
    -------
    Compared

    Raises
    ------
    UndefinedError
        No period before or after the start, a place of the design without outcomes, or what
        `suasion.stats.randomization.effect` refuses.

    Examples
    --------
    >>> from suasion.experiments.geo.pairs import matched
    >>> from suasion.experiments.geo.panel import panel
    >>> names, week = [f"T{i:02}" for i in range(12)] * 2, np.repeat([1, 2], 12)
    >>> sales = np.tile(np.arange(12.0) // 2, 2)
    >>> design = matched(panel(names, week, sales), "spring")
    >>> sales[12:] += 3 * design.treated
    >>> seen = compare(panel(names, week, sales), design, 2)
    >>> seen.total.scaled(digits=1), seen.p_value
    ('18.0 (18.0 to 18.0)', 0.03125)
    """
    seen = _seen(panel, design, start, adjustment)
    found = randomization.effect(
        seen.during, design.treated, design.reference, seen.before, adjustment, level
    )
    total = found.effect.times(float(seen.head_periods[design.treated].sum()))
    return Compared(found.effect, total, found.p_value)


def per_unit(
    panel: Panel,
    design: GeoDesign,
    start: Any,
    spend: Floats,
    adjustment: randomization.Adjustment = randomization.Adjustment.CHANGE,
    level: float = 0.95,
) -> randomization.Randomized:
    """Extra outcomes per unit of spend, if each unit brought the same.

    Parameters
    ----------
    panel, design, start, level
        As for `compare`.
    spend : array of float, shape (n,)
        In each place of the panel, from `start` on; see `summed`.
    adjustment : suasion.stats.randomization.Adjustment
        Where a few places spent most, a regression may leave the interval without an end; change does not, if
        control places spent nothing.

    Returns
    -------
    suasion.stats.randomization.Randomized

    Raises
    ------
    UndefinedError
        As `compare`; spend below 0, or none beyond that of control.

    Examples
    --------
    >>> from suasion.experiments.geo.pairs import matched
    >>> from suasion.experiments.geo.panel import panel
    >>> names, week = [f"T{i:02}" for i in range(12)] * 2, np.repeat([1, 2], 12)
    >>> sales = np.tile(np.arange(12.0) // 2, 2)
    >>> design = matched(panel(names, week, sales), "spring")
    >>> sales[12:] += 3 * design.treated
    >>> per_unit(panel(names, week, sales), design, 2, 6.0 * design.treated).effect.scaled(digits=1)
    '0.5 (0.5 to 0.5)'
    """
    spend = np.asarray(spend, np.float64)
    if spend.shape != panel.sizes.shape or not (np.isfinite(spend) & (spend >= 0)).all():
        raise UndefinedError(ASKED, "spend below 0, or not one a place", "Sum it in the panel's places.")
    seen = _seen(panel, design, start, adjustment)
    dose = spend[panel.rows(design.places)] / seen.head_periods
    return randomization.per_unit(
        seen.during, design.treated, dose, design.reference, seen.before, adjustment, level
    )


@dataclass(frozen=True)
class _Seen:
    """Outcomes of a design's places per head and period, during and before; and how many of these during."""

    during: Floats
    before: Floats | None
    head_periods: Floats


def _seen(panel: Panel, design: GeoDesign, start: Any, adjustment: randomization.Adjustment) -> _Seen:
    rows, later = panel.rows(design.places), panel.periods >= start
    if not later.any() or later.all():
        found = f"{int((~later).sum())} period(s) before the start and {int(later.sum())} from it on"
        raise UndefinedError(ASKED, found, "Give outcomes of both times.")
    rates, none = panel.rates[rows], adjustment is randomization.Adjustment.NONE
    before = None if none else rates[:, ~later].mean(axis=1)
    return _Seen(rates[:, later].mean(axis=1), before, panel.sizes[rows] * later.sum())


def summed(panel: Panel, place: Sequence[str], amount: Floats) -> Floats:
    """Rows of a file of spend or impressions, summed in the places of a panel; 0 where it names none.

    Parameters
    ----------
    panel : Panel
    place : sequence of str, length r
    amount : array of float, shape (r,)

    Returns
    -------
    array of float, shape (n,)

    Raises
    ------
    UndefinedError
        A place that is not in the panel.

    Examples
    --------
    >>> from suasion.experiments.geo.panel import panel
    >>> two = panel(["A", "B"], np.array([1, 1]), np.array([4.0, 1]))
    >>> summed(two, ["B", "B"], np.array([10.0, 5])).tolist()
    [0.0, 15.0]
    """
    sums = np.zeros(len(panel.places))
    np.add.at(sums, panel.rows(place), np.asarray(amount, np.float64))
    return sums
