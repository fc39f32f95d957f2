"""Events as Segment's and RudderStack's clients send them: read, checked, and their times corrected."""

from suasion.ingest.tracking.event import Event, Head, events
from suasion.ingest.tracking.gzipped import inflated
from suasion.ingest.tracking.judge import MOST_EVENT, Dead
from suasion.ingest.tracking.parse import MOST_BODY, Parsed, parse

__all__ = ["MOST_BODY", "MOST_EVENT", "Dead", "Event", "Head", "Parsed", "events", "inflated", "parse"]
