"""Find by words what harms in a message: appeals, unproven claims, wrong dates, hidden machines."""

from suasion.messages.harm.claims import Claim, unsourced
from suasion.messages.harm.dates import Vote, votes_from, wrong_dates
from suasion.messages.harm.review import Finding, Harm, Reviewed, overruled, review
from suasion.messages.harm.words import APPEALS, appeals

__all__ = [
    "APPEALS",
    "Claim",
    "Finding",
    "Harm",
    "Reviewed",
    "Vote",
    "appeals",
    "overruled",
    "review",
    "unsourced",
    "votes_from",
    "wrong_dates",
]
