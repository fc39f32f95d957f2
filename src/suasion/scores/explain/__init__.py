"""Explain one person's score: what moved it, in plain words, and which change would alter the decision."""

from suasion.scores.explain.change import Change, Rule, at_least, nearest_change
from suasion.scores.explain.explanation import Explanation, Reason, explain
from suasion.scores.explain.naming import Naming, Scale, day, named, plain
from suasion.scores.explain.shapley import Shares, shares

__all__ = [
    "Change",
    "Explanation",
    "Naming",
    "Reason",
    "Rule",
    "Scale",
    "Shares",
    "at_least",
    "day",
    "explain",
    "named",
    "nearest_change",
    "plain",
    "shares",
]
