"""Say how sure a number is: estimates with their intervals. Arrays in, frozen values out."""

from suasion.stats.estimate import Estimate
from suasion.stats.means import difference_in_means, mean, proportion

__all__ = ["Estimate", "difference_in_means", "mean", "proportion"]
