"""Money that several placements share goes where it brings most, as far as is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from suasion.errors import UndefinedError
from suasion.learning.steering.alarm import Bools, Floats
from suasion.stats import Estimate

FEWEST = 30
"""Persons treated, and persons not; and of both together who did what is hoped for."""
METHOD = "lift by inverse probability weights, over the mean cost of a treated person"
_QUANTILES = ndtri((np.arange(4000) + 0.5) / 4000)
_LEVEL = 0.95


@dataclass(frozen=True)
class Move:
    """What becomes of the money that is left.

    Parameters
    ----------
    shares : dict of str to float
        Of each part; they sum to 1.
    reason : str
    """

    shares: dict[str, float]
    reason: str


def gained(treated: Bools, chances: Floats, rewards: Floats, costs: Floats) -> Estimate | None:
    """What a placement brings for a unit of money.

    Source: Hajek 1971 (weights over their sum); the interval is by linearisation of the ratio, with the
    variance of all persons where that of the untreated, who are few, is smaller by chance.

    Parameters
    ----------
    treated : array of bool, shape (n,)
        Whether a person was shown a treatment, or the generic variant.
    chances : array of float, shape (n,)
        Of being shown a treatment, or the generic variant, whichever it was.
    rewards : array of float, shape (n,)
        Of persons whose horizon has passed.
    costs : array of float, shape (n,)

    Returns
    -------
    Estimate or None
        Rewards for a unit of money beyond what comes without it; None where too little is known, or where
        nothing costs.

    Raises
    ------
    UndefinedError
        Not one of each for every person, or chances that are none.

    Examples
    --------
    >>> treated = np.repeat([True, False], [900, 100])
    >>> came = np.concatenate([np.arange(900) % 5 == 0, np.arange(100) % 10 == 0]) * 1.0
    >>> print(gained(treated, np.where(treated, 0.9, 0.1), came, treated * 0.5).scaled(digits=2))
    0.20 (0.04 to 0.36)
    """
    if not treated.shape == chances.shape == rewards.shape == costs.shape:
        raise UndefinedError("what money brought", "not one of each", "Give one of each for every person.")
    if not ((chances > 0) & (chances <= 1)).all():
        raise UndefinedError("what money brought", "chances outside (0, 1]", "Give those that were stored.")
    least = min(int(treated.sum()), int((~treated).sum()), int((rewards != 0).sum()))
    if least < FEWEST or not costs[treated].sum() > 0:
        return None
    with_it, without = (np.where(rows, 1 / chances, 0.0) for rows in (treated, ~treated))
    with_it, without = with_it / with_it.sum(), without / without.sum()
    cost, brought, else_came = (
        float(w @ of) for w, of in ((with_it, costs), (with_it, rewards), (without, rewards))
    )
    value = (brought - else_came) / cost
    own = with_it * (rewards - brought - value * (costs - cost))
    others = max(
        float((without**2 * (rewards - else_came) ** 2).sum()), float((without**2).sum() * rewards.var())
    )
    half = float(ndtri((1 + _LEVEL) / 2)) * np.sqrt(float((own**2).sum()) + others) / cost
    return Estimate(value, value - half, value + half, len(treated), METHOD, _LEVEL)


def move(
    shares: Mapping[str, float], least: Mapping[str, float], gains: Mapping[str, Estimate | None]
) -> Move:
    """Divide what is left among parts, each by its chance to bring most for a unit of money.

    Thompson sampling without the draw: a part's share, beyond the least that keeps it measurable, is the
    posterior probability that its return is the largest, for normal posteriors without a prior (Thompson
    1933, Biometrika 25:285). Where the return of one is not known, shares stay.

    Parameters
    ----------
    shares : mapping of str to float
        As they are.
    least : mapping of str to float
        What each part gets whatever it brings; together not above 1.
    gains : mapping of str to Estimate or None
        As `gained`.

    Returns
    -------
    Move

    Raises
    ------
    UndefinedError
        The three are not of the same parts, or the least of all is above 1.

    Examples
    --------
    >>> sure = {name: Estimate(x, x - 0.1, x + 0.1, 99, "x") for name, x in (("web", 1.0), ("app", 0.9))}
    >>> made = move({"web": 0.5, "app": 0.5}, {"web": 0.1, "app": 0.1}, sure)
    >>> {name: round(share, 2) for name, share in made.shares.items()}
    {'web': 0.83, 'app': 0.17}
    >>> move({"web": 1.0}, {"web": 0.1}, {"web": None}).reason
    'shares stay: too little is known of what web brings for its money'
    """
    floor = sum(least.values())
    if not shares.keys() == least.keys() == gains.keys() or not shares or floor > 1 + 1e-9:
        found = f"{len(shares)}, {len(least)} and {len(gains)} part(s), least shares of {floor:g}"
        raise UndefinedError("moving money", found, "Give a share, a least share and a return of each part.")
    known = {name: gain for name, gain in gains.items() if gain is not None}
    if thin := sorted(gains.keys() - known.keys()):
        told = f"shares stay: too little is known of what {', '.join(thin)} brings for its money"
        return Move(dict(shares), told)
    names = list(known)
    best = dict(zip(names, _best([known[name] for name in names]).tolist(), strict=True))
    made = {name: least[name] + max(1 - floor, 0.0) * best[name] for name in names}
    parts = "; ".join(
        f"{name} {known[name].scaled(digits=3)}, best with chance {best[name]:.2f}" for name in names
    )
    none = " None is known to bring anything." if all(gain.low <= 0 for gain in known.values()) else ""
    return Move(made, f"what each brings for a unit of money: {parts}.{none}")


def _best(gains: list[Estimate]) -> Floats:
    """The chance of each to be the largest; of each, within 1 in 2,000."""
    means = np.array([gain.value for gain in gains])
    widths = [(gain.high - gain.low) / 2 / float(ndtri((1 + gain.level) / 2)) for gain in gains]
    errors = np.maximum(widths, 1e-12)
    at = means[:, None] + errors[:, None] * _QUANTILES
    below = ndtr((at[:, None, :] - means[None, :, None]) / errors[None, :, None])
    for one in range(len(gains)):
        below[one, one] = 1.0
    chances = below.prod(axis=1).mean(axis=1)
    return chances / chances.sum()
