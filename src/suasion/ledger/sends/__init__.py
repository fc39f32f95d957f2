"""Sends: claimed with every check, marked, handed over under guard; never twice, never after a no."""

from suasion.ledger.sends.claim import Claimed, claim
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
from suasion.ledger.sends.suppress import Why, suppress, suppressed

__all__ = [
    "NEVER_HANDED",
    "About",
    "Cap",
    "Claimed",
    "Handover",
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
    "handing_over",
    "mark",
    "plan_sends",
    "planned_for",
    "progress",
    "release",
    "sending",
    "set_paused",
    "settle",
    "stranded",
    "suppress",
    "suppressed",
    "waiting",
]
