"""Judge a plan before it is sent, measure what it changed after, and report both and how sure they are."""

from suasion.measurement import analysis, budgets, exposed, placements, spending
from suasion.measurement.lift import Lift, lift
from suasion.measurement.page import page
from suasion.measurement.replay import Replay, replay
from suasion.measurement.report import Delivered, Report, Step, report
from suasion.measurement.value import aipw_value, weighted_value

__all__ = [
    "Delivered",
    "Lift",
    "Replay",
    "Report",
    "Step",
    "aipw_value",
    "analysis",
    "budgets",
    "exposed",
    "lift",
    "page",
    "placements",
    "replay",
    "report",
    "spending",
    "weighted_value",
]
