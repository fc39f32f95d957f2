"""What two policies would have shown at each decision of the log, neither having learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.errors import CampaignError
from suasion.learning import clock, ope
from suasion.ledger import Ledger, Tables
from suasion.workspace.deciding.choose import policy_of
from suasion.workspace.streaming.closing import Closed, closed_since
from suasion.workspace.streaming.lessons import MICRO, Lessons, counted_of, learned_by, lessons_of

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
BLOCKS = 10
"""Parts of the log, in the order of time; each is judged by what was known before it, the first by nobody."""


@dataclass(frozen=True)
class Foreseen:
    """Decisions that can be judged, and what each of two policies would have done.

    Parameters
    ----------
    logged : Logged
        Of those to whom a treatment was shown and whose horizon has passed, in order of time; probabilities
        are given that any was shown.
    challenger, champion : array of float, shape (n, k)
        Likewise.
    at : array of float, shape (n,)
        When it was shown, seconds since 1970.
    told : int
        Decisions in all, with those that nobody judges.
    """

    logged: ope.Logged
    challenger: Floats
    champion: Floats
    at: Floats
    told: int

    def since(self, moment: float) -> Foreseen | None:
        """Those from a moment on; None where there are none."""
        rows = np.flatnonzero(self.at >= moment)
        if not len(rows):
            return None
        one = self.logged
        logged = ope.Logged(
            one.arms[rows],
            one.rewards[rows],
            one.received[rows],
            features=None if one.features is None else one.features[rows],
            bounds=one.bounds,
            adaptive=one.adaptive,
        )
        return Foreseen(logged, self.challenger[rows], self.champion[rows], self.at[rows], self.told)


def foreseen(ledger: Ledger, tables: Tables, placement: declared.Placement, now: datetime) -> Foreseen:
    """Judge both policies of a placement by progressive validation.

    The log is cut into blocks in the order of time. Before each, both policies learn from what was due by
    then, as they would have live; with that they say what they would have shown. The challenger begins with
    nothing: nobody can tell whether its prior was made of what it is judged on.

    Parameters
    ----------
    ledger : Ledger
    tables : Tables
    placement : Placement
        With a challenger.
    now : datetime

    Returns
    -------
    Foreseen

    Raises
    ------
    CampaignError
        There is no challenger, or there are no decisions to judge.
    """
    challenging = placement.challenging
    asked = f"the challenger of placement '{placement.name}'"
    if challenging is None:
        raise CampaignError(asked, "there is none", "Declare its policy as [challenger].")
    lessons, until = lessons_of(tables, placement), now.timestamp()
    ripe = lessons.over <= until
    if ripe.sum() < 2 * BLOCKS:
        found = f"{ripe.sum()} exposures whose {placement.horizon_hours:g} hours have passed"
        raise CampaignError(asked, found, f"Wait for {2 * BLOCKS} at least; a few hundred tell something.")
    blocks = np.array_split(np.flatnonzero(ripe), BLOCKS)[1:]
    rows = np.concatenate(blocks)
    logged = ope.Logged(
        lessons.arms[rows],
        lessons.earned(until)[rows],
        np.minimum(lessons.chances[rows] / (1 - lessons.holdouts[rows]), 1.0),
        features=lessons.features[rows].astype(np.float64) if placement.features else None,
        bounds=lessons.bounds,
        adaptive=True,
    )
    counted, closed = counted_of(tables, placement), closed_since(ledger, placement.record)
    bare = challenging.policy.model_copy(update={"prior": None})
    challenger = would_show(lessons, counted, closed, challenging.model_copy(update={"policy": bare}), blocks)
    champion = would_show(lessons, counted, closed, placement, blocks)
    at = lessons.exposures.shown_at[rows]
    return Foreseen(logged, challenger, champion, at, int(ripe.sum()))


def would_show(
    lessons: Lessons,
    counted: clock.Counted,
    closed: Closed,
    placement: declared.Placement,
    blocks: Sequence[Ids],
) -> Floats:
    """The probabilities of one policy, block by block, given that a treatment is shown.

    Parameters
    ----------
    lessons : Lessons
    counted : clock.Counted
    closed : Closed
    placement : Placement
        Whose policy it is.
    blocks : sequence of array of int64
        Numbers of exposures, in the order in which they were told.

    Returns
    -------
    array of float, shape (n, k)
        Of all blocks, one after another.
    """
    policy, found, until = policy_of(placement), list[Floats](), -1
    shut = np.array([arm in closed.arms for arm in policy.arms], np.bool_)
    state = replace(policies.start(policy), since=closed.since, closed=shut)
    for rows in blocks:
        before = int(lessons.exposures.told_at[rows].min() * MICRO) - 1
        state, _ = learned_by(lessons, policy, before, state, until)
        state, _ = clock.settled(policy, state, counted, closed.since, until / MICRO, before / MICRO)
        is_open, until = np.ones((len(rows), len(policy.arms)), np.bool_), before
        found.append(ope.given_shown(policies.probabilities(policy, state, lessons.features[rows], is_open)))
    return np.concatenate(found)
