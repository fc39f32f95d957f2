"""Simulated trials in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from suasion.scores.data import Data, Floats, Ids
from suasion.scores.features import Features

NAMES = ("spent", "member", "region", "age", "visits", "income")


@dataclass(frozen=True)
class Clean:
    """A trial by chance alone: a heavy tail, a rare yes, 30 regions, gaps, and households that are alike."""

    data: Data
    got: Ids
    outcome: Floats
    arms: tuple[str, ...]
    names: tuple[str, ...] = NAMES

    def having(self, name: str, values: Floats) -> Clean:
        """The same trial with another feature in the place of one."""
        matrix = self.data.features.matrix.copy()
        matrix[:, self.names.index(name)] = values
        data = self.data
        features = Features(matrix, data.features.categorical)
        known = Data(features, data.propensities, data.weights, data.clusters)
        return Clean(known, self.got, self.outcome, self.arms, self.names)


def clean(
    seed: int = 0,
    n: int = 1500,
    shares: tuple[float, ...] = (0.5, 0.5),
    drawn: str = "persons",
    known: bool = False,
) -> Clean:
    """Draw ``persons``, ``households`` of about three, or ``members`` of them one by one."""
    luck = np.random.default_rng(seed)
    households = n if drawn == "persons" else n // 3
    units = luck.integers(0, households, n)
    x = luck.normal(size=(n, 6)) + (0 if drawn == "persons" else luck.normal(size=(households, 6))[units])
    x[:, 0], x[:, 1] = np.round(np.exp(2 * x[:, 0])), x[:, 1] > 2.2
    x[:, 2] = np.digitize(x[:, 2], np.linspace(-3, 3, 30))
    x[luck.random((n, 6)) < 0.05] = np.nan
    chance = luck.random(households)[units] if drawn == "households" else luck.random(n)
    got = np.searchsorted(np.cumsum(shares)[:-1], chance)
    outcome = (np.nan_to_num(x[:, 3]) + luck.normal(size=n) > 1.5).astype(float)
    propensities = np.tile(shares, (n, 1)) if known else None
    data = Data(Features(x, (2,)), propensities, None, None if drawn == "persons" else units)
    return Clean(data, got, outcome, ("none", "mail", "call")[: len(shares)])


@pytest.fixture(scope="session", name="clean")
def _clean() -> Callable[..., Clean]:
    return clean
