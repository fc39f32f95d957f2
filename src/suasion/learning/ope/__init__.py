"""What a policy would have earned, told from the log of another, before it goes live.

`evaluate` one policy, the paired `difference` of two, `sequence` and `exact_sequence` for those who look
again and again; `compare` says whether a challenger may go live, `standing` whether it may stay.
"""

from suasion.learning.ope.bounded import exact_sequence
from suasion.learning.ope.compare import Comparison, Standing, compare, standing
from suasion.learning.ope.evaluate import Evaluation, Method, difference, evaluate
from suasion.learning.ope.logged import Logged, given_shown
from suasion.learning.ope.looking import sequence

__all__ = [
    "Comparison",
    "Evaluation",
    "Logged",
    "Method",
    "Standing",
    "compare",
    "difference",
    "evaluate",
    "exact_sequence",
    "given_shown",
    "sequence",
    "standing",
]
