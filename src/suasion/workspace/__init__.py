"""Join the stages to one journey over one folder; settings are read once and passed on as values."""

from suasion.workspace.create import Answers, check_vacant, create
from suasion.workspace.doctor import Check, examine
from suasion.workspace.planned import PlanSummary
from suasion.workspace.record import OutcomeSummary, ReplySummary
from suasion.workspace.sending import SendSummary
from suasion.workspace.settings import Settings
from suasion.workspace.steps import IngestSummary, ScoreSummary
from suasion.workspace.why import Explained
from suasion.workspace.workspace import KEY, Workspace, open_workspace

__all__ = [
    "KEY",
    "Answers",
    "Check",
    "Explained",
    "IngestSummary",
    "OutcomeSummary",
    "PlanSummary",
    "ReplySummary",
    "ScoreSummary",
    "SendSummary",
    "Settings",
    "Workspace",
    "check_vacant",
    "create",
    "examine",
    "open_workspace",
]
