"""Experiments that share people: disjoint within a layer, independent across layers, frozen on exposure."""

from suasion.experiments.layers.enroll import OUT, Earlier, Enrolled, enroll, households
from suasion.experiments.layers.layer import BUCKETS, Layer, Slot, buckets

__all__ = ["BUCKETS", "OUT", "Earlier", "Enrolled", "Layer", "Slot", "buckets", "enroll", "households"]
