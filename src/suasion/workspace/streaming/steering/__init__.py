"""Steering in flight: alarms that tell of what goes wrong, and money that goes where it brings most.

Everything that is done here by itself is a row in the public log, with its reason.
"""

from suasion.workspace.streaming.steering.raised import ALARM, Raised, alarms, answer, said, settle
from suasion.workspace.streaming.steering.steer import Steering

__all__ = ["ALARM", "Raised", "Steering", "alarms", "answer", "said", "settle"]
