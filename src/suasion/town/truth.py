"""The truth: how likely each resident comes, left alone and under each message."""

from __future__ import annotations

import numpy as np

from suasion.town.chance import Floats, Numbers
from suasion.town.residents import Residents, residents, unreachable
from suasion.town.town import Effects, Town

ARMS = ("none", "reminder", "invitation")
LEAST, MOST = 0.02, 0.6
"""The least and the most that anybody comes without a message; effects stay clear of 0 and 1."""
_SAME = 0.08
_LEANING = np.array([0.3, -0.2, 0.0, 0.2, 0.1, -0.3, 0.0, -0.1])
"""By district, on the logit scale."""


def chances(town: Town, numbers: Numbers) -> Floats:
    """How likely residents come if nothing, a reminder or an invitation is sent to them.

    The truth is by intention to treat: what is sent to a mailbox that does not exist changes nothing, so
    about 2 % have the same chance in every column, whatever the effects of the town.

    Parameters
    ----------
    town : Town
    numbers : array of int64, shape (n,)
        Of residents.

    Returns
    -------
    array of float, shape (n, 3)
        Probabilities under none, reminder and invitation.

    Examples
    --------
    >>> town = Town(people=1000, seed=1, effects=Effects.NONE)
    >>> known = chances(town, np.arange(1000))
    >>> known.shape, bool((known[:, 0] == known[:, 2]).all())
    ((1000, 3), True)
    """
    who = residents(town, numbers)
    alone = _alone(who)
    gains = np.stack([np.zeros(len(numbers)), *_GAINS[town.effects](who, alone)], axis=1)
    return alone[:, None] + np.where(unreachable(town.seed, numbers)[:, None], 0.0, gains)


def _alone(who: Residents) -> Floats:
    """Older people, earlier visitors and those who live near come by themselves more often."""
    score = -1.9 + 0.02 * (who.age - 45) + 0.35 * np.minimum(who.visits, 4) - 0.07 * (who.distance - 5)
    return np.clip(1 / (1 + np.exp(-score - _LEANING[who.district])), LEAST, MOST)


def _varied(who: Residents, alone: Floats) -> tuple[Floats, Floats]:
    """A reminder helps those who came before and annoys the young who never did; an invitation helps
    older people nearby who never came, most in some districts, and annoys those who come often."""
    came = who.visits > 0
    reminder = np.where(came, 0.25 * np.clip((who.age - 30) / 30, 0, 1), 0.0)
    reminder = np.where(~came & (who.age < 32), -0.4 * alone, reminder)
    near = np.clip((9 - who.distance) / 6, 0, 1) * np.where(who.district % 2 == 0, 1.0, 0.5)
    invitation = np.where(~came & (who.age >= 45), 0.25 * near, 0.0)
    return reminder, np.where(who.visits > 1, -0.4 * alone, invitation)


def _constant(_who: Residents, alone: Floats) -> tuple[Floats, Floats]:
    """The same for all; no chance without a message is so high that it would pass 1."""
    return np.full_like(alone, _SAME), np.full_like(alone, _SAME)


def _none(_who: Residents, alone: Floats) -> tuple[Floats, Floats]:
    return np.zeros_like(alone), np.zeros_like(alone)


def _opposite(_who: Residents, alone: Floats) -> tuple[Floats, Floats]:
    """The likelier somebody comes anyway, the less a message adds; in the end it costs a little."""
    left = (1 - alone / MOST) ** 2
    return 0.16 * left - 0.02, 0.22 * left - 0.02


_GAINS = {
    Effects.VARIED: _varied,
    Effects.CONSTANT: _constant,
    Effects.NONE: _none,
    Effects.OPPOSITE: _opposite,
}
