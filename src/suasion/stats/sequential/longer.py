"""What going on would bring."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.special import ndtri

from suasion.errors import UndefinedError
from suasion.stats.influence import LEVEL
from suasion.stats.sequential.looks import Looks
from suasion.stats.sequential.mixture import needed

_FARTHEST = 10_000  # times as many as now; beyond, nobody waits


@dataclass(frozen=True)
class Longer:
    """How many more it takes to decide.

    Parameters
    ----------
    more : int or None
        Independent units beyond those there are; 0 where it is decided, None where no number would do.
    total : int or None
        With those there are.
    text : str
        The same in one sentence.
    """

    more: int | None
    total: int | None
    text: str


def how_much_longer(
    looks: Looks,
    tuned_for: float | None = None,
    effect: float | None = None,
    power: float = 0.8,
    level: float = LEVEL,
    units: str = "people",
) -> Longer:
    """How many more until an effect would be decided, given what was seen.

    Parameters
    ----------
    looks : Looks
        The last look counts; it must be past the burn-in.
    tuned_for : float, optional
        As for `sequence`. Where left out, of a fixed test that is made once, at that end.
    effect : float, optional
        If the effect is this, the planned one, say; as seen at the last look where left out.
    power : float
        Chance of being decided by then.
    level : float
        Of the interval.
    units : str
        What the sentence calls them.

    Returns
    -------
    Longer
        To about 1 %; for a sequence an upper bound, as it may decide at any look before.

    Raises
    ------
    UndefinedError
        The last look is in the burn-in.

    Examples
    --------
    >>> looks = Looks(np.array([0.02]), np.array([0.01]), np.array([[1000, 1000]]))
    >>> how_much_longer(looks, tuned_for=0.01).text
    'If the effect is 0.02, about 6,859 more people (8,859 in all) would decide it with a chance of 80 %.'
    """
    if len(looks.n) == 0 or not looks.judged[-1]:
        todo = "Look again when each arm has 30 independent units and outcomes differ."
        raise UndefinedError("how much longer", "a last look in the burn-in", todo)
    value, error, n = float(looks.values[-1]), float(looks.errors[-1]), int(looks.n[-1])
    effect = value if effect is None else effect
    times = np.geomspace(1, _FARTHEST, 2000)
    toward = 1 if effect >= 0 else -1
    # What the score will be with this chance at least, over the root of today's information.
    score = toward * (value + effect * (times - 1)) / error - ndtri(power) * np.sqrt(times - 1)
    alpha = 1 - level
    bounds = (
        np.full(len(times), ndtri(1 - alpha / 2))
        if tuned_for is None
        else needed(times * (tuned_for / error) ** 2, alpha)
    )
    reached = np.flatnonzero(score >= bounds * np.sqrt(times))
    total = ceil(n * times[reached[0]]) if len(reached) else None
    return _said(n, total, effect, power, units)


def _said(n: int, total: int | None, effect: float, power: float, units: str) -> Longer:
    if total is None:
        text = f"If the effect is {effect:.3g}, not even {_FARTHEST:,} times as many {units} would decide it."
        return Longer(None, None, text)
    if total == n:
        return Longer(0, n, f"It is decided with the {n:,} {units} there are.")
    more = (
        f"If the effect is {effect:.3g}, about {total - n:,} more {units} ({total:,} in all) would decide it"
    )
    return Longer(total - n, total, f"{more} with a chance of {power:.0%}.".replace("%", " %"))
