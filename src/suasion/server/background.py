"""What goes on beside requests, in one process of all that serve a workspace."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from suasion.errors import SuasionError

EVERY = 1.0
"""Seconds between two looks whether the process that does it has ended, and before it is tried again."""
ENDING = 3.0
"""Seconds that the end waits for it; it must bear to be ended at any moment."""
_log = logging.getLogger("suasion.server")
Run = Callable[[threading.Event], object]


class Background:
    """Does something in a thread, as long as no other process does; see `alone`.

    Parameters
    ----------
    lock : Path
    run : callable
    """

    def __init__(self, lock: Path, run: Run) -> None:
        self._asked = threading.Event()
        self._thread = threading.Thread(
            target=alone, args=(lock, run, self._asked), name=lock.name, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Ask it to end, and wait a little."""
        self._asked.set()
        self._thread.join(ENDING)


def alone(lock: Path, run: Run, asked: threading.Event) -> None:
    """Do something until asked to end, as long as no other process does.

    Parameters
    ----------
    lock : Path
        Its lock ends with the process that holds it, and another takes over.
    run : callable
        Goes on until the event that it is given is set. What it raises is logged, and it begins anew.
    asked : threading.Event
    """
    with lock.open("a") as file:
        while not asked.is_set():
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                _try(run, asked)
            asked.wait(EVERY)


def _try(run: Run, asked: threading.Event) -> None:
    try:
        run(asked)
    except SuasionError as error:
        _log.warning("it failed, and begins anew: %s", error)
    except Exception:
        _log.exception("it failed, and begins anew")
