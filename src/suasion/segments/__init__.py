"""Name groups of people by an expression over traits, and count them: matches, permitted, reachable."""

from suasion.segments.count import CHANNELS, Counts, count, members
from suasion.segments.segment import Segment, segment_from

__all__ = ["CHANNELS", "Counts", "Segment", "count", "members", "segment_from"]
