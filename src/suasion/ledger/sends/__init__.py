"""Sends: planned, claimed with every check, marked, handed over under guard; never twice, never after a no."""

from suasion.ledger.sends.claim import Claimed, claim
from suasion.ledger.sends.handover import Handover, handing_over, mark, release, settle, stranded
from suasion.ledger.sends.send import Cap, Progress, Send, State, Terms, plan_sends, progress
from suasion.ledger.sends.stops import Stop, approve, set_paused
from suasion.ledger.sends.suppress import Why, suppress, suppressed

__all__ = [
    "Cap",
    "Claimed",
    "Handover",
    "Progress",
    "Send",
    "State",
    "Stop",
    "Terms",
    "Why",
    "approve",
    "claim",
    "handing_over",
    "mark",
    "plan_sends",
    "progress",
    "release",
    "set_paused",
    "settle",
    "stranded",
    "suppress",
    "suppressed",
]
