"""Which events came before: an index in memory of the digests that the file holds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

KEPT = 86_400 + 3_600
"""Seconds for which an event is known again: the day that clients may take to send it again, and an hour."""
_SMALLEST, _LARGEST = 2**20, 2**24
"""Slots of a table; a digest takes one, of 16 bytes."""
_FULL = 0.6
"""The share of slots in use from which on a new table is begun."""


@dataclass
class _Table:
    slots: Words
    used: int = 0
    newest: float = 0.0


class Seen:
    """Digests in hash tables of open addressing, oldest first.

    A table never grows, so that no event waits for others to move; a full one is followed by one for as many
    as there are. One whose last digest is older than `KEPT` is let go. A digest is found only by all its
    128 bits.

    Examples
    --------
    >>> seen, three = Seen(), np.array([[1, 2], [3, 4], [1, 2]], np.uint64)
    >>> seen.add(three, 0.0).tolist()
    [True, True, False]
    >>> seen.add(three, 0.0).tolist()
    [False, False, False]
    """

    def __init__(self) -> None:
        self._tables: deque[_Table] = deque()

    def add(self, digests: Words, at: float) -> Flags:
        """Know them from now on.

        Parameters
        ----------
        digests : array of uint64, shape (n, 2)
            Of the events; not of zeros.
        at : float
            When they came, in seconds since 1970.

        Returns
        -------
        array of bool, shape (n,)
            Which of them were neither known nor among those before them.
        """
        while self._tables and self._tables[0].newest < at - KEPT:
            self._tables.popleft()
        fresh = np.ones(len(digests), np.bool_)
        table = self._roomy(len(digests))
        for older in self._tables:
            if older is not table:
                _strike(older.slots, digests, fresh)
        table.used += _insert(table.slots, digests, fresh)
        table.newest = max(table.newest, at)
        return fresh

    def _roomy(self, count: int) -> _Table:
        """The last table, if it has room for so many, or a new one."""
        if not self._tables or self._tables[-1].used + count > _FULL * len(self._tables[-1].slots):
            there = sum(table.used for table in self._tables)
            size = min(max(_power(there), _SMALLEST), _LARGEST)
            self._tables.append(_Table(np.zeros((max(size, _power(count)), 2), np.uint64)))
        return self._tables[-1]


def _power(count: int) -> int:
    """The power of two of slots that so many digests fill at most by `_FULL`."""
    return 1 << int(count / _FULL).bit_length()


@numba.njit(cache=True, nogil=True)
def _slot(slots, high, low):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Where the digest is, or the empty slot where it would be; a digest of zeros is never empty."""
    mask = np.uint64(len(slots) - 1)
    at = high & mask
    while (slots[at, 0] != high or slots[at, 1] != low) and (slots[at, 0] != 0 or slots[at, 1] != 0):
        at = (at + np.uint64(1)) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _strike(slots, digests, flags):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Take back the flag of every digest that is there."""
    for i in range(len(digests)):
        if flags[i]:
            at = _slot(slots, digests[i, 0], digests[i, 1])
            flags[i] = slots[at, 0] == 0 and slots[at, 1] == 0


@numba.njit(cache=True, nogil=True)
def _insert(slots, digests, flags):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """Put in every digest that has a flag, and take it back from those that are there by now."""
    added = 0
    for i in range(len(digests)):
        if flags[i]:
            at = _slot(slots, digests[i, 0], digests[i, 1])
            flags[i] = slots[at, 0] == 0 and slots[at, 1] == 0
            if flags[i]:
                slots[at, 0], slots[at, 1] = digests[i, 0], digests[i, 1]
                added += 1
    return added
