"""A source of events that is silent for longer than it ever was without a fault."""

from __future__ import annotations

from math import log

import numpy as np

from suasion.learning.steering.alarm import ALPHA, Alarm, Floats, Ids, coarse, part_of

NAME = "silence"
MINUTE, DAY, WEEK = 60, 86_400, 604_800
WEEKS = 8
"""Of history that count."""
LEAST = 200
"""Gaps without which nothing is known."""
LONG = 50
"""The longest gaps tell how long gaps can be."""
_HOURS = 7 * 24
_THURSDAY = 3
"""1970 began on one."""


def silence(about: str, active: Ids, now: float) -> Alarm | None:
    """Judge how long nothing has come, by how events came at the same hours of earlier weeks.

    A gap is measured by how many active minutes it would usually hold: at night it grows slowly. How long
    such gaps are is learned from the 50 longest: their tail is taken for exponential, with its own mean
    (peaks over a threshold: Pickands 1975, Annals of Statistics 3:119), so that events that come in bursts
    raise no alarm. Of hours that were seen in few weeks less is known, and they weigh less:
    a gamma density of their rate stands in for it. A gap that the tail gives less than the day's part of
    1 % is an alarm; it ends with the next event.

    Parameters
    ----------
    about : str
    active : array of int64, shape (n,)
        Minutes since 1970 in which something came, sorted, each once.
    now : float
        Seconds since 1970.

    Returns
    -------
    Alarm or None
        None, too, where less than a week or fewer than 200 gaps are known.

    Examples
    --------
    >>> two_weeks = 29_000_000 + np.arange(0, 14 * 1440, 5)
    >>> silence("stream:web", two_weeks, 60.0 * (two_weeks[-1] + 60)) is None
    True
    >>> silence("stream:web", two_weeks, 60.0 * (two_weeks[-1] + 600)).found
    'nothing has come for 10 hours, where at such hours it comes about every 5 minutes'
    """
    if not len(active):
        return None
    active = active[active > active[-1] - WEEKS * 7 * 1440]
    start, last, present = int(active[0]), int(active[-1]), int(now // MINUTE)
    if last - start < 7 * 1440 or present <= last + 1:
        return None
    watched, hits = np.arange(start, last + 1), np.zeros(last + 1 - start)
    hits[active - start] = 1
    hours = _hours(watched)
    seen = np.bincount(hours, minlength=_HOURS)
    came = np.bincount(hours, hits, _HOURS).astype(np.float64)
    longest = _longest(came, seen, hours, hits)
    if longest is None:
        return None
    waited = np.bincount(_hours(np.arange(last + 1, present)), minlength=_HOURS)
    size = float((came * np.log1p(waited / np.maximum(seen, 1))).sum())
    days = (last - start) / 1440
    usual, mean = longest
    if size <= usual + mean * log(LONG / days / part_of(ALPHA, int(days))):
        return None
    return _said(
        about, (present - last) / 60, float(waited.sum()), float((came / np.maximum(seen, 1)) @ waited)
    )


def _hours(minutes: Ids) -> Ids:
    """Hour of the week of each minute, in UTC."""
    return (minutes // 60 + _THURSDAY * 24) % _HOURS


def _longest(came: Floats, seen: Ids, hours: Ids, hits: Floats) -> tuple[float, float] | None:
    """Where the longest gaps begin, and by how much they are longer on the average."""
    rates = (came / np.maximum(seen, 1))[hours]
    passed = np.cumsum(rates * (1 - hits))
    gaps = np.sort(np.diff(passed[hits > 0]))
    if len(gaps) < LEAST:
        return None
    usual, beyond = float(gaps[-LONG - 1]), gaps[-LONG:] - gaps[-LONG - 1]
    # Half as much again, for a mean of so few, and a tail that is not quite exponential.
    return usual, max(float(beyond.mean()) * 1.5, 1.0)


def _said(about: str, hours: float, waited: float, expected: float) -> Alarm:
    every = waited / max(expected, 1e-9)
    found = (
        f"nothing has come for {coarse(hours):g} hours, where at such hours it comes about every "
        f"{max(coarse(every), 1):g} minutes"
    )
    todo = "Look whether the site still sends events, and with this stream's write key."
    return Alarm(NAME, about, found, todo)
