"""How a plan is made: what is open, what limits leave, and the best within that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation.conflict import conflict, possible
from suasion.allocation.floors import Floors, floors_within
from suasion.allocation.limits import Capacity, Limit, Money, Parity, check_limits
from suasion.allocation.options import Options
from suasion.allocation.prices import People, take
from suasion.allocation.reserve import apart_from, may_bind, sure_of
from suasion.allocation.rows import Rows, rows_of
from suasion.allocation.solve import Market, Solved, solve, without
from suasion.allocation.survey import Survey, check_costs, survey
from suasion.allocation.told import Price, Words, furthest, price_of
from suasion.errors import CampaignError
from suasion.experiments import Totals

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Request:
    """What is asked of a plan; see `plan.plan`."""

    options: Options
    budget: float
    limits: tuple[Limit, ...]
    households: npt.NDArray[np.integer] | None
    holdout: float
    exploration: float
    least_segment: int = 0
    adapt: bool = True
    drawn: bool = True

    @property
    def units(self) -> Ids | None:
        """The household of each person, numbered."""
        if self.households is None:
            return None
        return np.unique(self.households, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class Made:
    """What became of a request; see `plan.Plan`."""

    choices: npt.NDArray[np.unsignedinteger]
    shares: Floats
    floors: Floors
    totals: Totals
    prices: tuple[Price, ...]
    bound: float
    value: float
    cost: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A request, with some options shut, as it is solved.

    Parameters
    ----------
    market : Market
        With the rows that may bind.
    floors : Floors
    sure : array of float, shape (M,)
        What a draw can be sure to stay within.
    apart : array of float, shape (R,)
        How far a draw may be from each total.
    short : tuple of int
        Rows that floors of exploration were lowered for.
    """

    market: Market
    seen: Survey
    floors: Floors
    sure: Floats
    apart: Floats
    short: tuple[int, ...]

    def left(self, most: Floats) -> Floats:
        """What floors leave of each row."""
        rows = self.market.rows
        left = most - rows.weights @ self.floors.totals(rows, self.seen)
        # Where floors use the last of a resource, rounding may make it less than nothing.
        return np.where(rows.resource, np.maximum(left, 0), left)


def made(request: Request, words: Words) -> Made:
    """Make the plan that was asked for; see `plan.plan`."""
    options, k = request.options, len(request.options.treatments)
    check_options(options)
    check_limits(request.limits, len(options.persons), k)
    limits = (*request.limits, *_segments(request))
    rows = rows_of(limits, len(options.persons), k)
    people = _people(request, rows)
    shut, dropped, bound = ~options.permitted, list[str](), 0.0
    while True:
        task, solved, notes = _solved(request, _task(request, people, rows, shut, limits), limits)
        taken = solved.taken
        given = np.tensordot(solved.shares, taken.counts, axes=1) + task.floors.counts(task.seen)
        bound = max(bound, task.floors.value(task.seen) + solved.bound)
        small = _smallest(given.sum(axis=0), task, request)
        if small is None:
            break
        dropped.append(options.treatments[small])
        shut = shut | (np.arange(k) == small)
    spent = solved.shares @ taken.spent + task.floors.spread[1] * task.seen.money
    used = np.tensordot(rows.totals.counts, given, axes=2) + rows.totals.money @ spent
    base, value = task.floors.value(task.seen), float(solved.shares @ taken.value)
    return Made(
        choices=np.column_stack(taken.picks),
        shares=solved.shares,
        floors=task.floors,
        totals=task.market.rows.totals,
        prices=_prices(request, task, solved, used, words),
        bound=float(max(bound, base + value)),
        value=base + value,
        cost=float(spent.sum()),
        notes=(*notes, *_dropped(dropped, request), *_notes(request, task, limits)),
    )


def _smallest(given: Floats, task: Task, request: Request) -> int | None:
    """The option of the fewest people, if those may be fewer in a draw than a segment must have."""
    if not request.least_segment:
        return None
    apart = task.apart[-len(given) :]
    few = (given > 0) & (given < request.least_segment + np.maximum(apart - 1, 0))
    return int(np.argmin(np.where(few, given, np.inf))) if few.any() else None


def check_options(options: Options) -> None:
    """Refuse arrays that do not belong together, and costs that are none."""
    n, k = len(options.persons), len(options.treatments)
    if not k:
        raise CampaignError("options", "none", "Declare a treatment.")
    for name, found, shapes in (
        ("effects", options.effects, ((n, k),)),
        ("costs", options.costs, ((n, k), (1, k))),
        ("values", options.values, ((n, k),)),
        ("closed options", options.closed, ((n, k),)),
        ("permitted options", options.permitted, ((k,),)),
    ):
        if found is not None and found.shape not in shapes:
            raise CampaignError(
                name, f"shape {found.shape} for {n:,} people and {k} options", "Make them fit."
            )
    check_costs(options.costs)


def _people(request: Request, rows: Rows) -> People:
    options, units = request.options, request.units
    n, k = options.effects.shape
    common = not n or options.costs.strides[0] == 0
    costs = np.zeros((1, k)) if not n else options.costs[:1] if common else options.costs
    order, starts = np.empty(0, np.int64), np.empty(0, np.int64)
    if units is not None and n:
        if units.shape != (n,):
            raise CampaignError("households", f"{len(units):,} for {n:,} people", "Give one a person.")
        order = np.lexsort((options.persons, units))
        starts = np.append(0, np.cumsum(np.bincount(units)))
    worth = options.worth
    values = worth if worth.dtype.kind == "f" else worth.astype(np.float64)
    if options.values is not None and bool((np.isnan(options.effects) & ~np.isnan(values)).any()):
        raise CampaignError("values", "values of effects that are unknown", "Make them unknown too.")
    closed = np.zeros((0, k), np.bool_) if options.closed is None else options.closed
    return People(values, costs, closed, rows.totals.groups.astype(np.int32), order, starts)


def _segments(request: Request) -> tuple[Capacity, ...]:
    """With a least segment, the people of every option are counted."""
    if not request.least_segment:
        return ()
    each = np.eye(len(request.options.treatments), dtype=np.bool_)
    names = request.options.treatments
    return tuple(Capacity(f"people given '{name}'", each[j], np.inf) for j, name in enumerate(names))


def _task(request: Request, people: People, rows: Rows, shut: Bools, limits: tuple[Limit, ...]) -> Task:
    seen = survey(people, shut, rows.totals.counts.shape[1], floors=request.exploration > 0)
    sure, apart = rows.most, np.zeros(len(rows.totals.names))
    if request.drawn:
        counted = np.zeros(len(rows.totals.names), np.bool_)
        if request.least_segment:
            counted[-len(shut) :] = True
        rows = rows.keep(may_bind(people, rows, seen, shut), counted)
        apart = apart_from(people, rows, seen, shut)
        sure = sure_of(rows, seen, shut, apart)
    named = {row: limits[owner].name for row, owner in enumerate(rows.owner.tolist())}
    floors = Floors(request.holdout, np.full((2, len(shut)), request.exploration), seen.among, shut)
    floors, short = floors_within(rows, sure, seen, floors, named, adapt=request.adapt)
    room = floors.room(request.options, request.units)
    return Task(Market(people, rows, shut, room), seen, floors, sure, apart, short)


def _solved(request: Request, task: Task, limits: tuple[Limit, ...]) -> tuple[Task, Solved, tuple[str, ...]]:
    asked, sure = task.left(task.market.rows.most), task.left(task.sure)
    solved = solve(task.market, asked, sure)
    if isinstance(solved, Solved):
        return task, solved, ()
    ends, owner = task.market.rows.most, task.market.rows.owner
    if not possible(task.market, asked, sorted(set(owner.tolist()))):
        raise conflict(task.market, asked, ends, limits, drawn=False)
    if (ends < 0).any() or (request.exploration > 0 and not request.adapt):
        raise conflict(task.market, sure, task.sure, limits, drawn=True)
    bare = replace(task.floors, spread=0 * task.floors.spread)
    room = bare.room(request.options, request.units)
    task = replace(task, floors=bare, market=replace(task.market, weights=room), short=())
    best = solve(task.market, ends, ends)
    if isinstance(best, list):
        raise conflict(task.market, ends, ends, limits, drawn=False)
    named = " and ".join(sorted({f"'{limits[owner[row]].name}'" for row in solved}))
    note = f"No draw among so few people is sure to keep {named}: nobody is treated."
    closed, nothing = np.full((1, len(ends)), np.inf), task.market.nothing()
    return task, replace(best, tables=closed, shares=np.ones(1), taken=nothing), (note,)


def _prices(request: Request, task: Task, solved: Solved, used: Floats, words: Words) -> tuple[Price, ...]:
    rows, found, at = task.market.rows, list[Price](), 0
    for number, limit in enumerate(request.limits):
        own = rows.owner == number
        if isinstance(limit, Parity):
            groups = int(limit.groups.max(initial=0)) + 1
            paid = bool((solved.prices[own] > 0).any())
            value = without(task.market, solved, task.left(rows.most), own) if paid else 0.0
            found.append(price_of(limit, value, furthest(limit, used[at : at + groups]), words))
            at += groups
            continue
        signs = rows.weights[own].sum(axis=1)
        value = float(signs @ solved.prices[own])
        if len(task.short) == 1 and isinstance(limit, Money) and own[task.short[0]] and own.all():
            value = _floor_price(request, task, solved)
        found.append(price_of(limit, value, float(used[at]), words))
        at += 1
    return tuple(found)


def _floor_price(request: Request, task: Task, solved: Solved) -> float:
    """What more money adds where it pays for exploration: more of that, and less of what is free."""
    options, seen = request.options, task.seen
    paid = Floors(0.0, np.zeros((2, len(task.floors.shut))), seen.among, task.floors.shut)
    paid.spread[1] = 1.0
    weights = 1 - replace(paid, holdout=0.0).room(options, request.units)
    weights = np.broadcast_to(weights, len(options.persons)).copy()
    instead = take(task.market.people, *task.market.tables(solved.tables), weights).value
    return float((seen.value[1].sum() - solved.shares @ instead) / seen.money.sum())


def _dropped(dropped: list[str], request: Request) -> tuple[str, ...]:
    if not dropped:
        return ()
    named = ", ".join(f"'{name}'" for name in dropped)
    return (f"Nobody is given {named}: it would have been fewer than {request.least_segment:,} people.",)


def _notes(request: Request, task: Task, limits: tuple[Limit, ...]) -> tuple[str, ...]:
    """What could not be done as asked."""
    notes, rows = list[str](), task.market.rows
    used = rows.weights @ replace(task.floors, spread=0 * task.floors.spread + request.exploration).totals(
        rows, task.seen
    )
    for row in task.short:
        limit, share = limits[rows.owner[row]], task.sure[row] / used[row]
        named = "The budget" if limit.name == "budget" else f"'{limit.name}'"
        notes.append(
            f"{named} pays for {share:.0%} of the exploration floor; nothing is left to target with."
        )
    if task.seen.unknown:
        who = f"Of {task.seen.unknown:,} people nothing is known"
        notes.append(f"{who}: they are unlike those learned from, and get nothing.")
    if not task.seen.open.any():
        notes.append("No option is both permitted and expected to help anybody: nobody is treated.")
        return tuple(notes)
    for row in np.flatnonzero(rows.resource & (task.sure == 0)):
        limit = limits[rows.owner[row]]
        if isinstance(limit, Money):
            named = (
                f"A budget of {limit.most:g}"
                if limit.name == "budget"
                else f"{limit.most:g} for '{limit.name}'"
            )
            notes.append(f"{named} buys nothing but options that cost nothing.")
        elif isinstance(limit, Capacity):
            notes.append(
                f"A capacity of {limit.most:g} for '{limit.name}' is too small for a draw: it is not used."
            )
    return tuple(notes)
