"""Whom a plan chooses, trait by trait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.profiles import Trait

LEVELS = 5
"""Most frequent values of a text trait that are shown."""
LEAST = 20
"""What fewer people have or are is not shown: it might name one of them."""


@dataclass(frozen=True)
class TraitShift:
    """A trait among those the plan treats, beside everybody it covers.

    Parameters
    ----------
    trait : str
        Label of the trait, with the value for a text trait.
    treated, everybody : float or None
        Mean of a number, share of a value; weighted by the probability of treatment. None where no one
        is treated or nothing is known.
    share : bool
        Whether the two are shares of people.
    """

    trait: str
    treated: float | None
    everybody: float | None
    share: bool


def shifts(
    features: pa.Table, treated: npt.NDArray[np.float64], catalogue: Mapping[str, Trait]
) -> tuple[TraitShift, ...]:
    """Compare the traits of those a plan treats with those of everybody.

    Parameters
    ----------
    features : pyarrow.Table, n rows
    treated : array of float, shape (n,)
        Probability of any treatment.
    catalogue : mapping of str to Trait

    Returns
    -------
    tuple of TraitShift
        One a number or boolean, up to `LEVELS` a text trait.
    """
    found: list[TraitShift] = []
    for name in features.column_names:
        column, label = features[name].combine_chunks(), catalogue[name].label
        if pa.types.is_string(column.type):
            counted = pc.value_counts(column.drop_null()).to_pylist()
            top = sorted(counted, key=lambda level: (-level["counts"], level["values"]))[:LEVELS]
            for level in (level for level in top if level["counts"] >= LEAST):
                shown = pc.equal(column, level["values"]).cast(pa.float64())
                found.append(_shift(f"{label}: {level['values']}", shown, treated, share=True))
        elif not pa.types.is_date(column.type):
            found.append(
                _shift(label, column.cast(pa.float64()), treated, share=pa.types.is_boolean(column.type))
            )
    return tuple(found)


def _shift(label: str, column: pa.Array, treated: npt.NDArray[np.float64], *, share: bool) -> TraitShift:
    values = column.to_numpy(zero_copy_only=False)
    known = ~np.isnan(values)
    weight = treated[known]
    among = float(weight @ values[known] / weight.sum()) if weight.sum() > 0 else None
    return TraitShift(label, among, float(values[known].mean()) if known.any() else None, share)
