"""People in the order of a score, and how each of them moves what the order gains.

With G(q) the gain of the top share q, one person of gain g and rank r moves G(q) by
(g - t(q)) 1{r <= q} - (G(q) - q t(q)), where t(q) is the mean gain of those ranked at q: t(q) is the price of
not knowing the ranks of everybody. A number that integrates G moves by the integral.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suasion.stats.influence import Floats, Ids, Sample

Primitive = Callable[[Floats], npt.NDArray[Any]]
Density = Callable[[Floats, float], npt.NDArray[Any]]


@dataclass(frozen=True)
class Ranked:
    """People in blocks of equal score, the highest first.

    Parameters
    ----------
    gains : array of float, shape (n,)
        Of each person.
    block : array of int, shape (n,)
        Block of each person.
    mass : array of float, shape (blocks,)
        Share of all people in each block.
    means : array of float, shape (blocks,)
        Mean gain in each.
    ends : array of float, shape (blocks,)
        Share of all people in a block and those before it; the last is 1.
    count : int
        Independent units.
    """

    gains: Floats
    block: Ids
    mass: Floats
    means: Floats
    ends: Floats
    count: int


def rank(gains: Floats, scores: Floats, people: Sample) -> Ranked:
    """Put people in the order of their scores."""
    _, block = np.unique(-scores, return_inverse=True)
    mass = np.bincount(block, people.weights)
    means = np.bincount(block, people.weights * gains) / mass
    ends = np.cumsum(mass)
    return Ranked(gains, block, mass / ends[-1], means, ends / ends[-1], people.count)


def area(primitive: Primitive, density: Density, ranked: Ranked) -> tuple[float, Floats]:
    """Mean of the gains weighted by `density` of the rank, whose primitive is given, and its influence.

    The influence is exact for blocks: (g - mean of the block) times the block's weight, and what one more
    person in a block does to the ends of it and of all later ones. The density is told the share of one unit.
    """
    heights = np.diff(primitive(np.append(0.0, ranked.ends))) / ranked.mass
    drops = ranked.means - np.append(ranked.means[1:], 0.0)
    shifts = np.cumsum((density(ranked.ends, 1 / ranked.count) * drops)[::-1])[::-1]
    influence = (ranked.gains - ranked.means[ranked.block]) * heights[ranked.block] + shifts[ranked.block]
    return float(ranked.mass * ranked.means @ heights), influence


def top(share: float, ranked: Ranked) -> tuple[float, Floats]:
    """G(share) and the influence of each person on it."""
    inside = np.clip((share - ranked.ends + ranked.mass) / ranked.mass, 0, 1)
    value = float(ranked.mass * ranked.means @ inside)
    return value, (ranked.gains - _gain_at(share, ranked)) * inside[ranked.block]


def _gain_at(share: float, ranked: Ranked) -> float:
    """Mean gain of those ranked at `share`: of their block, or of all near where blocks are small.

    Near is within n ** -0.2 / 2 of all people: the window shrinks, and what is in it grows, with n.
    """
    at = min(int(np.searchsorted(ranked.ends, share)), len(ranked.ends) - 1)
    reach = ranked.count**-0.2 / 2
    near = np.abs(ranked.ends - ranked.mass / 2 - share) <= (reach if ranked.mass[at] < 2 * reach else -1)
    near[at] = True
    return float(ranked.mass[near] @ ranked.means[near] / ranked.mass[near].sum())
