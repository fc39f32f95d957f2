"""The mean of one arm at the average person of the trial, and how each independent unit moves it.

Bell and McCaffrey's CR2 (2002, Survey Methodology 28:169), HC2 where everybody stands alone. With Z the
orthonormal design of an arm, the residuals e of a unit are mended to (I - Z Z')^-1/2 e, and the mean is
c' Z' y for one vector c; since Z' (I - Z Z')^-1/2 = (I - Z'Z)^-1/2 Z', a unit moves it by p' e with
p = Z (I - Z'Z)^-1/2 c: one number a person, no matrix of persons by persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10

import numpy as np

from suasion.errors import UndefinedError
from suasion.stats.arms.drawn import Drawn, compact
from suasion.stats.influence import Floats, Ids

HEAVY = 0.01
"""Units with more leverage are mended by eigenvalues: at most 100 a coefficient. A series does for others."""
RATIOS = (1 / 2, 3 / 4, 5 / 6, 7 / 8, 9 / 10)
"""Of neighbors in the series of (1 - k)^-1/2; five terms leave less than 1e-10 where k is at most 0.01."""
DUST = 1e-8
"""What is left of 1 below this is rounding."""


@dataclass(frozen=True)
class Side:
    """A weighted regression within one arm on 1 and covariates that are 0 for the average person.

    Parameters
    ----------
    rows : array of int, shape (m,)
        People of the arm.
    root : array of float, shape (m,), or None
        Square root of what each counts; None where all count 1.
    basis : array of float, shape (m, q)
        Orthonormal columns that span the design times `root`.
    aim : array of float, shape (q,)
        The mean at the average person in the coefficients of `basis`.
    units : array of int, shape (u,)
        Independent units of the arm, in order.
    local : array of int, shape (m,), or None
        Position of each person's unit in `units`; None where everybody is one.
    pull : array of float, shape (m,)
        What a residual of each adds to the mended error of the mean.
    """

    rows: Ids
    root: Floats | None
    basis: Floats
    aim: Floats
    units: Ids
    local: Ids | None
    pull: Floats

    def mean(self, values: Floats) -> tuple[float, Floats]:
        """The mean at the average person of values of all people, and what each unit of the arm moves."""
        inside = self._counted(values[self.rows])
        fitted = self.basis.T @ inside
        return float(self.aim @ fitted), self.moved(inside - self.basis @ fitted)

    def moved(self, residuals: Floats) -> Floats:
        """What residuals of the arm, times `root`, add up to in each unit."""
        return self._by_unit(self.pull * residuals)

    def spread(self) -> tuple[Floats, Floats]:
        """For the degrees of freedom: sums of squared pulls, and of basis times pull, of each unit."""
        bend = np.stack([self._by_unit(column * self.pull) for column in self.basis.T], axis=1)
        return self._by_unit(self.pull**2), bend

    def _counted(self, values: Floats) -> Floats:
        return values if self.root is None else values * self.root

    def _by_unit(self, parts: Floats) -> Floats:
        return parts if self.local is None else _sums(self.local, parts)


def sides_of(people: Drawn, covariates: Floats | None) -> tuple[Side, ...]:
    """One side an arm, the control first.

    Raises
    ------
    UndefinedError
        An arm with no more independent units than coefficients, or covariates that vary among all people but
        not, or only together, within an arm.
    """
    columns = None if covariates is None else _whitened(covariates, people)
    return tuple(_side(people, arm, columns) for arm in range(len(people.rows)))


def _side(people: Drawn, arm: int, columns: Floats | None) -> Side:
    rows = people.rows[arm]
    units, local = (rows, None) if people.units is None else compact(people.units[rows], people.count)
    root = None if people.counted is None else np.sqrt(people.counted[rows])
    ones = np.ones(len(rows)) if root is None else root
    design = ones[:, None]
    if columns is not None:
        design = np.column_stack([ones, columns[rows] * design])
    if len(units) <= design.shape[1]:
        found = f"arm {arm} has {len(units)} independent unit(s) for {design.shape[1]} coefficient(s)"
        raise UndefinedError(people.asked, found, "Give fewer covariates, or wait for more.")
    sizes, axes = np.linalg.eigh(design.T @ design)
    if sizes[0] <= DUST * sizes[-1]:
        found = f"covariates that people of arm {arm} do not tell apart"
        raise UndefinedError(people.asked, found, "Leave out what few people have.")
    turn = axes / np.sqrt(sizes)
    basis, aim = design @ turn, turn[0]
    return Side(rows, root, basis, aim, units, local, _pull(basis, aim, local))


def _whitened(covariates: Floats, people: Drawn) -> Floats:
    """Columns of mean 0 and variance 1 that do not go together, with the span of the covariates."""
    weights = np.ones(len(covariates)) if people.weights is None else people.weights
    centered = covariates - np.average(covariates, axis=0, weights=weights)
    size = np.sqrt(np.average(centered**2, axis=0, weights=weights))
    varies = size > 1e-12 * np.abs(covariates).max(axis=0)
    scaled = centered[:, varies] / size[varies]
    sizes, axes = np.linalg.eigh((scaled * weights[:, None]).T @ scaled / weights.sum())
    kept = sizes > DUST * sizes.max(initial=0)
    return scaled @ (axes[:, kept] / np.sqrt(sizes[kept]))


def _pull(basis: Floats, aim: Floats, local: Ids | None) -> Floats:
    """Basis times (I - K)^-1/2 aim, with K the sum of products of the basis in the person's unit."""
    leverage = np.einsum("ij,ij->i", basis, basis)
    if local is None:
        return (basis @ aim) * _inverse_root(1 - leverage)
    traces = _sums(local, leverage)
    if len(aim) == 1:
        return basis[:, 0] * aim[0] * _inverse_root(1 - traces)[local]
    heavy = traces > HEAVY
    light = float(traces[~heavy].max(initial=0))
    terms = min(len(RATIOS), ceil(-10 / log10(light))) if light > 0 else 0
    turned = np.tile(aim, (len(traces), 1))
    for ratio in RATIOS[:terms][::-1]:
        along = np.einsum("ij,ij->i", basis, turned[local])
        turned = aim + ratio * np.stack([_sums(local, column * along) for column in basis.T], axis=1)
    if heavy.any():
        inside = np.flatnonzero(heavy[local])
        turned[heavy] = _mended(basis[inside], compact(local[inside], len(traces))[1], aim)
    return np.einsum("ij,ij->i", basis, turned[local])


def _mended(basis: Floats, local: Ids, aim: Floats) -> Floats:
    """(I - K)^-1/2 aim of each unit, by the eigenvalues of its K."""
    products = [[_sums(local, one * other) for other in basis.T] for one in basis.T]
    sizes, axes = np.linalg.eigh(np.moveaxis(np.array(products), -1, 0))
    return np.einsum("uij,uj,ukj,k->ui", axes, _inverse_root(1 - sizes), axes, aim, optimize=True)


def _sums(local: Ids, parts: Floats) -> Floats:
    return np.asarray(np.bincount(local, parts), np.float64)


def _inverse_root(left: Floats) -> Floats:
    """1 / sqrt, and 0 where nothing is left: such a residual is 0 (Pustejovsky and Tipton 2018)."""
    return np.where(left > DUST, 1 / np.sqrt(np.maximum(left, DUST)), 0.0)
