"""What a sent campaign changed, and what became of its messages, from published tables and the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import Plan
from suasion.errors import UndefinedError
from suasion.ledger import Tables, sends
from suasion.measurement import Delivered, Lift, lift
from suasion.workspace.brief import Brief

Ids = npt.NDArray[np.int64]


def measured(
    tables: Tables, brief: Brief, made: Plan, drawn: pa.Table, spent: float
) -> tuple[Lift | None, tuple[str, ...]]:
    """What the plan changed, by the chances of its own draw; None, and why, where that cannot be told."""
    name, persons = brief.campaign.name, made.options.persons
    if f"outcomes.{name}" not in tables.versions:
        return None, ()
    recorded = tables.read(f"outcomes.{name}", "record")
    places = pc.index_in(pa.array(persons), recorded["person"].combine_chunks())
    outcome = recorded[f"outcome:{brief.campaign.outcome}"].take(places)
    forecast = tables.read(f"forecasts.{name}", f"score {name}")
    ahead = pc.index_in(pa.array(persons), forecast["person"].combine_chunks())
    options = pa.array([made.options.control, *made.options.treatments])
    try:
        found = lift(
            made.probabilities,
            pc.index_in(drawn["treatment"], options).to_numpy().astype(np.int64),
            outcome.cast(pa.float64()).to_numpy(zero_copy_only=False),
            forecast[f"expected:{brief.campaign.outcome}:0"].take(ahead).to_numpy(),
            households_of(tables, brief, persons),
            spent,
        )
    except UndefinedError as error:
        return None, (f"What the campaign changed cannot be told yet: {error.found}.",)
    return found, ()


def households_of(tables: Tables, brief: Brief, persons: Ids) -> Ids | None:
    """Who lives together, by the first source that says so; a person it does not place lives alone."""
    for source in brief.sources:
        records = tables.read(f"records.{source.name}", "ingest")
        if records["household"].null_count < records.num_rows:
            places = pc.index_in(pa.array(persons), records["person"].combine_chunks())
            home = records["household"].take(places).to_numpy(zero_copy_only=False).astype(np.float64)
            return np.where(np.isnan(home), -persons - 1, home).astype(np.int64)
    return None


def delivered(progress: sends.Progress) -> Delivered:
    """What became of the messages, as the report tells it."""
    count, replied = progress.states.get, progress.replies.get
    first, last = (
        "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        for at in (progress.first, progress.last)
    )
    handed = [sends.State.HANDED_OVER, sends.State.ACCEPTED, sends.State.UNKNOWN]
    kept_back = sum(progress.reasons.get(reason, 0) for reason in sends.NEVER_HANDED)
    failed = count(sends.State.FAILED, 0) - kept_back
    return Delivered(
        sent=failed + sum(count(state, 0) for state in handed),
        accepted=count(sends.State.ACCEPTED, 0),
        failed=failed,
        unknown=count(sends.State.UNKNOWN, 0),
        opted_out=replied(sends.Why.OPTED_OUT, 0),
        bounced=replied(sends.Why.BOUNCED, 0),
        complained=replied(sends.Why.COMPLAINED, 0),
        first_sent=first,
        last_sent=last,
    )
