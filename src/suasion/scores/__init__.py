"""Estimate for each person what a treatment would change, by models that have not seen that person."""

from suasion.scores import explain, guards, inferences, pool
from suasion.scores.data import Data
from suasion.scores.features import Features, encode
from suasion.scores.fit import fit
from suasion.scores.forecast import Forecast, forecast_from
from suasion.scores.learned import Model
from suasion.scores.publish import publish_scores
from suasion.scores.ranking import Ranking
from suasion.scores.scores import Findings, Scores, scores_from

__all__ = [
    "Data",
    "Features",
    "Findings",
    "Forecast",
    "Model",
    "Ranking",
    "Scores",
    "encode",
    "explain",
    "fit",
    "forecast_from",
    "guards",
    "inferences",
    "pool",
    "publish_scores",
    "scores_from",
]
