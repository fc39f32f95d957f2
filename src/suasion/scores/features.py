"""Traits as the matrix that trees learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import CampaignError

LEVELS = 100
"""Text values beyond the most frequent so many share one code: rare ones only name individuals."""


@dataclass(frozen=True)
class Features:
    """A numeric matrix with missing values and categories.

    Parameters
    ----------
    matrix : array of float, shape (n, p)
        NaN is missing; categories are codes from 0.
    categorical : tuple of int
        Columns that hold codes.
    """

    matrix: npt.NDArray[np.float64]
    categorical: tuple[int, ...]


@dataclass(frozen=True)
class Coding:
    """How traits become columns of numbers, so that people who come later are coded as those learned from.

    Parameters
    ----------
    names : tuple of str
    levels : tuple of (tuple of str or None)
        Of each trait: its text values, the most frequent first; None where it is a number.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]

    def encode(self, table: pa.Table) -> Features:
        """Code people.

        Parameters
        ----------
        table : pyarrow.Table
            Holds a column for each trait.

        Returns
        -------
        Features
        """
        matrix = np.empty((table.num_rows, len(self.names)))
        for i, (name, levels) in enumerate(zip(self.names, self.levels, strict=True)):
            matrix[:, i] = _numbers(table[name]) if levels is None else _codes(table[name], levels)
        return Features(matrix, tuple(i for i, levels in enumerate(self.levels) if levels is not None))


def coding_of(table: pa.Table) -> Coding:
    """Choose how to code the traits of people.

    Parameters
    ----------
    table : pyarrow.Table
        Those learned from; one column a trait, at least one.

    Returns
    -------
    Coding

    Raises
    ------
    CampaignError
        No trait at all.
    """
    if not table.num_columns:
        raise CampaignError("scores", "no feature tells people apart", "Name traits under features.")
    return Coding(
        tuple(table.column_names), tuple(_levels(c) if _is_text(c) else None for c in table.columns)
    )


def encode(table: pa.Table, learned: int | None = None) -> Features:
    """Encode traits: numbers as they are, booleans as 0 and 1, dates as days, text as codes.

    Parameters
    ----------
    table : pyarrow.Table
        One column a trait; at least one.
    learned : int, optional
        Only the first so many rows are learned from: text that none of them has is rare. All, by default.

    Returns
    -------
    Features

    Raises
    ------
    CampaignError
        No trait at all.

    Examples
    --------
    >>> import pyarrow as pa
    >>> encode(pa.table({"age": [40, None], "place": ["b", "a"]})).matrix.tolist()
    [[40.0, 1.0], [nan, 0.0]]
    """
    return coding_of(table.slice(0, learned)).encode(table)


def _is_text(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    # Whole numbers beyond 2^53 lose their last digits, which no tree needs.
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _levels(column: pa.ChunkedArray) -> tuple[str, ...]:
    """The most frequent values, the most frequent first."""
    counted = pc.value_counts(column.drop_null()).to_pylist()
    ordered = sorted(counted, key=lambda level: (-level["counts"], level["values"]))
    return tuple(level["values"] for level in ordered[:LEVELS])


def _codes(column: pa.ChunkedArray, levels: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """The rank of each value among the levels; one more for all others."""
    codes = pc.fill_null(pc.index_in(column, pa.array(levels, column.type)), len(levels))
    present = pc.if_else(column.is_null(), pa.scalar(None, pa.float64()), codes.cast(pa.float64()))
    return present.to_numpy(zero_copy_only=False)
