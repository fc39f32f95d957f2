"""A placement as a process serves it: one answer from a snapshot, without reading or writing anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt

from suasion.experiments import uniforms
from suasion.workspace.deciding.answer import CACHED, DISABLED, ONLY, SPLIT, Answer
from suasion.workspace.deciding.choose import Chooser
from suasion.workspace.deciding.ids import HOUR, Decided, id_of
from suasion.workspace.deciding.lanes import Lane, Trial, lane_of
from suasion.workspace.deciding.prepare import Prepared
from suasion.workspace.deciding.snapshot import GONE, NEVER, Snapshot

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Served:
    """A placement, who may be decided for, and how.

    Parameters
    ----------
    prepared : Prepared
    stop : str or None
        Why nothing is decided.
    snapshot : Snapshot or None
        None where nothing is decided.
    chooser : Chooser
    key : bytes
        The workspace's.
    values : tuple of msgspec.Raw
        Of the arms, the generic one first.
    trial : Trial or None
        A challenger that is live.
    """

    prepared: Prepared
    stop: str | None
    snapshot: Snapshot | None
    chooser: Chooser
    key: bytes = field(repr=False)
    values: tuple[msgspec.Raw, ...]
    trial: Trial | None = None

    @staticmethod
    def of(
        prepared: Prepared,
        stop: str | None,
        snapshot: Snapshot | None,
        chooser: Chooser,
        key: bytes,
        trial: Trial | None = None,
    ) -> Served:
        """Lay it out."""
        variants, arms = prepared.placement.variants, prepared.placement.arms
        values = tuple(msgspec.Raw(msgspec.json.encode(variants[arm].value)) for arm in arms)
        return Served(prepared, stop, snapshot, chooser, key, values, trial)

    def mask(self, candidates: Iterable[str] | None) -> Bools:
        """Which treatments a client can show; it can always show the generic variant.

        Candidates that are no variants are left out: their order and what else is named make no difference.
        """
        if candidates is None:
            return self.chooser.all_open
        wanted = frozenset(candidates)
        named = np.array([arm in wanted for arm in self.prepared.placement.treatments], np.bool_)
        return named & self.chooser.all_open

    def generic(self, reason: str = DISABLED, probability: float | None = None) -> Answer:
        """The generic variant, of which nothing is learned."""
        placement = self.prepared.placement
        return Answer(placement.name, placement.generic, self.values[0], probability, reason, None, None)

    def answer(self, person: int, is_open: Bools, count: int, at: float) -> Answer:
        """What to show to a person who said no to nothing.

        Parameters
        ----------
        person : int
        is_open : array of bool, shape (k,)
            As `mask` gives it.
        count : int
            How many variants at most.
        at : float
            Now, seconds since 1970.
        """
        snapshot = self.snapshot
        if self.stop is not None or snapshot is None:
            return self.generic()
        row = snapshot.row(person)
        if row is None or at > snapshot.until:
            return self.generic()
        if not self.chooser.runs(at):
            return self.generic(ONLY, 1.0)
        if snapshot.allowed is not None:
            is_open = is_open & snapshot.allowed[row]
        before = snapshot.arms.item(row)
        if before != NEVER:
            return self._again(snapshot, row, is_open, before, at)
        if not snapshot.aimed.item(row):
            return self.generic(ONLY, 1.0)
        return self._drawn(snapshot, row, is_open, count, at)

    def _again(self, snapshot: Snapshot, row: int, is_open: Bools, arm: int, at: float) -> Answer:
        """As at the first exposure, where that can still be shown."""
        if arm == GONE or (arm > 0 and not is_open[arm - 1]):
            return self.generic(ONLY, 1.0)
        frozen = snapshot.chances.item(row)
        return self._told(snapshot, row, arm, frozen, CACHED, at, Lane(self.chooser))

    def _drawn(self, snapshot: Snapshot, row: int, is_open: Bools, count: int, at: float) -> Answer:
        lane = lane_of(self.chooser, self.trial, snapshot.persons.item(row), self.key)
        drawn, chance, lane = lane.draw(snapshot.features[row], is_open, snapshot.luck.item(row))
        if drawn < 0 and chance == 1.0:
            return self.generic(ONLY, 1.0)
        first = self._told(snapshot, row, drawn + 1, chance, SPLIT, at, lane)
        if count == 1 or drawn < 0:
            return first
        more = self._further(snapshot, row, is_open, drawn, count, at, lane)
        return msgspec.structs.replace(first, more=tuple(more))

    def _further(
        self, snapshot: Snapshot, row: int, is_open: Bools, drawn: int, count: int, at: float, lane: Lane
    ) -> Iterable[Answer]:
        """Further treatments, each drawn among those not shown yet; the generic variant is not among them."""
        left, person = is_open.copy(), snapshot.persons[row : row + 1]
        for place in range(1, min(count, int(is_open.sum()))):
            left[drawn] = False
            luck = float(uniforms(person, f"{self.prepared.placement.record}#{place}", self.key)[0])
            drawn, chance, lane = lane.draw(snapshot.features[row], left, luck, treated=True)
            if drawn < 0:
                return
            yield self._told(snapshot, row, drawn + 1, chance, SPLIT, at, lane, place)

    def _told(
        self,
        snapshot: Snapshot,
        row: int,
        arm: int,
        chance: float,
        reason: str,
        at: float,
        lane: Lane,
        place: int = 0,
    ) -> Answer:
        placement, version = self.prepared.placement, lane.own.state.version
        variant = placement.generic if arm == 0 else self.chooser.policy.arms[arm - 1]
        decided = Decided(
            placement.record,
            version,
            variant,
            snapshot.persons.item(row),
            int(at) // HOUR,
            chance,
            placement.holdout,
            placement.variants[variant].cost,
            snapshot.features[row].tobytes(),
            place,
            reason == CACHED,
            lane.is_trial,
        )
        token = id_of(self.key, decided)
        return Answer(placement.name, variant, self.values[arm], chance, reason, token, version)
