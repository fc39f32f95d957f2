"""The lift of a sent plan, by the chances with which it was drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.measurement import doubts
from suasion.measurement.own_draw import own_effect
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
DUST = 1e-9
"""Probabilities below this are rounding dust of sums that should be 0."""


@dataclass(frozen=True)
class Lift:
    """What a sent plan changed, against nobody treated.

    Persons count as they were drawn, whether or not anything reached them.

    Parameters
    ----------
    people : int
        Persons of the plan.
    measured : int
        Of them, those whose outcome is known.
    treated : int
        Of the measured, those who were drawn for a treatment.
    holdout : int
        Of the measured, those whom the draw left alone although they might have been treated.
    effect : Estimate
        Extra outcomes a person of the plan.
    extra : Estimate
        Extra outcomes of all its people.
    spent : float
        Money.
    cost_per_extra : Estimate or None
        Money for one more outcome. None where the interval of `extra` reaches 0: there is no such number.
    naive : float or None
        Mean outcome of the treated minus that of everybody else. No effect: the plan chose whom to treat.
        None where one of the two is empty.
    warnings : tuple of str
        What speaks against the estimate.
    """

    people: int
    measured: int
    treated: int
    holdout: int
    effect: Estimate
    extra: Estimate
    spent: float
    cost_per_extra: Estimate | None
    naive: float | None
    warnings: tuple[str, ...]


def lift(
    probabilities: Floats,
    drawn: Ids,
    outcome: Floats,
    expected: Floats,
    households: Ids | None,
    spent: float,
) -> Lift:
    """Estimate what a plan changed from the draw that was made of it.

    The plan was drawn from its own probabilities, so the mean outcome of its people is what it gives. What
    they would have done without it is told by those whom chance left alone; see `contributions`.

    Parameters
    ----------
    probabilities : array of float, shape (n, 1 + k)
        Rows sum to 1; column 0 is nothing.
    drawn : array of int64, shape (n,)
        The drawn option of each person.
    outcome : array of float, shape (n,)
        NaN where unknown.
    expected : array of float, shape (n,)
        Expected outcome under nothing, by models that never saw these outcomes.
    households : array of int64, shape (n,), optional
        Persons with the same number are not independent.
    spent : float
        Money.

    Returns
    -------
    Lift

    Raises
    ------
    UndefinedError
        Nobody was left alone by chance, or somebody had no chance of it; no outcome is known, or all are the
        same; the draw is not one of this plan; models that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> people = np.arange(400)
    >>> drawn, came = people % 2, np.where(people % 2, people % 5 < 2, people % 8 == 0).astype(float)
    >>> found = lift(np.full((400, 2), 0.5), drawn, came, np.full(400, 0.3), None, spent=100)
    >>> found.extra.scaled(digits=0), found.cost_per_extra.scaled(digits=2)
    ('30 (12 to 48)', '3.33 (2.06 to 8.68)')
    """
    _check(probabilities, drawn, expected)
    nothing, left, known = _certain(probabilities[:, 0]), drawn == 0, ~np.isnan(outcome)
    given, alone, answer = nothing[known], left[known], outcome[known]
    _check_measured(given, alone, answer)
    homes = None if households is None else households[known]
    effect = own_effect(given, alone, answer, expected[known], homes)
    extra = effect.times(len(drawn))
    return Lift(
        people=len(drawn),
        measured=len(answer),
        treated=int((~alone).sum()),
        holdout=int((alone & (given < 1)).sum()),
        effect=effect,
        extra=extra,
        spent=spent,
        cost_per_extra=_price(spent, extra),
        naive=_naive(alone, answer),
        warnings=(
            *doubts.unlike_plan(probabilities, drawn),
            *doubts.missing(nothing, left, known, households),
            *doubts.few(given, alone),
        ),
    )


def looked_at(found: Lift, latest: Estimate) -> Lift:
    """The lift with an interval that holds although one looked before, or will look again.

    Parameters
    ----------
    found : Lift
    latest : Estimate
        Of the same effect, by the way one looks.

    Returns
    -------
    Lift
        Its interval holds both.
    """
    own = found.effect
    low, high = min(own.low, latest.low), max(own.high, latest.high)
    effect = Estimate(own.value, low, high, own.n, f"{own.method}, {latest.method}", latest.level)
    extra = effect.times(found.people)
    return replace(found, effect=effect, extra=extra, cost_per_extra=_price(found.spent, extra))


def _certain(nothing: Floats) -> Floats:
    """Probabilities of nothing, where 1 but for rounding is 1."""
    return np.where(nothing > 1 - DUST, 1.0, nothing)


def _naive(alone: Flags, answer: Floats) -> float | None:
    if alone.all() or not alone.any():
        return None
    return float(answer[~alone].mean() - answer[alone].mean())


def _price(spent: float, extra: Estimate) -> Estimate | None:
    if extra.low <= 0:
        return None
    low, value, high = (spent / end for end in (extra.high, extra.value, extra.low))
    return Estimate(value, low, high, extra.n, f"cost over {extra.method}", extra.level)


def _check(probabilities: Floats, drawn: Ids, expected: Floats) -> None:
    nothing = probabilities[:, 0]
    foreign = int((probabilities[np.arange(len(drawn)), drawn] < DUST).sum())
    if foreign:
        found = f"{foreign:,} people were drawn for what their plan never gives"
        raise UndefinedError("the lift of a plan", found, "Measure the draw with the plan it was made from.")
    sure = int((nothing < DUST).sum())
    if sure:
        found = f"{sure:,} people had no chance of being left alone, so nobody stands for them"
        raise UndefinedError("the lift of a plan", found, "Plan with a holdout above 0.")
    if not np.isfinite(expected).all():
        raise UndefinedError("the lift of a plan", "models that are not finite", "Score these people again.")


def _check_measured(nothing: Floats, left: Flags, outcome: Floats) -> None:
    if not len(outcome):
        raise UndefinedError("the lift of a plan", "no outcome is known yet", "Read the answers first.")
    chance = nothing < 1
    if not chance.any():
        return
    if not (left & chance).any():
        found = "of those with an outcome, chance left nobody alone who might have been treated"
        raise UndefinedError("the lift of a plan", found, "Plan more people or a larger holdout.")
    if np.ptp(outcome[chance]) == 0:
        found = f"the {int(chance.sum()):,} people whom chance decided on all have the same outcome"
        raise UndefinedError("the lift of a plan", found, "Wait for more answers.")
