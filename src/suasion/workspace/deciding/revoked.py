"""Who said no a moment ago: every line of the journal takes its person's permission away at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

LOOK = 0.001
"""Seconds: so long a look at the journal holds."""


@dataclass
class Revoked:
    """Watches the end of the journal, which every process of the workspace can see.

    A line is on disk before what it says is acknowledged; so whoever looks later than that sees it. It counts
    until a snapshot is made of a ledger that has done what it says.

    Parameters
    ----------
    path : Path
        Of the journal.
    clock : callable
        Seconds that never go back.
    """

    path: Path
    clock: Callable[[], float]
    _lines: dict[int, frozenset[int]] = field(default_factory=dict[int, frozenset[int]], init=False)
    _gone: frozenset[int] = field(default=frozenset(), init=False)
    _seen: tuple[int, int] = field(default=(0, 0), init=False)
    _looked: float = field(default=float("-inf"), init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    broken: bool = field(default=False, init=False)
    """The journal was cut, or holds what is no line: nobody has permission until it is mended."""

    def now(self) -> frozenset[int]:
        """Persons whose permission is gone."""
        at = self.clock()
        if at - self._looked > LOOK:
            with self._lock:
                self._look()
            self._looked = at
        return self._gone

    def keep_after(self, n: int) -> None:
        """Forget lines up to `n`, which the snapshots in use know."""
        with self._lock:
            self._lines = {line: persons for line, persons in self._lines.items() if line > n}
            self._gone = frozenset[int]().union(*self._lines.values())

    def _look(self) -> None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self.broken = self._seen != (0, 0)
            return
        inode, size = self._seen
        if (found.st_ino, found.st_size) == (inode, size):
            return
        if found.st_ino != inode or found.st_size < size:  # another journal was put in its place
            size = 0
        self._read(size, found.st_ino)

    def _read(self, start: int, inode: int) -> None:
        with self.path.open("rb") as file:
            file.seek(start)
            whole, cut, _ = file.read().rpartition(b"\n")
        if not cut:
            return
        try:
            for line in whole.split(b"\n"):
                said = json.loads(line)
                self._lines[int(said["n"])] = frozenset(map(int, said["persons"]))
        except (ValueError, TypeError, KeyError):
            self.broken = True
            return
        self.broken = False
        self._seen = inode, start + len(whole) + 1
        self._gone = self._gone.union(*self._lines.values())
