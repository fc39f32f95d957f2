"""A histogram causal forest: honest trees on the R-loss over binned features, several treatments at once."""

from suasion.scores.forest.forest import Forest, Settings, grow_forest

__all__ = ["Forest", "Settings", "grow_forest"]
