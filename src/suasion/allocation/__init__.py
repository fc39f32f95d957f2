"""Spend where it changes most: scores, costs and a budget in; probabilities, then decisions out."""

from suasion.allocation.decide import Decisions, decide
from suasion.allocation.plan import Options, Plan, plan, spread
from suasion.allocation.publish import plan_from, publish_plan

__all__ = ["Decisions", "Options", "Plan", "decide", "plan", "plan_from", "publish_plan", "spread"]
