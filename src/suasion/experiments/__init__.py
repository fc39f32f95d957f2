"""Use chance with care: treatments, the design of an experiment, and the keyed-hash draw.

Before an experiment: `power`, `blocking`, `factorial` designs of composed messages, `geo` designs for places,
`holdout`, `layers` that keep experiments apart.
"""

from suasion.experiments import blocking, factorial, geo, holdout, layers, power
from suasion.experiments.chance import uniform_rows, uniforms
from suasion.experiments.design import Assignment, Design, Treatment
from suasion.experiments.draw import draw
from suasion.experiments.totals import Totals, reach
from suasion.experiments.trial import Trial, assemble

__all__ = [
    "Assignment",
    "Design",
    "Totals",
    "Treatment",
    "Trial",
    "assemble",
    "blocking",
    "draw",
    "factorial",
    "geo",
    "holdout",
    "layers",
    "power",
    "reach",
    "uniform_rows",
    "uniforms",
]
