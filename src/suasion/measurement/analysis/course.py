"""What a plan changed as answers came in, and what going on would bring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from suasion.errors import UndefinedError
from suasion.measurement.analysis.evidence import DUST, Evidence, Flags, Floats
from suasion.measurement.analysis.way import ONCE, Way
from suasion.measurement.own_draw import own_effect
from suasion.stats import Estimate, sequential

MOST_LOOKS = 30
"""Of more recordings some are shown; the first and the last always."""
CLOSEST = 1.0001
"""Information of a look over that of the look before; nearer ones spend no alpha."""


@dataclass(frozen=True)
class Look:
    """The effect of the plan as it was known at one time.

    Parameters
    ----------
    at : str
        ISO 8601; empty where the time was not recorded.
    people : int
        With a known outcome by then.
    effect : Estimate or None
        Outcomes a person of the plan; None where too few had answered.
    """

    at: str
    people: int
    effect: Estimate | None


@dataclass(frozen=True)
class Course:
    """The effect of the plan, look by look.

    Parameters
    ----------
    looks : tuple of Look
    decided_at : int or None
        First look, from 0, that tells the effect from zero.
    longer : str
        What going on would bring, in a sentence; empty where it is decided, or nothing can be said.
    way : Way
        How sure one must be at the last look.
    """

    looks: tuple[Look, ...]
    decided_at: int | None
    longer: str
    way: Way

    @property
    def latest(self) -> Estimate | None:
        """The effect at the last look that tells one."""
        return next((look.effect for look in reversed(self.looks) if look.effect), None)


def course_of(evidence: Evidence, outcome: str, kind: str, alpha: float, people: int) -> Course:
    """Follow the effect of a plan as answers came in.

    Parameters
    ----------
    evidence : Evidence
        With chances; an outcome whose time nobody noted counts as known from the first look on.
    outcome : str
    kind : str
        ``sequence``, ``group_sequential`` or ``fixed``.
    alpha : float
    people : int
        Who have answered at the planned end.

    Returns
    -------
    Course
    """
    known = evidence.known(outcome)
    if not known.any():
        return Course((), None, "", Way(kind, alpha))
    times, looks, counts = _looks(evidence, outcome, known)
    planned = _planned(looks, counts, people)
    if kind == "fixed" or not looks.judged[-1]:
        told = tuple(Look(at, n, None) for at, n in zip(times, counts, strict=True))
        return Course(told, None, "", Way(kind, alpha))
    ended = counts[-1] >= people
    if kind == "sequence":
        found = sequential.sequence(looks, planned, 1 - alpha)
    else:
        found = sequential.GroupSequential(alpha).course(looks, planned, ended)
    rows = zip(times, counts, found.estimates, strict=True)
    return Course(
        looks=tuple(Look(at, n, estimate) for at, n, estimate in rows),
        decided_at=found.decided_at,
        longer="" if found.decided_at is not None else _longer(evidence, looks, planned, kind, alpha),
        way=Way(kind, alpha, _fractions(looks, planned)),
    )


def looks_of(evidence: Evidence, outcome: str, people: int) -> tuple[sequential.Looks, float] | None:
    """The effect of a plan on an outcome at each time at which answers were recorded.

    Parameters
    ----------
    evidence, outcome, people
        As of `course_of`.

    Returns
    -------
    (Looks, float) or None
        With the standard error at the planned end; None where nothing can be said yet.
    """
    known = evidence.known(outcome)
    if not known.any():
        return None
    _, looks, counts = _looks(evidence, outcome, known)
    return (looks, _planned(looks, counts, people)) if looks.judged[-1] else None


def _planned(looks: sequential.Looks, counts: list[int], people: int) -> float:
    """Standard error where so many people have answered: it shrinks with the root of their number."""
    return float(looks.errors[-1] * np.sqrt(counts[-1] / people))


def _units(evidence: Evidence, mask: Flags) -> tuple[int, int]:
    """Independent units among these people, that chance left alone and treated."""
    left = mask & (evidence.arms == 0) & (_nothing(evidence) < 1)
    return evidence.count(left), evidence.count(mask & (evidence.arms > 0))


def _looks(
    evidence: Evidence, outcome: str, known: Flags
) -> tuple[tuple[str, ...], sequential.Looks, list[int]]:
    at = np.full(len(known), np.nan) if evidence.at is None else evidence.at
    first = float(np.nanmin(at[known])) if known.any() and not np.isnan(at[known]).all() else np.nan
    since = np.where(np.isnan(at), first, at)
    times = np.unique(since[known]) if np.isfinite(first) else np.array([np.nan])
    times = times[np.unique(np.linspace(0, len(times) - 1, MOST_LOOKS).round().astype(int))]
    masks = [known if np.isnan(time) else known & (since <= time) for time in times]
    rows = [_look(evidence, outcome, mask) for mask in masks]
    values, errors, alike, units = (np.array(column) for column in zip(*rows, strict=True))
    errors = sequential.steadied(errors, alike, units)
    told = tuple("" if np.isnan(time) else _iso(time) for time in times.tolist())
    return told, sequential.Looks(values, errors, units), [int(mask.sum()) for mask in masks]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _look(evidence: Evidence, outcome: str, mask: Flags) -> tuple[float, float, float, tuple[int, int]]:
    """The effect, its standard error, the same if all varied alike, and the independent units behind it."""
    values, units = evidence.outcomes[outcome], _units(evidence, mask)
    ahead = evidence.expected.get(outcome, np.zeros(len(values)))
    homes = None if evidence.households is None else evidence.units[mask]
    left = evidence.arms[mask] == 0
    try:
        found = own_effect(_nothing(evidence)[mask], left, values[mask], ahead[mask], homes)
    except UndefinedError:
        return np.nan, np.nan, np.nan, units
    # Where few were left alone the interval is lopsided: its longer half counts.
    error = max(found.high - found.value, found.value - found.low) / ONCE
    return found.value, error, _alike(evidence, values - ahead, mask), units


def _alike(evidence: Evidence, away: Floats, mask: Flags) -> float:
    """Standard error if those left alone and the others varied alike: what few left alone cannot make small.

    People of a household count as one.
    """
    nothing = _nothing(evidence)[mask]
    chance = (nothing > DUST) & (nothing < 1 - DUST)
    if not chance.any():
        return np.nan
    spread = float(
        np.mean(away[mask][chance] ** 2) * np.mean(1 / nothing[chance] + 1 / (1 - nothing[chance]))
    )
    return float(np.sqrt(spread / max(evidence.count(mask), 1)))


def _nothing(evidence: Evidence) -> Floats:
    """Chance of being left alone; where it is 1 but for rounding, it is 1."""
    if evidence.chances is None:
        return np.ones(len(evidence.arms))
    nothing = evidence.chances[:, 0]
    return np.where(nothing > 1 - DUST, 1.0, nothing)


def _fractions(looks: sequential.Looks, planned: float) -> tuple[float, ...]:
    """Information at each look that adds some, over that of the planned end, which ends it."""
    found: list[float] = []
    for fraction in looks.fractions(planned).tolist():
        if np.isfinite(fraction) and (not found or (CLOSEST * found[-1] <= fraction and found[-1] < 1)):
            found.append(fraction)
    return tuple(found)


def _longer(evidence: Evidence, looks: sequential.Looks, planned: float, kind: str, alpha: float) -> str:
    """What going on would bring, and whether the plan has as many people."""
    tuned, units = planned if kind == "sequence" else None, "people"
    if evidence.households is not None:
        units = "households"
    everybody = sum(_units(evidence, np.ones(len(evidence.arms), np.bool_)))
    found = sequential.how_much_longer(looks, tuned, level=1 - alpha, units=units)
    if found.total is not None and found.total <= everybody:
        return found.text
    return f"{found.text} The plan has {everybody:,}."
