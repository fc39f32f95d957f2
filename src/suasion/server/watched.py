"""What files declare, read again when they change: a key taken away works no longer, without restart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from suasion.errors import SuasionError

EVERY = 1.0
"""Seconds between two looks."""

T = TypeVar("T")
_log = logging.getLogger("suasion.server")


class Watched(Generic[T]):
    """A value made of files.

    Parameters
    ----------
    paths : callable
        The files as they are now.
    load : callable
        Makes the value. Where it cannot at first, its error is raised; later, the value stays as it was.
    now : callable
        Seconds that never go back.
    """

    def __init__(
        self,
        paths: Callable[[], Iterable[Path]],
        load: Callable[[], T],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = paths
        self._load = load
        self._now = now
        self._seen = self._look()
        self._looked = now()
        self._value = load()

    def __call__(self) -> T:
        """The value as the files say it, or said it a second ago."""
        if self._now() - self._looked >= EVERY:
            self._looked = self._now()
            self._read_if_changed()
        return self._value

    def _read_if_changed(self) -> None:
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._value = self._load()
        except SuasionError as error:
            _log.warning("a change is not taken up: %s", error)

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        return tuple(sorted(filter(None, map(_state, self._paths()))))


def _state(path: Path) -> tuple[str, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns
