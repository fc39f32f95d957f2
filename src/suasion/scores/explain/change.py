"""The nearest change of what is known of a person that would alter the decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.explain.naming import Naming
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rule = Callable[[Floats], Bools]
"""What is decided of people (m,) by their effects (m, k)."""
VALUES, FEWER = 100, 12
"""So many observed values of a feature are tried, alone and in pairs."""


@dataclass(frozen=True)
class Change:
    """Features changed together.

    Parameters
    ----------
    columns : tuple of int
    before, after : tuple of float
    distance : float
        Root of the summed squares of changes in standard deviations; another category, or knowing what was
        unknown, counts as one.
    said : str
        A sentence.
    """

    columns: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    distance: float
    said: str


def at_least(least: float, cost: float = 1.0, treatment: int = 0) -> Rule:
    """The rule to treat whose effect per cost is at least so large.

    Parameters
    ----------
    least : float
        Outcomes for one unit of money.
    cost : float
        Of the treatment.
    treatment : int
        0 is the first treatment.

    Returns
    -------
    Rule

    Examples
    --------
    >>> at_least(0.1, cost=0.5)(np.array([[0.04], [0.06]])).tolist()
    [False, True]
    """
    return lambda effects: effects[:, treatment] >= least * cost


def nearest_change(
    model: EffectModel, background: Features, person: Floats, namings: Sequence[Naming], rule: Rule
) -> Change | None:
    """Look for the smallest change of one feature, else of two, to values that others have.

    Features whose naming is `fixed` are never changed, and nothing known becomes unknown. The search knows
    what the model would say, not what would come about if a person changed.

    Parameters
    ----------
    model : EffectModel
    background : Features
        Of people whose values are tried.
    person : array of float, shape (p,)
    namings : sequence of Naming
        One a feature.
    rule : Rule

    Returns
    -------
    Change or None
        None where no change of one or two features alters the decision.

    Examples
    --------
    >>> class Sum:
    ...     def effects(self, features):
    ...         return features.matrix.sum(axis=1, keepdims=True)
    >>> others = Features(np.array([[20.0, 0.0], [30.0, 1.0], [70.0, 3.0], [50.0, 9.0]]), ())
    >>> names = Naming("age", fixed=True), Naming("number of visits")
    >>> nearest_change(Sum(), others, np.array([40.0, 1.0]), names, at_least(43)).said
    'Had your number of visits been 3 instead of 1, the decision would have been another.'
    """
    if not len(background.matrix) or not len(namings) == len(person) == background.matrix.shape[1]:
        found = f"{len(person)} features, {len(namings)} namings, others of shape {background.matrix.shape}"
        raise CampaignError(
            "the nearest change", found, "Give as many of each, and somebody to compare with."
        )
    free = [column for column, naming in enumerate(namings) if not naming.fixed]
    now = rule(model.effects(Features(person[None], background.categorical)))[0]

    def altered(matrix: Floats) -> Bools:
        return rule(model.effects(Features(matrix, background.categorical))) != now

    for together, most in ((1, VALUES), (2, FEWER)):
        steps = {column: _steps(background, person, column, most) for column in free}
        if found := _nearest(person, steps, list(combinations(free, together)), altered):
            columns, after, distance = found
            before = tuple(float(person[column]) for column in columns)
            told = [_told(namings[c], was, to) for c, was, to in zip(columns, before, after, strict=True)]
            said = f"Had {' and '.join(told)}, the decision would have been another."
            return Change(columns, before, after, distance, said)
    return None


def _steps(background: Features, person: Floats, column: int, most: int) -> Floats:
    """Values of others, and how far they are; shape (values, 2), the nearest first."""
    known = background.matrix[~np.isnan(background.matrix[:, column]), column]
    values = np.unique(known)
    categorical = column in background.categorical
    if len(values) > most:
        if categorical:
            codes, counts = np.unique(known, return_counts=True)
            values = np.sort(codes[np.argsort(-counts, kind="stable")[:most]])
        else:
            values = np.unique(np.quantile(known, np.linspace(0, 1, most), method="nearest"))
    values = values[values != person[column]]
    far = np.ones(len(values))
    if not categorical and not np.isnan(person[column]) and (spread := known.std() if len(known) else 0) > 0:
        far = np.abs(values - person[column]) / spread
    return np.column_stack([values, far])[np.argsort(far, kind="stable")]


def _nearest(
    person: Floats,
    steps: dict[int, Floats],
    groups: list[tuple[int, ...]],
    altered: Callable[[Floats], Bools],
) -> tuple[tuple[int, ...], tuple[float, ...], float] | None:
    """The nearest change of the features of one group that alters the decision; of equals the first."""
    best = None
    for columns in groups:
        grid = np.meshgrid(*(np.arange(len(steps[column])) for column in columns), indexing="ij")
        picks = np.column_stack([places.ravel() for places in grid])
        chosen = np.stack([steps[column][picks[:, i]] for i, column in enumerate(columns)], axis=1)
        distance = np.sqrt((chosen[..., 1] ** 2).sum(axis=1))
        if best is not None:
            chosen, distance = chosen[distance < best[2]], distance[distance < best[2]]
        if not len(chosen):
            continue
        matrix = np.tile(person, (len(chosen), 1))
        matrix[:, columns] = chosen[..., 0]
        if len(hits := np.flatnonzero(altered(matrix))):
            hit = hits[np.argmin(distance[hits])]
            best = columns, tuple(chosen[hit, :, 0].tolist()), float(distance[hit])
    return best


def _told(naming: Naming, before: float, after: float) -> str:
    if np.isnan(before):
        return f"we known your {naming.label} to be {naming.spell(after)}"
    return f"your {naming.label} been {naming.spell(after)} instead of {naming.spell(before)}"
