"""Policies that learn: how arms are chosen, with the probability of each; pure, of a policy and its state."""

from suasion.allocation.policies.chances import (
    NOBODY,
    bounds,
    burden,
    chosen,
    draw_one,
    one_row,
    probabilities,
    sharpness,
    variance,
)
from suasion.allocation.policies.policy import GUESSED, Budget, Guardrail, Kind, Policy, State, design, start

__all__ = [
    "GUESSED",
    "NOBODY",
    "Budget",
    "Guardrail",
    "Kind",
    "Policy",
    "State",
    "bounds",
    "burden",
    "chosen",
    "design",
    "draw_one",
    "one_row",
    "probabilities",
    "sharpness",
    "start",
    "variance",
]
