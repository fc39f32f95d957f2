"""Guards: what must be looked at before a score is believed, each a pure function with findings to read.

`leaks` looks for features that know what they cannot, `overlap` for people who could not have got an arm,
`balance` for arms that are unlike, `drift` for people unlike those of the trial, feature by feature, and
`familiar` for single persons too unlike to say anything of; `fair` holds predictions against what was seen
in each group, and `proxies` tells which traits the features stand for.
"""

from suasion.scores.guards.balance import Balanced, balance
from suasion.scores.guards.drift import Drifts, drift
from suasion.scores.guards.fair import Fair, fair
from suasion.scores.guards.finding import Finding, Severity
from suasion.scores.guards.leaks import Leaks, leaks
from suasion.scores.guards.overlap import Overlap, overlap
from suasion.scores.guards.proxies import Proxies, Proxy, proxies
from suasion.scores.guards.unlike import LEAST, Familiar, familiar

__all__ = [
    "LEAST",
    "Balanced",
    "Drifts",
    "Fair",
    "Familiar",
    "Finding",
    "Leaks",
    "Overlap",
    "Proxies",
    "Proxy",
    "Severity",
    "balance",
    "drift",
    "fair",
    "familiar",
    "leaks",
    "overlap",
    "proxies",
]
