"""Money that goes too fast or too slowly, and persons who complain."""

from __future__ import annotations

import numpy as np

from suasion.learning.steering.alarm import ALPHA, Alarm, Floats, coarse, counted
from suasion.stats import sequential

PACE = "pace"
FAST, SLOW = 0.1, 0.25
"""Parts of the amount by which spending may be ahead, and behind."""
_SPREAD = 12.0
_TUNED_FOR = 20_000


def pace(
    about: str,
    amount: float,
    period: tuple[float, float],
    costs: Floats,
    dearest: float,
    now: float,
    standing: bool = False,
) -> Alarm | None:
    """Compare what was spent with what was due by now, the same in every hour of the period.

    Chance makes spending uneven: it is given the room of a normal mixture, which holds at all looks at once
    (Howard, Ramdas, McAuliffe, Sekhon 2021, Annals of Statistics 49:1055), beside a tenth of the amount
    ahead, or a quarter behind. What is spent beyond the amount is one always.

    Parameters
    ----------
    about : str
    amount : float
        Of the budget.
    period : (float, float)
        When it begins and ends, seconds since 1970.
    costs : array of float, shape (n,)
        Of each exposure in the period.
    dearest : float
        Cost of the dearest variant.
    now : float
        Seconds since 1970; nothing is said outside the period, but of too much.
    standing : bool
        Whether it is raised already: then it ends when spending is half as far off.

    Returns
    -------
    Alarm or None

    Examples
    --------
    >>> pace("x", 100.0, (0.0, 1000.0), np.full(900, 0.1), 0.1, now=500.0).found
    'about 90 of 100 is spent after 50 % of the time: it would last until 56 %'
    """
    begins, ends = period
    spent, gone = float(costs.sum()), float(np.clip((now - begins) / (ends - begins), 0, 1))
    due, share = amount * gone, 0.5 if standing else 1.0
    drawn = max(float((costs**2).sum()), due * dearest)
    least = amount * dearest / _SPREAD
    room = np.sqrt((drawn + least) * np.log((drawn + least) / max(least * ALPHA**2, 1e-300)))
    ahead = spent - due > share * FAST * amount + room
    behind = due - spent > share * SLOW * amount + room
    if spent > amount * (1 + 1e-9):
        found = f"about {coarse(spent):g} is spent of {amount:g}"
        todo = "Decisions that were given out before the end are seen after it; raise the amount, or pause."
    elif begins < now < ends and ahead:
        lasts = gone * amount / spent
        found = (
            f"about {coarse(spent):g} of {amount:g} is spent after {gone:.0%} of the time: "
            f"it would last until {lasts:.0%}"
        ).replace("%", " %")
        todo = "Look who comes so much; lower a cost, raise the amount, or let it end early."
    elif begins < now < ends and behind:
        found = f"about {coarse(spent):g} of {amount:g} is spent after {gone:.0%} of the time".replace(
            "%", " %"
        )
        todo = "Look whether people come, and whether what costs is shown: what brings too little is not."
    else:
        return None
    return Alarm(PACE, about, found, todo)


def too_many(
    name: str, about: str, what: str, events: int, n: int, most: float, todo: str, standing: bool = False
) -> Alarm | None:
    """Compare a share of persons, such as of those who complain, with the most that is borne.

    The exact confidence sequence of `stats.sequential.rate_sequence`: it holds at all looks at once.

    Parameters
    ----------
    name, about : str
    what : str
        What they did: "complained".
    events, n : int
        Persons who did, of how many.
    most : float
        The share that is borne, between 0 and 1.
    todo : str
    standing : bool
        Whether it is raised already: then it ends when the share itself is no more than is borne.

    Returns
    -------
    Alarm or None

    Examples
    --------
    >>> too_many("complaints", "x", "complained", 30, 5000, 0.003, "Stop.") is None
    True
    >>> too_many("complaints", "x", "complained", 50, 5000, 0.003, "Stop.").found
    'about 50 of about 5,000 complained, 0.01 (0.0049 to 0.018), where 0.003 is the most'
    """
    seen = sequential.Counts(np.array([events]), np.array([n]))
    (share,) = sequential.rate_sequence(seen, most, _TUNED_FOR, 1 - ALPHA)
    if share is None or (share.value if standing else share.low) <= most:
        return None
    interval = " to ".join(f"{coarse(end):.2g}" for end in (share.low, share.high))
    found = (
        f"{counted(events)} of {counted(n)} {what}, {coarse(share.value):.2g} ({interval}), "
        f"where {most:.2g} is the most"
    )
    return Alarm(name, about, found, todo, {"share": share})
