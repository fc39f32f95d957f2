"""What goes wrong behind the requests: alarms, placements that cannot be served, a streamer that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from suasion.errors import SuasionError
from suasion.ledger import Ledger
from suasion.workspace import streaming

SILENT = 60.0
"""Seconds after which a streamer that says nothing is told of."""


@dataclass(frozen=True)
class Troubles(Collector):
    """Looks when it is asked; nothing of it takes a server out of service, for any other has the same.

    Parameters
    ----------
    folder : Path
        The workspace.
    ledger : Ledger
    broken : callable
        Placements that cannot be served, and why.
    now : callable
        Seconds since 1970.
    """

    folder: Path
    ledger: Ledger
    broken: Callable[[], Mapping[str, SuasionError]]
    now: Callable[[], float] = time.time

    def told(self) -> dict[str, str]:
        """What is wrong, by what it is about; the kinds of errors, not their words."""
        found = {f"placement {name}": type(error).__name__ for name, error in sorted(self.broken().items())}
        if streamer := self._streamer():
            found["streaming"] = streamer
        if alarms := self._alarms():
            found["alarms"] = ", ".join(f"{one.name} of {one.about}" for one in alarms)
        return found

    def written(self) -> bytes:
        """The same in the text format of Prometheus."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges as they stand now."""
        alarms = GaugeMetricFamily("suasion_alarms", "Alarms that stand.", labels=["name", "about"])
        for one in self._alarms():
            alarms.add_metric([one.name, one.about], 1)
        yield alarms
        unserved = GaugeMetricFamily(
            "suasion_placements_unserved", "Placements that cannot be served.", labels=["placement", "error"]
        )
        for name, error in self.broken().items():
            unserved.add_metric([name, type(error).__name__], 1)
        yield unserved
        failing = "Whether the last turn of the streamer failed, or it says nothing."
        yield GaugeMetricFamily("suasion_streamer_failing", failing, value=bool(self._streamer()))
        beat = streaming.beat_of(self.folder)
        if beat is not None and beat.good_at is not None:
            age, since = max(self.now() - beat.good_at, 0.0), "Since a turn of the streamer ended well."
            yield GaugeMetricFamily("suasion_streamer_good_seconds", since, value=age)

    def _streamer(self) -> str | None:
        beat = streaming.beat_of(self.folder)
        if beat is None:
            return None
        quiet = self.now() - beat.at
        return beat.failed or (f"nothing said for {quiet:.0f} s" if quiet > SILENT else None)

    def _alarms(self) -> tuple[streaming.steering.Raised, ...]:
        with suppress(SuasionError, DBAPIError):  # that the ledger cannot be read is told beside
            return streaming.steering.alarms(self.ledger)
        return ()
