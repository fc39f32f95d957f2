"""Small trees asked about very many persons: every comparison is made once for a value, not for a person."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numba
import numpy as np
import numpy.typing as npt

from suasion.scores.features import LEVELS, Features

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
LEAVES = 8
"""Most leaves of a tree: one bit each, of a byte."""


@dataclass(frozen=True)
class Trees:
    """Trees as bits: a byte for each tree and value, with a bit for each leaf that the value does not bar.

    The leaf that a person reaches is the first that none of the person's values bars (QuickScorer:
    Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini 2015, SIGIR 38:73).

    Parameters
    ----------
    grids : dict of int to array of float, shape (v,)
        For each column that a tree asks about, sorted values that stand for all others; the last is NaN.
    bits : array of uint8, shape (values of all columns, trees)
    leaves : array of float, shape (trees, 8)
        What each leaf adds.
    """

    grids: dict[int, Floats]
    bits: npt.NDArray[np.uint8]
    leaves: Floats

    def sums(self, features: Features, rows: Rows) -> Floats:
        """The sum of all trees for the persons in `rows`, to the last bit as LightGBM adds it up."""
        cells, start = np.empty((len(rows), len(self.grids)), np.int32), 0
        for place, (column, grid) in enumerate(self.grids.items()):
            # NaN is sorted last, as in the grid.
            cells[:, place] = start + np.searchsorted(grid, features.matrix[rows, column])
            start += len(grid)
        out = np.empty(len(rows))
        _sum(cells, self.bits, self.leaves, out)
        return out


def trees_of(model: lgb.Booster) -> Trees:
    """Rearrange a model of one output.

    Parameters
    ----------
    model : lightgbm.Booster
        Its trees have at most `LEAVES` leaves.

    Returns
    -------
    Trees
    """
    grown = [_grown(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    grids = _grids([split.node for splits, _ in grown for split in splits])
    starts = dict(zip(grids, np.cumsum([0, *map(len, grids.values())]), strict=False))
    bits = np.full((sum(map(len, grids.values())), len(grown)), 2**LEAVES - 1, np.uint8)
    leaves = np.zeros((len(grown), LEAVES))
    for tree, (splits, values) in enumerate(grown):
        leaves[tree, : len(values)] = values
        for split in splits:
            column = split.node["split_feature"]
            barred = starts[column] + np.flatnonzero(~_left(split.node, grids[column]))
            bits[barred, tree] &= ~np.uint8((2**split.count - 1) << split.first)
    return Trees(grids, bits, leaves)


@dataclass(frozen=True)
class _Split:
    """A question of a tree; on its left are `count` leaves from the one numbered `first`."""

    node: dict[str, Any]
    first: int
    count: int


def _grown(node: dict[str, Any], first: int = 0) -> tuple[list[_Split], list[float]]:
    """The splits below a node of LightGBM's dump, and the values of its leaves from left to right."""
    if "leaf_value" in node:
        return [], [node["leaf_value"]]
    lower, left = _grown(node["left_child"], first)
    upper, right = _grown(node["right_child"], first + len(left))
    return [_Split(node, first, len(left)), *lower, *upper], left + right


def _grids(nodes: list[dict[str, Any]]) -> dict[int, Floats]:
    """For each column asked about: the values that a question names, one beyond them, and NaN."""
    asked: dict[int, set[float]] = {}
    for node in nodes:
        named = range(LEVELS + 1) if node["decision_type"] == "==" else [_threshold(node)]
        asked.setdefault(node["split_feature"], set()).update(named)
    return {column: np.array([*sorted(values), np.inf, np.nan]) for column, values in asked.items()}


def _left(node: dict[str, Any], grid: Floats) -> npt.NDArray[np.bool_]:
    """Which values go to the left."""
    if node["decision_type"] == "==":
        return np.isin(grid, [float(code) for code in node["threshold"].split("||")])
    threshold = _threshold(node)
    # Where nothing was missing when the tree grew, LightGBM takes what is missing for 0.
    lost = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    return np.where(np.isnan(grid), lost, grid <= threshold)


def _threshold(node: dict[str, Any]) -> float:
    """The largest number that goes to the left; LightGBM's dump writes 1e300 for what is at the edge."""
    dumped = float(node["threshold"])
    if abs(dumped) < 1e300:
        return dumped
    return math.inf if dumped > 0 else -sys.float_info.max


@numba.njit(cache=True)
def _sum(cells, bits, leaves, out):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    first = np.zeros(256, np.uint8)
    for open_leaves in range(1, 256):
        while not open_leaves >> first[open_leaves] & 1:
            first[open_leaves] += 1
    here = np.empty(bits.shape[1], np.uint8)
    for row in range(cells.shape[0]):
        here[:] = 255
        for place in range(cells.shape[1]):
            there = bits[cells[row, place]]
            for tree in range(len(here)):
                here[tree] &= there[tree]
        total = 0.0
        for tree in range(len(here)):
            total += leaves[tree, first[here[tree]]]
        out[row] = total
