"""What is watched while a placement runs, and where its money goes: counts in, alarms and moves out; pure."""

from suasion.learning.steering.alarm import ALPHA, Alarm, coarse
from suasion.learning.steering.drift import BLOCK, population, predictions
from suasion.learning.steering.moves import Move, gained, move
from suasion.learning.steering.pace import pace, too_many
from suasion.learning.steering.ratio import sample_ratio
from suasion.learning.steering.silence import silence

__all__ = [
    "ALPHA",
    "BLOCK",
    "Alarm",
    "Move",
    "coarse",
    "gained",
    "move",
    "pace",
    "population",
    "predictions",
    "sample_ratio",
    "silence",
    "too_many",
]
