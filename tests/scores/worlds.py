"""Experiments whose true effects are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.scores import Data, Features

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """A drawn experiment, and the true effect of each treatment on each person; shape (n, k)."""

    data: Data
    treatments: npt.NDArray[np.int64]
    outcome: Floats
    truth: Floats


KINDS = ("none", "constant", "linear", "step", "sign-changing", "sparse", "clustered")


def world(kind: str, n: int, seed: int, arms: int = 2, size: float = 0.15) -> World:
    """Draw an experiment on a yes or no; `size` is the largest effect, about."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 101 if kind == "sparse" else 8))
    homes = np.arange(n) // 3 if kind == "clustered" else None
    shared = 0.0 if homes is None else rng.normal(0, 0.15, n // 3 + 1)[homes]
    base = np.clip(0.3 + 0.1 * np.tanh(x[:, 0]) + shared, 0.02, 0.8)
    shape = {
        "none": np.zeros(n),
        "constant": np.full(n, 0.5),
        "linear": np.clip(x[:, 1], -2, 2) / 2,
        "step": (x[:, 1] > 0).astype(float),
        "sign-changing": np.sign(x[:, 1]),
        "sparse": (x[:, -1] > 0).astype(float),
        "clustered": (x[:, 1] > 0).astype(float),
    }[kind]
    truth = size * shape[:, None] / np.arange(1, arms)
    got = rng.integers(0, arms, n)
    got = got if homes is None else got[homes]
    under = np.clip(base + np.column_stack([np.zeros(n), truth])[np.arange(n), got], 0, 1)
    truth = np.clip(base[:, None] + truth, 0, 1) - base[:, None]
    came = (rng.random(n) < under).astype(float)
    data = Data(Features(x, ()), np.full((n, arms), 1 / arms), None, homes)
    return World(data, got, came, truth)
