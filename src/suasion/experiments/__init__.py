"""Use chance with care: treatments, the design of an experiment, and the keyed-hash draw."""

from suasion.experiments.chance import uniform_rows, uniforms
from suasion.experiments.design import Assignment, Design, Treatment
from suasion.experiments.draw import draw
from suasion.experiments.trial import Trial, assemble

__all__ = ["Assignment", "Design", "Treatment", "Trial", "assemble", "draw", "uniform_rows", "uniforms"]
