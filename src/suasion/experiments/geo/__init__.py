"""Experiments on places, for media in which nobody can be held out: spend comes back as a file.

`panel` takes outcomes in; `matched` or `constrained` choose places by a keyed draw; `placebo` says what the
design could find; `compare` what the campaign brought, and `per_unit` what each euro of it did, by
randomization inference.
"""

from suasion.experiments.geo.compare import Compared, compare, per_unit, summed
from suasion.experiments.geo.constrained import constrained, imbalance
from suasion.experiments.geo.design import GeoDesign
from suasion.experiments.geo.pairs import matched
from suasion.experiments.geo.panel import Panel, panel
from suasion.experiments.geo.power import Power, placebo

__all__ = [
    "Compared",
    "GeoDesign",
    "Panel",
    "Power",
    "compare",
    "constrained",
    "imbalance",
    "matched",
    "panel",
    "per_unit",
    "placebo",
    "summed",
]
