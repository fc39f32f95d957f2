"""The streamer: turn by turn it drains the inbox into the lake."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from threading import Event as Flag
from time import monotonic
from typing import NamedTuple

from suasion.allocation import placement
from suasion.delivery import is_deliverable
from suasion.errors import BusyError, SuasionError
from suasion.identity import Sealing
from suasion.ingest import inbox as boxes
from suasion.ingest import tracking
from suasion.ledger import Ledger, Tables, running
from suasion.profiles import catalogue_from
from suasion.workspace.funds import all_funded
from suasion.workspace.streaming.beat import Beat, beat_of, tell
from suasion.workspace.streaming.learner import Learner
from suasion.workspace.streaming.parts import COMMAND
from suasion.workspace.streaming.remembered import Remembered
from suasion.workspace.streaming.returning import Returner
from suasion.workspace.streaming.state import Declared, State, Waiting, is_level
from suasion.workspace.streaming.steering import Steering
from suasion.workspace.streaming.turn import Turn, turning
from suasion.workspace.streams import streams_of

BATCHES = 2_000
"""Requests at most that a turn takes, and `MOST` events and what is over in the last of them."""
MOST = 20_000
LEARNING = 2.0
"""Seconds from one version of a policy to the next, at least."""
_SHARE = 4
"""Learning takes at most one part of so many of the time: events that wait are more urgent."""

_log = logging.getLogger("suasion.streaming")


class _Works(NamedTuple):
    """What is done beside turns."""

    returner: Returner
    learner: Learner
    steering: Steering


@dataclass(frozen=True)
class Streamer:
    """Drains the inbox of a workspace.

    Parameters
    ----------
    folder : Path
        The workspace.
    ledger : Ledger
    lake : Path
    inbox : inbox.Inbox
    key : bytes
        The workspace's.
    """

    folder: Path
    ledger: Ledger
    lake: Path
    inbox: boxes.Inbox
    key: bytes = field(repr=False)
    _remembered: Remembered = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_remembered", Remembered(self.key))

    def turn(self, now: datetime) -> Turn:
        """Publish what waits in the inbox; killed at any moment, no event is lost or counted twice.

        Parameters
        ----------
        now : datetime
            With time zone.

        Returns
        -------
        Turn

        Raises
        ------
        BusyError
            Another run is under way; everything waits.
        InputError
            A declaration is malformed.
        """
        points = self.turning(now)
        while True:
            try:
                next(points)
            except StopIteration as end:
                return end.value

    def turning(self, now: datetime) -> Generator[str, None, Turn]:
        """The turn as a generator of the points it passes; `turn` runs it to its end."""
        declared, tables = self._declared(), Tables(self.lake, self.ledger.current())
        state = State.of(tables)
        if not self._waiting(state, 1).events and is_level(tables, declared):
            return Turn(position=state.position)
        with running(self.ledger, self.lake, COMMAND, now) as run:
            waiting = self._waiting(State.of(run), BATCHES)
            sealing = Sealing(self.ledger, self.key, _usable)
            made = yield from turning(run, self.ledger, sealing, self._remembered, declared, waiting, now)
        yield "published"
        self.inbox.forget(made.position)
        return made

    def run(self, stop: Flag, every: float = 1.0) -> None:
        """Turn after turn, until told to stop; what goes wrong is logged, and tried again.

        Parameters
        ----------
        stop : threading.Event
        every : float
            Seconds from one turn to the next where nothing more waits.
        """
        pause, learned, took = 0.0, -inf, 0.0
        works = _Works(
            Returner(self.ledger, self.lake),
            Learner(self.ledger, self.lake),
            Steering(self.folder, self.ledger, self.lake),
        )
        said = beat_of(self.folder) or Beat(0.0, None)
        while not stop.wait(pause):
            now, good_at, failed = datetime.now(UTC), said.good_at, None
            try:
                pause = 0.0 if self.turn(now).more else every
                if (begun := monotonic()) - learned >= max(LEARNING, _SHARE * took):
                    failed = self._improve(works, now, behind=pause == 0.0)
                    learned = monotonic()
                    took = learned - begun
                good_at = now.timestamp()
            except BusyError:
                pause = every
            except SuasionError as error:
                _log.error("a turn failed: %s", error)
                pause, failed = 10 * every, type(error).__name__
            except (
                Exception
            ) as error:  # a loop that died would let the inbox grow; its text may tell of persons
                _log.error("a turn failed: %s", type(error).__name__)
                pause, failed = 10 * every, type(error).__name__
            said = Beat(now.timestamp(), good_at, failed)
            with suppress(OSError):  # a full disk; who looks sees that nothing is said
                tell(self.folder, said)

    def _improve(self, works: _Works, now: datetime, behind: bool) -> str | None:
        """Return, learn and steer; what fails of one placement keeps no other from it, and is told."""
        placements = all_funded(self.folder, self.ledger, placements_of(self.folder))
        turns = (works.returner.turn, works.learner.turn)
        steps = [partial(turn, {name: one}, now) for name, one in placements.items() for turn in turns]
        failed = None
        for step in (*steps, partial(works.steering.turn, placements, now, behind)):
            try:
                step()
            except BusyError:
                raise
            except Exception as error:  # its text may tell of persons, if it is none of ours
                told = str(error) if isinstance(error, SuasionError) else type(error).__name__
                _log.error("learning or steering failed: %s", told)
                failed = type(error).__name__
        return failed

    def _declared(self) -> Declared:
        streams = streams_of(self.folder)
        catalogue = catalogue_from(self.folder / "traits")
        traits = {name: one for name, one in catalogue.items() if one.computed is not None}
        return Declared(streams, traits, placements_of(self.folder))

    def _waiting(self, state: State, most: int) -> Waiting:
        """What is not published yet, of so many requests at most."""
        after, until, found = self._published(state), state.until, list[tuple[str, tracking.Event]]()
        batches = self.inbox.batches(after, most)
        for place, batch in enumerate(batches, 1):
            found += [(batch.stream, event) for event in batch.events]
            after, until = batch.position, max(until, batch.received_at)
            if len(found) >= MOST:
                return Waiting(tuple(found), after, until, place < len(batches) or len(batches) == most)
        return Waiting(tuple(found), after, until, len(batches) == most)

    def _published(self, state: State) -> int:
        """Up to where this inbox is published; nothing is of one that took the place of another."""
        first = self.inbox.batches(0, 1)
        is_another = first and first[0].position <= state.position and first[0].received_at > state.until
        if first and first[0].position <= state.position and not is_another:
            self.inbox.forget(state.position)  # a turn was killed before it could
        return 0 if is_another else state.position


def placements_of(folder: Path) -> dict[str, placement.Placement]:
    """The placements that a workspace declares; who serves one that is wrong says so."""
    found = dict[str, placement.Placement]()
    for path in sorted((folder / "placements").glob("*.toml")):
        with suppress(SuasionError):
            found[path.stem] = placement.placement_from(path)
    return found


def _usable(kind: str, value: str) -> bool:
    """Whether messages can go there."""
    return kind != "email" or is_deliverable(value)
