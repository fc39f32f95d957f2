"""Reasons for one recipient, computed aside: whoever asks waits a little, and gets plain words otherwise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookLong
from dataclasses import dataclass, field
from threading import Lock

from suasion.errors import SuasionError

Sentences = tuple[str, ...]
WAIT = 2.0
"""Seconds that a reader waits."""
MOST_WAITING = 8
"""So many are computed or wait for it; robots that follow every link get plain words."""
MOST_KEPT = 1000


@dataclass(frozen=True)
class Reasons:
    """Sentences by what they are about, computed one at a time.

    Parameters
    ----------
    wait : float
        Seconds.
    """

    wait: float = WAIT
    _known: OrderedDict[tuple[object, ...], Future[Sentences]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "reasons"))

    def told(self, about: tuple[object, ...], compute: Callable[[], Sentences]) -> Sentences | None:
        """The sentences about something; None where they cannot be told, or not in time.

        Parameters
        ----------
        about : tuple
            Campaign, person and the versions of what they are computed from.
        compute : callable
        """
        asked = self._asked(about, compute)
        if asked is None:
            return None
        try:
            return asked.result(self.wait)
        except (SuasionError, TookLong):
            return None

    def _asked(self, about: tuple[object, ...], compute: Callable[[], Sentences]) -> Future[Sentences] | None:
        with self._lock:
            if about in self._known:
                self._known.move_to_end(about)
                return self._known[about]
            if sum(not one.done() for one in self._known.values()) >= MOST_WAITING:
                return None
            while len(self._known) >= MOST_KEPT:
                self._known.popitem(last=False)
            self._known[about] = self._pool.submit(compute)
            return self._known[about]
