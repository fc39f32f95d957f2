"""The forest once more: slowly, on values instead of bins, each group summed up from its rows.

Only which households and columns a tree sees is taken from the forest: that is its definition of chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, erfc, exp, pi, sqrt
from typing import Any

import numpy as np

from suasion.scores.forest.chance import halves, some

PER_BAG, FEW, SMOOTH, MOST_BINS = 2, 0.25, 10.0, 64
Array = Any


@dataclass
class Node:
    """A group of people; `goes_left` tells of rows of a matrix whether they belong to the left child."""

    goes_left: Callable[[Array], Array] | None = None
    left: Node | None = None
    right: Node | None = None
    b: Array = None
    a: Array = None


@dataclass
class People:
    """Those who are learned from: traits, and terms of the normal equations."""

    matrix: Array
    categorical: tuple[int, ...]
    b: Array
    a: Array


def grow(features, surplus, surprise, weights, clusters, settings, seed) -> list[Node]:
    """The roots of all trees."""
    n, k = surprise.shape
    weights = np.ones(n) if weights is None else weights
    a = surprise[:, :, None] * surprise[:, None, :] * weights[:, None, None]
    people = People(features.matrix, features.categorical, surprise * (surplus * weights)[:, None], a)
    names = np.arange(n) if clusters is None else clusters
    homes = [np.flatnonzero(names == name) for name in np.unique(names)]
    p = features.matrix.shape[1]
    roots = []
    for tree in range(settings.trees):
        inside, outside = halves(seed, tree // PER_BAG, tree, len(homes))
        rows = np.concatenate([np.arange(0), *(homes[home] for home in inside)])
        others = np.concatenate([np.arange(0), *(homes[home] for home in outside)])
        chosen = some(min(p, max(1, ceil(settings.share * p))), p, seed, 2 * tree)
        roots.append(_tree(people, rows, others, chosen, tree % k, settings))
    return roots


def ask(roots: list[Node], matrix: Array) -> tuple[Array, Array]:
    """Effects (m, k), and their variances by little bags."""
    effects, variances = [], []
    for row in matrix:
        leaves = [_leaf(root, row) for root in roots]
        a = np.mean([leaf.a for leaf in leaves], axis=0)
        effect = np.linalg.solve(a, np.mean([leaf.b for leaf in leaves], axis=0))
        shares = np.array([np.linalg.solve(a, leaf.b - leaf.a @ effect) for leaf in leaves])
        bags = shares.reshape(-1, PER_BAG, len(effect))
        between = (bags.mean(axis=1) ** 2).mean(axis=0)
        # The variance of a mean of PER_BAG trees that is theirs alone.
        noise = bags.var(axis=1).mean(axis=0) / (PER_BAG - 1)
        effects.append(effect)
        variances.append(
            [_cut_off(x - y, max(x, y) * sqrt(2 / len(bags))) for x, y in zip(between, noise, strict=True)]
        )
    return np.array(effects), np.array(variances)


def thresholds(column: Array) -> Array:
    """The values a number may be cut at: what is at most so large goes left."""
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if len(values) > MOST_BINS:
        values = np.unique(np.quantile(known, np.arange(1, MOST_BINS + 1) / MOST_BINS))
    return values[:-1]


def _tree(people: People, rows: Array, others: Array, chosen: Array, arm: int, settings) -> Node:
    least = FEW * _pivots(people.a[rows].sum(axis=0)) / max(len(rows), 1)
    orders = {c: _order(people, rows, c, arm) for c in chosen if c in people.categorical}
    root = Node()
    _split(people, rows, root, chosen, orders, least, settings.depth, settings.leaf)
    _value(people, others, root)
    return root


def _order(people: People, rows: Array, column: int, arm: int) -> list[float]:
    """The categories of all people, and that of the missing, by their smoothed effect in the tree's half."""
    known = np.unique(people.matrix[~np.isnan(people.matrix[:, column]), column])
    b, a = people.b[rows, arm], people.a[rows, arm, arm]
    usual, pull = b.sum() / a.sum(), SMOOTH * a.sum() / len(rows)

    def effect(level: float) -> float:
        here = _is(people.matrix[rows, column], level)
        return (b[here].sum() + pull * usual) / (a[here].sum() + pull)

    # Sorting is stable: of equals, the missing come first, and then the smaller code; strangers sit last.
    return sorted([np.nan, *known], key=effect)


def _split(people, rows, node, chosen, orders, least, depth, leaf) -> None:
    if depth == 0 or len(rows) < 2 * leaf:
        return
    best, found = max(_drop(people, rows, 0 * least), 0) * (1 + 1e-9) + 1e-300, None
    for column in chosen:
        for left in _candidates(people, rows, column, orders):
            goes = left(people.matrix[rows])
            near, far = rows[goes], rows[~goes]
            if min(len(near), len(far)) < leaf:
                continue
            drops = _drop(people, near, least * len(near)), _drop(people, far, least * len(far))
            if min(drops) >= 0 and sum(drops) > best:
                best, found = sum(drops), left
    if found is None:
        return
    node.goes_left, node.left, node.right = found, Node(), Node()
    goes = found(people.matrix[rows])
    _split(people, rows[goes], node.left, chosen, orders, least, depth - 1, leaf)
    _split(people, rows[~goes], node.right, chosen, orders, least, depth - 1, leaf)


def _candidates(people: People, rows: Array, column: int, orders):
    """All ways to part people by a column."""
    here = people.matrix[rows, column]
    if column in orders:
        order, present = orders[column], [level for level in orders[column] if _is(here, level).any()]
        for level in present[:-1]:
            yield _by_category(column, order[: _place(order, level) + 1], present, here)
        return
    edges = thresholds(people.matrix[:, column])
    for missing in (False, True) if np.isnan(here).any() else (False,):
        last = np.zeros(len(here), np.bool_)
        for edge in edges if missing else [*edges, np.inf]:
            if ((here <= edge) != last).any():  # or nobody is between this edge and the last
                yield _by_number(column, edge, missing, here)
            last = here <= edge


def _by_number(column: int, edge: float, missing: bool, here: Array):
    # Where nobody is missing, those who will be go with the majority.
    if not np.isnan(here).any():
        missing = 2 * (here <= edge).sum() >= len(here)

    def left(matrix: Array) -> Array:
        values = matrix[:, column]
        return np.where(np.isnan(values), missing, values <= edge)

    return left


def _by_category(column: int, levels: list[float], present: list[float], here: Array):
    went = sum(_is(here, level).sum() for level in levels)
    majority = 2 * went >= len(here)

    def left(matrix: Array) -> Array:
        values = matrix[:, column]
        is_present = np.any([_is(values, level) for level in present], axis=0)
        return np.where(is_present, np.any([_is(values, level) for level in levels], axis=0), majority)

    return left


def _value(people: People, rows: Array, node: Node) -> None:
    if node.goes_left is None:
        node.b = people.b[rows].sum(axis=0) / max(len(rows), 1)
        node.a = people.a[rows].sum(axis=0) / max(len(rows), 1)
        return
    goes = node.goes_left(people.matrix[rows])
    _value(people, rows[goes], node.left)
    _value(people, rows[~goes], node.right)


def _leaf(node: Node, row: Array) -> Node:
    while node.goes_left is not None:
        node = node.left if node.goes_left(row[None])[0] else node.right
    return node


def _drop(people: People, rows: Array, least: Array) -> float:
    """By how much the effects of a group lower its R-loss; -1 where some treatment lacks people."""
    b, a = people.b[rows].sum(axis=0), people.a[rows].sum(axis=0)
    if (_pivots(a) <= least).any():
        return -1.0
    return float(b @ np.linalg.solve(a, b)) if len(b) > 1 else b[0] * (b[0] / a[0, 0])


def _pivots(a: Array) -> Array:
    """What is left of the information on each treatment once those before it are told apart."""
    minors = [1.0, *(np.linalg.det(a[: i + 1, : i + 1]) for i in range(len(a)))]
    return np.array([now / before if before > 0 else 0.0 for before, now in pairwise(minors)])


def _cut_off(mean: float, error: float) -> float:
    """The mean of a normal distribution of which only what is above 0 is left."""
    if error <= 0:
        return max(mean, 0.0)
    z = mean / error
    return mean + error * (exp(-z * z / 2) / sqrt(2 * pi)) / (0.5 * erfc(-z / sqrt(2)))


def _is(values: Array, level: float) -> Array:
    return np.isnan(values) if np.isnan(level) else values == level


def _place(order: list[float], level: float) -> int:
    return next(i for i, other in enumerate(order) if _is(np.array([other]), level)[0])
