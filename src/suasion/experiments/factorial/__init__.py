"""Learn about many composed messages from few: designs of parts with levels, and what each level does."""

from suasion.experiments.factorial.effects import Effects, main_effects
from suasion.experiments.factorial.fraction import fraction
from suasion.experiments.factorial.optimal import optimal
from suasion.experiments.factorial.parts import Factorial, Part, full

__all__ = ["Effects", "Factorial", "Part", "fraction", "full", "main_effects", "optimal"]
