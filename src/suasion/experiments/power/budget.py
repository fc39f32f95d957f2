"""What so many people and so much money could find."""

from __future__ import annotations

from math import floor

from suasion.errors import UndefinedError
from suasion.experiments.power.answer import Power, often
from suasion.experiments.power.layout import Layout
from suasion.experiments.power.quantity import Amount, Share
from suasion.experiments.power.solve import HALVES, TARGET, of, people_needed, smallest_effect


def affordable(
    quantity: Share | Amount,
    people: int,
    budget: float,
    cost: float,
    hoped: float | None = None,
    layout: Layout = HALVES,
    target: float = TARGET,
) -> Power:
    """The smallest effect that so many people and so much money would find, and whether to hope for it.

    Parameters
    ----------
    quantity : Share or Amount
    people : int
        Who may be treated or left alone.
    budget : float
        Money.
    cost : float
        Money for each person treated.
    hoped : float, optional
        The effect one hopes for, above 0.
    layout : Layout
        Its share of the control is raised where the budget does not treat all the others.
    target : float
        How often an effect should be found.

    Returns
    -------
    Power
        Of the smallest effect found so often; the sentence says what becomes of the one hoped for.

    Raises
    ------
    UndefinedError
        Money for fewer than two people in each treatment, or too few people for any effect.

    Examples
    --------
    >>> print(affordable(Share(0.2), people=500, budget=200, cost=1, hoped=0.02).sentence)
    A budget of 200 treats only 200 of 500 people. With 500 people (300 left alone, 200 treated), only \
an effect above 11.2 points would be seen 8 times in 10. The 2 points hoped for would be seen 8 times in \
100: to see it 8 times in 10 takes 13,014 people and a budget of 6,507.
    """
    if not (budget >= 0 and cost >= 0 and people >= 2 and (hoped is None or hoped > 0)):
        found = "people, money or a hoped-for effect below what counts"
        raise UndefinedError("what a budget could find", found, "Give two people and an effect above 0.")
    wanted = people - layout.split(people)[0]
    treated = min(wanted, floor(budget / cost + 1e-9)) if cost else wanted
    if treated < 2 * (len(layout.shares) - 1):
        found = f"money for {treated} person(s)"
        raise UndefinedError("what a budget could find", found, "Treat two at least in each treatment.")
    laid = layout.leaving(1 - treated / people)
    least = smallest_effect(quantity, people, laid, target)
    does = "is enough to treat" if treated == wanted else "treats only"
    told = f"A budget of {budget:,.6g} {does} {treated:,} of {people:,} people. {least.sentence}"
    if hoped is not None:
        told = f"{told} {_hope(quantity, people, cost, hoped, (laid, layout), least)}"
    return Power(least.arms, least.power, least.effect, least.relative, least.method, told, least.doubts)


def _hope(
    quantity: Share | Amount,
    people: int,
    cost: float,
    hoped: float,
    layouts: tuple[Layout, Layout],
    least: Power,
) -> str:
    """What becomes of the effect hoped for under the budget, and what it takes as asked for."""
    laid, asked = layouts
    chance = of(quantity, people, hoped, laid).power
    told = f"The {quantity.spoken(hoped)} hoped for would be seen {often(chance)}"
    if hoped >= least.effect:
        return f"{told}."
    needed = people_needed(quantity, hoped, asked, least.power)
    money = cost * sum(needed.arms[1:])
    return (
        f"{told}: to see it {often(least.power)} takes {needed.people:,} people and a budget of {money:,.6g}."
    )
