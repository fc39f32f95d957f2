"""The record of what was drawn for whom, with its probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlalchemy import Connection, insert, select

from suasion.errors import OrderError
from suasion.ledger import assignments as assignments
from suasion.ledger import policies as policies
from suasion.ledger.database import Ledger
from suasion.ledger.rows import read_rows, write_rows
from suasion.ledger.schema import plans, sends

_DRAW = "INSERT INTO draws (plan, person, treatment, probability) VALUES (?, ?, ?, ?)"
_DRAWN = "SELECT person, treatment, probability FROM draws WHERE plan = ? ORDER BY person"


def record_draws(
    campaign: str,
    digest: str,
    terms: str,
    persons: npt.NDArray[np.int64],
    treatments: Sequence[str],
    probabilities: npt.NDArray[np.float64],
    *,
    keyed: bool,
) -> Callable[[Connection, int], None]:
    """Prepare the draws of a plan for the transaction that publishes it; a plan is drawn once.

    Parameters
    ----------
    campaign : str
    digest : str
        Digest of the plan and of the salt of the draw; recording the same draw again changes nothing.
    terms : str
        Digest of what was declared of the campaign when it was planned.
    persons : array of int64, shape (n,)
    treatments : sequence of str, length n
        What was drawn for each person.
    probabilities : array of float, shape (n,)
        The stored marginal probability of what was drawn.
    keyed : bool
        Whether a secret key was used.

    Returns
    -------
    callable
        For `Run.writes`.
    """

    def write(connection: Connection, run: int) -> None:
        if connection.execute(select(plans.c.id).where(plans.c.digest == digest)).first():
            return
        if connection.execute(select(sends.c.id).where(sends.c.campaign == campaign).limit(1)).first():
            todo = "Go on with its plan, or declare a campaign of another name."
            raise OrderError(f"a new plan for '{campaign}'", "it is being sent by another plan", todo)
        row = {"campaign": campaign, "digest": digest, "terms": terms, "keyed": int(keyed), "run": run}
        (plan,) = connection.execute(insert(plans).values(row)).inserted_primary_key or (0,)
        people, chances = persons.tolist(), probabilities.tolist()
        write_rows(connection, _DRAW, zip([plan] * len(people), people, treatments, chances, strict=True))

    return write


def drawn(ledger: Ledger, digest: str) -> pa.Table:
    """The draws of one plan.

    Parameters
    ----------
    ledger : Ledger
    digest : str

    Returns
    -------
    pyarrow.Table
        Columns person, treatment, probability; ordered by person; empty if there is no such plan.
    """
    schema = pa.schema([("person", pa.int64()), ("treatment", pa.string()), ("probability", pa.float64())])
    batches: list[pa.RecordBatch] = []
    with ledger.reading() as connection:
        plan = connection.execute(select(plans.c.id).where(plans.c.digest == digest)).scalar()
        for rows in read_rows(connection, _DRAWN, (plan,)):
            batches.append(pa.record_batch([list(column) for column in zip(*rows, strict=True)], schema))
    return pa.Table.from_batches(batches, schema)


def terms_of(ledger: Ledger, digest: str) -> str | None:
    """Digest of what was declared of the campaign when this plan was made; None if there is no such plan."""
    with ledger.engine.connect() as connection:
        return connection.execute(select(plans.c.terms).where(plans.c.digest == digest)).scalar()
