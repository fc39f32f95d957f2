"""Power, the smallest effect and the number of people: each from the two others."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf, isinf, isnan, sqrt

from scipy.optimize import brentq
from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from suasion.errors import UndefinedError
from suasion.experiments.power.answer import Power, divided, often
from suasion.experiments.power.layout import Layout
from suasion.experiments.power.quantity import Amount, Share

TARGET = 0.8
MOST = 10**12
"""More people than there are: what would take them is not found."""
LARGE = 1_000_000
"""Degrees of freedom from which Student's t is the normal distribution to six digits of power."""
HALVES = Layout()


def of(quantity: Share | Amount, people: int, effect: float, layout: Layout = HALVES) -> Power:
    """How often an experiment would find an effect.

    Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2nd ed.; for shares Fleiss,
    Levin, Paik 2003. Two-sided; finding an effect of the wrong sign counts too, as in R's strict option.

    Parameters
    ----------
    quantity : Share or Amount
    people : int
        In all arms together.
    effect : float
        Difference between each treatment and the control; may be below 0.
    layout : Layout

    Returns
    -------
    Power

    Raises
    ------
    UndefinedError
        An effect that leads out of 0 to 1, or an arm with fewer than two independent units.

    Examples
    --------
    >>> of(Share(0.5, pooled=True), 100, 0.25).sentence
    'With 100 people (50 left alone, 50 treated), an effect of 25 points would be seen 74 times in 100.'
    """
    _check(quantity, effect)
    arms = layout.split(people)
    found = power(quantity, layout, arms, effect)
    told = f"With {people:,} people ({divided(arms)}), an effect of {quantity.spoken(effect)}"
    return _answer(quantity, layout, arms, found, effect, f"{told} would be seen {often(found)}.")


def smallest_effect(
    quantity: Share | Amount, people: int, layout: Layout = HALVES, target: float = TARGET
) -> Power:
    """The smallest improvement that an experiment would find often enough (minimum detectable effect).

    Parameters
    ----------
    quantity, people, layout
        As of `of`.
    target : float
        How often is enough.

    Returns
    -------
    Power

    Raises
    ------
    UndefinedError
        No effect would be found so often: not even everybody doing it.

    Examples
    --------
    >>> print(smallest_effect(Share(0.2), 500).sentence)
    With 500 people (250 left alone, 250 treated), only an effect above 10.8 points would be seen \
8 times in 10.
    """
    _aim(layout, target)
    arms = layout.split(people)
    effect = _least_effect(quantity, layout, arms, target)
    told = f"With {people:,} people ({divided(arms)}), only an effect above {quantity.spoken(effect)}"
    return _answer(quantity, layout, arms, target, effect, f"{told} would be seen {often(target)}.")


def people_needed(
    quantity: Share | Amount, effect: float, layout: Layout = HALVES, target: float = TARGET
) -> Power:
    """How many people it takes to find an effect often enough.

    Parameters
    ----------
    quantity, effect, layout, target
        As of `of` and `smallest_effect`; the effect is not 0.

    Returns
    -------
    Power
        `power` is that of the people rounded up, in each arm.

    Raises
    ------
    UndefinedError
        An effect of 0, or one that leads out of 0 to 1.

    Examples
    --------
    >>> people_needed(Share(0.65), 0.2).arms
    (70, 70)
    """
    _aim(layout, target)
    _check(quantity, effect)

    def short(people: float) -> float:
        return power(quantity, layout, [share * people for share in layout.shares], effect) - target

    few = _smallest_arm(layout) / min(layout.shares)
    if effect == 0 or short(MOST) < 0:
        raise UndefinedError(
            "people for an experiment", "an effect too small for all people there are", "Hope for more."
        )
    people = few if short(few) >= 0 else _root(short, few, MOST)
    arms = tuple(ceil(share * people * (1 - 1e-12)) for share in layout.shares)
    found = power(quantity, layout, arms, effect)
    told = f"To see an effect of {quantity.spoken(effect)} {often(target)}, it takes {sum(arms):,} people"
    return _answer(quantity, layout, arms, found, effect, f"{told} ({divided(arms)}).")


def smallest_holdout(
    quantity: Share | Amount, people: int, effect: float, layout: Layout = HALVES, target: float = TARGET
) -> Power:
    """The smallest share to leave alone so that an effect would be found often enough.

    Parameters
    ----------
    quantity, people, effect, target
        As of `of` and `smallest_effect`.
    layout : Layout
        Its share of the control is replaced; the others keep their proportions.

    Returns
    -------
    Power
        Its `holdout` is the share.

    Raises
    ------
    UndefinedError
        Even the best holdout would not do.

    Examples
    --------
    >>> smallest_holdout(Share(0.05), 100_000, 0.01).holdout
    0.03909
    """
    _aim(layout, target)
    _check(quantity, effect)
    best = round(people * layout.even)

    def found(alone: int) -> float:
        return power(quantity, layout, layout.leaving(alone / people).split(people), effect)

    if found(best) < target:
        told = f"{people:,} people would see an effect of {quantity.spoken(effect)} {often(found(best))}"
        takes = people_needed(quantity, effect, layout.leaving(layout.even), target).people
        raise UndefinedError("a holdout", f"{told} at best", f"It takes {takes:,}, or a larger effect.")
    least = ceil(_smallest_arm(layout))
    while least < best:  # the power grows with the holdout up to the best one
        middle = (least + best) // 2
        least, best = (least, middle) if found(middle) >= target else (middle + 1, best)
    arms = layout.leaving(best / people).split(people)
    told = f"To see an effect of {quantity.spoken(effect)} {often(target)} among {people:,} people"
    sentence = f"{told}, leave {100 * best / people:.3g} % of them alone ({divided(arms)})."
    return _answer(quantity, layout, arms, found(best), effect, sentence)


def power(
    quantity: Share | Amount, layout: Layout, arms: tuple[float, ...] | list[float], effect: float
) -> float:
    """Chance that the smallest treatment is found to differ from the control."""
    control, treated = arms[0], min(arms[1:])
    if layout.clusters is None:
        freedom = quantity.freedom(control + treated)
    else:
        freedom = (control + treated) / layout.clusters.size - 2
    if min(control, treated) < _smallest_arm(layout) * (1 - 1e-12):
        found = f"arms of {control:.3g} and {treated:.3g} people"
        raise UndefinedError("the power of an experiment", found, "Each arm needs two independent units.")
    true = sqrt(layout.factor * (quantity.variance(0) / control + quantity.variance(effect) / treated))
    v0, v1 = quantity.assumed(effect, control, treated)
    assumed = sqrt(layout.factor * (v0 / control + v1 / treated))
    distance, stretch = abs(effect) / true, assumed / true
    if isinf(freedom) or freedom > LARGE:
        bound = -stretch * float(ndtri(layout.each / 2))
        return float(ndtr(distance - bound) + ndtr(-distance - bound))
    bound = stretch * float(stdtrit(freedom, 1 - layout.each / 2))
    # By symmetry, since 1 - nctdtr would lose its digits.
    right, wrong = (float(nctdtr(freedom, sign * distance, -bound)) for sign in (-1, 1))
    return right if isnan(wrong) else right + wrong  # SciPy has no number for tails below 1e-16


def _least_effect(quantity: Share | Amount, layout: Layout, arms: tuple[int, ...], target: float) -> float:
    def short(effect: float) -> float:
        return power(quantity, layout, arms, effect) - target

    top = quantity.room
    if isinf(top):
        top = sqrt(quantity.variance(0))
        while short(top) < 0:
            top *= 2
    elif short(top) < 0:
        told = f"even an effect of {quantity.spoken(top)}, the largest there can be, would be seen"
        found = f"with {sum(arms):,} people, {told} {often(power(quantity, layout, arms, top))}"
        raise UndefinedError("the smallest effect", found, "Ask more people.")
    return _root(short, 0.0, top)


def _root(short: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(short, low, high, xtol=1e-14 * high, rtol=1e-13, maxiter=500))


def _smallest_arm(layout: Layout) -> float:
    """People in two independent units."""
    return 2 * (1.0 if layout.clusters is None else layout.clusters.size)


def _aim(layout: Layout, target: float) -> None:
    if not layout.each < target < 1:
        raise UndefinedError(
            "the power of an experiment", f"a target of {target:g}", "Give one above the level, below 1."
        )


def _check(quantity: Share | Amount, effect: float) -> None:
    after = quantity.baseline + effect
    if not (-inf < effect < inf and (isinf(quantity.room) or 0 <= after <= 1)):
        found = "an effect that leads out of 0 to 1, or is not finite"
        raise UndefinedError("the power of an experiment", found, "Give an effect on a share as a fraction.")


def _answer(
    quantity: Share | Amount,
    layout: Layout,
    arms: tuple[int, ...],
    found: float,
    effect: float,
    sentence: str,
) -> Power:
    relative = effect / abs(quantity.baseline) if quantity.baseline else None
    method = quantity.method + layout.method
    return Power(arms, found, effect, relative, method, sentence, quantity.doubts(effect, arms))
