"""Judge a plan before it is sent, measure what it changed after, and report both and how sure they are."""

from suasion.measurement.lift import Lift, lift
from suasion.measurement.page import page
from suasion.measurement.replay import Comparison, PolicyValue, Replay, Shares, replay
from suasion.measurement.report import Delivered, Report, Step, report
from suasion.measurement.value import aipw_value, weighted_value

__all__ = [
    "Comparison",
    "Delivered",
    "Lift",
    "PolicyValue",
    "Replay",
    "Report",
    "Shares",
    "Step",
    "aipw_value",
    "lift",
    "page",
    "replay",
    "report",
    "weighted_value",
]
