"""What is inferred of persons, and how it becomes a stored trait."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from suasion.errors import UndefinedError
from suasion.ledger import Run
from suasion.rules import Clearance, Gate
from suasion.scores.inferences.card import Card
from suasion.scores.inferences.quality import Quality
from suasion.stats import Estimate

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Inferred:
    """What was inferred of persons by models that have not seen them, and how good it is.

    Parameters
    ----------
    persons : array of int64, shape (m,)
        Sorted.
    values : array of float, shape (m,)
        Between 0 and 1.
    low, high : array of float, shape (m,)
        Interval; NaN where there is no honest one.
    n : array of int64, shape (m,)
        How many persons of whom the outcome is known each rests on.
    quality : Quality
    listed : Estimate or None
        Of a lookalike: which share of those who belong on the list is on it.
    """

    persons: Ids
    values: Floats
    low: Floats
    high: Floats
    n: Ids
    quality: Quality
    listed: Estimate | None = None

    def among(self, persons: Ids) -> Inferred:
        """Of these persons alone."""
        kept = np.isin(self.persons, persons)
        columns = {name: getattr(self, name)[kept] for name in ("persons", "values", "low", "high", "n")}
        return replace(self, **columns)


def publish(
    run: Run, card: Card, inferred: Inferred, inputs: str, clearance: Clearance, gate: Gate, facts: str
) -> None:
    """Write the tables ``inferred.TRAIT``, which comes back as a trait, and ``cards.TRAIT`` with its card.

    Parameters
    ----------
    run : Run
    card : Card
    inferred : Inferred
    inputs : str
        What it was made from.
    clearance : Clearance
        Must permit learning from every person who gets the trait.
    gate : Gate
    facts : str
        Version of the facts as they stand now.

    Raises
    ------
    UndefinedError
        The score is not nearer to the outcomes than the base rate is; nothing is written.
    ClearanceError
        The clearance does not permit it; nothing is written.
    """
    gain = inferred.quality.gain
    if not inferred.quality.tells:
        found = (
            "these data do not tell: on persons not learned from, the Brier score of the base rate less that "
            f"of the score is {gain.scaled(digits=5)}"
        )
        todo = "Get more persons whose outcome is known, or features that have to do with it."
        raise UndefinedError(f"the score '{card.name}'", found, todo)
    gate.admit(clearance, inferred.persons, facts)
    run.write(f"inferred.{card.trait}", _table(card, inferred), inputs)
    content = json.dumps(card.as_dict(), ensure_ascii=False)
    run.write(f"cards.{card.trait}", pa.table({"model": [card.model], "card": [content]}), inputs)


def _table(card: Card, inferred: Inferred) -> pa.Table:
    """One row a person; each says for what and until when it may be used."""
    n = len(inferred.persons)
    return pa.table(
        {
            "person": inferred.persons,
            "value": inferred.values,
            "low": pa.array(inferred.low, pa.float64(), from_pandas=True),
            "high": pa.array(inferred.high, pa.float64(), from_pandas=True),
            "n": inferred.n,
            "purpose": pa.array([str(card.purpose)] * n, pa.string()),
            "model": pa.array([card.model] * n, pa.string()),
            "expires_on": pa.array([card.until] * n, pa.date32()),
        }
    )
