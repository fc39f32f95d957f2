"""Judge a plan on people of a finished experiment, and report what it would change and how sure that is."""

from suasion.measurement.page import page
from suasion.measurement.replay import Comparison, PolicyValue, Replay, Shares, replay
from suasion.measurement.report import Report, Step, report
from suasion.measurement.value import aipw_value, weighted_value

__all__ = [
    "Comparison",
    "PolicyValue",
    "Replay",
    "Report",
    "Shares",
    "Step",
    "aipw_value",
    "page",
    "replay",
    "report",
    "weighted_value",
]
