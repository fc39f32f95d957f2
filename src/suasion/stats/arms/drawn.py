"""Who was drawn into which arm: what every comparison of arms starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.influence import Floats, Ids


@dataclass(frozen=True)
class Drawn:
    """People by the arm that chance gave them.

    Parameters
    ----------
    asked : str
        What is to be told of them.
    rows : tuple of array of int
        Rows of each arm, the control first; without people of weight 0.
    weights : array of float, shape (n,), or None
        How many people each stands for; None where everybody stands for one.
    counted : array of float, shape (n,), or None
        Weight over the chance of the own arm; None where all are alike.
    units : array of int, shape (n,), or None
        Cluster of each person, 0 to count - 1; None where everybody is independent.
    count : int
        Independent units.
    label : str
        What to add to the name of a method.
    """

    asked: str
    rows: tuple[Ids, ...]
    weights: Floats | None
    counted: Floats | None
    units: Ids | None
    count: int
    label: str

    @property
    def plain(self) -> bool:
        """Whether all are independent and count alike."""
        return self.units is None and self.counted is None


def drawn(
    asked: str,
    arms: npt.NDArray[np.integer],
    columns: tuple[Floats, ...],
    clusters: Ids | None,
    weights: Floats | None = None,
    probabilities: Floats | None = None,
) -> Drawn:
    """Check what is given, one row a person, and sort people by arm.

    Raises
    ------
    UndefinedError
        Columns that are not of one length, a value that is not finite, a negative weight, a chance outside 0
        to 1, no second arm, or an arm of fewer than two independent units.
    """
    arms = np.asarray(arms)
    given = (*columns, *(column for column in (weights, probabilities) if column is not None))
    _check_shapes(asked, arms, given, clusters)
    if weights is not None and weights.min(initial=0) < 0:
        found = f"{int((weights < 0).sum())} negative weight(s)"
        raise UndefinedError(asked, found, "Give weights of 0 or more.")
    if probabilities is not None and not ((probabilities > 0) & (probabilities <= 1)).all():
        found = f"{int((~((probabilities > 0) & (probabilities <= 1))).sum())} chance(s) outside 0 to 1"
        raise UndefinedError(asked, found, "Give the chance with which each person got the own arm.")
    units = None if clusters is None else _codes(clusters)
    rows = _rows(asked, arms, weights, units)
    counted = weights
    if probabilities is not None:
        counted = (1.0 if weights is None else weights) / probabilities
    count = len(arms) if units is None else int(units.max()) + 1
    noted = ((weights, ", weighted"), (probabilities, ", by chances"), (clusters, ", clustered"))
    label = "".join(note for column, note in noted if column is not None)
    return Drawn(asked, rows, weights, counted, units, count, label)


def compact(ids: Ids, end: int) -> tuple[Ids, Ids]:
    """Distinct ids of 0 to end - 1, in order, and the place of each id among them; without sorting."""
    present = np.zeros(end, np.bool_)
    present[ids] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[ids]


def _codes(ids: npt.NDArray[np.integer]) -> Ids:
    """Numbers 0 to count - 1 for ids, in their order."""
    low, high = int(ids.min(initial=0)), int(ids.max(initial=0))
    if high - low > 4 * len(ids):
        return np.unique(ids, return_inverse=True)[1].astype(np.int64)
    return compact((ids - low).astype(np.int64), high - low + 1)[1]


def _check_shapes(
    asked: str, arms: npt.NDArray[np.integer], columns: tuple[Floats, ...], clusters: Ids | None
) -> None:
    told = (arms, *columns) if clusters is None else (arms, *columns, clusters)
    if arms.ndim != 1 or len({len(column) for column in told if column.ndim}) > 1:
        found = f"columns of shapes {sorted({column.shape for column in told})}"
        raise UndefinedError(asked, found, "Give one row a person in each.")
    if not all(np.isfinite(column).all() for column in columns):
        raise UndefinedError(asked, "values that are not finite", "Drop or mend them first.")
    if not np.issubdtype(arms.dtype, np.integer) or arms.min(initial=0) < 0:
        raise UndefinedError(asked, "arms that are no whole numbers from 0", "Number the arms, control 0.")


def _rows(
    asked: str, arms: npt.NDArray[np.integer], weights: Floats | None, units: Ids | None
) -> tuple[Ids, ...]:
    here = True if weights is None else weights > 0
    rows = tuple(np.flatnonzero((arms == arm) & here) for arm in range(int(arms.max(initial=0)) + 1))
    if len(rows) < 2:
        raise UndefinedError(asked, "nobody outside the control", "It takes a control, 0, and another arm.")
    for arm, inside in enumerate(rows):
        independent = inside if units is None else units[inside]
        if len(inside) < 2 or independent.min() == independent.max():
            found = f"arm {arm} of {len(rows)} has {len(inside)} person(s), fewer than two independent units"
            raise UndefinedError(asked, found, "Leave the arm out, or wait for more.")
    return rows
