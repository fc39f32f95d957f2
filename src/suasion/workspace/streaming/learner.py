"""The loop closed: what exposures brought becomes the next version of a placement's policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.learning import Learned, advance, clock, newest
from suasion.ledger import Ledger, Tables, draws, reading
from suasion.workspace.deciding.challenge import LANE
from suasion.workspace.deciding.choose import policy_of
from suasion.workspace.streaming.closing import CLOSED, Closed, closed_since, said_of
from suasion.workspace.streaming.lessons import MICRO, Lessons, counted_of, learned_by, lessons_of


@dataclass(frozen=True)
class Learner:
    """Lets the policies of a workspace's placements learn.

    Parameters
    ----------
    ledger : Ledger
    lake : Path
    """

    ledger: Ledger
    lake: Path

    def turn(self, placements: Mapping[str, declared.Placement], now: datetime) -> dict[str, int]:
        """Learn from all that came to be due by now; count what was spent, and what harmed.

        Parameters
        ----------
        placements : mapping of str to Placement
            By name; whose shares are fixed learn nothing, and know only money and harms.
        now : datetime

        Returns
        -------
        dict of str to int
            The newest version of each policy that knows anything, challengers' among them.

        Raises
        ------
        BusyError
            Other processes were first, again and again.
        """
        tables = reading(self.ledger, self.lake)
        versions = dict[str, int]()
        for name, placement in placements.items():
            lanes = {name: placement, f"{name}{LANE}": placement.challenging}
            for lane, own in lanes.items():
                if own is not None and (own.policy.kind != "fixed" or own.budget or own.guardrails):
                    versions[lane] = self._learn(tables, lane, own, now)
                elif own is None:
                    draws.policies.drop(self.ledger, lane)
        return versions

    def _learn(self, tables: Tables, lane: str, placement: declared.Placement, now: datetime) -> int:
        policy = policy_of(placement)
        closed = closed_since(self.ledger, placement.record)
        known = _Known(
            policy,
            None if policy.kind is policies.Kind.FIXED else lessons_of(tables, placement),
            counted_of(tables, placement),
            closed,
            says=lane == placement.name,
        )
        begun = known.begun
        before = newest(self.ledger, lane, policy)
        more = partial(_more, known, int(now.timestamp() * MICRO))
        after = advance(self.ledger, lane, policy, begun, more, now)
        if after.count.sum() < before.count.sum():
            draws.policies.forget_before(self.ledger, lane, after.version)
        return after.version


@dataclass(frozen=True)
class _Known:
    """What a policy may learn from; `says` whether the log is told what it closes."""

    policy: policies.Policy
    lessons: Lessons | None
    counted: clock.Counted
    closed: Closed
    says: bool

    @property
    def begun(self) -> policies.State:
        """From what it starts: arms that the log closed stay so, whoever is forgotten."""
        shut = np.array([arm in self.closed.arms for arm in self.policy.arms], np.bool_)
        return replace(policies.start(self.policy), since=self.closed.since, closed=shut)


def _more(known: _Known, now: int, state: policies.State, until: int) -> Learned | None:
    """The state after all that is due by now; None where nothing is. See `learning.advance`.

    Where it learned from more than there is, somebody was erased, or objected; where from less, another
    policy took its place, such as a challenger that measures features otherwise: it learns anew.
    """
    policy, lessons = known.policy, known.lessons
    if anew := _learned(policy, state) != _due(lessons, until):
        state, until = known.begun, -1
    learned = state if lessons is None else learned_by(lessons, policy, now, state, until)[0]
    since = known.closed.since
    made, closings = clock.settled(policy, learned, known.counted, since, until / MICRO, now / MICRO)
    if made is state and not anew:
        return None
    said = tuple((CLOSED, said_of(closing, since)) for closing in closings) if known.says else ()
    return Learned(made, now, said)


def _learned(policy: policies.Policy, state: policies.State) -> int:
    """Exposures learned from."""
    return int(state.count.sum()) // policy.parts.shape[1]


def _due(lessons: Lessons | None, until: int) -> int:
    """Exposures to be learned from up to a time."""
    return 0 if lessons is None else int((~lessons.due(-1, until).late).sum())
