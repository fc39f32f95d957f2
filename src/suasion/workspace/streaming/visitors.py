"""By which identifiers each stream knows persons."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from suasion.identity import stitch
from suasion.ledger import Run
from suasion.profiles import events
from suasion.workspace.streaming import parts
from suasion.workspace.streaming.remembered import VISITORS, Remembered
from suasion.workspace.streaming.signs import One


def write_visitors(
    run: Run, remembered: Remembered, ones: Sequence[One], known: stitch.Known, found: stitch.Stitched
) -> None:
    """Write by which identifiers each stream knows persons, as far as it is new."""
    told = {key: set(known.devices.get(key, ())) for key in found.known.devices}
    now = {key: set(rows) for key, rows in found.known.devices.items()}
    others = {key for key, rows in now.items() if told[key] - rows}
    _drop(run, remembered, others)
    stream_of = {
        key: f"#{one.stream}" for one in ones for key in (one.sign.anonymous, one.sign.before) if key
    }
    rows = [
        {"person": person, "source": stream_of[key], "kind": key[0], "link": key[1], "since": since}
        for key, logins in now.items()
        for since, person in sorted(logins if key in others else logins - told[key])
    ]
    rows += [
        {"person": found.known.persons[key], "source": source, "kind": key[0], "link": key[1], "since": None}
        for source, key in sorted(_users(ones) - _known_users(run, remembered, ones))
    ]
    if rows:
        run.add(VISITORS, pa.Table.from_pylist(rows, events.VISITORS).sort_by("person"))


def _users(ones: Sequence[One]) -> set[tuple[str, stitch.Key]]:
    """Which stream knows whom by what, as events say."""
    return {(f"#{one.stream}", one.sign.user) for one in ones if one.sign.user is not None}


def _known_users(run: Run, remembered: Remembered, ones: Sequence[One]) -> set[tuple[str, stitch.Key]]:
    """The same of these users, as was known before."""
    links = pa.array(sorted({key[1] for _, key in _users(ones)}), pa.string())
    known = set[tuple[str, stitch.Key]]()
    for one in remembered.visitors(run):
        mine = one.users.filter(pc.is_in(one.users["link"], value_set=links))
        columns = (mine[name].to_pylist() for name in ("source", "kind", "link", "person"))
        for source, kind, link, person in zip(*columns, strict=True):
            if person not in run.erasing:
                known.add((source, (kind, link)))
    return known


def _drop(run: Run, remembered: Remembered, devices: set[stitch.Key]) -> None:
    """Write the files anew that say something of these devices, without it."""
    links = pa.array(sorted({link for _, link in devices}), pa.string())
    texts = pa.array(sorted(f"{kind}\x1f{link}" for kind, link in devices), pa.string())
    for one in remembered.visitors(run) if devices else ():
        if pc.any(pc.is_in(one.devices["link"], value_set=links)).as_py():
            held = run.piece(one.name)
            named = pc.binary_join_element_wise(held["kind"], held["link"], "\x1f")
            is_theirs = pc.and_(held["since"].is_valid(), pc.is_in(named, value_set=texts))
            parts.replace(run, one.name, held.filter(pc.invert(is_theirs)))
