"""Spend where it changes most: scores, costs and limits in; probabilities, then decisions out."""

from suasion.allocation import blind, placement, plurality, policies
from suasion.allocation.decide import decide
from suasion.allocation.limits import Capacity, Limit, Money, Parity
from suasion.allocation.options import Options
from suasion.allocation.plan import Plan, plan, spread
from suasion.allocation.publish import plan_from, publish_plan
from suasion.allocation.told import Words

__all__ = [
    "Capacity",
    "Limit",
    "Money",
    "Options",
    "Parity",
    "Plan",
    "Words",
    "blind",
    "decide",
    "placement",
    "plan",
    "plan_from",
    "plurality",
    "policies",
    "publish_plan",
    "spread",
]
