"""Estimate for each person what a treatment would change, by models that have not seen that person."""

from suasion.scores.fit import fit
from suasion.scores.scores import Scores, scores_from, table_of

__all__ = ["Scores", "fit", "scores_from", "table_of"]
