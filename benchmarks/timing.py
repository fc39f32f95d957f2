"""Take turns, take medians, say the load."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable


def alternate(rounds: int, **contestants: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each contestant, run in turn `rounds` times after one run not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            if turn:
                taken[name].append(time.perf_counter() - start)
    return {f"{name}_s": round(statistics.median(times), 4) for name, times in taken.items()}


def load() -> float:
    """Load average of the last minute: what else the machine does."""
    return round(os.getloadavg()[0], 2)
