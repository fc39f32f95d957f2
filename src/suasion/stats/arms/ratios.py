"""Ratios of sums (orders a visit, money an order), and what numbers from before the draw explain of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.arms.drawn import Drawn, drawn
from suasion.stats.arms.effects import Arms, share
from suasion.stats.arms.pairs import Effect, Moved, Pair, judged, pairs_of
from suasion.stats.arms.sides import sides_of
from suasion.stats.influence import Floats, Ids


@dataclass(frozen=True)
class _Ratio:
    """A sum over a sum."""

    top: Floats
    bottom: Floats

    def within(self, rows: Ids) -> tuple[float, Floats]:
        """The ratio among some people, and how much each of them moves it, times their number."""
        top, bottom = self.top[rows], self.bottom[rows]
        mean = bottom.mean()
        value = float(top.mean() / mean)
        return value, (top - value * bottom) / mean


def ratio(
    numerator: Floats,
    denominator: Floats,
    arms: Arms,
    clusters: Ids | None = None,
    relative: bool = False,
    before: tuple[Floats, Floats] | None = None,
) -> tuple[Effect, ...]:
    """The effect of each arm on a ratio of sums, against arm 0.

    By the delta method (Deng, Knoblich, Lu 2018, KDD): the ratio of an arm varies as the mean of
    ``numerator - ratio * denominator`` over the mean denominator.

    Parameters
    ----------
    numerator, denominator : array of float, shape (n,)
        Sums of each person, for example orders and visits.
    arms : array of int, shape (n,)
        0 is the control.
    clusters : array of int, shape (n,), optional
        Household of each person.
    relative : bool
        Whether effects are shares of the control's ratio, with the interval of the log of the quotient.
    before : tuple of two arrays of float, shape (n,), optional
        The same numerator and denominator from before the draw; CUPED, as `cuped`.

    Returns
    -------
    tuple of Effect
        Arms 1, 2, ...

    Raises
    ------
    UndefinedError
        A denominator that sums to 0 or less in an arm, or what `compare` refuses; with `relative`, a ratio
        that is not above 0.

    Examples
    --------
    >>> arms, visits = np.arange(600) % 2, 1 + np.arange(600) % 3.0
    >>> orders = visits * (1 + arms) + np.arange(600) % 5
    >>> ratio(orders, visits, arms)[0].estimate.scaled(digits=2)
    '1.00 (0.87 to 1.13)'
    >>> ratio(orders, visits, arms, relative=True)[0].estimate.scaled(100, digits=0)
    '50 (42 to 59)'
    """
    method = "ratio of sums" if before is None else "ratio of sums, CUPED"
    return _compared("a ratio", method, (numerator, denominator), before, arms, clusters, relative)


def cuped(values: Floats, before: Floats, arms: Arms, clusters: Ids | None = None) -> tuple[Effect, ...]:
    """The effect of each arm, less what the same number from before the draw explains.

    CUPED (Deng, Xu, Kohavi, Walker 2013, WSDM): the difference in means of ``values - c * before``, with c
    the slope of a line through the people of the arm and of the control together.

    Parameters
    ----------
    values, before : array of float, shape (n,)
        Outcome of each person, and a number that the draw cannot have changed.
    arms : array of int, shape (n,)
        0 is the control.
    clusters : array of int, shape (n,), optional
        Household of each person.

    Returns
    -------
    tuple of Effect
        Arms 1, 2, ...

    Raises
    ------
    UndefinedError
        A number from before that is the same for all, or what `compare` refuses.

    Examples
    --------
    >>> arms, before = np.arange(400) % 2, np.arange(400) % 7.0
    >>> (effect,) = cuped(3 * before + np.arange(400) % 5 + arms, before, arms)
    >>> effect.estimate.scaled(digits=2), round(effect.reduction, 2)
    ('1.00 (0.72 to 1.28)', 0.95)
    """
    ones = np.ones(len(values))
    return _compared("an effect by CUPED", "CUPED", (values, ones), (before, ones), arms, clusters, False)


def _compared(
    asked: str,
    method: str,
    now: tuple[Floats, Floats],
    before: tuple[Floats, Floats] | None,
    arms: Arms,
    clusters: Ids | None,
    relative: bool,
) -> tuple[Effect, ...]:
    columns = tuple(np.asarray(column, np.float64) for column in (*now, *(before or ())))
    people = drawn(asked, arms, columns, clusters)
    for rows in people.rows:
        if min(column[rows].sum() for column in columns[1::2]) <= 0:
            found = "a denominator that sums to 0 or less in an arm"
            raise UndefinedError(asked, found, "Give denominators that count something.")
    outcome = _Ratio(*columns[:2])
    earlier = _Ratio(*columns[2:]) if before is not None else None
    pairs = pairs_of(people, sides_of(people, None))
    return tuple(_effect(pair, outcome, earlier, relative, method) for pair in pairs)


def _effect(pair: Pair, outcome: _Ratio, before: _Ratio | None, relative: bool, method: str) -> Effect:
    people, rows = pair.people, pair.people.rows
    (up, risen), (down, stayed) = (outcome.within(rows[arm]) for arm in (pair.arm, 0))
    bottoms = [float(outcome.bottom[rows[arm]].mean()) for arm in (pair.arm, 0)]
    scale = float(np.abs(outcome.top).max()) / min(bottoms)
    bare = _moved(pair, risen, stayed)
    moved, reduction = bare, None
    if before is not None:
        slope, middle = _line(people, rows[pair.arm], outcome, before)
        (late, later), (soon, sooner) = (before.within(rows[arm]) for arm in (pair.arm, 0))
        up, down = up - slope * (late - middle), down - slope * (soon - middle)
        moved = _moved(pair, risen - slope * later, stayed - slope * sooner)
        plain = pair.variance(bare)
        reduction = 1 - pair.variance(moved) / plain if plain > 0 else None
    if relative:
        told = share(pair, (up, down), moved, scale, method)
        return Effect(pair.arm, told.estimate, told.p_value, reduction)
    return Effect(pair.arm, *judged(pair, up - down, moved, scale, method), reduction)


def _moved(pair: Pair, risen: Floats, stayed: Floats) -> Moved:
    return pair.treated.moved(risen), pair.control.moved(stayed)


def _line(people: Drawn, treated: Ids, outcome: _Ratio, before: _Ratio) -> tuple[float, float]:
    """Slope of the outcome on its earlier value among the arm and the control together, and the latter."""
    both = np.concatenate([treated, people.rows[0]])
    middle, x = before.within(both)
    spread = float(x @ x)
    if spread <= (1e-11 * np.abs(before.top[both]).max()) ** 2 * len(both):
        raise UndefinedError(people.asked, "a number from before that is the same for all", "Leave it out.")
    return float(outcome.within(both)[1] @ x) / spread, middle
