"""Write what events are, and what they add to computed traits."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import is_sealed
from suasion.ingest import tracking
from suasion.ledger import Run
from suasion.profiles import Trait, computed, events
from suasion.workspace.streaming import parts
from suasion.workspace.streaming.signs import One
from suasion.workspace.streaming.state import Declared, State

_SHOWN = ("track", "page", "screen")
"""Types whose properties are kept: traits of the others are contact details, as often as not."""


def write_streams(run: Run, declared: Declared) -> None:
    """Write for what events may be used. A stream that is gone keeps its last word."""
    held = run.read("streams", "serve").to_pylist() if "streams" in run.versions else []
    made = {row["source"]: row for row in held} | {
        f"#{name}": {
            "source": f"#{name}",
            "basis": str(one.basis),
            "purposes": [str(purpose) for purpose in one.purposes],
            "territory": one.territory,
        }
        for name, one in declared.streams.items()
    }
    rows = [made[name] for name in sorted(made)]
    if rows != held:
        run.write("streams", pa.Table.from_pylist(rows, events.STREAMS))


def write_events(run: Run, declared: Declared, ones: Sequence[One], persons: Sequence[int]) -> None:
    """Write the events, and what they add to computed traits."""
    days = [computed.DAYS.empty_table()]
    for name, stream in declared.streams.items():
        mine = [(one, person) for one, person in zip(ones, persons, strict=True) if one.stream == name]
        table = _table(mine, is_sealed("identifier", stream.user_id))
        parts.append(run, f"events.{name}", table)
        days.append(computed.days_of(table, f"#{name}", _built(run, declared)))
    parts.append(run, computed.PREFIX, pa.concat_tables(days).sort_by("person"))


def _built(run: Run, declared: Declared) -> dict[str, Trait]:
    """The computed traits that hold all events before; the others are computed anew."""
    traits = State.of(run).traits
    return {name: one for name, one in declared.catalogue.items() if computed.named(name, one) in traits}


def catch_up(run: Run, state: State, declared: Declared) -> None:
    """Compute traits that are new, or computed otherwise than before, from all events."""
    catalogue = declared.catalogue.items()
    new = {name: one for name, one in catalogue if computed.named(name, one) not in state.traits}
    if not new:
        return
    stale = pa.array([computed.named(name, one) for name, one in new.items()])
    for part in events.parts(run, computed.PREFIX):  # what was declared before may be declared again
        held = run.read(part, "serve")
        rows = pc.is_in(held["trait"], value_set=stale)
        if pc.any(rows).as_py():
            run.write(part, held.filter(pc.invert(rows)))
    for name in declared.streams:
        for part in events.parts(run, f"events.{name}"):
            parts.append(run, computed.PREFIX, computed.days_of(run.read(part, "serve"), f"#{name}", new))


def _table(mine: Sequence[tuple[One, int]], hides_users: bool) -> pa.Table:
    """Events as they are stored."""
    told = [(one.event, one.heeded.tracked) for one, _ in mine]
    columns = {
        "person": [person for _, person in mine],
        "tracked": [tracked for _, tracked in told],
        "payload": [_payload(event) if tracked else None for event, tracked in told],
        "anonymous_id": [None if one.sign.anonymous is None else one.event.anonymous_id for one, _ in mine],
        "user_id": [None if hides_users else event.user_id for event, _ in told],
    }
    others = (name for name in events.EVENTS.names if name not in columns)
    columns |= {name: [getattr(event, name) for event, _ in told] for name in others}
    table = pa.table([pa.array(columns[f.name], f.type) for f in events.EVENTS], events.EVENTS)
    return table.sort_by([("person", "ascending"), ("at", "ascending")])


def _payload(event: tracking.Event) -> str | None:
    return bytes(event.payload).decode() if event.type in _SHOWN else None
