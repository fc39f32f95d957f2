"""Prices of limits by cutting planes, and the mixture of price tables that keeps the limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from suasion.allocation.prices import Taken

Floats = npt.NDArray[np.float64]
FINEST: Any = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
DUST = 1e-12
"""Of a scaled sum: what adding up in another order may change."""
FAINT = 1e-9
"""Of a scaled number: what a linear program may be wrong by."""
WIDEST = 1e6
"""A scaled price that is not looked beyond."""


class Market(Protocol):
    """Answers what all take at prices, which are rounded to `rounding`."""

    @property
    def rounding(self) -> float: ...

    def __call__(self, prices: Floats, worth: float) -> Taken:
        """What is taken at row prices (T, M)."""
        ...

    def used(self, taken: Taken) -> tuple[Floats, Floats]:
        """What is used of each row (T, M), and its size were all that is added counted as positive."""
        ...

    def nothing(self) -> Taken:
        """What is taken where nothing is for sale."""
        ...


@dataclass
class Pool:
    """Price tables that were tried, and what is taken at each.

    Whatever the limits' ends, every table is a possible part of a mixture and so bounds the dual from
    below, and the dual at its prices bounds every plan from above (Lagrangian relaxation: Geoffrion 1974,
    Mathematical Programming Study 2:82; cutting planes: Kelley 1960, SIAM Journal 8:703).

    Parameters
    ----------
    market : Market
    ends : array of float, shape (M,)
        The most of each row, for its scale.
    like : tuple of array of float, shape (M,), and float, optional
        Scales of rows and of value, where they are known from a sample.
    """

    market: Market
    ends: Floats
    like: tuple[Floats, float] | None = None
    prices: Floats = field(init=False)
    worth: Floats = field(init=False)
    value: Floats = field(init=False)
    used: Floats = field(init=False)
    taken: list[Taken] = field(init=False)
    scale: Floats = field(init=False)
    top: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing for anybody and, where scales are not known, with what all take for free."""
        m = len(self.ends)
        self.prices, self.used = np.full((1, m), np.inf), np.zeros((1, m))
        self.value, self.worth, self.taken = np.zeros(1), np.zeros(1), [self.market.nothing()]
        if self.like is not None:
            self.scale, self.top = self.like
            return
        self.ask(np.zeros((1, m)))
        scale = np.maximum(self.market.used(self.taken[1])[1][0], np.abs(self.ends))
        self.scale, self.top = np.where(scale > 0, scale, 1.0), float(self.value[1]) or 1.0

    def ask(self, prices: Floats, worth: float = 1.0) -> None:
        """Try prices (T, M)."""
        taken = self.market(prices, worth)
        self.taken += [taken.of(table) for table in range(len(prices))]
        self.prices = np.vstack([self.prices, prices])
        self.used = np.vstack([self.used, self.market.used(taken)[0]])
        self.value = np.append(self.value, taken.value)
        self.worth = np.append(self.worth, np.full(len(prices), worth))

    def best(self, most: Floats, worth: float = 1.0) -> tuple[float, Floats]:
        """The least bound that any prices tried give, and those prices."""
        on = np.flatnonzero((self.worth == worth) & np.isfinite(self.prices).all(axis=1))
        duals = worth * self.value[on] + (self.prices[on] * (most - self.used[on])).sum(axis=1)
        duals += self.prices[on] @ self.scale * self.market.rounding
        return float(duals.min()), self.prices[on[np.argmin(duals)]]


@dataclass(frozen=True)
class Effort:
    """How long a search goes on.

    Parameters
    ----------
    close, enough : float
        How close to the bound tables must come, as a share of the value of all for free; what is enough
        after `patience`.
    patience, most : int
        Numbers of prices tried.
    radius : float
        Of the first box; prices are scaled such that 1 gives all of a limit the value of all.
    everywhere : bool
        Whether nothing lower may be left outside of the last box either.
    """

    close: float = 1e-10
    enough: float = 1e-4
    patience: int = 50
    most: int = 200
    radius: float = 1.0
    everywhere: bool = True


def lower(pool: Pool, most: Floats, effort: Effort) -> bool:
    """Lower the bound by trying prices, until it is close to what mixtures of tables reach.

    The next prices are the lowest of the lower model within a box around the best so far; the box grows
    where that helps and shrinks where it does not (a trust region: Marsten, Hogan, Blankenship 1975,
    Operations Research 23:389).

    Parameters
    ----------
    pool : Pool
        Grows.
    most : array of float, shape (M,)
    effort : Effort

    Returns
    -------
    bool
        False where prices show that nothing keeps the limits.
    """
    radius = effort.radius
    for turn in range(effort.most):
        bound, prices = pool.best(most)
        if bound < -FAINT * pool.top:
            return False
        close = effort.close if turn < effort.patience else effort.enough
        center = prices * pool.scale / pool.top
        tried, model = _lowest(pool, most, np.maximum(center - radius, 0), center + radius)
        if bound / pool.top - model <= close:
            if not effort.everywhere:
                return True
            if bound / pool.top - _lowest(pool, most, 0 * center, WIDEST + center)[1] <= close:
                return True
            radius *= 10
            continue
        pool.ask(tried[None] * pool.top / pool.scale)
        radius *= 1.5 if pool.best(most)[0] < bound else 0.6
    return pool.best(most)[0] >= -FAINT * pool.top


def _model(pool: Pool, most: Floats) -> Floats:
    """The lower model's slopes in scaled prices; shape (T, M)."""
    return (most - pool.used) / pool.scale


def _lowest(pool: Pool, most: Floats, low: Floats, high: Floats, worth: float = 1.0) -> tuple[Floats, float]:
    """Where in a box of scaled prices the model is lowest, and how low; values scaled too."""
    slopes = _model(pool, most)
    if len(low) == 1:
        return _lowest_of_lines(worth * pool.value / pool.top, slopes[:, 0], float(low[0]), float(high[0]))
    free, end = np.append(low, -np.inf), np.append(high, np.inf)
    goal, rows = np.append(np.zeros(len(low)), 1.0), np.column_stack([slopes, -np.ones(len(slopes))])
    found = _program(goal, rows, -worth * pool.value / pool.top, free, end)
    return (low, -np.inf) if found is None else (found[:-1], float(found[-1]))


def _lowest_of_lines(starts: Floats, slopes: Floats, low: float, high: float) -> tuple[Floats, float]:
    """Where the highest of some lines is lowest: at an end, or where a falling line meets a rising one."""
    falls, rises = np.flatnonzero(slopes < 0), np.flatnonzero(slopes > 0)
    meet = (starts[falls, None] - starts[rises]) / (slopes[rises] - slopes[falls, None])
    places = np.clip(np.concatenate([[low, high], meet.ravel()]), low, high)
    heights = (starts + places[:, None] * slopes).max(axis=1)
    at = int(np.argmin(heights))
    return places[at : at + 1], float(heights[at])


def _program(
    goal: Floats, rows: Floats, ends: Floats, low: Floats, high: Floats, *, shares: bool = False
) -> Floats | None:
    """The least of a small linear program, of `shares` that sum to 1; None where there is none."""
    solved = linprog(
        goal,
        A_ub=rows,
        b_ub=ends,
        A_eq=np.ones((1, len(goal))) if shares else None,
        b_eq=[1.0] if shares else None,
        bounds=list(zip(low.tolist(), high.tolist(), strict=True)),
        method="highs-ds",
        options=FINEST,
    )
    return None if solved.x is None else np.clip(solved.x, low, high)


def settle(pool: Pool, most: Floats, passes: int) -> Floats:
    """The least of all best prices: what one more unit of a limit adds, where it adds less than the last.

    Returns
    -------
    array of float, shape (M,)
    """
    for _ in range(passes):
        bound, prices = pool.best(most)
        room = bound / pool.top * (1 + DUST) + DUST - pool.value / pool.top
        high = prices * pool.scale / pool.top
        found = _program(np.ones(len(most)), _model(pool, most), room, np.zeros(len(most)), high)
        if found is None:
            return prices
        tried = found * pool.top / pool.scale
        before = len(pool.value)
        pool.ask(tried[None])
        reached = pool.value[before] + float(tried @ (most - pool.used[before]))
        if reached <= bound + FAINT * pool.top:
            return tried
    return pool.best(most)[1]


def keep(pool: Pool, most: Floats, passes: int) -> list[int]:
    """Look for a mixture that keeps all limits, whatever it is worth.

    Returns
    -------
    list of int
        Empty where there is one, or the rows that no mixture keeps together.
    """
    if not (most < 0).any():
        return []
    ones = np.ones(len(most))
    for _ in range(passes):
        tried, model = _lowest(pool, most, 0 * ones, ones, worth=0.0)
        if model >= -FAINT:
            return []
        prices = tried * pool.top / pool.scale
        pool.ask(prices[None], worth=0.0)
        if float(prices @ (most - pool.used[-1])) < -FAINT * pool.top:
            return np.flatnonzero(tried > FAINT).tolist()
    return np.flatnonzero(most < 0).tolist()


def mixture(pool: Pool, most: Floats, resource: npt.NDArray[np.bool_]) -> Floats | None:
    """Shares of the tables tried, such that what is used on average is within `most`, worth the most.

    Parameters
    ----------
    pool : Pool
    most : array of float, shape (M,)
    resource : array of bool, shape (M,)
        Of a resource that is used up, a table may not use the least.

    Returns
    -------
    array of float, shape (T,), or None
        They sum to 1, and at most M + 1 of them are not 0.
    """
    used, ends = pool.used / pool.scale, most / pool.scale
    spent = ((used > 0) & (resource & (most <= 0))).any(axis=1)
    margin = np.zeros(len(most))
    for _ in range(5):
        most_of = np.where(spent, 0.0, 1.0)
        found = _program(-pool.value / pool.top, used.T, ends - margin, 0 * most_of, most_of, shares=True)
        if found is None:
            return None
        shares = _polished(np.where(found > DUST, found, 0.0), used, ends - margin)
        over = shares @ used - ends
        if (over <= DUST).all():
            return shares
        margin += np.where(over > DUST, 2 * over, 0.0)
    return None


def _polished(shares: Floats, used: Floats, ends: Floats) -> Floats:
    """The same corner, solved for in full precision."""
    shares = shares / shares.sum()
    on, tight = np.flatnonzero(shares), np.abs(shares @ used - ends) < 1e-7
    rows = np.vstack([np.ones(len(on)), used[np.ix_(on, tight)].T])
    exact = np.linalg.lstsq(rows, np.append(1.0, ends[tight]), rcond=None)[0]
    if (exact < 0).any() or np.abs(exact - shares[on]).max() > 1e-5:
        return shares
    better = np.zeros_like(shares)
    better[on] = exact / exact.sum()
    return better
