"""Look while it runs, and still know how sure a number is.

`sequence` for streams without a planned end, `GroupSequential` where the end is planned; `watch` for
guardrails with stop rules, `watch_shares` for arms that do not fill as drawn; `how_much_longer` for those who
wait.
"""

from suasion.stats.sequential.confidence import Course, planned_error, sequence
from suasion.stats.sequential.group import GroupSequential
from suasion.stats.sequential.guardrails import Guardrail, Verdict, watch
from suasion.stats.sequential.longer import Longer, how_much_longer
from suasion.stats.sequential.looks import Looks, accumulate, from_arms, steadied
from suasion.stats.sequential.rates import Counts, rate_sequence
from suasion.stats.sequential.shares import SharesWatched, watch_shares

__all__ = [
    "Counts",
    "Course",
    "GroupSequential",
    "Guardrail",
    "Longer",
    "Looks",
    "SharesWatched",
    "Verdict",
    "accumulate",
    "from_arms",
    "how_much_longer",
    "planned_error",
    "rate_sequence",
    "sequence",
    "steadied",
    "watch",
    "watch_shares",
]
