"""Learn from what came back: the next version of a policy, and what any policy would have brought."""

from suasion.learning import clock, ope, pacing, priors, steering
from suasion.learning.learn import Goal, combined, learn
from suasion.learning.learn_due import Due, Exposures, due
from suasion.learning.learn_rehearse import rehearse
from suasion.learning.store import Learned, advance, newest

__all__ = [
    "Due",
    "Exposures",
    "Goal",
    "Learned",
    "advance",
    "clock",
    "combined",
    "due",
    "learn",
    "newest",
    "ope",
    "pacing",
    "priors",
    "rehearse",
    "steering",
]
