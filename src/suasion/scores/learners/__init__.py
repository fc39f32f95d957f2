"""Learners of effects: each takes a `Sample` and returns a model that says what treatments change."""

from suasion.scores.learners.causal_forest import learn_forest
from suasion.scores.learners.linear import learn_linearly
from suasion.scores.learners.metalearners import (
    learn_by_arm,
    learn_crossed,
    learn_doubly_robust,
    learn_jointly,
    learn_residuals,
)
from suasion.scores.learners.response import learn_response
from suasion.scores.learners.sample import ByArm, EffectModel, Learner, Sample, aipw, received

__all__ = [
    "ByArm",
    "EffectModel",
    "Learner",
    "Sample",
    "aipw",
    "learn_by_arm",
    "learn_crossed",
    "learn_doubly_robust",
    "learn_forest",
    "learn_jointly",
    "learn_linearly",
    "learn_residuals",
    "learn_response",
    "received",
]
