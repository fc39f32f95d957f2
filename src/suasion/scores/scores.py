"""What is stored for each person once models have been fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.scores import stored
from suasion.scores.extremes import Extremes
from suasion.scores.pool import Compared
from suasion.scores.ranking import Ranking
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Findings:
    """What learning found of the treatments.

    Parameters
    ----------
    rankings : tuple of Ranking
        Of each treatment: whether its effects may rank people.
    compared : tuple of Compared
        How well each learner did.
    extremes : Extremes
        What was done with the largest amounts.
    warnings : tuple of str
        What the guards found.
    """

    rankings: tuple[Ranking, ...]
    compared: tuple[Compared, ...]
    extremes: Extremes
    warnings: tuple[str, ...] = ()


PARTS = (Compared, Estimate, Extremes, Findings, Ranking)


@dataclass(frozen=True)
class Scores:
    """Cross-fitted effects and AIPW scores of the persons of a trial.

    Parameters
    ----------
    persons : array of int64, shape (n,)
    households : array of int64, shape (n,), optional
    arms : array of int64, shape (n,)
        Treatment received, as index; 0 is the control.
    received : array of float, shape (n,)
        Probability of the treatment received, known or estimated.
    effects : array of float, shape (n, arms - 1)
        Effect of each treatment on the first outcome against the control, as people may be ranked by it.
    learned : array of float, shape (n, arms - 1)
        The same, where the treatment may not rank people either.
    observed : dict of str to array of float, shape (n,)
        Each outcome as recorded.
    expected : dict of str to array of float, shape (n, arms)
        Expected outcome under each arm, predicted by models that have not seen the person.
    aipw : dict of str to array of float, shape (n, arms)
        AIPW score: its mean over people is unbiased for the mean outcome if all were given the arm.
    findings : Findings
        How the effects were learned, and whether they may rank people.
    """

    persons: npt.NDArray[np.int64]
    households: npt.NDArray[np.int64] | None
    arms: npt.NDArray[np.int64]
    received: Floats
    effects: Floats
    learned: Floats
    observed: dict[str, Floats]
    expected: dict[str, Floats]
    aipw: dict[str, Floats]
    findings: Findings


def table_of(scores: Scores) -> pa.Table:
    """The scores as a table for the lake: one row a person."""
    columns: dict[str, npt.NDArray[np.generic]] = {
        "person": scores.persons,
        "arm": scores.arms,
        "received": scores.received,
    }
    if scores.households is not None:
        columns["household"] = scores.households
    columns |= {f"effect:{i}": column for i, column in enumerate(scores.effects.T)}
    columns |= {f"learned:{i}": column for i, column in enumerate(scores.learned.T)}
    for outcome, values in scores.observed.items():
        columns[f"observed:{outcome}"] = values
        columns |= {f"expected:{outcome}:{i}": c for i, c in enumerate(scores.expected[outcome].T)}
        columns |= {f"aipw:{outcome}:{i}": c for i, c in enumerate(scores.aipw[outcome].T)}
    table = pa.table({name: np.ascontiguousarray(column) for name, column in columns.items()})
    return table.replace_schema_metadata({"findings": stored.dump(scores.findings, PARTS)})


def scores_from(table: pa.Table, outcomes: tuple[str, ...], arms: int) -> Scores:
    """Read scores back from the lake.

    Parameters
    ----------
    table : pyarrow.Table
        As `table_of` made it.
    outcomes : tuple of str
    arms : int
        Number of arms, control included.

    Returns
    -------
    Scores
    """

    def column(name: str) -> Floats:
        return table[name].to_numpy()

    def columns(kind: str) -> Floats:
        return np.column_stack([column(f"{kind}:{i}") for i in range(arms)])

    return Scores(
        persons=table["person"].to_numpy(),
        households=table["household"].to_numpy() if "household" in table.column_names else None,
        arms=table["arm"].to_numpy(),
        received=column("received"),
        effects=np.column_stack([column(f"effect:{i}") for i in range(arms - 1)]),
        learned=np.column_stack([column(f"learned:{i}") for i in range(arms - 1)]),
        observed={name: column(f"observed:{name}") for name in outcomes},
        expected={name: columns(f"expected:{name}") for name in outcomes},
        aipw={name: columns(f"aipw:{name}") for name in outcomes},
        findings=cast(Findings, stored.restore(table.schema.metadata[b"findings"], PARTS)),
    )
