"""What there is to learn from: exposures with what came of them, as the tables tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.learning import Due, Exposures, Goal, clock, combined, due, learn
from suasion.ledger import Tables
from suasion.workspace.streaming import shown

HOUR, DAY, MICRO = 3600.0, 86_400, 1e6
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lessons:
    """All that a policy may learn from, in an order that does not change.

    Parameters
    ----------
    features : array of float32, shape (n, d)
    arms : array of int64, shape (n,)
    chances, holdouts : array of float, shape (n,)
        Of what was shown, and of the generic variant.
    days : array of int64, shape (n,)
    exposures : Exposures
        With what came of them: the goals.
    horizon : float
        Seconds.
    goals : tuple of Goal
    """

    features: npt.NDArray[np.float32]
    arms: Ints
    chances: Floats
    holdouts: Floats
    days: Ints
    exposures: Exposures
    horizon: float
    goals: tuple[Goal, ...]

    def due(self, after: int, until: int) -> Due:
        """What is due after one time and no later than another, both in microseconds."""
        return due(self.exposures, self.horizon, after / MICRO, until / MICRO)

    @property
    def over(self) -> Floats:
        """When each horizon has passed and we were told of the exposure; shape (n,)."""
        return np.maximum(self.exposures.told_at, self.exposures.shown_at + self.horizon)

    def earned(self, until: float) -> Floats:
        """The reward of each exposure, as it was known at a time in seconds; shape (n,)."""
        return combined(self.goals, (self.exposures.known_at(self.horizon) <= until).astype(np.float64))

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the highest reward there can be."""
        weights = [goal.weight for goal in self.goals]
        return sum(min(one, 0.0) for one in weights), sum(max(one, 0.0) for one in weights)


def lessons_of(tables: Tables, placement: declared.Placement) -> Lessons:
    """Leave the generic variant, what was decided by other arms or features, and who objected."""
    seen = willing(tables, shown.exposures(tables, placement.name))
    arms, horizon = _arms(placement, seen), placement.horizon_hours * HOUR
    width, names = 4 * len(placement.features), list(placement.features)
    told = zip(seen["features"].to_pylist(), seen["named"].to_pylist(), strict=True)
    usable = np.array([len(one) == width and named == names for one, named in told], np.bool_)
    rows = np.flatnonzero((arms >= 0) & usable)
    table = seen.take(rows)
    features = np.frombuffer(b"".join(table["features"].to_pylist()), "<f4")
    return Lessons(
        features.reshape(len(rows), len(names)),
        arms[rows],
        _column(table, "probability"),
        _column(table, "holdout"),
        (_column(table, "at") // DAY).astype(np.int64),
        _exposures(tables, placement, table, list(placement.weights)),
        horizon,
        tuple(Goal(name, weight) for name, weight in placement.weights.items()),
    )


def counted_of(tables: Tables, placement: declared.Placement) -> clock.Counted:
    """Exposures as money and harms count, whoever saw them: of persons nothing is learned."""
    seen = shown.exposures(tables, placement.name)
    if placement.budget is None and not placement.guardrails:
        seen = seen.slice(0, 0)
    came = _exposures(tables, placement, seen, list(placement.guardrails))
    harmed_at = came.known_at(placement.horizon_hours * HOUR)
    return clock.Counted(_arms(placement, seen), _column(seen, "cost"), came.told_at, harmed_at)


def willing(tables: Tables, seen: pa.Table) -> pa.Table:
    """Exposures but of persons from whom nothing may be learned."""
    return seen.filter(pc.invert(pc.is_in(seen["person"], value_set=shown.unwilling(tables))))


def learned_by(
    lessons: Lessons, policy: policies.Policy, now: int, state: policies.State, until: int
) -> tuple[policies.State, int]:
    """The state, and up to where it was learned, after what came to be due from `until` to `now`."""
    ends = lessons.due(until, now)
    if not len(ends.rows):
        return state, until
    at = ends.rows
    then = lessons.features[at], lessons.arms[at]
    rewards, before = (combined(lessons.goals, one.astype(np.float64)) for one in (ends.reached, ends.before))
    days = lessons.days[at]
    return learn(policy, state, *then, rewards, lessons.chances[at], days, ends.late, before), now


def _arms(placement: declared.Placement, seen: pa.Table) -> Ints:
    """The number of the treatment of each exposure; -1 of any other variant."""
    number = {name: place for place, name in enumerate(placement.treatments)}
    return np.array([number.get(one, -1) for one in seen["variant"].to_pylist()], np.int64)


def _exposures(
    tables: Tables, placement: declared.Placement, seen: pa.Table, names: Sequence[str]
) -> Exposures:
    """Exposures, each with the events within its horizon that we were told of first: those stay."""
    at, came = _column(seen, "at"), shown.rewards(tables, placement.name, names)
    found = np.full((2, len(at), len(names)), np.nan)
    order = np.argsort(seen["person"].to_numpy())
    persons, horizon = seen["person"].to_numpy()[order], placement.horizon_hours * HOUR
    for goal, name in enumerate(names if len(at) else ()):
        mine = came.filter(pc.equal(came["event"], name))
        theirs, when = mine["person"].to_numpy(), _column(mine, "at")
        place = np.minimum(np.searchsorted(persons, theirs), len(persons) - 1)
        own = order[place]
        fits = (persons[place] == theirs) & (when >= at[own]) & (when <= at[own] + horizon)
        for values, made in ((when, found[0]), (_column(mine, "told_at"), found[1])):
            made[own[fits][::-1], goal] = values[fits][::-1]  # the first told is written last
    return Exposures(at, _column(seen, "told_at"), found[0], found[1])


def _column(table: pa.Table, name: str) -> Floats:
    return np.asarray(table[name].to_numpy(), np.float64)
