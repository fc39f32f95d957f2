"""What was tested of a campaign, how, and what was found: planned before the first send, or added later."""

from suasion.measurement.analysis.analyze import Analysis, analyze
from suasion.measurement.analysis.course import Course, Look
from suasion.measurement.analysis.evidence import Evidence, own_chance
from suasion.measurement.analysis.guarded import REPLIES, Sent, Tried, Watched, watched
from suasion.measurement.analysis.ratio import Ratio
from suasion.measurement.analysis.registered import Grouping, Registered, as_registered, groupings
from suasion.measurement.analysis.tested import Tested
from suasion.measurement.analysis.told import alarms, findings, harm, words
from suasion.measurement.lift import looked_at

__all__ = [
    "REPLIES",
    "Analysis",
    "Course",
    "Evidence",
    "Grouping",
    "Look",
    "Ratio",
    "Registered",
    "Sent",
    "Tested",
    "Tried",
    "Watched",
    "alarms",
    "analyze",
    "as_registered",
    "findings",
    "groupings",
    "harm",
    "looked_at",
    "own_chance",
    "watched",
    "words",
]
