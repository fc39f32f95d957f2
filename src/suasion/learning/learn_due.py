"""When exposures are learned from: rewards come late, or never."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Exposures:
    """Exposures and which of g goals they reached so far; times in seconds since 1970, nan where none.

    Parameters
    ----------
    shown_at, told_at : array of float, shape (n,)
        When each was, and when we were told of it.
    rewarded_at, reward_told_at : array of float, shape (n, g)
        When each goal was reached, and when we were told of it.
    """

    shown_at: Floats
    told_at: Floats
    rewarded_at: Floats
    reward_told_at: Floats

    def known_at(self, horizon: float) -> Floats:
        """When we knew of each goal that was reached within the horizon; infinite where none was.

        Parameters
        ----------
        horizon : float
            Seconds.

        Returns
        -------
        array of float, shape (n, g)
        """
        shown, told = self.shown_at[:, None], self.told_at[:, None]
        own = (self.rewarded_at >= shown) & (self.rewarded_at <= shown + horizon)
        return np.where(own, np.maximum(told, self.reward_told_at), np.inf)


@dataclass(frozen=True)
class Due:
    """What is to be learned, in order.

    Parameters
    ----------
    rows : array of int64, shape (m,)
        Numbers of exposures.
    reached : array of bool, shape (m, g)
        The goals whose rewards are to be learned; without any, 0.
    late : array of bool, shape (m,)
        It was learned before: these rewards are added.
    before : array of bool, shape (m, g)
        The goals that were learned then.
    at : array of float, shape (m,)
        When it came to be due.
    """

    rows: Ints
    reached: Bools
    late: Bools
    before: Bools
    at: Floats


def due(exposures: Exposures, horizon: float, after: float, until: float, at_once: bool = True) -> Due:
    """What comes to be due in a time: each exposure once, and once more for each goal told of later.

    An exposure without a reward counts as 0 only when its horizon has passed. A goal reached within the
    horizon that we are told of after its exposure was learned is learned by itself (`late`); one after the
    horizon, or before the exposure, is not its own. Whatever way a time is cut, the same is due in the same
    order.

    With `at_once`, a reward is learned when we are told of it, so that a policy improves within seconds, but
    before the zeros of its time: while the number shown of an arm grows, its rewards are overstated, at most
    by that growth within one horizon. Without, everything waits for its horizon, and nothing is overstated:
    better where horizons are long.

    Parameters
    ----------
    exposures : Exposures
        In an order that does not change; what is due at the same moment is learned in it.
    horizon : float
        Seconds, above 0.
    after, until : float
        The time: what comes due after the first, and no later than the second.
    at_once : bool

    Returns
    -------
    Due

    Raises
    ------
    InputError
        A horizon not above 0, or an exposure without its times.

    Examples
    --------
    >>> seen = np.zeros(3)
    >>> came = Exposures(seen, seen, np.array([[5], [np.nan], [7.0]]), np.array([[6], [np.nan], [90.0]]))
    >>> made = due(came, horizon=60, after=0, until=100)
    >>> made.rows.tolist(), made.reached[:, 0].tolist(), made.late.tolist()
    ([0, 1, 2, 2], [True, False, False, True], [False, False, False, True])
    """
    shown, told, n = exposures.shown_at, exposures.told_at, len(exposures.shown_at)
    if not (horizon > 0 and np.isfinite(shown).all() and np.isfinite(told).all()):
        found = f"a horizon of {horizon} s, or exposures without their times"
        raise InputError("learning from exposures", found, "Give a horizon above 0, and every time.")
    over, known = np.maximum(told, shown + horizon), exposures.known_at(horizon)
    first = np.minimum(known.min(axis=1, initial=np.inf), over) if at_once else over
    late = np.isfinite(known) & (known > first[:, None])
    whose, goal = np.nonzero(late)
    rows, moments = np.concatenate([np.arange(n), whose]), np.concatenate([first, known[late]])
    reached = np.concatenate([np.isfinite(known) & ~late, np.eye(known.shape[1], dtype=np.bool_)[goal]])
    place = np.concatenate([np.full(n, -1), goal])
    order = np.lexsort((place, rows, moments))
    order = order[(moments[order] > after) & (moments[order] <= until)]
    rows, place, moments = rows[order], place[order], moments[order]
    again, theirs = place >= 0, known[rows]
    tied = (theirs == moments[:, None]) & (np.arange(known.shape[1]) < place[:, None])
    before = again[:, None] & ((theirs < moments[:, None]) | tied)
    return Due(rows, reached[order], again, before, moments)
