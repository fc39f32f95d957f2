"""Counts of people that leave the operator's hands: noisy, once each, and never of a handful."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from suasion.allocation import Plan
from suasion.errors import MissingExtraError, RefusedError
from suasion.ledger import Campaign, Ledger, sends
from suasion.rules import Purpose
from suasion.segments import Segment

Ids = npt.NDArray[np.int64]

DELTA = 1e-6
"""Of approximate differential privacy, in which the budget is declared and each count told."""
FINE = 1000
"""Noise is of whole thousandths of a person, so that no digit of a float tells anything."""
_WIDE = float(ndtri(0.975))
LEAST, LEAST_POLITICAL = 100, 1000
"""People: nobody is told of a smaller group, and nothing is aimed at one."""
REPLIES = ("opted_out", "complained", "bounced")
PLANNED, ENDED, WEEKLY = 0.36, 0.36, 0.07
"""Shares of the budget: of what is planned, of the result at the end, and of each of four weeks before it."""
CONTRIBUTION = {"planned": math.sqrt(3), "reach": math.sqrt(2 + len(REPLIES))}
"""How far one person moves a vector: as one of the eligible, of the learned from, and one planned message; as
one message, its money, and one reply of each kind."""
METHOD = "Gaussian mechanism, delta 1e-6; 95 % interval of the noise"


@dataclass(frozen=True)
class Count:
    """A number of people, or of money, with noise.

    Parameters
    ----------
    value : float or None
        None where it is too low to be told: it is below `high` then.
    low, high : float
        The truth is within, in 95 of 100 such counts.
    epsilon : float
        What the count cost, together with those released with it. Epsilons of several releases add up to less
        than their sum: all of a campaign together cost what it declares.
    at : str
        When it was counted.
    method : str
    """

    value: float | None
    low: float
    high: float
    epsilon: float
    at: str
    method: str = METHOD


@dataclass(frozen=True)
class Planned:
    """The people of a part of a plan, as the public is told.

    Parameters
    ----------
    part : str
        Its regimes but the house's, joined by "+"; ``house`` if none.
    places : tuple of str
    audience, trained : Count
        Who are eligible, and of how many people the effects were learned.
    treatments : dict of str to Count
        Who are planned to get each.
    shares : dict of str to float
        Of all planned messages.
    """

    part: str
    places: tuple[str, ...]
    audience: Count
    trained: Count
    treatments: dict[str, Count]
    shares: dict[str, float]


@dataclass(frozen=True)
class Figures:
    """What became of the messages, as the public is told.

    Parameters
    ----------
    reach, spent : Count
    treatments, replies : dict of str to Count
    """

    reach: Count
    spent: Count
    treatments: dict[str, Count]
    replies: dict[str, Count]


def least(purpose: Purpose) -> int:
    """The smallest group that may be aimed at, or told of: 1,000 people in politics, else 100.

    Examples
    --------
    >>> least(Purpose.POLITICAL), least(Purpose.PUBLIC_HEALTH)
    (1000, 100)
    """
    return LEAST_POLITICAL if purpose in {Purpose.POLITICAL, Purpose.ADVOCACY} else LEAST


def enough(people: int, purpose: Purpose) -> bool:
    """Whether a group, after all splits, is large enough to be aimed at."""
    return people >= least(purpose)


def rho_of(epsilon: float) -> float:
    """The zero-concentrated divergence that is epsilon at `DELTA` (Bun and Steinke 2016, Prop. 1.3).

    Examples
    --------
    >>> round(epsilon_of(rho_of(1.0)), 9)
    1.0
    """
    room = -math.log(DELTA)
    return (math.sqrt(room + epsilon) - math.sqrt(room)) ** 2


def epsilon_of(rho: float) -> float:
    """Epsilon at `DELTA` of a zero-concentrated divergence."""
    return rho + 2 * math.sqrt(-rho * math.log(DELTA))


def noisy(values: Sequence[float], contribution: float, rho: float) -> tuple[float, ...]:
    """Put Gaussian noise on a vector of counts, in whole thousandths.

    Parameters
    ----------
    values : sequence of float
    contribution : float
        By how much one person can move the vector (Euclidean distance).
    rho : float
        Zero-concentrated divergence that may be spent.

    Returns
    -------
    tuple of float

    Raises
    ------
    MissingExtraError
        OpenDP is not installed.
    """
    measure, cost = _mechanism(round(FINE * _moved(contribution, len(values)), 9), rho)
    assert cost <= rho * (1 + 1e-9), "OpenDP says that this costs more than is paid"
    return tuple(value / FINE for value in measure([round(FINE * value) for value in values]))


def _moved(contribution: float, numbers: int) -> float:
    """How far one person moves a vector that is rounded to thousandths."""
    return contribution + math.sqrt(numbers) / FINE


def planned(
    ledger: Ledger,
    campaign: Campaign,
    segment: Segment,
    part: str,
    places: Sequence[str],
    plan: Plan,
    trained: int,
    at: datetime,
    rows: Ids | slice = slice(None),
) -> Planned:
    """Count the people of a plan for the public.

    Parameters
    ----------
    ledger : Ledger
    campaign : Campaign
    segment : Segment
    part : str
    places : sequence of str
    plan : Plan
    trained : int
        People of the experiment that effects were learned from.
    at : datetime
    rows : array of int64 or slice
        The people of the part, as positions in the plan.

    Returns
    -------
    Planned

    Raises
    ------
    MissingExtraError
        OpenDP is not installed: nothing is published.
    RefusedError
        The campaign's budget of privacy is spent.
    """
    names = list(plan.options.treatments)
    round_ = f"segment {segment.digest}, treatments {', '.join(sorted(names))}"
    question = sends.noise.Question(campaign.name, part, "planned", round_)

    def values() -> list[float]:
        chances = plan.rows(rows)
        return [len(chances), trained, *chances[:, 1:].sum(axis=0).tolist()]

    told = _ask(ledger, campaign, question, (PLANNED, ENDED), values, at)
    counts = _counts(told, question.what)
    floor = least(campaign.purpose)
    messages = {name: max(value, 0.0) for name, value in zip(names, told.values[2:], strict=True)}
    everything = sum(messages.values()) or 1.0
    return Planned(
        part=part,
        places=tuple(places),
        audience=_not_few(counts[0], floor),
        trained=_not_few(counts[1], LEAST),
        treatments=dict(zip(names, counts[2:], strict=True)),
        shares={name: round(value / everything, 2) for name, value in messages.items()},
    )


def figures(
    ledger: Ledger, campaign: Campaign, part: str, at: datetime, persons: Ids | None = None
) -> Figures | None:
    """Count what became of the messages for the public: once a week while they are sent, and once after.

    Parameters
    ----------
    ledger : Ledger
    campaign : Campaign
    part : str
    at : datetime
    persons : array of int64, optional
        Of the part; everybody, if left out.

    Returns
    -------
    Figures or None
        Where the budget allows no new ones, those that were published last; None where there are none.

    Raises
    ------
    MissingExtraError
        OpenDP is not installed: nothing is published.
    """
    ended = campaign.delivery is not None and at >= campaign.delivery.not_after
    year, week, _ = at.astimezone(UTC).isocalendar()
    question = sends.noise.Question(campaign.name, part, "reach", "ended" if ended else f"{year}-W{week:02}")
    dearest = max(terms.cost + terms.price for terms in campaign.treatments.values()) or 1.0

    def values() -> list[float]:
        exact = sends.noise.reached(ledger, campaign.name, persons)
        sent = [float(exact.sent.get(name, 0)) for name in campaign.treatments]
        return [exact.money / dearest, *sent, *(float(exact.replies.get(kind, 0)) for kind in REPLIES)]

    try:
        told = _ask(ledger, campaign, question, (ENDED, 0.0) if ended else (WEEKLY, ENDED), values, at)
    except RefusedError:
        told = sends.noise.latest(ledger, campaign.name, part, "reach")
    arms = len(campaign.treatments)
    if told is None or len(told.values) != 1 + arms + len(REPLIES):  # none, or of other treatments
        return None
    counts, sent = _counts(told, question.what), told.values[1 : 1 + arms]
    sigma = _sigma(told, question.what)
    return Figures(
        reach=_count(sum(sent), sigma * math.sqrt(arms), told),
        spent=_money(told, sigma, dearest),
        treatments=dict(zip(campaign.treatments, counts[1 : 1 + arms], strict=True)),
        replies=dict(zip(REPLIES, counts[1 + arms :], strict=True)),
    )


def _ask(
    ledger: Ledger,
    campaign: Campaign,
    question: sends.noise.Question,
    shares: tuple[float, float],
    values: Callable[[], Sequence[float]],
    at: datetime,
) -> sends.noise.Released:
    """The answer; `shares` of the budget are what it costs, and what is kept back for later."""
    total = rho_of(campaign.disclosure.epsilon)
    cost, kept = shares[0] * total, shares[1] * total

    def make() -> tuple[float, ...]:
        return noisy(values(), CONTRIBUTION[question.what], cost)

    return sends.noise.release(ledger, question, cost, total, make, at, kept)


def _sigma(told: sends.noise.Released, what: str) -> float:
    """Standard deviation of the noise."""
    return _moved(CONTRIBUTION[what], len(told.values)) / math.sqrt(2 * told.rho)


def _counts(told: sends.noise.Released, what: str) -> list[Count]:
    return [_count(value, _sigma(told, what), told) for value in told.values]


def _count(value: float, sigma: float, told: sends.noise.Released) -> Count:
    low, high = (max(0, end) for end in (math.floor(value - _WIDE * sigma), math.ceil(value + _WIDE * sigma)))
    return Count(max(0, round(value)), low, high, round(epsilon_of(told.rho), 4), told.at)


def _money(told: sends.noise.Released, sigma: float, unit: float) -> Count:
    units, wide = told.values[0], _WIDE * sigma
    value, low, high = (round(max(0.0, end) * unit, 2) for end in (units, units - wide, units + wide))
    return Count(value, low, high, round(epsilon_of(told.rho), 4), told.at)


def _not_few(count: Count, floor: int) -> Count:
    """The count, unless the noisy number is below `floor`: the exact one has no say in what is told."""
    if count.value is not None and count.value >= floor:
        return count
    return replace(count, value=None, low=0, high=max(floor, count.high))


@lru_cache(64)
def _mechanism(contribution: float, rho: float) -> tuple[Any, float]:
    """The measurement of OpenDP, and what it says that it costs."""
    if find_spec("opendp") is None:
        todo = "Install it: pip install 'suasion[privacy]'."
        raise MissingExtraError("a count for the public", "the package opendp is not installed", todo)
    dp: Any = import_module("opendp.prelude")
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    made = dp.m.make_gaussian(*space, scale=contribution / math.sqrt(2 * rho))
    return made, float(made.map(contribution))
