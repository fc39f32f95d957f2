"""What a sent campaign cost, what came back, and whether it paid."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

from suasion.experiments import Design, Treatment
from suasion.ledger import Campaign, sends
from suasion.measurement.quotient import over, together
from suasion.measurement.units import Unit, digits, price
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]
Place = tuple[str | None, str | None]
"""A channel and a treatment; None for people erased since."""
LEVEL = 0.95
PAID = "as paid"


@dataclass(frozen=True)
class Line:
    """What one treatment cost in one channel.

    Parameters
    ----------
    channel, treatment : str or None
        None: sends to people who were erased since.
    sends : int
        Claimed, and not undone.
    set_aside : float
        Money as expected when they were planned, vouchers included.
    paid : Estimate
        Money as it turned out: sends, and vouchers redeemed. An interval of no width where all is known.
    """

    channel: str | None
    treatment: str | None
    sends: int
    set_aside: float
    paid: Estimate


@dataclass(frozen=True)
class Return:
    """What came back, by one outcome.

    Parameters
    ----------
    outcome : str
    worth : float or None
        Money that one more is worth: as declared, or 1 of an outcome that is money. None where neither.
    extra : Estimate
        Outcomes that would not have been.
    cost_per_extra : Estimate or None
        Money for one more; for one less where less is wanted. None where that cannot be told from 0.
    net : Estimate or None
        Money that came back less money spent; None without a worth.
    ratio : Estimate or None
        Money that came back for 1 spent; None without a worth, or where nothing was spent.
    """

    outcome: str
    worth: float | None
    extra: Estimate
    cost_per_extra: Estimate | None
    net: Estimate | None
    ratio: Estimate | None


@dataclass(frozen=True)
class Spending:
    """What a campaign cost and what came back.

    Parameters
    ----------
    lines : tuple of Line
    committed, given_back : float
        Money of all claims, and of those that were undone.
    spent : Estimate
        All lines together.
    returns : tuple of Return
        The campaign's outcome first.
    sentence : str
        Whether it paid.
    """

    lines: tuple[Line, ...]
    committed: float
    given_back: float
    spent: Estimate
    returns: tuple[Return, ...]
    sentence: str


def redeemed(design: Design, paid_to: pa.Table, recorded: pa.Table) -> dict[Place, Floats]:
    """Outcomes that decide on vouchers, of everybody to whom a send with one went.

    Parameters
    ----------
    design : Design
    paid_to : pyarrow.Table
        From `suasion.ledger.sends.paid_to`.
    recorded : pyarrow.Table
        A column ``person``, and ``outcome:NAME`` of each outcome.

    Returns
    -------
    dict of (channel, treatment) to array of float
        NaN where the outcome is not known yet.
    """
    found = dict[Place, Floats]()
    rows = pc.index_in(paid_to["person"], recorded["person"].combine_chunks())
    for treatment in design.treatments:
        mine = pc.equal(paid_to["treatment"], treatment.name)
        for channel in paid_to["channel"].filter(mine).unique().to_pylist() if treatment.price_if else ():
            here = pc.and_(mine, pc.equal(paid_to["channel"], channel))
            came = recorded[f"outcome:{treatment.price_if}"].take(rows.filter(here)).cast(pa.float64())
            found[channel, treatment.name] = came.to_numpy(zero_copy_only=False)
    return found


def spending(
    campaign: Campaign,
    design: Design,
    costs: sends.Costs,
    vouchers: Mapping[Place, Floats],
    extra: Mapping[str, Estimate],
    money: Collection[str],
    currency: str,
) -> Spending:
    """Say what a campaign cost and what came back.

    Vouchers cost what was redeemed. Where that is not known of everybody yet, the mean of those of whom it is
    known stands for the others, with the error of a sample from a finite population (Cochran 1977, Sampling
    Techniques, 2.8). What was spent and what came back are then taken as independent, which is wide where
    those who redeem are those who do what was hoped for.

    Parameters
    ----------
    campaign : Campaign
    design : Design
    costs : suasion.ledger.sends.Costs
    vouchers : mapping of (channel, treatment) to array of float
        From `redeemed`.
    extra : mapping of str to Estimate
        Extra outcomes, of all people of the plan; empty where nothing is known.
    money : collection of str
        Outcomes that are sums of money.
    currency : str

    Returns
    -------
    Spending

    Examples
    --------
    >>> from suasion.experiments import Assignment
    >>> shop = Campaign(name="spring", sponsor="Shop", purpose="commercial", source="past", segment="all",
    ...                 control="none", outcome="came", features=("age",), budget=100.0, worth=8.0,
    ...                 treatments={"mail": {"cost": 0.2}})
    >>> design = Design((Treatment("none"), Treatment("mail", cost=0.2)), Assignment.KNOWN)
    >>> costs = sends.Costs((sends.Cost("email", "mail", 100, 20.0),), 20.0, 0.0)
    >>> found = spending(shop, design, costs, {}, {"came": Estimate(10, 4, 16, 500, "AIPW")}, (), "EUR")
    >>> found.sentence
    'For 1 EUR spent, 4.0 EUR came back (1.6 to 6.4): it paid.'
    >>> found.returns[0].cost_per_extra.scaled(digits=2), found.returns[0].net.scaled(digits=0)
    ('2.00 (1.25 to 5.00)', '60 (12 to 108)')
    """
    level = next((estimate.level for estimate in extra.values()), LEVEL)
    terms = {treatment.name: treatment for treatment in design.treatments}
    lines = tuple(
        Line(
            one.channel,
            one.treatment,
            one.sends,
            one.money,
            _paid(one, terms.get(one.treatment or ""), vouchers.get((one.channel, one.treatment)), level),
        )
        for one in costs.lines
    )
    spent = together([line.paid for line in lines], level)
    ordered = sorted(extra, key=lambda outcome: outcome != campaign.outcome)
    returns = tuple(_return(name, _worth(campaign, name, money), extra[name], spent) for name in ordered)
    sentence = _sentence(returns, spent, currency)
    return Spending(lines, costs.committed, costs.given_back, spent, returns, sentence)


def _paid(one: sends.Cost, terms: Treatment | None, came: Floats | None, level: float) -> Estimate:
    """The money of one line."""
    aside, n = one.money, one.sends
    if terms is None or terms.price_if is None or came is None:
        return Estimate(aside, aside, aside, n, PAID, level)
    known = came[~np.isnan(came)]
    k = len(known)
    if k < n and (k < 2 or np.ptp(known) == 0):
        return Estimate(aside, aside, aside, n, "as expected when it was planned", level)
    half = 0.0
    if k < n:
        half = n * sqrt((1 - k / n) * known.var(ddof=1) / k) * float(stdtrit(k - 1, (1 + level) / 2))
    fixed, total, least = terms.cost * n, n * float(known.mean()), float(known.sum())
    low = min(total, max(total - half, least))
    value, low, high = (fixed + terms.price * end for end in (total, low, total + half))
    return Estimate(value, low, high, n, PAID if k == n else f"vouchers known of {k:,} of {n:,}", level)


def _worth(campaign: Campaign, outcome: str, money: Collection[str]) -> float | None:
    if outcome == campaign.outcome and campaign.worth is not None:
        return campaign.worth
    return 1.0 if outcome in money else None


def _return(outcome: str, worth: float | None, extra: Estimate, spent: Estimate) -> Return:
    wanted = extra if worth is None or worth >= 0 else extra.times(-1)
    cost = over(spent, wanted) if spent.value > 0 and wanted.low > 0 else None
    if worth is None:
        return Return(outcome, None, extra, cost, None, None)
    back = extra.times(worth)
    net = replace(together([back, spent.times(-1)], extra.level), n=extra.n, method=f"{extra.method} - cost")
    return Return(outcome, worth, extra, cost, net, over(back, spent) if spent.low > 0 else None)


def _sentence(returns: Sequence[Return], spent: Estimate, currency: str) -> str:
    valued = next((one for one in returns if one.worth is not None), None)
    if not spent.value > 0:
        return "Nothing was spent, so there is no return on it."
    if not returns:
        return "Whether it paid cannot be told yet: what it changed is not known."
    if valued is None:
        return _cost(returns[0], currency)
    if valued.ratio is None:
        return "Whether it paid cannot be told yet: too few vouchers are known to say what it cost."
    return _paid_off(valued.ratio, currency)


def _cost(one: Return, currency: str) -> str:
    if one.cost_per_extra is None:
        return f"Whether it paid cannot be told yet: it is not sure that it brought any '{one.outcome}'."
    shown = price([one.cost_per_extra.value]).shown(one.cost_per_extra)
    return (
        f"One more '{one.outcome}' cost {shown.value} {currency} ({shown.interval}). "
        "Whether that paid depends on what one is worth (worth = ...)."
    )


def _paid_off(ratio: Estimate, currency: str) -> str:
    unit = Unit(1, digits([ratio.high - ratio.low], 1, least=1))
    if ratio.high < 0:
        lost = unit.shown(ratio.times(-1))
        return f"For 1 {currency} spent, another {lost.value} {currency} was lost ({lost.interval})."
    shown = unit.shown(ratio)
    back = f"or 1 {currency} spent, {shown.value} {currency} came back ({shown.interval})"
    if ratio.low > 1:
        return f"F{back}: it paid."
    if ratio.high < 1:
        return f"F{back}: it did not pay."
    if ratio.low > 0:
        return f"F{back}; whether it paid cannot be told yet."
    return f"Whether it paid cannot be told yet: f{back}."
