"""Compare the arms of an experiment whose end was fixed before: each against arm 0, with clusters.

Arrays in, one `Effect` an arm out.
"""

from suasion.stats.arms.effects import compare, relative
from suasion.stats.arms.pairs import Effect
from suasion.stats.arms.ratios import cuped, ratio
from suasion.stats.arms.takers import complier

__all__ = ["Effect", "compare", "complier", "cuped", "ratio", "relative"]
