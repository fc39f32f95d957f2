"""Look at the value of a policy while the log grows."""

from __future__ import annotations

import numpy as np

from suasion.learning.ope.evaluate import Evaluation, Method, difference, evaluate
from suasion.learning.ope.logged import Floats, Ids, Logged
from suasion.stats import sequential


def sequence(
    logged: Logged,
    target: Floats,
    looks: Ids,
    tuned_for: float,
    method: Method = "dr",
    against: Floats | None = None,
) -> sequential.Course:
    """Estimates as the log grows, whose intervals hold all at once, however often one looks.

    The asymptotic confidence sequence of `stats.sequential.sequence` with the cluster-robust errors of
    `evaluate`, on the log up to each look.

    Parameters
    ----------
    logged : Logged
        Rows in order of time.
    target : array of float, shape (n, k)
        As for `evaluate`.
    looks : array of int, shape (looks,)
        Decisions that each look knows, growing, up to n.
    tuned_for : float
        Standard error at which the sequence is tightest, see `stats.sequential.planned_error`.
    method : {"dr", "ips", "snips"}
    against : array of float, shape (n, k), optional
        Another policy; the sequence is then of the paired difference.

    Returns
    -------
    Course
        Without an estimate where `evaluate` has none.

    Raises
    ------
    UndefinedError
        As `evaluate` and `stats.sequential.sequence`.

    Examples
    --------
    >>> luck = np.random.default_rng(1)
    >>> arms = luck.integers(0, 2, 4000)
    >>> log = Logged(arms, luck.random(4000) * (1 + arms), np.full(4000, 0.5))
    >>> second, first = np.tile([0.0, 1.0], (4000, 1)), np.tile([1.0, 0.0], (4000, 1))
    >>> sequence(log, second, np.array([500, 4000]), 0.01, "snips", first).decided_at
    0
    """
    found = [_at(logged.first(n), target[:n], method, against) for n in looks.tolist()]
    known = [one.estimate for one in found]
    values = np.array([np.nan if one is None else one.value for one in known])
    units = np.array([[0 if one is None else one.n] for one in known], np.int64)
    errors = np.array([np.nan if one.estimate is None else one.error for one in found])
    return sequential.sequence(sequential.Looks(values, errors, np.maximum.accumulate(units)), tuned_for)


def _at(logged: Logged, target: Floats, method: Method, against: Floats | None) -> Evaluation:
    if against is None:
        return evaluate(logged, target, method)
    return difference(logged, target, against[: logged.n], method)
