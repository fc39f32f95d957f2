"""Who the persons of events are: known, new, or found to be another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import Sealing, stitch, told
from suasion.ledger import Run, tokens
from suasion.profiles import computed
from suasion.workspace.streaming import parts, shown
from suasion.workspace.streaming.remembered import IDENTITIES, VISITORS, Remembered
from suasion.workspace.streaming.signs import One, said_by
from suasion.workspace.streaming.state import Declared, State
from suasion.workspace.streaming.visitors import write_visitors


def known_of(run: Run, remembered: Remembered, ones: Sequence[One]) -> stitch.Known:
    """Who is known already of those whom the events name."""
    signs = [one.sign for one in ones]
    users = {key for sign in signs for key in (sign.user, sign.was) if key is not None}
    devices = {key for sign in signs for key in (sign.anonymous, sign.before) if key is not None}
    known = stitch.Known(remembered.persons_of(run, users))
    links = pa.array(sorted({link for _, link in devices}), pa.string())
    for one in remembered.visitors(run) if devices else ():
        mine = one.devices.filter(pc.is_in(one.devices["link"], value_set=links))
        for row in mine.to_pylist():
            if (row["kind"], row["link"]) in devices and row["person"] not in run.erasing:
                rows = known.devices.setdefault((row["kind"], row["link"]), [])
                rows.append((row["since"], row["person"]))
    for rows in known.devices.values():
        rows.sort()
    return known


def follow(run: Run, remembered: Remembered, state: State, declared: Declared) -> None:
    """Have events follow persons who turned out to be another in somebody else's run, such as an ingest."""
    version = run.versions[IDENTITIES].version if IDENTITIES in run.versions else 0
    if version == state.identities:
        return
    moved = dict[int, int]()
    for one in remembered.visitors(run):
        keys = list(zip(*(one.users[name].to_pylist() for name in ("kind", "link")), strict=True))
        now = remembered.persons_of(run, keys)
        for key, old in zip(keys, one.users["person"].to_pylist(), strict=True):
            if now.get(key, old) != old:
                moved[old] = now[key]
    move(run, remembered, declared, moved)
    for one in remembered.visitors(run) if moved else ():
        held = run.piece(one.name)
        if pc.any(pc.is_in(held["person"], value_set=pa.array([*moved], pa.int64()))).as_py():
            run.replace(one.name, told.moved_persons(held, moved).sort_by("person"))


def move(run: Run, remembered: Remembered, declared: Declared, moved: Mapping[int, int]) -> None:
    """Have everything that persons did be of whom they turned out to be."""
    if not moved:
        return
    streams = (f"events.{name}" for name in declared.streams)
    for prefix in (computed.PREFIX, *streams, *shown.prefixes(declared.placements)):
        parts.move(run, prefix, moved, remembered.is_in)
    remembered.forget(run)


def write_persons(
    run: Run,
    remembered: Remembered,
    ones: Sequence[One],
    known: stitch.Known,
    found: stitch.Stitched,
    sealing: Sealing,
) -> int:
    """Write who is known by what: what is new is added to the identities, and how each stream knows persons.

    Returns
    -------
    int
        Persons who are new.
    """
    before = remembered.last(run)
    new: dict[stitch.Key, tuple[int, str, str]] = {}
    for one in ones:
        for sign, value in said_by(one):
            person = found.known.persons.get(sign)
            if person is None and sign in found.known.devices:
                person = found.known.devices[sign][0][1]
            is_new = sign not in known.persons and sign not in known.devices
            if person is not None and is_new:
                new.setdefault(sign, (person, tokens.spelled(sign[0], value), f"#{one.stream}"))
    _rename(run, remembered, found)
    if new:
        run.add(IDENTITIES, told.noting(told.added(new, sealing), found.last))
    write_visitors(run, remembered, ones, known, found)
    for name in (IDENTITIES, VISITORS):
        parts.gather(run, name)
    named = {*found.known.persons.values(), *found.persons}
    return len({one for one in named if one > before})


def _rename(run: Run, remembered: Remembered, found: stitch.Stitched) -> None:
    """Write the identifiers of persons who turned out to be another anew, and of those beside them."""
    moved = np.array([*found.moved], np.int64)
    for one in remembered.known(run) if len(moved) else ():
        if np.isin(moved, one.persons).any():
            rows = told.moved_persons(run.piece(one.name), found.moved).sort_by("person")
            parts.replace(run, one.name, told.noting(rows, found.last))
