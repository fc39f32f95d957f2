"""How much may come: one allowance for each stream, the same for all processes of a server."""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import blake2b
from weakref import finalize

BURST = 1.0
"""Seconds of its rate that a stream may be ahead."""
_PLACES = 1 << 16


class Limits:
    """The generic cell rate algorithm (ITU-T I.371, annex A), in memory that forked processes share.

    Of each name it holds one time: until when what was let through takes at the name's rate. Whoever is not
    further ahead than `BURST` passes with everything, so that a batch larger than that passes, too, and waits
    for it afterwards.

    Parameters
    ----------
    now : callable
        Seconds that never go back, the same for all processes.

    Examples
    --------
    >>> limits = Limits(now=lambda: 5.0)
    >>> [limits.take("site", 100, rate=100) for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._until = memoryview(mmap.mmap(-1, 8 * _PLACES)).cast("d")
        self._lock, name = tempfile.mkstemp()
        os.unlink(name)
        finalize(self, os.close, self._lock)
        self._places: dict[str, int] = {}

    def wait(self, name: str) -> float:
        """Seconds that a name has to wait; nothing is taken."""
        ahead = self._until[self._place(name)] - self._now()
        return max(0.0, ahead - BURST)

    def take(self, name: str, amount: int, rate: float) -> float:
        """Take an amount, or say how many seconds to wait.

        Parameters
        ----------
        name : str
        amount : int
        rate : float
            A second.

        Returns
        -------
        float
            Zero where it was taken.
        """
        place = self._place(name)
        with self._alone(place):
            late = self.wait(name)
            if not late:
                self._until[place] = max(self._until[place], self._now()) + amount / rate
        return late

    def _place(self, name: str) -> int:
        """By hash, so that all processes agree; two names of one place share an allowance."""
        place = self._places.get(name)
        if place is None:
            place = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % _PLACES
            self._places[name] = place
        return place

    @contextmanager
    def _alone(self, place: int) -> Generator[None]:
        """A lock of POSIX: it ends with the process that holds it, however that ends."""
        fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, place)
