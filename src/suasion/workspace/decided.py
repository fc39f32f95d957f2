"""What was decided of one person: by the rule of a plan, and by its draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.ledger import Campaign
from suasion.scores import explain
from suasion.workspace.drawn import Drawn

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
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
    effects, costs : array of float, shape (k,)
        As they were planned with.
    permitted : array of bool, shape (k,)
    price : float
        Expected outcomes that one more unit of money would add.
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
    costs: Floats
    permitted: npt.NDArray[np.bool_]
    price: float
    drawn: int
    probability: float
    by_lot: bool

    @property
    def chosen(self) -> int:
        """Index of the option that the rule chooses; 0 is nothing."""
        return int(self.choose(self.effects[None])[0])

    def choose(self, effects: Floats) -> Ids:
        """What the rule would choose for effects (m, k), at this person's costs; shape (m,).

        The option whose effect exceeds its price by most, nothing where none does: what `allocation.plan`
        buys, seen from its shadow price.
        """
        is_open = self.permitted & (effects >= 0)
        beyond = np.where(is_open, effects - self.price * self.costs, -np.inf)
        return np.column_stack([np.zeros(len(effects)), beyond]).argmax(axis=1)

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the person to read."""
        said = (self._rule(), self._draw())
        if self.by_lot or self.drawn == self.chosen:
            return said
        return (*said, f"Chance had a part: some people {INSTEAD if self.drawn else ASIDE}.")

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
    row = int(rows[0])
    index, chances = int(drawn.chosen[row]), made.probabilities[row]
    found = Decided(
        names=(options.control, *options.treatments),
        effects=options.effects[row],
        costs=options.costs[row],
        permitted=options.permitted,
        price=made.shadow_price,
        drawn=index,
        probability=float(chances[index]),
        by_lot=False,
    )
    return replace(found, by_lot=_by_lot(found, chances, campaign))


def _by_lot(found: Decided, chances: Floats, campaign: Campaign) -> bool:
    """Whether what the rule chooses is less likely than the floors of everything else leave it."""
    free = 1 - campaign.exploration - (campaign.holdout if found.chosen else 0)
    return free <= DUST or float(chances[found.chosen]) < free - DUST
