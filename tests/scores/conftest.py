"""Simulated experiments, and permission to learn from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from suasion.experiments import Assignment, Design, Treatment, Trial
from suasion.rules import Clearance, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs
from suasion.scores import Forecast, Model, Scores, fit

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FACTS = "traits@1"
LEARN = frozenset({Use.LEARN, Use.EVALUATE})


def make_gate(campaign: str = "demo", uses: frozenset[Use] = LEARN, minutes: int = 0) -> Gate:
    """The house rules held against an occasion of a shop in the United States."""
    at = AT + timedelta(minutes=minutes)
    occasion = Occasion(uses, Purpose.COMMERCIAL, campaign, Jurisdiction("US", date(2026, 11, 21)), at)
    return Gate(load_packs((), Path("none")), occasion)


def clear(gate: Gate, persons: npt.NDArray[np.int64], facts: str = FACTS) -> Clearance:
    """Permission for adult customers."""
    n = len(persons)
    known = {"adult": [True] * n, "age": [40] * n, "basis": ["contract"] * n, "purpose_permitted": [True] * n}
    known |= {"objected": [False] * n, "restricted": [False] * n}
    table = pa.table({"person": persons, **known, "consent": pa.nulls(n, pa.bool_())})
    return gate.judge(table, facts).clearance


@dataclass(frozen=True)
class Clerk:
    """Fits trials under a clearance for exactly their persons."""

    gate: Gate

    def fit(self, trial: Trial) -> Scores:
        return self.both(trial)[0]

    def both(self, trial: Trial, others: pa.Table | None = None) -> tuple[Scores, Forecast]:
        return self.all(trial, others)[:2]

    def all(self, trial: Trial, others: pa.Table | None = None) -> tuple[Scores, Forecast, Model]:
        outside = [] if others is None or not others.num_rows else [others["person"].to_numpy()]
        cleared = clear(self.gate, np.unique(np.concatenate([trial.persons, *outside])))
        return fit(trial, cleared, self.gate, FACTS, others=others)


@pytest.fixture(scope="session")
def clerk() -> Clerk:
    return Clerk(make_gate())


@pytest.fixture(scope="session")
def gates() -> Callable[..., Gate]:
    return make_gate


@pytest.fixture(scope="session")
def clearances() -> Callable[..., Clearance]:
    return clear


def _trial(n: int, arms: int = 2, seed: int = 0) -> Trial:
    """A coin-flip experiment; the treatments help those with a high second trait."""
    luck = np.random.default_rng(seed)
    x, got = luck.normal(size=(n, 2)), luck.permutation(np.arange(n) % arms)
    y = x[:, 0] + (got > 0) * np.maximum(x[:, 1], 0) + luck.normal(size=n)
    names = ("none", *(f"mail {i}" for i in range(1, arms)))
    return Trial(
        design=Design(tuple(map(Treatment, names)), Assignment.KNOWN, (1 / arms,) * arms),
        persons=np.sort(luck.choice(10 * n, n, replace=False)),
        arms=got,
        received=np.full(n, 1 / arms),
        outcomes={"bought": (y > 0.5).astype(float), "spent": y},
        features=pa.table({"a": x[:, 0], "b": x[:, 1]}),
        households=None,
    )


def _reordered(trial: Trial, order: npt.NDArray[np.int64]) -> Trial:
    """The same experiment with its rows in another order."""
    return replace(
        trial,
        persons=trial.persons[order],
        arms=trial.arms[order],
        received=trial.received[order],
        outcomes={name: values[order] for name, values in trial.outcomes.items()},
        features=trial.features.take(order),
        households=None if trial.households is None else trial.households[order],
    )


@pytest.fixture(scope="session")
def make_trial() -> Callable[..., Trial]:
    return _trial


@pytest.fixture(scope="session")
def reordered() -> Callable[..., Trial]:
    return _reordered
