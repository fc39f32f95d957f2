"""Estimate for each person what a treatment would change, by models that have not seen that person."""

from suasion.scores.fit import fit
from suasion.scores.forecast import Forecast, forecast_from
from suasion.scores.publish import publish_scores
from suasion.scores.scores import Scores, scores_from

__all__ = ["Forecast", "Scores", "fit", "forecast_from", "publish_scores", "scores_from"]
