"""Where people are among each other: independent numbers, and categories apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from suasion.scores.data import Floats
from suasion.scores.features import Features
from suasion.scores.guards.rarity import Scale

Places = npt.NDArray[np.float32]
BLOCK = 5_000
"""People at a time, whose distances to all examples stay in the cache."""
FREQUENT = 0.01
"""A category, or a gap, that fewer have makes no direction of its own; its rarity is counted anyway."""
EXTREME = 3.0
"""Standard deviations beyond which a number, for distances, is no further away."""
OTHER = 1.5
"""Standard deviations that being of one category, or not, is apart."""
FLATTEST = 0.05
"""Variance below which a combination of features is taken for no flatter: copies differ by rounding."""


def levels_of(values: Floats, categorical: bool) -> Floats:
    """Values that are directions of their own: frequent categories, and being missing."""
    found, counts = np.unique(values, return_counts=True)
    own = (counts >= FREQUENT * len(values)) & (counts < len(values))
    return found[own & (np.isnan(found) | categorical)]


def placed_in(features: Features, scales: Sequence[Scale]) -> tuple[Floats, Floats]:
    """The numbers on their normal scales, and the rarity of each value."""
    columns: list[Floats] = []
    rarity = np.empty(features.matrix.shape)
    for i, scale in enumerate(scales):
        values = features.matrix[:, i]
        placed = None if i in features.categorical else scale.place(values)
        rarity[:, i] = scale.rarity(values, placed)
        # How far outside is a matter of rarity: of the most extreme no example would be near.
        columns += [] if placed is None else [np.clip(placed, -EXTREME, EXTREME)]
    return np.column_stack(columns) if columns else np.zeros((len(rarity), 0)), rarity


def places_of(numbers: Floats, features: Features, levels: Sequence[Floats]) -> Places:
    """Where people are: their numbers, and `OTHER` in each frequent category, or gap, that is theirs."""
    kinds = [(i, level) for i, own in enumerate(levels) for level in own.tolist()]
    out = np.zeros((len(numbers), numbers.shape[1] + len(kinds)), np.float32)
    out[:, : numbers.shape[1]] = numbers
    for place, (i, level) in enumerate(kinds, numbers.shape[1]):
        values = features.matrix[:, i]
        out[:, place] = OTHER * (np.isnan(values) if np.isnan(level) else values == level)
    return out


def whitening(columns: Floats) -> tuple[Floats, Floats]:
    """Center of the columns, and what turns them into independent ones of variance 1."""
    known = ~np.isnan(columns)
    center = np.where(known, columns, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    gaps = np.where(known, columns - center, 0)
    spread = gaps.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    values, vectors = np.linalg.eigh((gaps / spread).T @ (gaps / spread) / len(columns))
    return center, vectors / np.sqrt(np.maximum(values, FLATTEST)) / spread[:, None]


def turned(columns: Floats, center: Floats, turn: Floats) -> Floats:
    """The columns made independent; what is missing is taken for what the others let expect."""
    missing = np.isnan(columns)
    gaps = np.where(missing, 0, columns - center)
    precision = turn @ turn.T
    expected = gaps - gaps @ precision / np.diag(precision)
    return np.where(missing, expected, gaps) @ turn


def distance(places: Places, examples: Places) -> Floats:
    """Distance to the nearest example."""
    squares = (examples**2).sum(axis=1, dtype=np.float32)
    against = np.vstack([-2 * examples.T, squares])
    out = np.empty(len(places))
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        one = np.ones((len(block), 1), np.float32)
        # One multiplication gives the squared distances but for the person's own square.
        nearest = (np.hstack([block, one]) @ against).min(axis=1)
        out[start : start + BLOCK] = nearest + (block**2).sum(axis=1)
    return np.sqrt(np.maximum(out, 0))
