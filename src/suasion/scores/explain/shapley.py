"""What each feature adds to one person's effect, compared with other people: Shapley values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.features import Features
from suasion.scores.learners import EffectModel

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
EXACT = 8
"""Up to so many features all coalitions are asked about."""
OTHERS = 100
"""So many other people are compared with; chosen by the seed where more are given."""
QUESTIONS = 10_000
"""About so many people are asked about where not all coalitions are."""
BLOCK = 50_000
Mixed = Callable[[Bools, npt.NDArray[np.int64]], Floats]
"""Effects (m,) of others, by number (m,), who got some features (m, p) of the person."""


@dataclass(frozen=True)
class Shares:
    """What each feature adds; with `average` they sum to `effect`.

    Parameters
    ----------
    values : array of float, shape (p,)
        In units of the outcome.
    errors : array of float, shape (p,)
        Standard errors of the sampling of orders; 0 where all coalitions were asked about.
    effect : float
        Of the person.
    others : array of float, shape (b,)
        Effects of the people compared with.
    """

    values: Floats
    errors: Floats
    effect: float
    others: Floats

    @property
    def average(self) -> float:
        """Mean effect of the people compared with."""
        return float(self.others.mean())


def shares(
    model: EffectModel, background: Features, person: Floats, treatment: int = 0, seed: int = 0
) -> Shares:
    """Share out the difference of a person's effect to the average among the features.

    The value of a coalition of features is the mean effect of other people who got these features of the
    person, and kept all else (Lundberg and Lee 2017, NeurIPS; interventional as in Janzing, Minorics,
    Bloebaum 2020, AISTATS). All coalitions for up to eight features; beyond, features are exchanged one by
    one in random orders and their reverses (Castro, Gomez, Tejada 2009, Computers and Operations Research
    36:1726; Mitchell, Cooper, Frank, Holmes 2022, JMLR 23:43), as often for each of the other people.

    Parameters
    ----------
    model : EffectModel
    background : Features
        Of people to compare with.
    person : array of float, shape (p,)
        Coded like them; NaN is unknown.
    treatment : int
        Whose effect; 0 is the first treatment.
    seed : int

    Returns
    -------
    Shares

    Raises
    ------
    CampaignError
        Nobody to compare with, or another number of features.

    Examples
    --------
    >>> class Double:
    ...     def effects(self, features):
    ...         return 2 * features.matrix[:, :1]
    >>> found = shares(Double(), Features(np.array([[0.0, 5.0], [1.0, 6.0]]), ()), np.array([3.0, 9.0]))
    >>> found.values.tolist(), found.average, found.effect
    ([5.0, 0.0], 1.0, 6.0)
    """
    n, p = background.matrix.shape
    if not n or person.shape != (p,):
        found = f"features of shape {person.shape}, and {n} people with {p} features to compare with"
        raise CampaignError("an explanation", found, "Give one row, and some others coded like it.")
    luck = np.random.default_rng(seed)
    pairs = int(np.clip(QUESTIONS // (2 * OTHERS * p), 2, 4))
    most = OTHERS if p <= EXACT else min(OTHERS, max(10, QUESTIONS // (2 * pairs * p)))
    rows = np.sort(luck.choice(n, most, replace=False)) if n > most else np.arange(n)
    others = background.matrix[rows]

    def ask(matrix: Floats) -> Floats:
        parts = [matrix[a : a + BLOCK] for a in range(0, len(matrix), BLOCK)]
        return np.concatenate(
            [model.effects(Features(part, background.categorical))[:, treatment] for part in parts]
        )

    known = ask(np.vstack([person, others]))
    effect, before = float(known[0]), known[1:]

    def mixed(given: Bools, of: npt.NDArray[np.int64]) -> Floats:
        return ask(np.where(given, person, others[of]))

    if p <= EXACT:
        values, errors = _exact(mixed, p, len(others)), np.zeros(p)
    else:
        values, errors = _walked(mixed, effect, before, p, pairs, luck)
    return Shares(values, errors, effect, before)


def _exact(mixed: Mixed, p: int, others: int) -> Floats:
    """The mean of what a feature adds over all orders, by the value of each coalition."""
    coalitions = np.arange(2**p)
    members = (coalitions[:, None] >> np.arange(p)) & 1 > 0
    effects = mixed(np.repeat(members, others, axis=0), np.tile(np.arange(others), len(members)))
    worth = effects.reshape(-1, others).mean(axis=1)
    orders = np.array([factorial(size) * factorial(p - 1 - size) / factorial(p) for size in range(p)])
    values = np.empty(p)
    for feature in range(p):
        without = coalitions[~members[:, feature]]
        added = worth[without | 1 << feature] - worth[without]
        values[feature] = added @ orders[members[without].sum(axis=1)]
    return values


def _walked(
    mixed: Mixed, effect: float, before: Floats, p: int, pairs: int, luck: np.random.Generator
) -> tuple[Floats, Floats]:
    """Turn each of the others into the person feature by feature, in random orders and back to front."""
    b = len(before)
    forth = luck.permuted(np.tile(np.arange(p), (pairs * b, 1)), axis=1).reshape(pairs, 1, b, p)
    orders = np.concatenate([forth, forth[..., ::-1]], axis=1)
    # The place of each feature in its order; given are those whose turn has come.
    turns = np.argsort(orders, axis=-1)
    given = turns[..., None, :] < np.arange(1, p)[:, None]
    of = np.broadcast_to(np.arange(b)[:, None], given.shape[:-1])
    path = np.empty((*orders.shape[:-1], p + 1))
    path[..., 0], path[..., -1] = before, effect
    path[..., 1:-1] = mixed(given.reshape(-1, p), of.ravel()).reshape(of.shape)
    added = np.take_along_axis(np.diff(path, axis=-1), turns, axis=-1).mean(axis=1)
    spread = added.var(axis=0, ddof=1).mean(axis=0)
    return added.mean(axis=(0, 1)), np.sqrt(spread / (pairs * b))
