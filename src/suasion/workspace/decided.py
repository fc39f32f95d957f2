"""What was decided of one person: by the rule of a plan, and by its draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import Money, Parity, Plan
from suasion.ledger import Campaign
from suasion.scores import explain
from suasion.workspace.drawn import Drawn

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
DUST = 1e-9
"""Sums of probabilities in another order may differ by this much."""
ASIDE = "are kept aside, whoever they are, so that it can be told what the campaign changes"
INSTEAD = "get something else, whoever they are, so that it can be told which does more"


@dataclass(frozen=True)
class Decided:
    """One person's row of a plan, and what was drawn for it.

    Parameters
    ----------
    names : tuple of str
        Of the options, nothing first.
    effects, values, costs : array of float, shape (k,)
        As they were planned with.
    prices : array of float, shape (k,)
        What the money and the places that each option takes would be worth elsewhere.
    permitted, closed : array of bool, shape (k,)
        Whether rules let the option be chosen, and whether a cap or plurality closes it to the person.
    worth : float
        What one more unit of an effect adds to the value.
    drawn : int
        Index of the option that was drawn; 0 is nothing.
    probability : float
        Of `drawn`.
    by_lot : bool
        The rule left the person to the draw: the money ended at people like this one, or nothing but floors
        could be paid for.
    """

    names: tuple[str, ...]
    effects: Floats
    values: Floats
    costs: Floats
    prices: Floats
    permitted: Bools
    closed: Bools
    worth: float
    drawn: int
    probability: float
    by_lot: bool

    @property
    def chosen(self) -> int:
        """Index of the option that the rule chooses; 0 is nothing."""
        return int(self.choose(self.effects[None])[0])

    def choose(self, effects: Floats) -> Ids:
        """What the rule would choose for effects (m, k), all else of this person as it is; shape (m,).

        The option whose value exceeds its price by most, nothing where none does: what `allocation.plan`
        buys, seen from its shadow prices.
        """
        values = self.values + self.worth * (effects - self.effects)
        is_open = self.permitted & ~self.closed & (values >= 0)
        beyond = np.where(is_open, values - self.prices, -np.inf)
        return np.column_stack([np.zeros(len(effects)), beyond]).argmax(axis=1)

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the person to read."""
        said = (self._rule(), self._draw())
        chance = f"Chance had a part: some people {INSTEAD if self.drawn else ASIDE}."
        part = () if self.by_lot or self.drawn == self.chosen else (chance,)
        known = (option + 1 for option in np.flatnonzero(~np.isnan(self.values)).tolist())
        others = (option for option in known if option not in (self.chosen, self.drawn))
        return (*said, *part, *map(self._why_not, others))

    def _why_not(self, option: int) -> str:
        """Why another option was not chosen, with its price."""
        name, at = f"'{self.names[option]}'", option - 1
        if not self.permitted[at]:
            return f"{name} is given to nobody: the rules refuse its message."
        if self.closed[at]:
            return f"{name} is closed to you for now, because of what you were sent before."
        if self.values[at] < 0:
            return f"{name} is not expected to change enough for you to be worth anything."
        gain, price = explain.plain(float(self.values[at])), explain.plain(float(self.prices[at]))
        if self.values[at] <= self.prices[at]:
            return f"{name} would add {gain} with you; what it takes adds {price} elsewhere."
        return f"{name} would add {gain} with you, and takes what adds {price} elsewhere: less is left."

    def _rule(self) -> str:
        if self.by_lot:
            return "A draw decided: not everybody for whom as much is expected could be chosen."
        if self.chosen:
            return (
                f"'{self.names[self.chosen]}' was chosen for you: nothing else is expected to change as much "
                "for its cost."
            )
        return "Nothing was chosen for you: no message is expected to change enough for its cost."

    def _draw(self) -> str:
        if self.probability > 1 - DUST:
            return "Nothing else could be drawn for you."
        what = f"'{self.names[self.drawn]}'" if self.drawn else "nothing"
        return f"The draw gave you {what}, with a chance of {explain.plain(100 * self.probability)} %."


def decided(drawn: Drawn, person: int, campaign: Campaign) -> Decided | None:
    """What was decided of a person; None of somebody for whom nothing was planned.

    Parameters
    ----------
    drawn : Drawn
    person : int
    campaign : Campaign
        As it was planned.

    Returns
    -------
    Decided or None
    """
    made, options = drawn.plan, drawn.plan.options
    rows = np.flatnonzero(options.persons == person)
    if not len(rows):
        return None
    row, k = int(rows[0]), len(options.treatments)
    index, chances = int(drawn.chosen[row]), made.probabilities[row]
    costs = np.broadcast_to(options.costs, options.effects.shape)[row]
    found = Decided(
        names=(options.control, *options.treatments),
        effects=options.effects[row],
        values=options.worth[row],
        costs=costs,
        prices=_prices(made, costs),
        permitted=options.permitted,
        closed=np.zeros(k, np.bool_) if options.closed is None else options.closed[row],
        worth=1.0 if campaign.worth is None else campaign.worth,
        drawn=index,
        probability=float(chances[index]),
        by_lot=False,
    )
    return replace(found, by_lot=_by_lot(found, chances, campaign))


def _prices(made: Plan, costs: Floats) -> Floats:
    """What each option takes of money and places, at the prices of the limits; shape (k,).

    What parity costs is no price of a person: whom it moved is told to be left to the draw.
    """
    told = {price.limit: price.value for price in made.prices}
    prices = np.zeros(len(costs))
    for limit in made.limits:
        if not isinstance(limit, Parity):
            takes = costs if isinstance(limit, Money) else 1.0
            prices += np.where(limit.options, told.get(limit.name, 0.0) * takes, 0.0)
    return prices


def _by_lot(found: Decided, chances: Floats, campaign: Campaign) -> bool:
    """Whether what the rule chooses is less likely than the floors of everything else leave it."""
    free = 1 - campaign.exploration - (campaign.holdout if found.chosen else 0)
    return free <= DUST or float(chances[found.chosen]) < free - DUST
