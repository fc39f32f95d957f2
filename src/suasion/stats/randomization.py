"""Inference from chance alone: what other assignments would have shown, with few places or clusters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import LEVEL, Floats
from suasion.stats.reference import Bools, Reference, drawn, every, number_of

__all__ = [
    "Adjustment",
    "Hits",
    "Randomized",
    "Reference",
    "Scale",
    "drawn",
    "effect",
    "every",
    "number_of",
    "per_unit",
]
TINY = 1e-9
"""Differences below this, as a share of what is compared, are rounding: a tie counts against us."""


class Adjustment(StrEnum):
    """What is done with the outcome before treatment."""

    NONE = "difference in means"
    CHANGE = "difference in differences"
    REGRESSION = "analysis of covariance"


@dataclass(frozen=True)
class Randomized:
    """An effect, tested against the assignments that chance could have made.

    Parameters
    ----------
    effect : Estimate
        Its interval holds all constant effects that the test does not reject; `n` counts places.
    p_value : float
        Two-sided, of no effect on anybody.
    assignments : int
        How many the one made was compared with.
    """

    effect: Estimate
    p_value: float
    assignments: int


def effect(
    outcomes: Floats,
    treated: Bools,
    reference: Reference,
    before: Floats | None = None,
    adjustment: Adjustment = Adjustment.NONE,
    level: float = LEVEL,
) -> Randomized:
    """The effect on each treated place, if it is the same for all.

    The statistic is the coefficient of treatment among groups and, with `Adjustment.REGRESSION`, the outcome
    before, in units of its classical error: with assignments of one size and no such columns it orders them
    as the difference in means does. Its p-value is the share of assignments whose statistic is as large
    (Fisher 1935, The Design of Experiments; drawn ones are counted as (1 + hits) / (1 + draws), Phipson and
    Smyth 2010, SAGMB 9:39). The interval inverts the test (Rosenbaum 2002, Observational Studies, 2.4), at
    every effect exactly.

    Parameters
    ----------
    outcomes : array of float, shape (n,)
        One a place: its average after treatment began.
    treated : array of bool, shape (n,)
    reference : Reference
        What chance could have done; its groups are held apart in the statistic, too.
    before : array of float, shape (n,), optional
        The average before.
    adjustment : Adjustment
    level : float
        Of the interval.

    Returns
    -------
    Randomized

    Raises
    ------
    UndefinedError
        Arrays that do not fit, an assignment that chance could not have made, or one that groups and outcome
        before explain; so few assignments that the test rejects nothing, however large.

    Examples
    --------
    >>> visits, treated = np.array([5.0, 7, 6, 8, 1, 2, 0, 3]), np.arange(8) < 4
    >>> found = effect(visits, treated, every(treated))
    >>> found.effect.scaled(digits=1), round(found.p_value * 70)
    ('5.0 (2.0 to 8.0)', 2)
    """
    return _tested(outcomes, treated, treated.astype(np.float64), reference, before, adjustment, level)


def per_unit(
    outcomes: Floats,
    treated: Bools,
    spend: Floats,
    reference: Reference,
    before: Floats | None = None,
    adjustment: Adjustment = Adjustment.NONE,
    level: float = LEVEL,
) -> Randomized:
    """What one more unit of spend brought, if each brought the same.

    The test of `effect`, with outcomes less the return times the spend (Rosenbaum 2002, Observational
    Studies, 5.3, a dose as instrument): honest however unequal spend was, and undefined where the interval
    has no end, since by chance as much spend may have gone elsewhere.

    Parameters
    ----------
    outcomes, treated, reference, before, adjustment, level
        As for `effect`.
    spend : array of float, shape (n,)
        In each place, per what an outcome is per: a place and period, or a head.

    Returns
    -------
    Randomized

    Raises
    ------
    UndefinedError
        As `effect`; or treated places in which no more was spent.

    Examples
    --------
    >>> visits, treated = np.array([5.0, 7, 6, 8, 1, 2, 0, 3]), np.arange(8) < 4
    >>> per_unit(visits, treated, 10.0 * treated, every(treated)).effect.scaled(digits=2)
    '0.50 (0.20 to 0.80)'
    """
    return _tested(outcomes, treated, np.asarray(spend, np.float64), reference, before, adjustment, level)


@dataclass(frozen=True)
class Hits:
    """For each assignment the effects at which it looks as extreme as the one made.

    Between two ends for most; outside of them for those that would have spent more.
    """

    low: Floats
    high: Floats
    outside: Bools
    unseen: int

    def p_values(self, effects: Floats) -> Floats:
        """Two-sided p-value of each of these constant effects."""
        inside = ~self.outside
        low, high = np.sort(self.low[inside]), np.sort(self.high[inside])
        count = np.searchsorted(low, effects, "right") - np.searchsorted(high, effects, "left")
        if self.outside.any():
            ends = np.sort(self.low[self.outside]), np.sort(self.high[self.outside])
            count = count + len(ends[0]) - np.searchsorted(ends[0], effects, "left")
            count = count + np.searchsorted(ends[1], effects, "right")
        return (self.unseen + count) / (self.unseen + len(self.low))

    def interval(self, alpha: float) -> tuple[float, float]:
        """The ends of all effects with a p-value above `alpha`; infinite where there are none."""
        ends = np.concatenate([self.low, self.high])
        ends = np.concatenate([[-np.inf], np.unique(ends[np.isfinite(ends)]), [np.inf]])
        kept = ends[self.p_values(ends) > alpha]
        return float(kept.min(initial=np.inf)), float(kept.max(initial=-np.inf))


@dataclass(frozen=True)
class Scale:
    """Assignments in the units of their errors, given what the statistic holds fixed."""

    assignments: Floats
    basis: Floats
    sizes: Floats

    @staticmethod
    def of(reference: Reference, before: Floats | None) -> Scale:
        """Hold fixed the mean of each group and, if given, the outcome before."""
        n = reference.assignments.shape[1]
        groups = np.zeros(n, np.int64) if reference.groups is None else reference.groups
        columns = (groups[:, None] == np.unique(groups)).astype(np.float64)
        if before is not None:
            apart = before - columns @ (columns.T @ before / columns.sum(axis=0))
            columns = np.column_stack([columns, apart]) if np.abs(apart).max() > TINY else columns
        basis = np.linalg.qr(columns)[0]
        made = reference.assignments.astype(np.float64)
        sizes = np.sqrt(np.maximum(made.sum(axis=1) - ((made @ basis) ** 2).sum(axis=1), 0))
        return Scale(made, basis, np.where(sizes > 1e-6, sizes, np.inf))

    def rest(self, values: Floats) -> Floats:
        """What groups and outcome before leave of values."""
        return values - self.basis @ (self.basis.T @ values)

    def statistics(self, rest: Floats) -> Floats:
        """Of each assignment."""
        return self.assignments @ rest / self.sizes

    def hits(self, outcomes: Floats, doses: Floats, treated: Floats, unseen: int) -> tuple[float, Hits]:
        """The effect of a unit of dose, and where each assignment looks as extreme.

        Raises
        ------
        UndefinedError
            Treated places without a dose beyond that of the others.
        """
        rest, apart, own = self.rest(outcomes), self.rest(doses), self.rest(treated)
        size = float(np.linalg.norm(own))
        noise, scale = _rounding(outcomes, rest), _rounding(doses, apart)
        if size < 1e-6 or own @ apart <= scale * size:
            found = "treatment that groups or the outcome before explain, or that spent no more"
            raise UndefinedError(
                "an effect by randomization", found, "Compare places that chance kept apart."
            )
        seen, dosed = float(own @ rest) / size, float(own @ apart) / size
        shown, given = self.statistics(rest), self.statistics(apart)
        # |shown - given t| >= |seen - dosed t| as a product of two lines in t, each 0 at one of the ends.
        first = _root(_snapped(seen - shown, noise), _snapped(dosed - given, scale))
        last = _root(_snapped(seen + shown, noise), _snapped(dosed + given, scale))
        always = np.isnan(first) | np.isnan(last)
        low = np.where(always, -np.inf, np.minimum(first, last))
        high = np.where(always, np.inf, np.maximum(first, last))
        return seen / dosed, Hits(low, high, ~always & (np.abs(given) > dosed + scale), unseen)


def _rounding(values: Floats, rest: Floats) -> float:
    """What rounding can make of values, and of what is left of them."""
    return TINY * float(np.linalg.norm(rest)) + 1e-13 * float(np.linalg.norm(values))


def _snapped(values: Floats, noise: float) -> Floats:
    return np.where(np.abs(values) <= noise, 0.0, values)


def _root(rise: Floats, slope: Floats) -> Floats:
    """Where slope t = rise; infinite if nowhere, NaN if everywhere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return rise / np.where(slope == 0, 0.0, slope)


def _tested(
    outcomes: Floats,
    treated: Bools,
    doses: Floats,
    reference: Reference,
    before: Floats | None,
    adjustment: Adjustment,
    level: float,
) -> Randomized:
    outcomes = _checked(outcomes, treated, doses, reference, before, adjustment)
    if before is not None and adjustment is Adjustment.CHANGE:
        outcomes = outcomes - before
    scale = Scale.of(reference, before if adjustment is Adjustment.REGRESSION else None)
    value, hits = scale.hits(outcomes, doses, treated.astype(np.float64), int(not reference.exact))
    low, high = hits.interval(1 - level)
    count, p_value = len(reference.assignments), float(hits.p_values(np.zeros(1))[0])
    if not np.isfinite([low, high]).all():
        least = float(hits.p_values(np.array([-np.inf, np.inf])).max())
        found = f"{count:,} assignments give no p-value below {least:.2g} (p = {p_value:.2g})"
        raise UndefinedError("an interval by randomization", found, "It takes more places, or a lower level.")
    way = f"{adjustment}, {'all' if reference.exact else 'drawn'} {count:,} assignments"
    # The value is never rejected; it may miss the ends by rounding.
    found = Estimate(value, min(low, value), max(high, value), len(outcomes), way, level)
    return Randomized(found, p_value, count)


def _checked(
    outcomes: Floats,
    treated: Bools,
    doses: Floats,
    reference: Reference,
    before: Floats | None,
    adjustment: Adjustment,
) -> Floats:
    asked = "an effect by randomization"
    columns = [np.asarray(outcomes, np.float64), doses] + ([] if before is None else [before])
    shapes = {column.shape for column in (*columns, treated)} | {reference.assignments.shape[1:]}
    if len(shapes) > 1 or treated.ndim != 1:
        raise UndefinedError(asked, f"columns of shapes {sorted(shapes)}", "Give one value a place in each.")
    if not all(np.isfinite(column).all() for column in columns):
        raise UndefinedError(asked, "values that are not finite", "Drop or mend them first.")
    if (before is None) != (adjustment is Adjustment.NONE):
        found = f"{adjustment} {'without' if before is None else 'with'} an outcome before"
        raise UndefinedError(asked, found, "Give what the adjustment takes.")
    if reference.exact and not (reference.assignments == treated).all(axis=1).any():
        found = "treated places that are none of the assignments chance could have made"
        raise UndefinedError(asked, found, "Give the assignments among which it was drawn.")
    return columns[0]
