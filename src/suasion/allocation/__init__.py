"""Spend where it changes most: scores, costs and limits in; probabilities, then decisions out."""

from suasion.allocation import blind, plurality
from suasion.allocation.decide import Decisions, decide
from suasion.allocation.limits import Capacity, Limit, Money, Parity
from suasion.allocation.mix import mix
from suasion.allocation.options import Options
from suasion.allocation.plan import Plan, plan, spread
from suasion.allocation.publish import plan_from, publish_plan
from suasion.allocation.told import Words

__all__ = [
    "Capacity",
    "Decisions",
    "Limit",
    "Money",
    "Options",
    "Parity",
    "Plan",
    "Words",
    "blind",
    "decide",
    "mix",
    "plan",
    "plan_from",
    "plurality",
    "publish_plan",
    "spread",
]
