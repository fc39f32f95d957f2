"""Join the stages to one journey over one folder; settings are read once and passed on as values."""

from suasion.workspace import asked, deciding, opted_in, streaming
from suasion.workspace.create import Answers, check_vacant, create
from suasion.workspace.doctor import Check, examine
from suasion.workspace.planned import PlanSummary
from suasion.workspace.sending import SendSummary
from suasion.workspace.steps import IngestSummary, ScoreSummary
from suasion.workspace.workspace import KEY, Workspace, open_workspace

__all__ = [
    "KEY",
    "Answers",
    "Check",
    "IngestSummary",
    "PlanSummary",
    "ScoreSummary",
    "SendSummary",
    "Workspace",
    "asked",
    "check_vacant",
    "create",
    "deciding",
    "examine",
    "open_workspace",
    "opted_in",
    "streaming",
]
