"""The landing of a draw: where no move keeps every total, one total is let go of."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from suasion.experiments.flight import TINY, Units, fly

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
PART = 1 << 17
"""Units that fly together at first."""
DUST = 1e-9
"""What the last people lack to a whole probability may be the dust of everybody's moves."""


def decided(units: Units, people: Ids, chance: Floats) -> Ids:
    """Fly in parts, then with all that parts left undecided, then with one total less after another.

    Dropped is the total that the fewest undecided units touch; of several, the last. Parts are the same on
    every machine, so the number of threads changes nothing.

    Parameters
    ----------
    units : Units
    people : array of int64, shape (n,)
        Where each person of the units is in the answer: 0 to n - 1.
    chance : array of float, shape (n, c)
        Numbers for moves, one for each entry of a person but one.

    Returns
    -------
    array of int64, shape (n,)
        Options.
    """
    answer = np.zeros(len(people), np.int64)
    answer[people], left, luck = _in_parts(units, chance)
    parted = len(units.starts) - 1 > PART
    while len(left):
        undecided = np.concatenate([np.arange(*units.starts[unit : unit + 2]) for unit in left])
        units, people = _alone(units, left, undecided), people[undecided]
        units, parted = units if parted else _without_a_total(units), False
        chosen = np.zeros(len(people), np.int64)
        moves, left = fly(units, luck, chosen)
        answer[people], luck = chosen, luck[moves:]
    return answer


def _in_parts(units: Units, chance: Floats) -> tuple[Ids, Ids, Floats]:
    """Fly with some units at a time: what was chosen, the undecided units, and the numbers not used."""

    def one(start: int) -> tuple[Ids, Ids, Floats]:
        starts = units.starts[start : start + PART + 1]
        people, width = slice(starts[0], starts[-1]), len(units.money)
        part = units._replace(
            p=units.p[people.start * width : people.stop * width],
            starts=starts - people.start,
            groups=units.groups[people],
            costs=units.costs[people] if len(units.costs) > 1 else units.costs,
        )
        chosen, luck = np.zeros(people.stop - people.start, np.int64), chance[people].ravel()
        moves, left = fly(part, luck, chosen)
        return chosen, left + start, luck[moves:]

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        parts = list(pool.map(one, range(0, len(units.starts) - 1, PART)))
    chosen, left, unused = zip(*parts, strict=True)
    return np.concatenate(chosen), np.concatenate(left), np.concatenate(unused)


def _alone(units: Units, left: Ids, people: Ids) -> Units:
    """The undecided units, without the dust of probabilities."""
    p = units.p.reshape(-1, len(units.money))[people]
    return units._replace(
        p=np.where(p > DUST, p, 0).ravel(),
        starts=np.cumsum([0, *np.diff(units.starts)[left]]),
        groups=units.groups[people],
        costs=units.costs[people] if len(units.costs) > 1 else units.costs,
    )


def _without_a_total(units: Units) -> Units:
    touching = _touches(units).sum(axis=0)
    dropped = len(touching) - 1 - int(np.where(touching > 0, touching, np.inf)[::-1].argmin())
    keep = np.arange(len(touching)) != dropped
    return units._replace(counts=units.counts * keep, money=units.money * keep)


def _touches(units: Units) -> npt.NDArray[np.bool_]:
    """In which totals the options differ that each unit still has; shape (units, R)."""
    parts = units.counts[units.groups] + units.money * units.costs[:, :, None]
    there = units.p.reshape(*parts.shape[:2], 1) > 0
    high = np.where(there, parts, -np.inf).max(axis=1)
    low = np.where(there, parts, np.inf).min(axis=1)
    return np.maximum.reduceat(high, units.starts[:-1]) - np.minimum.reduceat(low, units.starts[:-1]) > TINY
