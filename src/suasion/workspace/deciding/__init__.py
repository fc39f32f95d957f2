"""Decide live what to show to whom: placements on record, snapshots of who permits it, sealed decisions."""

from suasion.workspace.deciding.answer import CACHED, DISABLED, ONLY, SPLIT, Answer
from suasion.workspace.deciding.approve import Approved, Shown, approve, pause, show, shown
from suasion.workspace.deciding.decider import Decider
from suasion.workspace.deciding.expected import Expected, expected
from suasion.workspace.deciding.expose import EVENT, Exposures, Seen, expose
from suasion.workspace.deciding.ids import Decided, decided_by, id_of
from suasion.workspace.deciding.known import named_in

__all__ = [
    "CACHED",
    "DISABLED",
    "EVENT",
    "ONLY",
    "SPLIT",
    "Answer",
    "Approved",
    "Decided",
    "Decider",
    "Expected",
    "Exposures",
    "Seen",
    "Shown",
    "approve",
    "decided_by",
    "expected",
    "expose",
    "id_of",
    "named_in",
    "pause",
    "show",
    "shown",
]
