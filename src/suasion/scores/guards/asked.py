"""See that a guard is asked something that has an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suasion.errors import CampaignError
from suasion.scores.data import Data, Floats, Ids
from suasion.scores.features import Features

MOST = 100_000
"""Of more people, so many are looked at: what they do not show is too small to matter."""


def check_names(features: Features, names: Sequence[str]) -> None:
    """Raise unless each column has a name of its own and no value is infinite."""
    columns = features.matrix.shape[1]
    if len(names) != columns or len(set(names)) != columns:
        found = f"{len(set(names))} different names for {columns} columns"
        raise CampaignError("a check of features", found, "Give each column a name of its own.")
    if infinite := [n for n, column in zip(names, features.matrix.T, strict=True) if np.isinf(column).any()]:
        raise CampaignError(
            "a check of features",
            f"infinite values in {', '.join(infinite)}",
            "Correct them, or leave them empty.",
        )


def check_trial(data: Data, treatments: Ids, arms: Sequence[str], names: Sequence[str]) -> None:
    """Raise unless everybody has an arm and each arm has somebody."""
    check_names(data.features, names)
    asked = "a check of the trial"
    if len(treatments) != data.n:
        raise CampaignError(asked, f"{len(treatments)} treatments of {data.n} people", "Give one a person.")
    if len(arms) < 2 or not np.isin(treatments, np.arange(len(arms))).all():
        todo = "Number the arms from 0, the control first, and name each."
        raise CampaignError(asked, f"treatments that are none of the {len(arms)} arms named", todo)
    counts = np.bincount(treatments, minlength=len(arms))
    if empty := [name for name, count in zip(arms, counts, strict=True) if not count]:
        raise CampaignError(asked, f"nobody in arm(s) {', '.join(empty)}", "Leave the arm out.")
    if data.propensities is not None and data.propensities.shape != (data.n, len(arms)):
        found = f"propensities of shape {data.propensities.shape}"
        raise CampaignError(asked, found, f"Give {data.n} rows of {len(arms)}.")


def check_outcome(outcome: Floats, n: int) -> None:
    """Raise unless there is a finite outcome for everybody."""
    if len(outcome) != n or not np.isfinite(outcome).all():
        found = f"{len(outcome)} values, of which {int((~np.isfinite(outcome)).sum())} are not finite"
        raise CampaignError(f"the outcome of {n} people", found, "Leave out people without an outcome.")


def numbered(clusters: Ids | None, n: int) -> Ids:
    """Independent units numbered from 0; everybody is one where no clusters are given."""
    return np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]


def some(data: Data, seed: int) -> Ids:
    """Everybody, or as many whole households as make about `MOST` people."""
    if data.n <= MOST:
        return np.arange(data.n)
    units = numbered(data.clusters, data.n)
    kept = np.random.default_rng(seed).random(int(units.max()) + 1) < MOST / data.n
    return np.flatnonzero(kept[units])
