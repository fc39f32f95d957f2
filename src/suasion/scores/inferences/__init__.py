"""Infer traits: how likely a person is to act, or how much like those on a list; with a card on how well."""

from suasion.scores.inferences.card import Card
from suasion.scores.inferences.chances import Sample
from suasion.scores.inferences.inference import Inference, inference_from
from suasion.scores.inferences.inferred import Inferred, publish
from suasion.scores.inferences.lookalike import lookalike
from suasion.scores.inferences.propensity import propensity

__all__ = [
    "Card",
    "Inference",
    "Inferred",
    "Sample",
    "inference_from",
    "lookalike",
    "propensity",
    "publish",
]
