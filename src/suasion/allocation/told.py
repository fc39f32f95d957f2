"""What limits cost, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.allocation.limits import Capacity, Limit, Money, Parity


@dataclass(frozen=True)
class Words:
    """What units are called.

    Parameters
    ----------
    money : str
        For example ``"EUR"``.
    value : str
        What is maximized, for example ``"visits"``.
    """

    money: str = "unit of money"
    value: str = "of value"


@dataclass(frozen=True)
class Price:
    """What one limit costs a plan.

    Parameters
    ----------
    limit : str
        Its name.
    value : float
        What one more unit of the limit would add, in units of value; of parity, the share of all value that
        it costs.
    used, most : float
        What the plan is expected to use, and what there is; of parity, the measure of the group furthest off
        and the least or most it may be.
    sentence : str
    """

    limit: str
    value: float
    used: float
    most: float
    sentence: str


def price_of(limit: Limit, value: float, used: float, words: Words) -> Price:
    """The price of a limit, told.

    Parameters
    ----------
    limit : Money, Capacity or Parity
    value, used : float
        As of `Price`; a capacity with a price below 0 is held to its least.
    words : Words

    Returns
    -------
    Price

    Examples
    --------
    >>> budget = Money("the spring", np.ones(1, np.bool_), 200.0)
    >>> price_of(budget, 0.0312, 199.5, Words("EUR", "visits")).sentence
    'One more EUR for the spring would add 0.0312 visits.'
    """
    if isinstance(limit, Parity):
        most = limit.least_ratio if limit.most_gap is None else limit.most_gap
        told = f"Parity between the groups of {limit.name} costs {100 * value:.2g} % of the value."
        return Price(limit.name, value, used, most or 0.0, told if value > 0 else _free(limit.name))
    named = "the budget" if limit.name == "budget" else limit.name
    if isinstance(limit, Capacity) and value < 0 and limit.least:
        told = f"The last of the {limit.least:,.10g} that {named} asks for costs {-value:.3g} {words.value}."
        return Price(limit.name, value, used, limit.least, told)
    unit = words.money if isinstance(limit, Money) else "place"
    told = f"One more {unit} for {named} would add {value:.3g} {words.value}."
    rest = f"One more {unit} for {named} would add nothing: {used:,.6g} of {limit.most:,.6g} are used."
    return Price(limit.name, value, used, limit.most, told if value > 0 else rest)


def _free(name: str) -> str:
    return f"Parity between the groups of {name} costs nothing."


def furthest(limit: Parity, treated: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> float:
    """How far off the group furthest off is expected to be; treated people by group."""
    sizes = np.bincount(limit.groups, minlength=len(treated)).astype(np.float64)
    there, whole = sizes > 0, float(treated.sum())
    if not whole:
        return 1.0 if limit.most_gap is None else 0.0
    if limit.measure == "share" and limit.most_gap is not None:
        return float(np.abs(treated / whole - sizes / sizes.sum())[there].max())
    rates, overall = treated[there] / sizes[there], whole / float(sizes.sum())
    return float(np.abs(rates - overall).max() if limit.least_ratio is None else (rates / overall).min())
