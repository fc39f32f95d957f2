"""The random flight of a draw: options are decided a few people at a time, and what is totaled stays.

A *column* is what one option of a unit (a person, or a household) changes in the totals against another
option of the unit, its *reference*. The window holds columns that are linearly independent, each settled in a
row of its own, and the matrix that turns them into unit vectors. A column that enters is independent as well,
and settles, or it closes a direction in which every total stays: then all options in it move, one way or the
other, as a fair game, until at least one of them is gone.

An *entry* is an option of a person: a place in the table of people and options read row by row. The kernels
pass arrays one by one, for numba counts references to every array that it takes out of a tuple.

- ``p`` (n * width,): probability of each entry; those of a unit sum to 1.
- ``rows`` (2, R): the entry settled in each row, -1 where the row is free; the place of its unit.
- ``places`` (3, R + 1): each unit's reference, -1 where the place is free; how many others; its number.
- ``waiting`` (2, most): entries that are to settle, and the places of their units.
- ``counted`` (3,): how many wait; moves made; moves made when the window was last set up.
- ``inverse`` (R, R): turns settled columns into unit vectors; transposed.
- ``columns`` (R, R), ``rates`` (R,): the settled columns divided by their largest part; one over that part.
- ``u`` (R,): a column in terms of the settled ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
TINY = 1e-12
"""Probabilities and parts of a column (its largest is 1) below this are rounding dust of what should be 0."""
ALIKE = 1e-11
"""A column whose independent part is below this is not independent."""
WRONG = 1e-10
"""How much a direction may change a total before the window is set up anew."""
ENTRY, OWNER = 0, 1
REFERENCE, OTHERS, UNIT = 0, 1, 2
WAIT, MOVES, ANEW = 0, 1, 2


class Units(NamedTuple):
    """Who is drawn for, in the order of entering; option 0 is nothing; of each total the largest part is 1.

    Parameters
    ----------
    p : array of float, shape (n * (1 + k),)
        Probability of each entry; those of a unit sum to 1. The flight writes into it.
    starts : array of int64, shape (units + 1,)
        The first person of each unit, and the end.
    groups : array of int64, shape (n,)
    costs : array of float, shape (n, 1 + k) or (1, 1 + k)
    counts : array of float, shape (groups, 1 + k, R)
    money : array of float, shape (1 + k, R)
    """

    p: Floats
    starts: Ids
    groups: Ids
    costs: Floats
    counts: Floats
    money: Floats


@numba.njit(cache=True, nogil=True)
def fly(units, chance, chosen):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Decide all but a few units: `chosen` (n,) gets what is decided. Return moves, and the undecided units.

    The undecided, R at most, have independent columns.
    """
    p, starts, groups, costs, counts, money = units
    width, totals = money.shape
    most = (starts[1:] - starts[:-1]).max() * width
    rows, places = np.full((2, totals), -1), np.full((3, totals + 1), -1)
    waiting, counted = np.empty((2, most + 2 * totals + 1), np.int64), np.array([0, 0, -1])
    inverse, columns, rates = np.eye(totals), np.zeros((totals, totals)), np.ones(totals)
    column, u, speeds, flows = np.zeros(totals), np.zeros(totals), np.zeros(totals), np.zeros(totals + 1)
    unit = 0
    while True:
        if counted[WAIT] == 0:
            if unit == len(starts) - 1:
                return counted[MOVES], np.sort(places[UNIT][places[REFERENCE] >= 0])
            first, last = starts[unit] * width, starts[unit + 1] * width
            _admit(p, width, unit, first, last, places, waiting, counted, chosen)
            unit += 1
            continue
        counted[WAIT] -= 1
        entry, place = waiting[0, counted[WAIT]], waiting[1, counted[WAIT]]
        rate = _column(groups, costs, counts, money, entry, places[REFERENCE, place], column)
        _turn(inverse, column, u)
        row = _free_row(rows, u)
        if row >= 0:
            _settle(inverse, row, u)
            _seat(rows, columns, rates, row, entry, place, rate, column)
        elif counted[ANEW] < counted[MOVES] and _residual(rows, columns, column, u) > WRONG:
            counted[ANEW] = counted[MOVES]
            _wait(waiting, counted, entry, place)
            _again(rows, inverse, waiting, counted)
        else:
            _move(p, rows, places, rates, speeds, flows, entry, place, rate, u, chance[counted[MOVES]])
            counted[MOVES] += 1
            if p[entry] > TINY:
                _wait(waiting, counted, entry, place)
            else:
                _gone(p, places, entry, place)
            _clear(p, width, rows, places, waiting, counted, chosen)


@numba.njit(cache=True, nogil=True, forceinline=True)
def _admit(p, width, unit, first, last, places, waiting, counted, chosen):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """A unit enters: its most probable entry is the reference, the others wait to settle."""
    best, some = first, 0
    for entry in range(first, last):
        some += p[entry] > TINY
        if p[entry] > p[best]:
            best = entry
    if some <= 1:
        chosen[best // width] = best % width
        return
    place = 0
    while places[REFERENCE, place] >= 0:
        place += 1
    places[REFERENCE, place], places[OTHERS, place], places[UNIT, place] = best, some - 1, unit
    for entry in range(first, last):
        if p[entry] > TINY and entry != best:
            _wait(waiting, counted, entry, place)


@numba.njit(cache=True, nogil=True, forceinline=True)
def _wait(waiting, counted, entry, place):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    waiting[0, counted[WAIT]], waiting[1, counted[WAIT]] = entry, place
    counted[WAIT] += 1


@numba.njit(cache=True, nogil=True, forceinline=True)
def _column(groups, costs, counts, money, entry, reference, column):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the column of an entry, divided by its largest part; return one over it, or 1 where all are 0."""
    width = len(money)
    i, a, j, b = entry // width, entry % width, reference // width, reference % width
    cost = costs[i if len(costs) > 1 else 0, a]
    other = costs[j if len(costs) > 1 else 0, b]
    size = 0.0
    for r in range(len(column)):
        one, two = counts[groups[i], a, r] + money[a, r] * cost, counts[groups[j], b, r] + money[b, r] * other
        column[r] = one - two
        size = max(size, abs(column[r]))
    rate = 1 / size if size > TINY else 0.0
    for r in range(len(column)):
        column[r] *= rate
        if abs(column[r]) <= TINY:
            column[r] = 0.0
    return rate if rate > 0 else 1.0


@numba.njit(cache=True, nogil=True, forceinline=True)
def _turn(inverse, column, u):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Write the column in terms of the settled ones."""
    for r in range(len(u)):
        u[r] = 0.0
    for c in range(len(column)):
        if column[c] != 0.0:
            for r in range(len(u)):
                u[r] += column[c] * inverse[c, r]


@numba.njit(cache=True, nogil=True, forceinline=True)
def _free_row(rows, u):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Where a column can settle best, or -1 where it depends on the settled ones."""
    best, most = -1, ALIKE
    for r in range(len(u)):
        if rows[ENTRY, r] < 0 and abs(u[r]) > most:
            best, most = r, abs(u[r])
    return best


@numba.njit(cache=True, nogil=True, forceinline=True)
def _settle(inverse, row, u):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Turn the column into the unit vector of its row; the other settled ones stay what they are."""
    for c in range(len(u)):
        part = inverse[c, row] / u[row]
        if part != 0.0:
            for r in range(len(u)):
                inverse[c, r] -= part * u[r]
            inverse[c, row] = part


@numba.njit(cache=True, nogil=True, forceinline=True)
def _seat(rows, columns, rates, row, entry, place, rate, column):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    rows[ENTRY, row], rows[OWNER, row], rates[row] = entry, place, rate
    for c in range(len(column)):
        columns[row, c] = column[c]


@numba.njit(cache=True, nogil=True, forceinline=True)
def _residual(rows, columns, column, u):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """How much the direction would change a total, relative to its largest speed."""
    worst, fastest = 0.0, 1.0
    for r in range(len(u)):
        if rows[ENTRY, r] >= 0:
            fastest = max(fastest, abs(u[r]))
            for c in range(len(u)):
                column[c] -= u[r] * columns[r, c]
    for c in range(len(u)):
        worst = max(worst, abs(column[c]))
    return worst / fastest


@numba.njit(cache=True, nogil=True, forceinline=True)
def _move(p, rows, places, rates, speeds, flows, entry, place, rate, u, luck):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Move the entry and the settled ones in the direction that keeps every total, one of two ways."""
    for w in range(len(flows)):
        flows[w] = 0.0
    flows[place] = -rate
    up, down = (np.inf, entry), (p[entry] / rate, entry)
    for r in range(len(u)):
        speeds[r] = 0.0
        if rows[ENTRY, r] >= 0 and abs(u[r]) > TINY:
            speeds[r] = -u[r] * rates[r]
            flows[rows[OWNER, r]] -= speeds[r]
            up, down = _room(p[rows[ENTRY, r]], speeds[r], rows[ENTRY, r], up, down)
    for w in range(len(flows)):
        if flows[w] != 0.0:
            up, down = _room(p[places[REFERENCE, w]], flows[w], places[REFERENCE, w], up, down)
    upward = luck * (up[0] + down[0]) < down[0]
    step, last = up if upward else (-down[0], down[1])
    p[entry] += rate * step
    for r in range(len(u)):
        if speeds[r] != 0.0:
            p[rows[ENTRY, r]] += speeds[r] * step
    for w in range(len(flows)):
        if flows[w] != 0.0:
            p[places[REFERENCE, w]] += flows[w] * step
    p[last] = 0.0


@numba.njit(cache=True, nogil=True, forceinline=True)
def _room(p, speed, entry, up, down):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """How far a move can go up and down, and which entry ends it."""
    if speed < 0:
        return (-p / speed, entry) if -p / speed < up[0] else up, down
    return up, (p / speed, entry) if p / speed < down[0] else down


@numba.njit(cache=True, nogil=True, forceinline=True)
def _gone(p, places, entry, place):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """An entry that can no longer be drawn; its dust goes to the reference."""
    p[places[REFERENCE, place]] += p[entry]
    p[entry] = 0.0
    places[OTHERS, place] -= 1


@numba.njit(cache=True, nogil=True, forceinline=True)
def _clear(p, width, rows, places, waiting, counted, chosen):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Let go of entries without probability, and of units that are decided."""
    for r in range(rows.shape[1]):
        if rows[ENTRY, r] >= 0 and p[rows[ENTRY, r]] <= TINY:
            _gone(p, places, rows[ENTRY, r], rows[OWNER, r])
            rows[ENTRY, r] = -1
    for place in range(places.shape[1]):
        reference = places[REFERENCE, place]
        if reference >= 0:
            if places[OTHERS, place] > 0 and p[reference] <= TINY:
                reference = _refer(p, rows, places, waiting, counted, place)
            if places[OTHERS, place] == 0:
                chosen[reference // width] = reference % width
                places[REFERENCE, place] = -1


@numba.njit(cache=True, nogil=True)
def _refer(p, rows, places, waiting, counted, place):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The reference of a unit is gone: the most probable of its other entries takes its place."""
    old, best = places[REFERENCE, place], -1
    for r in range(rows.shape[1]):
        if rows[ENTRY, r] >= 0 and rows[OWNER, r] == place:
            _wait(waiting, counted, rows[ENTRY, r], place)
            rows[ENTRY, r] = -1
    for at in range(counted[WAIT]):
        if waiting[1, at] == place and (best < 0 or p[waiting[0, at]] > p[waiting[0, best]]):
            best = at
    places[REFERENCE, place] = waiting[0, best]
    counted[WAIT] -= 1
    waiting[0, best], waiting[1, best] = waiting[0, counted[WAIT]], waiting[1, counted[WAIT]]
    _gone(p, places, old, place)
    return places[REFERENCE, place]


@numba.njit(cache=True, nogil=True)
def _again(rows, inverse, waiting, counted):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Set the window up anew: everything settled waits to settle again."""
    inverse[:] = 0.0
    for r in range(len(inverse)):
        inverse[r, r] = 1.0
        if rows[ENTRY, r] >= 0:
            _wait(waiting, counted, rows[ENTRY, r], rows[OWNER, r])
            rows[ENTRY, r] = -1


@numba.njit(cache=True, nogil=True)
def largest_parts(units):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """The most that an entry with probability adds to each total, or takes from it; shape (R,)."""
    p, groups, costs, counts, money = units.p, units.groups, units.costs, units.counts, units.money
    width, totals = money.shape
    most = np.zeros(totals)
    for i in range(len(groups)):
        for option in range(width):
            if p[i * width + option] > TINY:
                cost = costs[i if len(costs) > 1 else 0, option]
                for r in range(totals):
                    most[r] = max(most[r], abs(counts[groups[i], option, r] + money[option, r] * cost))
    return most
