"""What became of decisions: who was shown what, and who did what was hoped for, as parts in the lake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.allocation import placement as declared
from suasion.errors import DamageError
from suasion.ingest import tracking
from suasion.ledger import Ledger, Run, Tables, draws
from suasion.profiles import events
from suasion.workspace.deciding.challenge import LANE
from suasion.workspace.deciding.expose import EVENT, Seen, expose
from suasion.workspace.streaming import parts

SHOWN = pa.schema(
    [
        ("person", pa.int64()),
        ("told_at", pa.float64()),
        ("at", pa.float64()),
        ("version", pa.int64()),
        ("variant", pa.string()),
        ("probability", pa.float64()),
        ("holdout", pa.float64()),
        ("cost", pa.float64()),
        ("features", pa.binary()),
        ("named", pa.list_(pa.string())),
        ("trial", pa.bool_()),
    ]
)
"""Tables ``exposures.PLACEMENT.N``: the first exposure of each person in a placement. Times are seconds since
1970: `at` by the person's corrected clock, `told_at` when we knew of it, which never goes back; `holdout` and
`cost` are what was declared when it was decided, `named` the names of the features, and `trial` says that a
challenger decided."""

EARNED = pa.schema(
    [("person", pa.int64()), ("told_at", pa.float64()), ("at", pa.float64()), ("event", pa.string())]
)
"""Tables ``rewards.PLACEMENT.N``: what persons who were exposed did of all that the placement hopes for or
fears: its outcome, its goals and its guardrails, by the name of the event."""

_ORDER = ("told_at", "person", "at", "event")
_DECIDED = ("person", "version", "variant", "probability", "holdout", "cost", "trial")
_UNWILLING = ("objected", "restricted")
PREFIXES = ("exposures", "rewards")
TICK = 1e-3
"""Seconds."""


class _Payload(msgspec.Struct):
    decision_id: str = ""


_PAYLOAD = msgspec.json.Decoder(_Payload)


def unwilling(tables: Tables) -> pa.Array[Any]:
    """Persons from whom nothing may be learned, by their own word."""
    if tables.wishes is None:
        return pa.array([], pa.int64())
    theirs = pc.is_in(tables.wishes["kind"], value_set=pa.array(_UNWILLING))
    return tables.wishes.filter(theirs)["person"].combine_chunks()


def prefixes(placements: Iterable[str]) -> list[str]:
    """Of all tables about these placements."""
    return [f"{prefix}.{name}" for name in placements for prefix in PREFIXES]


def write(
    run: Run,
    ledger: Ledger,
    key: bytes,
    placements: Mapping[str, declared.Placement],
    told: Sequence[tuple[tracking.Event, int]],
    known: npt.NDArray[np.int64],
    at: datetime,
) -> dict[str, int]:
    """Write first exposures and rewards; arms that were seen are frozen.

    Parameters
    ----------
    run : Run
    ledger : Ledger
    key : bytes
        The workspace's.
    placements : mapping of str to Placement
        As declared, by name.
    told : sequence of (Event, int)
        Events that may be used, each with its person.
    known : array of int64, shape (n,)
        Everybody of whom anything is known now.
    at : datetime
        Now.

    Returns
    -------
    dict of str to int
        Exposures that were refused, by reason.
    """
    if not placements or not told:
        return {}
    refused = _write_exposures(run, ledger, key, placements, told, known, at)
    for name, placement in placements.items():
        came = [(event, person) for event, person in told if event.name in placement.events]
        if came:
            _write_rewards(run, ledger, placement, came, _clock(ledger, name, at))
    return refused


def _write_exposures(
    run: Run,
    ledger: Ledger,
    key: bytes,
    placements: Mapping[str, declared.Placement],
    told: Sequence[tuple[tracking.Event, int]],
    known: npt.NDArray[np.int64],
    at: datetime,
) -> dict[str, int]:
    viewed = [(event, person) for event, person in told if event.name == EVENT]
    seen = [
        # Of whom a device's owner is not known, the decision itself says whom it was for.
        Seen(_decision(event), None if event.user_id is None else person, _moment(event))
        for event, person in viewed
    ]
    if not seen:
        return {}
    willing = known[np.isin(known, unwilling(run).to_numpy(), invert=True)]
    found = expose(ledger, key, seen, willing, at)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, decided in found.taken:
        name = decided.record.partition(":")[2]
        if name in placements:
            said = {one: getattr(decided, one) for one in _DECIDED}
            times = {"told_at": _clock(ledger, name, at), "at": seen[number].at.timestamp()}
            named = {"features": decided.features, "named": list(placements[name].features)}
            rows.setdefault(name, []).append({**said, **times, **named})
    for name, made in rows.items():
        table = pa.Table.from_pylist(_new(run, f"exposures.{name}", made), SHOWN)
        parts.append(run, f"exposures.{name}", table.sort_by("person"))
    return found.refused


def _new(run: Run, prefix: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of persons who are in no part yet: a turn that was killed may have frozen arms and no more."""
    persons = {row["person"] for row in rows}
    for part in events.parts(run, prefix):
        persons -= set(run.about(part, persons)["person"].to_pylist()) if persons else set()
    return [row for row in rows if row["person"] in persons]


def _write_rewards(
    run: Run,
    ledger: Ledger,
    placement: declared.Placement,
    came: Sequence[tuple[tracking.Event, int]],
    told_at: float,
) -> None:
    persons = np.unique(np.array([person for _, person in came], np.int64))
    exposed = set(draws.assignments.of_persons(ledger, placement.record, persons)["person"].to_pylist())
    rows = [
        {"person": person, "told_at": told_at, "at": event.at, "event": event.name}
        for event, person in came
        if person in exposed
    ]
    table = pa.Table.from_pylist(rows, EARNED).sort_by([("person", "ascending"), ("at", "ascending")])
    parts.append(run, f"rewards.{placement.name}", table)


def _clock(ledger: Ledger, placement: str, at: datetime) -> float:
    """Now, but after everything that was learned: what is told to be earlier would never be."""
    lanes = (placement, f"{placement}{LANE}")
    until = max(draws.policies.learned_until(ledger, lane) for lane in lanes)
    return max(at.timestamp(), until / 1e6 + TICK if until >= 0 else 0.0)


def _moment(event: tracking.Event) -> datetime:
    return datetime.fromtimestamp(event.at, UTC)


def _decision(event: tracking.Event) -> str:
    try:
        return _PAYLOAD.decode(event.payload).decision_id
    except msgspec.DecodeError:
        return ""


def exposures(tables: Tables, placement: str) -> pa.Table:
    """All first exposures in a placement, in the order in which they were told; columns of `SHOWN`."""
    return _all(tables, f"exposures.{placement}", SHOWN)


def rewards(tables: Tables, placement: str, named: Iterable[str]) -> pa.Table:
    """What persons exposed in a placement did of the events of these names; columns of `EARNED`."""
    found = _all(tables, f"rewards.{placement}", EARNED)
    return found.filter(pc.is_in(found["event"], value_set=pa.array(sorted(named), pa.string())))


def _all(tables: Tables, prefix: str, schema: pa.Schema) -> pa.Table:
    found = [tables.read(part, "serve") for part in events.parts(tables, prefix)]
    whole = pa.concat_tables([schema.empty_table(), *found], promote_options="default")
    whole = whole.select(schema.names)
    if any(whole[name].null_count for name in schema.names):
        todo = (
            "What it learned cannot be carried over before suasion 1.0: declare the placement by a new name."
        )
        raise DamageError(f"the tables '{prefix}'", "rows of an older suasion", todo)
    return whole.sort_by([(name, "ascending") for name in _ORDER if name in schema.names])
