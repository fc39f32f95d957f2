"""Limits as rows of a linear program over elementary totals, each of which a draw can keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.allocation.limits import Capacity, Limit, Money, Parity
from suasion.errors import CampaignError
from suasion.experiments import Totals

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
LARGEST = 50_000_000
"""Most coefficients, cells x options x totals, that are kept at once."""


@dataclass(frozen=True)
class Rows:
    """Row r says: the sum over totals e of ``weights[r, e] * total_e`` is at most ``most[r]``.

    Parameters
    ----------
    totals : Totals
        R elementary totals.
    weights : array of float, shape (M, R)
    most : array of float, shape (M,)
    owner : array of int, shape (M,)
        The limit that a row belongs to.
    resource : array of bool, shape (M,)
        Whether the row is something to use up, of which nobody uses less than nothing.
    """

    totals: Totals
    weights: Floats
    most: Floats
    owner: Ids
    resource: npt.NDArray[np.bool_]

    @property
    def counts(self) -> Floats:
        """Coefficient of a person's option by cell; shape (M, cells, k)."""
        return np.tensordot(self.weights, self.totals.counts, axes=1)

    @property
    def money(self) -> Floats:
        """Coefficient of the cost of an option; shape (M, k)."""
        return self.weights @ self.totals.money

    def keep(self, rows: npt.NDArray[np.bool_], also: npt.NDArray[np.bool_]) -> Rows:
        """These rows, and of the totals those that they or somebody else needs."""
        needed = also | (self.weights[rows] != 0).any(axis=0)
        totals = replace(
            self.totals,
            names=tuple(name for name, need in zip(self.totals.names, needed, strict=True) if need),
            counts=self.totals.counts[needed],
            money=self.totals.money[needed],
        )
        return Rows(
            totals, self.weights[rows][:, needed], self.most[rows], self.owner[rows], self.resource[rows]
        )


def rows_of(limits: Sequence[Limit], n: int, k: int) -> Rows:
    """All limits as rows.

    Parameters
    ----------
    limits : sequence of Money, Capacity, Parity
    n, k : int
        People and options.

    Returns
    -------
    Rows

    Raises
    ------
    CampaignError
        Parity is asked for between too many groups.
    """
    cells, members = _cells(limits, n)
    width = [int(limit.groups.max(initial=0)) + 1 if isinstance(limit, Parity) else 1 for limit in limits]
    size = sum(width) * max(len(members), 1) * k
    if size > LARGEST:
        found = f"{sum(width):,} groups in {len(members):,} combinations"
        raise CampaignError("parity", found, "Form larger groups.")
    names, counts, money = list[str](), list[Floats](), list[Floats]()
    blocks, most, owner, resource = list[Floats](), list[float](), list[int](), list[bool]()
    parities = 0
    for at, limit in enumerate(limits):
        if isinstance(limit, Parity):
            rows, ends = limit.rows()
            belongs = members[:, parities, None] == np.arange(width[at])
            parities += 1
            names += [f"{limit.name} {group}" for group in range(width[at])]
            counts.append(np.repeat(belongs.T[:, :, None].astype(np.float64), k, axis=2))
            money.append(np.zeros((width[at], k)))
        else:
            rows, ends = _ends(limit)
            names.append(limit.name)
            on = limit.options.astype(np.float64)
            charged = isinstance(limit, Money)
            counts.append(np.tile(0.0 if charged else on, (1, len(members), 1)) * np.ones((1, 1, k)))
            money.append((on if charged else np.zeros(k))[None])
        blocks.append(rows)
        most += ends.tolist()
        owner += [at] * len(rows)
        resource += [not isinstance(limit, Parity) and bool((row >= 0).all()) for row in rows]
    totals = Totals(tuple(names), cells, np.concatenate(counts), np.concatenate(money))
    return Rows(
        totals, _diagonal(blocks, width), np.array(most), np.array(owner, np.int64), np.array(resource)
    )


def _ends(limit: Money | Capacity) -> tuple[Floats, Floats]:
    least = limit.least if isinstance(limit, Capacity) else None
    upper = [(1.0, limit.most)] if np.isfinite(limit.most) else []
    lower = [(-1.0, -least)] if least else []
    both = np.array(upper + lower).reshape(-1, 2)
    return both[:, :1], both[:, 1]


def _diagonal(blocks: list[Floats], width: list[int]) -> Floats:
    whole = np.zeros((sum(map(len, blocks)), sum(width)))
    row, column = 0, 0
    for block, wide in zip(blocks, width, strict=True):
        whole[row : row + len(block), column : column + wide] = block
        row, column = row + len(block), column + wide
    return whole


def _cells(limits: Sequence[Limit], n: int) -> tuple[npt.NDArray[np.int32], Ids]:
    """People who are in the same groups of all parities are in one cell; and the groups of each cell."""
    groups = [limit.groups for limit in limits if isinstance(limit, Parity)]
    if not groups:
        return np.zeros(n, np.int32), np.zeros((1, 0), np.int64)
    if len(groups) == 1:
        cells = np.arange(int(groups[0].max(initial=0)) + 1)
        return groups[0].astype(np.int32), cells[:, None]
    codes = np.zeros(n, np.int64)
    for one in groups:
        codes = np.unique(codes * (int(one.max(initial=0)) + 1) + one, return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    return codes.astype(np.int32), np.column_stack([one[first] for one in groups]).astype(np.int64)
