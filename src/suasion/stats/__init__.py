"""Say how sure a number is: estimates with their intervals. Arrays in, frozen values out.

Single numbers by name (`mean`, `proportion`, `normalized_qini`); families as modules: `ranking` of people by
what they gain, `calibration` of predicted effects, `forecasts` of what people do, `drift`, `balance`,
`multiplicity`.
"""

from suasion.stats import balance, calibration, drift, forecasts, multiplicity, ranking
from suasion.stats.estimate import Estimate
from suasion.stats.influence import from_influence
from suasion.stats.means import difference_in_means, mean, proportion
from suasion.stats.normalized import compare_normalized_qini, normalized_qini
from suasion.stats.projection import calibration_line

__all__ = [
    "Estimate",
    "balance",
    "calibration",
    "calibration_line",
    "compare_normalized_qini",
    "difference_in_means",
    "drift",
    "forecasts",
    "from_influence",
    "mean",
    "multiplicity",
    "normalized_qini",
    "proportion",
    "ranking",
]
