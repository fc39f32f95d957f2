"""What is counted, for Prometheus: events, refusals, decisions, seconds; no ids, and none of it by person."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable by which the client library of Prometheus finds what other processes count."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""


class Metrics:
    """The counters of a process; with a folder, those of all processes that share it are told together.

    Parameters
    ----------
    folder : Path, optional
        Empty when the first process starts.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is not None:
            # The library decides by the environment as it is when it is imported, which is too early for us.
            os.environ[FOLDER] = str(folder)
            values.ValueClass = values.MultiProcessValue()
        self._folder = folder
        self._own = CollectorRegistry()
        events = self._counter("suasion_events", "Events of streams, by what became of them.", "outcome")
        self._new, self._again, self._dead = (
            events.labels(outcome) for outcome in ("acknowledged", "duplicate", "dead")
        )
        self._refused = self._counter("suasion_refused", "Requests that were refused.", "route", "code")
        self._decided = self._counter("suasion_decisions", "Decisions, by reason.", "reason")
        seconds = Histogram(
            "suasion_request_seconds", "Until answered.", ["route"], buckets=BUCKETS, registry=self._own
        )
        self._observe: dict[str, Callable[[float], None]] = {}
        self._reasons: dict[str, Callable[[float], None]] = {}
        self._seconds = seconds

    def stored(self, new: int, again: int, dead: int) -> None:
        """Events that were acknowledged, were known already, or were put aside as dead letters."""
        if new:
            self._new.inc(new)
        if again:
            self._again.inc(again)
        if dead:
            self._dead.inc(dead)

    def refused(self, route: str, code: str) -> None:
        """A request that was refused."""
        self._refused.labels(route, code).inc()

    def decided(self, reason: str, decisions: int = 1) -> None:
        """Decisions that were answered with a reason."""
        count = self._reasons.get(reason)
        if count is None:
            count = self._reasons[reason] = self._decided.labels(reason).inc
        count(decisions)

    def took(self, route: str, seconds: float) -> None:
        """A request took so long."""
        observe = self._observe.get(route)
        if observe is None:
            observe = self._observe[route] = self._seconds.labels(route).observe
        observe(seconds)

    def written(self) -> bytes:
        """All of it in the text format of Prometheus."""
        if self._folder is None:
            return generate_latest(self._own)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(self._folder))
        return generate_latest(together)

    def _counter(self, name: str, said: str, *labels: str) -> Counter:
        return Counter(name, said, labels, registry=self._own)
