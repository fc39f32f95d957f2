"""Who gains: the mean gain of people of a trait."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor, log10
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.measurement.who import LEAST, LEVELS
from suasion.profiles import Trait
from suasion.stats import Estimate, calibration

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
PARTS = 3
"""Into which numbers and dates are split."""
UNKNOWN = "unknown"
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Gain:
    """The mean gain of people who share a trait.

    Parameters
    ----------
    trait, group : str
        Label of the trait, and which part of the people.
    people : int
    gain : Estimate
        AIPW, a person.
    """

    trait: str
    group: str
    people: int
    gain: Estimate


def gains_of(
    gains: Floats, said: Floats, traits: pa.Table, catalogue: Mapping[str, Trait], homes: Ids | None
) -> tuple[Gain, ...]:
    """The mean gain in the groups of each trait.

    Parameters
    ----------
    gains, said : array of float, shape (n,)
        AIPW gains, and predicted effects.
    traits : pyarrow.Table, n rows
    catalogue : mapping of str to Trait
    homes : array of int64, shape (n,), optional

    Returns
    -------
    tuple of Gain
        Traits between whose groups predictions differ most come first: what was seen decides nothing, so it
        cannot be picked for being large. Groups of fewer than `LEAST` people, and traits of one group, are
        left out.
    """
    found: list[tuple[float, list[Gain]]] = []
    for name in traits.column_names:
        codes, parts = split(traits[name].combine_chunks())
        told = calibration.gain_by_group(gains, codes, homes)
        counts = np.bincount(codes + 1, minlength=len(parts) + 1)[1:].tolist()
        shown = [
            Gain(catalogue[name].label, part, count, gain)
            for code, (part, count) in enumerate(zip(parts, counts, strict=True))
            if count >= LEAST and (gain := told[code]) is not None
        ]
        if len(shown) > 1:
            found.append((_between(said, codes), shown))
    found.sort(key=lambda pair: -pair[0])
    return tuple(gain for _, shown in found for gain in shown)


def split(column: pa.Array) -> tuple[Ids, tuple[str, ...]]:
    """Put people into groups: numbers and dates by size, texts by their most frequent values.

    Parameters
    ----------
    column : pyarrow.Array, n values

    Returns
    -------
    array of int64, shape (n,)
        Group of each person; -1 where in none that has a name.
    tuple of str
        What the groups are called.

    Examples
    --------
    >>> codes, parts = split(pa.array([1, 5, 9, None, 3, 40, 2]))
    >>> codes.tolist(), parts
    ([0, 1, 2, 3, 1, 2, 0], ('up to 2', 'over 2 to 5', 'over 5', 'unknown'))
    """
    kind = column.type
    if pa.types.is_boolean(kind):
        return _coded(column, [True, False]), ("yes", "no", UNKNOWN)
    if pa.types.is_string(kind):
        counted = pc.value_counts(column.drop_null()).to_pylist()
        top = sorted(counted, key=lambda level: (-level["counts"], level["values"]))[:LEVELS]
        names = [level["values"] for level in top]
        return _coded(column, names), (*names, UNKNOWN)
    if pa.types.is_date(kind):
        days = column.cast(pa.date32()).cast(pa.int32()).cast(pa.float64())
        return _parts(days, lambda day: str(EPOCH + timedelta(int(day))))
    return _parts(column.cast(pa.float64()), lambda value: f"{value:.10g}")


def _coded(column: pa.Array, levels: list[Any]) -> Ids:
    codes = pc.index_in(column, pa.array(levels, column.type)).fill_null(-1)
    return pc.if_else(column.is_null(), len(levels), codes).to_numpy(zero_copy_only=False).astype(np.int64)


def _parts(column: pa.Array, word: Callable[[float], str]) -> tuple[Ids, tuple[str, ...]]:
    """Few values each by themselves, many in parts of about equal size."""
    values = column.to_numpy(zero_copy_only=False)
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    if len(levels) <= PARTS + 1:
        codes = np.searchsorted(levels, values)
        return np.where(np.isnan(values), len(levels), codes), (*map(word, levels.tolist()), UNKNOWN)
    cuts = np.quantile(known, np.arange(1, PARTS) / PARTS, method="lower")
    below = [cut for cut in cuts.tolist() if cut < levels[-1]] or [float(levels[-2])]
    edges = np.unique([_short(cut) for cut in below])
    codes = np.searchsorted(edges, values)
    said = [word(edge) for edge in edges.tolist()]
    between = (f"over {low} to {high}" for low, high in itertools.pairwise(said))
    names = (f"up to {said[0]}", *between, f"over {said[-1]}", UNKNOWN)
    return np.where(np.isnan(values), len(edges) + 1, codes), names


def _short(value: float) -> float:
    """The value with three digits that count, and never fewer than the whole part."""
    return round(value, max(0, 2 - floor(log10(abs(value))))) if value else value


def _between(said: Floats, codes: Ids) -> float:
    """How much of the spread of predictions lies between the groups: 0 to 1."""
    _, index = np.unique(codes, return_inverse=True)
    means = np.bincount(index, said) / np.bincount(index)
    return float(means[index].var() / max(said.var(), 1e-300))
