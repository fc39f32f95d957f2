"""A snapshot: who may be decided for in one placement, and what is known of them, as sorted arrays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from suasion.disclosure import counts
from suasion.experiments import holdout, layers, uniforms
from suasion.ledger import Ledger, Tables
from suasion.profiles import assemble_facts, traits_of
from suasion.segments import members
from suasion.workspace.deciding.prepare import Prepared
from suasion.workspace.deciding.standing import Exposed, Standing, capped, exposed, refusing
from suasion.workspace.homes import households_of
from suasion.workspace.parts import Part, parts_of, refused_in

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
NEVER, GONE = -1, -2
"""Not exposed yet; exposed in a variant that is no longer there."""
_COLUMNS = ("aimed", "features", "arms", "chances", "luck", "unknown")
LIVES = timedelta(minutes=15)
"""As long as a clearance: an older snapshot permits nobody."""


@dataclass(frozen=True)
class Snapshot:
    """Who may be decided for, and what is known of them.

    Parameters
    ----------
    persons : array of int64, shape (n,)
        Permitted for purpose, channel and use, and not held back by anything they said; sorted.
    aimed : array of bool, shape (n,)
        In the segment, and within the cap.
    features : array of float32, shape (n, d)
        What is not known is the mean of what is.
    allowed : array of bool, shape (n, k), or None
        Treatments that the rules of the person's place allow; None where all are, for everybody.
    arms : array of int16, shape (n,)
        The arm in which a person was exposed first: 0 generic, 1 + treatment, or `NEVER` or `GONE`.
    chances : array of float, shape (n,)
        Of that arm, then.
    luck : array of float, shape (n,)
        The person's number in [0, 1), for this placement.
    at : datetime
        When it was judged.
    notes : tuple of str
        What is missing, in words.
    parts : mapping of str to tuple of str
        Parts of the people that are decided for, each with the treatments that its rules refuse.
    unknown : array of bool, shape (n, d)
        Features that are not known.
    """

    persons: Ids
    aimed: Bools
    features: npt.NDArray[np.float32]
    allowed: Bools | None
    arms: npt.NDArray[np.int16]
    chances: Floats
    luck: Floats
    at: datetime
    notes: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    unknown: Bools

    def row(self, person: int) -> int | None:
        """Where a person is; None where they may not be decided for."""
        persons = self._persons
        place = bisect_left(persons, person)
        return place if place < len(persons) and persons[place] == person else None

    @cached_property
    def _persons(self) -> memoryview:
        """`persons` once more: for one at a time, Python's own search takes half as long as numpy's."""
        return self.persons.data

    @cached_property
    def until(self) -> float:
        """As long it permits anybody, seconds since 1970."""
        return (self.at + LIVES).timestamp()


def snapshot(
    prepared: Prepared, ledger: Ledger, tables: Tables, standing: Standing, key: bytes, at: datetime
) -> Snapshot:
    """Judge everybody for a placement, and gather what deciding takes.

    Parameters
    ----------
    prepared : Prepared
    ledger : Ledger
    tables : Tables
    standing : Standing
        Only people of parts that are on record are decided for.
    key : bytes
        The workspace's.
    at : datetime
        Now, in the time zone of the workspace.

    Returns
    -------
    Snapshot
    """
    permitted = _permitted(prepared, ledger, tables, tables, key)
    split = parts_of(tables, prepared.brief, at, permitted)
    parts = _open(prepared, standing, split)
    found = exposed(ledger, prepared.placement.record)
    return _laid_out(prepared, ledger, tables, split, parts, found, key, at)


def judged_anew(
    made: Snapshot, prepared: Prepared, ledger: Ledger, tables: Tables, key: bytes, persons: Ids, at: datetime
) -> Snapshot:
    """The same snapshot with what is now known of some persons, who are judged anew.

    Which parts are large enough stays as it was judged.

    Parameters
    ----------
    made : Snapshot
    prepared : Prepared
    ledger : Ledger
    tables : Tables
        As they stand now.
    key : bytes
        The workspace's.
    persons : array of int64
    at : datetime
        Now; the snapshot does not live longer for it.

    Returns
    -------
    Snapshot
    """
    some, record = tables.only(persons.tolist()), prepared.placement.record
    permitted = _permitted(prepared, ledger, some, tables, key)
    split = [part for part in parts_of(some, prepared.brief, at, permitted) if part.name in made.parts]
    found = exposed(ledger, record, persons)
    new = _laid_out(prepared, ledger, some, split, made.parts, found, key, at)
    merged = _merged(made, new, ~np.isin(made.persons, persons))
    notes = _filled(merged.features, merged.unknown, prepared.placement.features)
    return replace(merged, notes=notes)


def _permitted(prepared: Prepared, ledger: Ledger, tables: Tables, everybody: Tables, key: bytes) -> Ids:
    """Whom nothing holds back of whom the tables tell; households are those of everybody."""
    permitted = np.setdiff1d(permitted_now(prepared, tables), refusing(ledger), assume_unique=True)
    return permitted[~_held_out(prepared, everybody, permitted, key)]


def _laid_out(
    prepared: Prepared,
    ledger: Ledger,
    tables: Tables,
    split: Sequence[Part],
    parts: Mapping[str, tuple[str, ...]],
    found: Exposed,
    key: bytes,
    at: datetime,
) -> Snapshot:
    """The snapshot of the people of open parts."""
    brief, placement = prepared.brief, prepared.placement
    permitted, allowed = _by_part(placement.treatments, split, parts)
    traits = traits_of(tables, brief.catalogue, brief.gate.occasion)
    matching, _ = members(brief.segment, traits)
    full = capped(ledger, placement.record, prepared.settings, at)
    aimed = np.isin(permitted, matching) & ~np.isin(permitted, full)
    features, unknown = numbers_of(traits, permitted, placement.features)
    notes = _filled(features, unknown, placement.features)
    arms, chances = _before(prepared, found, permitted)
    luck = uniforms(permitted, placement.record, key)
    told = at, notes, parts, unknown
    return Snapshot(permitted, aimed, features, allowed, arms, chances, luck, *told)


def _merged(made: Snapshot, new: Snapshot, kept: Bools) -> Snapshot:
    """Rows of one snapshot that are kept, and all of another."""
    persons = np.concatenate([made.persons[kept], new.persons])
    order = np.argsort(persons, kind="stable")
    columns = {
        name: np.concatenate([getattr(made, name)[kept], getattr(new, name)])[order] for name in _COLUMNS
    }
    allowed = None
    if made.allowed is not None or new.allowed is not None:
        either = (_allowed(made)[kept], _allowed(new))
        allowed = np.concatenate(either)[order]
    return replace(made, persons=persons[order], allowed=allowed, **columns)


def _allowed(made: Snapshot) -> Bools:
    """Which treatments are allowed; shape (n, k), or (n, 1) where all are."""
    return np.ones((len(made.persons), 1), np.bool_) if made.allowed is None else made.allowed


def permitted_now(prepared: Prepared, tables: Tables) -> Ids:
    """Everybody whom the rules permit, whatever else holds them back; sorted."""
    brief = prepared.brief
    facts = assemble_facts(tables, brief.sources, brief.catalogue, brief.gate.occasion)
    return brief.gate.judge(facts, brief.facts(tables)).clearance.persons


def refreshed(made: Snapshot, prepared: Prepared, ledger: Ledger) -> Snapshot:
    """The same snapshot with what was exposed meanwhile."""
    arms, chances = _before(prepared, exposed(ledger, prepared.placement.record), made.persons)
    return replace(made, arms=arms, chances=chances)


def _held_out(prepared: Prepared, tables: Tables, persons: Ids, key: bytes) -> Bools:
    """Households that no campaign of the workspace addresses."""
    if not prepared.settings.held_out:
        return np.zeros(len(persons), np.bool_)
    everybody = np.sort(tables.read("traits", "ingest")["person"].to_numpy())
    homes = households_of(tables, prepared.brief, everybody)
    units = everybody if homes is None else layers.households(everybody, homes)
    rows = np.searchsorted(everybody, persons)
    return holdout.globally_held_out(units[rows], prepared.settings.held_out, key)


def _open(prepared: Prepared, standing: Standing, split: Sequence[Part]) -> dict[str, tuple[str, ...]]:
    """Parts on record that are large enough, each with the treatments that its rules refuse."""
    brief, found = prepared.brief, dict[str, tuple[str, ...]]()
    for part in split:
        refusal = refused_in(part, brief, prepared.settings, brief.gate)
        enough = counts.enough(len(part.persons), prepared.placement.purpose)
        if part.name in standing.parts and not refusal.campaign and enough:
            found[part.name] = tuple(refusal.treatments)
    return found


def _by_part(
    treatments: Sequence[str], split: Sequence[Part], parts: Mapping[str, tuple[str, ...]]
) -> tuple[Ids, Bools | None]:
    """The people of open parts, and what is not refused to them."""
    ours = [part for part in split if part.name in parts]
    persons = np.sort(np.concatenate([np.zeros(0, np.int64), *(part.persons for part in ours)]))
    allowed = np.ones((len(persons), len(treatments)), np.bool_)
    for part in ours:
        for name in parts[part.name]:
            allowed[np.isin(persons, part.persons), treatments.index(name)] = False
    return persons, None if allowed.all() else allowed


def numbers_of(
    traits: pa.Table, persons: Ids, names: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], Bools]:
    """Traits as numbers, and which of them are not known."""
    rows = pc.index_in(pa.array(persons, pa.int64()), traits["person"].combine_chunks())
    table = np.zeros((len(persons), len(names)), np.float32)
    for column, name in enumerate(names):
        found = traits[name].combine_chunks().cast(pa.float64()).take(rows)
        table[:, column] = found.to_numpy(zero_copy_only=False)
    return table, ~np.isfinite(table)


def _filled(table: npt.NDArray[np.float32], unknown: Bools, names: tuple[str, ...]) -> tuple[str, ...]:
    """Have the mean stand in for what is not known, and tell of it."""
    notes = list[str]()
    for column, name in enumerate(names):
        missing = unknown[:, column]
        if count := int(missing.sum()):
            known = table[~missing, column]
            table[missing, column] = known.mean(dtype=np.float64) if len(known) else 0.0
            notes.append(f"'{name}' is unknown of {count:,} of {len(table):,} people: the mean stands in.")
    return tuple(notes)


def _before(prepared: Prepared, found: Exposed, persons: Ids) -> tuple[npt.NDArray[np.int16], Floats]:
    """In which arm each person was exposed first, and with what chance."""
    arms, chances = np.full(len(persons), NEVER, np.int16), np.full(len(persons), np.nan)
    if not len(found.persons) or not len(persons):
        return arms, chances
    of = {arm: number for number, arm in enumerate(prepared.placement.arms)}
    codes = np.array([of.get(arm, GONE) for arm in found.arms], np.int16)
    places = np.minimum(persons.searchsorted(found.persons), len(persons) - 1)
    here = persons[places] == found.persons
    arms[places[here]], chances[places[here]] = codes[here], found.chances[here]
    return arms, chances
