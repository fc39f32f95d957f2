"""Join the stages to one journey over one folder; settings are read once and passed on as values."""

from suasion.workspace.settings import Settings
from suasion.workspace.steps import IngestSummary, PlanSummary, ScoreSummary
from suasion.workspace.workspace import Workspace, open_workspace

__all__ = [
    "IngestSummary",
    "PlanSummary",
    "ScoreSummary",
    "Settings",
    "Workspace",
    "open_workspace",
]
