"""What each level of each part does, and what could not be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.factorial.coding import Floats, Ids, Term, carried, columns, confounded, contrasts
from suasion.experiments.factorial.parts import Part
from suasion.experiments.factorial.robust import ASKED, Fit, fit
from suasion.stats import Estimate


@dataclass(frozen=True)
class Effects:
    """What levels do against the average of the levels of their part.

    Parameters
    ----------
    levels : dict of (part, level) to Estimate
        In the unit of the outcome. Half the "effect" of books on two-level designs, which is the difference
        between the two levels.
    pairs : dict of ((part, level), (part, level)) to Estimate
        What two levels do together beyond the sum of what each does.
    aliased : tuple of str
        One sentence for each effect that could not be estimated, or that holds others too.
    """

    levels: dict[tuple[str, str], Estimate]
    pairs: dict[tuple[tuple[str, str], tuple[str, str]], Estimate]
    aliased: tuple[str, ...]


def main_effects(
    parts: Sequence[Part],
    levels: Ids,
    outcomes: Floats,
    units: Ids | None = None,
    pairs: Sequence[tuple[str, str]] = (),
) -> Effects:
    """What each level of each part does, by least squares on effect-coded parts.

    Everybody was given a combination by chance, each combination with the same probability for all people.
    Where combinations had different probabilities and parts work together, effects lean to the frequent ones.

    Parameters
    ----------
    parts : sequence of Part
    levels : array of int64, shape (n, parts)
        Number of the level of each part that each person got (`Factorial.levels` at their treatment).
    outcomes : array of float, shape (n,)
    units : array of int64, shape (n,), optional
        Household of each person; errors are then cluster-robust.
    pairs : sequence of (str, str)
        Parts whose work together is to be estimated too.

    Returns
    -------
    Effects

    Raises
    ------
    UndefinedError
        Levels or outcomes that are none, a part that is not there, or what `fit` refuses.

    Examples
    --------
    >>> parts = [Part("subject", ("short", "long")), Part("ask", ("give", "join"))]
    >>> got = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 3)
    >>> came = np.array([4.0, 2, 2, 0, 5, 3, 3, 1, 4, 2, 2, 0])
    >>> found = main_effects(parts, got, came)
    >>> print(found.levels["subject", "short"].scaled(digits=2))
    1.00 (0.64 to 1.36)
    """
    _check(parts, levels, outcomes)
    names, shapes = [part.name for part in parts], [len(part.levels) for part in parts]
    if any(name not in names for pair in pairs for name in pair) or any(a == b for a, b in pairs):
        raise UndefinedError(ASKED, "a pair that is not of two parts", "Name two parts that are there.")
    wanted: list[Term] = [(i,) for i in range(len(parts))]
    wanted += dict.fromkeys(tuple(sorted((names.index(a), names.index(b)))) for a, b in pairs)
    numbers, cells = np.unique(np.ravel_multi_index(tuple(levels.T), shapes), return_inverse=True)
    seen = np.stack(np.unravel_index(numbers, shapes), axis=1)
    lost = confounded(seen, shapes, wanted)
    design = np.column_stack([np.ones(len(seen)), *(columns(seen, shapes, term) for term in wanted)])
    fitted = fit(design, cells, outcomes, units)
    ends = np.cumsum([1, *(contrasts(shapes, term).shape[1] for term in wanted)])
    found = {
        term: _estimates(parts, term, fitted, int(start))
        for term, start in zip(wanted, ends[:-1], strict=True)
        if term not in lost
    }
    return Effects(
        {key[0]: e for term, each in found.items() if len(term) == 1 for key, e in each.items()},
        {(key[0], key[1]): e for term, each in found.items() if len(term) == 2 for key, e in each.items()},
        (*_lost(names, lost), *_held(names, shapes, seen, wanted, lost)),
    )


def _check(parts: Sequence[Part], levels: Ids, outcomes: Floats) -> None:
    shapes = np.array([len(part.levels) for part in parts])
    if levels.shape != (len(outcomes), len(parts)) or not len(outcomes):
        found = f"levels of shape {levels.shape} for {len(outcomes)} people and {len(parts)} parts"
        raise UndefinedError(ASKED, found, "Give one level for each person and part.")
    if not ((levels >= 0) & (levels < shapes)).all() or not np.isfinite(outcomes).all():
        raise UndefinedError(
            ASKED, "levels or outcomes that are none", "Number levels from 0; drop the rest."
        )


def _estimates(
    parts: Sequence[Part], term: Term, fitted: Fit, start: int
) -> dict[tuple[tuple[str, str], ...], Estimate]:
    """The estimate of each level of a term, or of each two levels of a pair."""
    weights = contrasts([len(part.levels) for part in parts], term)
    keys = product(*([(parts[i].name, level) for level in parts[i].levels] for i in term))
    full = np.zeros((len(weights), len(fitted.coefficients)))
    full[:, start : start + weights.shape[1]] = weights
    return {key: fitted.estimate(row) for key, row in zip(keys, full, strict=True)}


def _lost(names: Sequence[str], lost: dict[Term, list[Term]]) -> list[str]:
    return [
        f"{_named(names, term)} is not estimated: these messages cannot tell it from "
        f"{', '.join(_named(names, rival) for rival in rivals) or 'the average'}."
        for term, rivals in lost.items()
    ]


def _held(
    names: Sequence[str],
    shapes: Sequence[int],
    seen: Ids,
    model: Sequence[Term],
    lost: dict[Term, list[Term]],
) -> list[str]:
    """What the estimates hold of pairs that nobody asked for."""
    others = [pair for pair in combinations(range(len(names)), 2) if pair not in model]
    by = {pair: carried(seen, shapes, model, pair) for pair in others}
    told: list[str] = []
    for term in model:
        held = [_named(names, pair) for pair in others if term in by[pair]]
        if held and term not in lost:
            told.append(f"{_named(names, term)} holds some of {', '.join(held)}, if there is such an effect.")
    return told


def _named(names: Sequence[str], term: Term) -> str:
    return " x ".join(names[part] for part in term)
