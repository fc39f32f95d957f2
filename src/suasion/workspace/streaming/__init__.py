"""Events into profiles and policies.

What waits in the inbox becomes events of persons, traits and refusals; what was shown, and what it brought,
becomes what a placement's policy knows.
"""

from suasion.workspace.streaming import steering
from suasion.workspace.streaming.beat import BEAT, beat_of
from suasion.workspace.streaming.comparing import Compared, compare
from suasion.workspace.streaming.learner import Learner
from suasion.workspace.streaming.reported import report
from suasion.workspace.streaming.returning import Returner
from suasion.workspace.streaming.shown import exposures, rewards
from suasion.workspace.streaming.streamer import Streamer, placements_of
from suasion.workspace.streaming.turn import Turn
from suasion.workspace.streams import INBOX, inbox_of, streams_of
from suasion.workspace.waiting import erase_waiting, waiting_of

__all__ = [
    "BEAT",
    "INBOX",
    "Compared",
    "Learner",
    "Returner",
    "Streamer",
    "Turn",
    "beat_of",
    "compare",
    "erase_waiting",
    "exposures",
    "inbox_of",
    "placements_of",
    "report",
    "rewards",
    "steering",
    "streams_of",
    "waiting_of",
]
