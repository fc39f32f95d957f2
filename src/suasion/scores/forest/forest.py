"""The forest: grown tree by tree on any number of threads, the same for a seed."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from suasion.errors import CampaignError
from suasion.scores.features import Features
from suasion.scores.forest.bins import Bins, bins_of
from suasion.scores.forest.chance import MOST
from suasion.scores.forest.grow import grow
from suasion.scores.forest.leaves import depth_of
from suasion.scores.forest.moments import moments
from suasion.scores.forest.walk import spread, walk

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
PER_BAG = 2
"""Trees of one bag."""
PART = 50_000
"""So many people are asked about at a time by each thread."""


Tree = tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32], npt.NDArray[np.uint64], Floats]


@dataclass(frozen=True)
class Settings:
    """How a forest is grown.

    Parameters
    ----------
    trees : int
        Even.
    depth : int
        Most questions on the way to a leaf.
    leaf : int, optional
        Fewest people of a leaf, among those who choose the splits. By default the number of people (of two
        bags, if fewer) to the power of 0.6: 145 of 4,000, 1,000 of 100,000. Fewer follow noise where
        effects are small.
    share : float
        Of the features, drawn for each tree. Below 1, trees that cannot see what decides pull effects towards
        the average, and intervals miss them.
    """

    trees: int = 200
    depth: int = 8
    leaf: int | None = None
    share: float = 1.0


@dataclass(frozen=True)
class Forest:
    """Honest trees, as arrays.

    Parameters
    ----------
    bins : Bins
    treatments : int
    noise : float
        Variance of an effect, in variances between bags: 1 where a bag holds half of the people.
    roots, depths : array of int64, shape (trees,)
    feature : array of uint16, shape (nodes,)
    left : array of uint32, shape (nodes,)
        The question of each node; its left child, the right one is next to it. A leaf is its own.
    bits : array of uint64, shape (nodes, 4)
        Bins that go left.
    values : array of float, shape (nodes, d)
        Mean moments of the people of a leaf.
    """

    bins: Bins
    treatments: int
    noise: float
    roots: Ids
    depths: Ids
    feature: npt.NDArray[np.uint16]
    left: npt.NDArray[np.uint32]
    bits: npt.NDArray[np.uint64]
    values: Floats

    def effects(self, features: Features) -> Floats:
        """The effect of each treatment on people.

        Parameters
        ----------
        features : Features
            Of m people.

        Returns
        -------
        array of float, shape (m, k)
        """
        return self._asked(features.matrix)[0]

    def intervals(self, features: Features, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Effects with their intervals by little bags.

        Parameters
        ----------
        features : Features
        level : float

        Returns
        -------
        effects, low, high : array of float, shape (m, k)

        Raises
        ------
        CampaignError
            The trees are not at least two full bags.
        """
        if len(self.roots) < 2 * PER_BAG or len(self.roots) % PER_BAG:
            found = f"{len(self.roots)} trees: too few bags, or one that is not full"
            raise CampaignError("intervals of a forest", found, f"Grow a multiple of {PER_BAG}, 200 say.")
        effects, variance = self._asked(features.matrix, spreads=True)
        half = float(ndtri((1 + level) / 2)) * np.sqrt(self.noise * variance)
        return effects, effects - half, effects + half

    def _asked(self, matrix: Floats, *, spreads: bool = False) -> tuple[Floats, Floats]:
        out = np.empty((len(matrix), self.treatments))
        variance = np.empty((len(matrix), self.treatments) if spreads else (0, 0))
        trees = (self.roots, self.depths, self.feature, self.left, self.bits, self.values, self.treatments)

        def ask(part: slice) -> None:
            bins = self.bins.encode(matrix[part])
            walk(bins, *trees, out[part])
            if spreads:
                spread(bins, out[part], len(self.roots) // PER_BAG, *trees, variance[part])

        parts = [slice(a, a + PART) for a in range(0, len(matrix), PART)]
        if len(parts) == 1:
            ask(parts[0])
        else:
            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(ask, parts))
        return out, variance


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def grow_forest(
    features: Features,
    surplus: Floats,
    surprise: Floats,
    weights: Floats | None = None,
    clusters: Ids | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> Forest:
    """Grow a causal forest on what people did beyond expectation.

    A generalized random forest (Athey, Tibshirani, Wager 2019, Annals of Statistics 47:1148) on the R-loss
    (Nie and Wager 2021, Biometrika 108:299). Each bag is a random half of the households; each of its trees
    cuts the bag in two: one part chooses the splits, the other says what the leaves are worth. People are
    binned once, and a parent's histogram less that of one child is that of the other (as in LightGBM, Ke
    et al. 2017).

    Parameters
    ----------
    features : Features
        Of n people.
    surplus : array of float, shape (n,)
        Outcome minus its expectation given the features.
    surprise : array of float, shape (n, k)
        For each treatment, got it (0 or 1) minus the probability of getting it.
    weights : array of float, shape (n,), optional
    clusters : array of int64, shape (n,), optional
        Households; none is split between the two parts of a bag.
    settings : Settings, optional
    seed : int

    Returns
    -------
    Forest
    """
    settings = settings or Settings()
    bins = bins_of(features)
    rows_first = bins.encode(features.matrix)
    terms = moments(surplus, surprise, weights)
    starts, order = _groups(clusters, len(surplus))
    counts = bins.counts
    asked = min(len(counts), max(1, math.ceil(settings.share * len(counts))))
    groups = len(starts) - 1
    share = min(0.5, MOST / groups)
    leaf = settings.leaf or round((2 * share * len(surplus)) ** 0.6)
    plan = (surprise.shape[1], settings.depth, leaf, asked)

    def one(tree: int) -> Tree:
        bag = tree // PER_BAG
        return grow(rows_first, counts, bins.categorical, terms, starts, order, plan, seed, bag, tree)

    with ThreadPoolExecutor(cores()) as pool:
        grown = list(pool.map(one, range(settings.trees)))
    sizes = np.array([len(tree[1]) for tree in grown])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return Forest(
        bins=bins,
        treatments=surprise.shape[1],
        noise=share / (1 - share),
        roots=roots,
        depths=np.array([depth_of(tree[1]) for tree in grown], np.int64),
        feature=np.concatenate([tree[0] for tree in grown]),
        left=np.concatenate([tree[1] + np.uint32(root) for tree, root in zip(grown, roots, strict=True)]),
        bits=np.concatenate([tree[2] for tree in grown]),
        values=np.concatenate([tree[3] for tree in grown]),
    )


def _groups(clusters: Ids | None, n: int) -> tuple[Ids, npt.NDArray[np.int32]]:
    """Where the rows of each household begin in an order that keeps them together."""
    if clusters is None:
        return np.arange(n + 1), np.arange(n, dtype=np.int32)
    order = np.argsort(clusters, kind="stable").astype(np.int32)
    first = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order[:1]] - 1))
    return np.append(first, n).astype(np.int64), order
