"""Who got an arm, against what chance was to do, and tests whether something known explains it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.sparse import csr_array
from scipy.special import chdtrc

from suasion.scores.data import Data, Floats, Ids
from suasion.scores.guards.asked import numbered

RANK = 1e-9
"""Share of the largest eigenvalue below which a direction is a copy of others."""


@dataclass(frozen=True)
class Departure:
    """How far the assignment departs from chance along some columns.

    Parameters
    ----------
    statistic : float
        Chi-square.
    freedom : int
        Its degrees of freedom; 0 where the columns say nothing.
    p_value : float
    """

    statistic: float
    freedom: int
    p_value: float


@dataclass(frozen=True)
class Surprise:
    """Got the arm (1) or not (0), minus the probability of it.

    Parameters
    ----------
    residuals : array of float, shape (n,)
    spread : array of float, shape (n,)
        Their variance under chance, ``p (1 - p)``.
    units : array of int64, shape (n,)
        Household, numbered from 0.
    together : float
        Correlation of the residuals of two people of one household: 1 where households were treated as
        one, 0 where everybody drew alone.
    """

    residuals: Floats
    spread: Floats
    units: Ids
    together: float

    def test(self, columns: Floats | csr_array) -> Departure:
        """Whether the columns, fixed before the draw, tell who got the arm.

        The score of a linear explanation, conditional on how many got the arm, against its variance under
        the draw itself (Hansen and Bowers 2008, Statistical Science 23:219), with one correlation within
        households. With one-hot columns and no households it is Pearson's chi-square.

        Parameters
        ----------
        columns : array of float or sparse array, shape (n, q)

        Returns
        -------
        Departure
        """
        score, variance = self._conditional(columns)
        values, vectors = np.linalg.eigh(variance)
        kept = values > RANK * values.max(initial=0)
        if not kept.any():
            return Departure(0.0, 0, 1.0)
        statistic = float(((vectors[:, kept].T @ score) ** 2 / values[kept]).sum())
        freedom = int(kept.sum())
        return Departure(statistic, freedom, float(chdtrc(freedom, statistic)))

    def deviation(self, column: Floats) -> float:
        """Standard deviations by which the column is higher among those who got the arm; 0 if constant."""
        score, variance = self._conditional(column[:, None])
        scale = len(column) * float(np.var(column)) * float(self.spread.mean())
        return float(score[0]) / sqrt(variance[0, 0]) if variance[0, 0] > RANK * scale > 0 else 0.0

    def _conditional(self, columns: Floats | csr_array) -> tuple[Floats, Floats]:
        """Score and variance of the columns, given the sum of all residuals."""
        given = csr_array(columns)
        score = given.T @ self.residuals
        weighted = given.multiply(np.sqrt(self.spread)[:, None]).tocsr()
        root = csr_array(np.sqrt(self.spread)[:, None])
        variance, shared, total = (
            self._sum(a, b) for a, b in ((weighted, weighted), (weighted, root), (root, root))
        )
        share = shared[:, 0] / total[0, 0]
        return score - share * self.residuals.sum(), variance - np.outer(share, shared[:, 0])

    def _sum(self, left: csr_array, right: csr_array) -> Floats:
        alone = (left.T @ right).toarray()
        if self.together == 0:
            return alone
        summed = self._households
        shared = ((summed @ left).T @ (summed @ right)).toarray()
        return alone + self.together * (shared - alone)

    @property
    def _households(self) -> csr_array:
        n = len(self.units)
        return csr_array((np.ones(n), (self.units, np.arange(n))), shape=(int(self.units.max()) + 1, n))


def surprise(data: Data, treatments: Ids, arm: int) -> Surprise:
    """Residuals of one arm, from the known propensities, or else from its share.

    Parameters
    ----------
    data : Data
    treatments : array of int64, shape (n,)
    arm : int

    Returns
    -------
    Surprise
    """
    got = (treatments == arm).astype(np.float64)
    chance = np.full(data.n, got.mean()) if data.propensities is None else data.propensities[:, arm]
    residuals, spread = got - chance, chance * (1 - chance)
    units = numbered(data.clusters, data.n)
    return Surprise(residuals, spread, units, _together(residuals / np.sqrt(spread), units))


def _together(scaled: Floats, units: Ids) -> float:
    """Mean product of the scaled residuals of two of a household, from 0 to 1."""
    sizes = np.bincount(units).astype(np.float64)
    pairs = float((sizes * (sizes - 1)).sum())
    if pairs == 0:
        return 0.0
    products = float((np.bincount(units, scaled) ** 2).sum() - (scaled**2).sum())
    return min(max(products / pairs, 0.0), 1.0)


def one_hot(codes: Ids) -> csr_array:
    """A column for each code from 0."""
    n = len(codes)
    return csr_array((np.ones(n), (np.arange(n), codes)), shape=(n, int(codes.max(initial=0)) + 1))
