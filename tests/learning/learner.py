"""A process that learns from a stream known beforehand, a few exposures at a time, into a ledger."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from suasion.allocation import policies
from suasion.allocation.policies import Kind, Policy, State
from suasion.learning import Learned, advance, learn
from suasion.ledger import Ledger

POLICY = Policy(Kind.THOMPSON, ("a", "b", "c"), center=(0.0,) * 3, scale=(1.0,) * 3, keep=0.9)
EXPOSURES = 2400
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def stream() -> dict[str, Any]:
    """Exposures with their rewards, over 20 days."""
    luck = np.random.default_rng(11)
    return {
        "features": luck.normal(size=(EXPOSURES, 3)),
        "arms": luck.integers(0, 3, EXPOSURES),
        "rewards": luck.normal(size=EXPOSURES),
        "probabilities": np.full(EXPOSURES, 1 / 3),
        "days": np.arange(EXPOSURES) // 120,
    }


def learned_until(state: State, begin: int, end: int) -> State:
    """The state after the exposures from one place to before another."""
    return learn(POLICY, state, **{name: values[begin:end] for name, values in stream().items()})


def endless(where: Any, seed: int, most: int) -> None:
    """Learn on from the newest version, in cuts of chance, to the end of the stream."""
    luck, ledger = np.random.default_rng(seed), Ledger.open(where)

    def more(state: State, until: int) -> Learned | None:
        begin = max(until, 0)
        end = min(EXPOSURES, begin + int(luck.integers(1, most)))
        return None if begin == EXPOSURES else Learned(learned_until(state, begin, end), end)

    while advance(ledger, "banner", POLICY, policies.start(POLICY), more, NOW).count.sum() < EXPOSURES:
        time.sleep(0.0005)
