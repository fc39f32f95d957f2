"""Say beforehand what an experiment can show: its power, the smallest effect, the people it takes."""

from suasion.experiments.power.answer import Power
from suasion.experiments.power.budget import affordable
from suasion.experiments.power.layout import Clusters, Layout
from suasion.experiments.power.quantity import Amount, Share
from suasion.experiments.power.solve import of, people_needed, smallest_effect, smallest_holdout

__all__ = [
    "Amount",
    "Clusters",
    "Layout",
    "Power",
    "Share",
    "affordable",
    "of",
    "people_needed",
    "smallest_effect",
    "smallest_holdout",
]
