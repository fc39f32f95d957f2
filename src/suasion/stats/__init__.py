"""Say how sure a number is: estimates with their intervals. Arrays in, frozen values out.

Single numbers by name (`mean`, `proportion`); families as modules: `ranking` of people by what they gain,
`normalized` rankings, `calibration` of predicted effects, `forecasts` of what people do, `drift`, `balance`,
`multiplicity`; the `arms` of an experiment, looks at it while it runs (`sequential`), the `shares` that its
arms were filled with, and `randomization` inference.
"""

from suasion.stats import (
    arms,
    balance,
    calibration,
    drift,
    forecasts,
    multiplicity,
    normalized,
    randomization,
    ranking,
    sequential,
    shares,
)
from suasion.stats.estimate import Estimate
from suasion.stats.influence import from_influence
from suasion.stats.means import difference_in_means, mean, proportion

__all__ = [
    "Estimate",
    "arms",
    "balance",
    "calibration",
    "difference_in_means",
    "drift",
    "forecasts",
    "from_influence",
    "mean",
    "multiplicity",
    "normalized",
    "proportion",
    "randomization",
    "ranking",
    "sequential",
    "shares",
]
