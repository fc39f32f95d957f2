"""The most telling treatments of a given number, for parts of any levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suasion.errors import UndefinedError
from suasion.experiments.factorial.coding import Floats, Ids
from suasion.experiments.factorial.parts import (
    ASKED,
    Factorial,
    Part,
    allowed,
    d_efficiency,
    main_columns,
    measured,
)

RIDGE = 1e-6
"""Lets a start that cannot tell all parts apart be improved."""


def optimal(
    parts: Sequence[Part],
    size: int,
    seed: int,
    forbidden: Sequence[Mapping[str, str]] = (),
    starts: int = 10,
) -> Factorial:
    """A D-optimal choice of treatments: of all found, that which tells most about the parts.

    From random choices, one level of one treatment at a time is exchanged while that raises the determinant
    of X'X, X the effect-coded parts. The best of all starts is a local optimum.

    Source: Meyer and Nachtsheim 1995, Technometrics 37:60 (coordinate exchange).

    Parameters
    ----------
    parts : sequence of Part
    size : int
        Treatments, all different; at least one more than the levels of all parts less the parts.
    seed : int
        The same seed finds the same design.
    forbidden : sequence of mapping of str to str
        Levels of parts that may not come together.
    starts : int

    Returns
    -------
    Factorial

    Raises
    ------
    UndefinedError
        Fewer treatments than effects, or more than there are combinations.

    Examples
    --------
    >>> parts = [Part("subject", ("a", "b", "c")), Part("ask", ("give", "join")), Part("tone", ("-", "+"))]
    >>> made = optimal(parts, size=6, seed=1)
    >>> len(made.runs), round(made.efficiency, 2)
    (6, 0.98)
    """
    candidates = allowed(parts, forbidden)
    effects = 1 + sum(len(part.levels) - 1 for part in parts)
    if not effects <= size <= len(candidates):
        found = f"{size} treatments, {effects} effects, {len(candidates):,} combinations"
        raise UndefinedError(ASKED, found, "Give a number between the two.")
    rng = np.random.default_rng(seed)
    found = [_improved(parts, candidates, rng.permutation(len(candidates))[:size]) for _ in range(starts)]
    best = max(found, key=lambda levels: d_efficiency(parts, levels))
    return measured(parts, best[np.lexsort(best.T[::-1])], None)


def _improved(parts: Sequence[Part], candidates: Ids, start: Ids) -> Ids:
    """Exchange levels until no exchange raises the determinant."""
    made, place = (
        main_columns(parts, candidates),
        {tuple(row): i for i, row in enumerate(candidates.tolist())},
    )
    chosen = start.copy()
    changed = True
    while changed:
        changed = False
        for at in range(len(chosen)):
            for part, _ in enumerate(parts):
                better = _exchange(made, candidates, place, chosen, (at, part), len(parts[part].levels))
                changed |= better != chosen[at]
                chosen[at] = better
    return candidates[chosen]


def _exchange(
    made: Floats,
    candidates: Ids,
    place: dict[tuple[int, ...], int],
    chosen: Ids,
    where: tuple[int, int],
    levels: int,
) -> int:
    """The best allowed treatment that differs from the present one in one part at most."""
    at, part = where
    rest = made[np.delete(chosen, at)]
    information = rest.T @ rest + RIDGE * np.eye(made.shape[1])
    present = int(chosen[at])
    row, taken = candidates[present].tolist(), set(chosen.tolist())
    found = [place.get((*row[:part], level, *row[part + 1 :])) for level in range(levels)]
    options = [present, *(i for i in found if i is not None and i not in taken)]
    # |M + x x'| = |M| (1 + x' M^-1 x): the treatment that varies most under the others adds most.
    gains = np.einsum("ij,ij->i", made[options] @ np.linalg.inv(information), made[options])
    best = int(np.argmax(gains))
    return options[best] if gains[best] > gains[0] * (1 + 1e-9) else present
