"""Least squares with errors that hold in small trials, whatever the variances and the households."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import stdtrit

from suasion.errors import UndefinedError
from suasion.experiments.factorial.coding import Floats, Ids
from suasion.stats import Estimate

LEVEL = 0.95
ASKED = "the effects of parts"
MEMORY = 1_000_000
"""Numbers in the rows of the households that are mended at a time."""


@dataclass(frozen=True)
class Fit:
    """Coefficients of least squares and their covariance.

    Parameters
    ----------
    coefficients : array of float, shape (p,)
    covariance : array of float, shape (p, p)
    units : int
        Independent units.
    freedom : int
        Degrees of freedom of Student's t.
    method : str
    """

    coefficients: Floats
    covariance: Floats
    units: int
    freedom: int
    method: str

    def estimate(self, weights: Floats) -> Estimate:
        """A sum of coefficients with these weights."""
        value = float(weights @ self.coefficients)
        half = sqrt(max(float(weights @ self.covariance @ weights), 0.0))
        half *= float(stdtrit(self.freedom, (1 + LEVEL) / 2))
        return Estimate(value, value - half, value + half, self.units, self.method, LEVEL)


def fit(design: Floats, cells: Ids, outcomes: Floats, units: Ids | None) -> Fit:
    """Least squares with HC2 errors, CR2 where units hold several people.

    Source: Bell and McCaffrey 2002, Survey Methodology 28:169, on as many degrees of freedom as there are
    units less columns. Coefficients that columns cannot tell apart share what they have; only sums that can
    be estimated should be asked for.

    Parameters
    ----------
    design : array of float, shape (cells, p)
        One row for all people of a cell.
    cells : array of int64, shape (n,)
        Cell of each person, none empty.
    outcomes : array of float, shape (n,)
    units : array of int64, shape (n,), optional
        Household of each person.

    Returns
    -------
    Fit

    Raises
    ------
    UndefinedError
        No more units than columns, or one unit that alone decides an effect.
    """
    spread, axes = np.linalg.eigh(design.T @ (np.bincount(cells)[:, None] * design))
    kept = spread > 1e-10 * spread.max()
    turn = axes[:, kept] / np.sqrt(spread[kept])
    basis = design @ turn
    index = np.arange(len(cells)) if units is None else np.unique(units, return_inverse=True)[1]
    count, columns = int(index.max()) + 1, basis.shape[1]
    if count <= columns:
        found = f"{count} independent unit(s) for {columns} effects"
        raise UndefinedError(ASKED, found, "Ask more people, or leave out parts.")
    along = basis.T @ np.bincount(cells, outcomes)
    residuals = outcomes - (basis @ along)[cells]
    alone = count == len(cells)
    meat = _of_persons(basis, cells, residuals) if alone else _of_units(basis, cells, residuals, index)
    name = "least squares, HC2" if alone else "least squares, CR2, clustered"
    return Fit(turn @ along, turn @ meat @ turn.T, count, count - columns, name)


def _of_persons(basis: Floats, cells: Ids, residuals: Floats) -> Floats:
    rest = 1 - np.einsum("ij,ij->i", basis, basis)
    _check(float(rest.min()))
    return basis.T @ ((np.bincount(cells, residuals**2) / rest)[:, None] * basis)


def _of_units(basis: Floats, cells: Ids, residuals: Floats, index: Ids) -> Floats:
    """Units of the same size together, as many at a time as memory should hold."""
    order = np.argsort(index, kind="stable")
    counts = np.bincount(index)
    starts = np.cumsum(counts) - counts
    meat = np.zeros((basis.shape[1], basis.shape[1]))
    for size in np.unique(counts).tolist():
        rows = order[starts[counts == size][:, None] + np.arange(size)]
        step = max(MEMORY // (size * basis.shape[1]), 1)
        for first in range(0, len(rows), step):
            some = rows[first : first + step]
            score = _mended(basis[cells[some]], residuals[some])
            meat += score.T @ score
    return meat


def _mended(z: Floats, residuals: Floats) -> Floats:
    """Z'(I - ZZ')^-1/2 e of each unit, which is (I - Z'Z)^-1/2 Z'e: whichever matrix is smaller."""
    if z.shape[1] <= z.shape[2]:
        turned = _root_inverse(z @ z.transpose(0, 2, 1), residuals)
        return np.einsum("gij,gi->gj", z, turned)
    return _root_inverse(z.transpose(0, 2, 1) @ z, np.einsum("gij,gi->gj", z, residuals))


def _root_inverse(hat: Floats, vectors: Floats) -> Floats:
    """(I - hat)^-1/2 times a vector, for each unit."""
    values, axes = np.linalg.eigh(np.eye(hat.shape[1]) - hat)
    _check(float(values.min()))
    turned = np.einsum("gij,gi->gj", axes, vectors) / np.sqrt(values)
    return np.einsum("gij,gj->gi", axes, turned)


def _check(least: float) -> None:
    if least <= 1e-8:
        raise UndefinedError(
            ASKED, "one unit that alone decides an effect", "Ask more people in that combination."
        )
