"""A finished experiment as arrays: who got what, with which chance, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.errors import CampaignError
from suasion.experiments.design import Design
from suasion.expressions import quote
from suasion.lake import query

Floats = npt.NDArray[np.float64]
LEAST_PER_ARM = 20
"""Fewer persons with an outcome cannot be split into folds that still hold each treatment."""


@dataclass(frozen=True)
class Trial:
    """The persons of a finished experiment, sorted by id.

    Parameters
    ----------
    design : Design
    persons : array of int64, shape (n,)
    arms : array of int64, shape (n,)
        Index of the treatment received.
    received : array of float, shape (n,)
        Known probability of the treatment received; NaN where it must be estimated.
    outcomes : dict of str to array of float, shape (n,)
    features : pyarrow.Table, n rows
        Traits to learn from; may hold nulls.
    households : array of int64, shape (n,), optional
        Persons with the same number are not independent.
    """

    design: Design
    persons: npt.NDArray[np.int64]
    arms: npt.NDArray[np.int64]
    received: Floats
    outcomes: dict[str, Floats]
    features: pa.Table
    households: npt.NDArray[np.int64] | None


def assemble(
    design: Design,
    persons: npt.NDArray[np.int64],
    records: pa.Table,
    traits: pa.Table,
    features: Sequence[str],
    outcomes: Sequence[str],
) -> tuple[Trial, dict[str, int]]:
    """Bring together the persons of an experiment who may be learned from.

    A person with several records (linked by an identifier of another source) may have had several
    treatments, and is left out.

    Parameters
    ----------
    design : Design
    persons : array of int64, shape (m,)
        The persons of a clearance.
    records : pyarrow.Table
        Columns person, arm, probability, household, and ``outcome:NAME`` for each outcome.
    traits : pyarrow.Table
        Column person and one for each trait.
    features, outcomes : sequence of str
        Names of traits and of outcomes.

    Returns
    -------
    Trial
    dict of str to int
        How many of `persons` are not part of it, by reason.

    Raises
    ------
    CampaignError
        Fewer than two arms, or an arm with too few persons who have every outcome.
    """
    allowed = pa.table({"person": persons})
    columns = [f"r.{quote(f'outcome:{name}')}" for name in outcomes]
    known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    learned = (f"t.{quote(name)} AS {quote(f'trait:{name}')}" for name in features)
    names = ["r.person", "r.arm", "r.probability", "r.household", *columns, *learned]
    sql = (
        f"SELECT {', '.join(names)}, {known} AS known "
        "FROM r JOIN a USING (person) LEFT JOIN t USING (person) "
        "QUALIFY count(*) OVER (PARTITION BY r.person) = 1 ORDER BY r.person"
    )
    single = query(sql, {"r": records, "a": allowed, "t": traits})
    treated = single.filter(pc.is_in(single["arm"], value_set=pa.array(design.names)))
    usable = treated.filter(treated["known"])
    present = len(np.intersect1d(persons, records["person"].to_numpy()))
    drops = {
        "not in the experiment's source": len(persons) - present,
        "more than one record in the experiment": present - single.num_rows,
        "no recorded treatment": single.num_rows - treated.num_rows,
        "no recorded outcome": treated.num_rows - usable.num_rows,
    }
    trial = _trial(design, usable, features, outcomes)
    return trial, {reason: count for reason, count in drops.items() if count}


def _trial(design: Design, table: pa.Table, features: Sequence[str], outcomes: Sequence[str]) -> Trial:
    index = {name: i for i, name in enumerate(design.names)}
    arms = np.array([index[name] for name in table["arm"].to_pylist()], np.int64)
    counts = {name: int((arms == i).sum()) for name, i in index.items()}
    if len(counts) < 2:
        raise CampaignError("an effect", f"one arm only: {', '.join(counts)}", "Map at least two arms.")
    thin = [f"'{name}' has {n}" for name, n in counts.items() if n < LEAST_PER_ARM]
    if thin:
        raise CampaignError(
            "the effect of every treatment",
            f"permitted persons with outcome {', '.join(outcomes)} are too few: {', '.join(thin)}",
            f"Every arm, control included, needs {LEAST_PER_ARM}; leave the arm out or get its outcomes.",
        )
    first = table[f"outcome:{outcomes[0]}"].to_numpy()
    if first.min() == first.max():
        found = f"all {len(first)} permitted persons have the same '{outcomes[0]}'"
        raise CampaignError("an effect", found, "Choose an outcome that varies.")
    known = dict(zip(design.names, design.probabilities or (), strict=False))
    received = (
        np.array([known[design.names[arm]] for arm in arms])
        if known
        else table["probability"].to_numpy(zero_copy_only=False).astype(np.float64)
    )
    household = table["household"]
    return Trial(
        design=design,
        persons=table["person"].to_numpy(),
        arms=arms,
        received=received,
        outcomes={name: table[f"outcome:{name}"].to_numpy().astype(np.float64) for name in outcomes},
        features=table.select([f"trait:{name}" for name in features]).rename_columns(list(features)),
        households=None if household.null_count == len(household) else _clusters(table),
    )


def _clusters(table: pa.Table) -> npt.NDArray[np.int64]:
    """Household numbers; a person without one is a household of one."""
    person = table["person"].to_numpy()
    household = table["household"].to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isnan(household), -person - 1, household).astype(np.int64)
