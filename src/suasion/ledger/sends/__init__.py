"""Sends: claimed with every check, marked, handed over under guard; never twice, never after a no."""

from suasion.ledger.sends import noise, receipt
from suasion.ledger.sends.claim import Claimed, claim
from suasion.ledger.sends.costs import Cost, Costs, costs, paid_to
from suasion.ledger.sends.evidence import Evidence
from suasion.ledger.sends.handover import (
    Handover,
    handing_over,
    mark,
    release,
    sending,
    settle,
    stranded,
    waiting,
)
from suasion.ledger.sends.history import History, history
from suasion.ledger.sends.send import (
    NEVER_HANDED,
    About,
    Cap,
    Progress,
    Send,
    State,
    Terms,
    about,
    plan_sends,
    planned_for,
    progress,
)
from suasion.ledger.sends.stops import Stop, approve, approved, set_paused
from suasion.ledger.sends.suppress import Why, never, suppress, suppressed
from suasion.ledger.sends.told import told

__all__ = [
    "NEVER_HANDED",
    "About",
    "Cap",
    "Claimed",
    "Cost",
    "Costs",
    "Evidence",
    "Handover",
    "History",
    "Progress",
    "Send",
    "State",
    "Stop",
    "Terms",
    "Why",
    "about",
    "approve",
    "approved",
    "claim",
    "costs",
    "handing_over",
    "history",
    "mark",
    "never",
    "noise",
    "paid_to",
    "plan_sends",
    "planned_for",
    "progress",
    "receipt",
    "release",
    "sending",
    "set_paused",
    "settle",
    "stranded",
    "suppress",
    "suppressed",
    "told",
    "waiting",
]
