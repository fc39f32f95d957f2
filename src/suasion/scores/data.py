"""What is known of people before they were treated, as effects are learned from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.features import Features

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
RAREST = 0.001
"""Whoever had a smaller chance would, had it come true, speak for more than a thousand people."""


@dataclass(frozen=True)
class Data:
    """People of an experiment without their names: features, chances, weights, households.

    Parameters
    ----------
    features : Features
        Of n people.
    propensities : array of float, shape (n, arms), optional
        Known probability of each arm, at least `RAREST`, below 1; rows sum to 1. Estimated where absent.
    weights : array of float, shape (n,), optional
        How many people each stands for; above 0. Equal where absent.
    clusters : array of int64, shape (n,), optional
        People with the same number (a household) are not independent, and are never split. Everybody alone
        where absent.

    Raises
    ------
    CampaignError
        Shapes that do not fit, infinite features, a propensity below `RAREST` or not below 1, a
        weight that is not above 0.
    """

    features: Features
    propensities: Floats | None = field(default=None)
    weights: Floats | None = field(default=None)
    clusters: Ids | None = field(default=None)

    def __post_init__(self) -> None:
        if self.features.matrix.ndim != 2 or self.features.matrix.dtype.kind != "f":
            raise CampaignError(
                "features", "no matrix of numbers", "Give one row a person, NaN where unknown."
            )
        n = len(self.features.matrix)
        for name, values in (("propensities", self.propensities), ("weights", self.weights)):
            if values is not None and (len(values) != n or not np.isfinite(values).all()):
                raise CampaignError(
                    f"{name} of {n} people",
                    f"{len(values)} rows, or a value that is no number",
                    "Give one row a person.",
                )
        if self.clusters is not None and len(self.clusters) != n:
            raise CampaignError(
                f"clusters of {n} people", f"{len(self.clusters)} rows", "Give one row a person."
            )
        if np.isinf(self.features.matrix).any():
            columns = np.flatnonzero(np.isinf(self.features.matrix).any(axis=0)).tolist()
            raise CampaignError(
                "features", f"infinite values in column(s) {columns}", "Correct them, or leave them empty."
            )
        if self.weights is not None and self.weights.min(initial=1) <= 0:
            raise CampaignError("weights", "a weight of 0 or below", "Leave those people out.")
        chances = self.propensities
        if chances is not None and not (
            chances.ndim == 2
            and ((chances >= RAREST) & (chances < 1)).all()
            and np.allclose(chances.sum(axis=1), 1)
        ):
            todo = "Leave out people who could not have got each arm."
            raise CampaignError(
                "propensities",
                f"a probability below {RAREST} or not below 1, or rows that do not sum to 1",
                todo,
            )

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.features.matrix)

    def take(self, rows: Ids) -> Data:
        """The data of these people alone.

        Parameters
        ----------
        rows : array of int64, shape (m,)

        Returns
        -------
        Data
        """
        return Data(
            Features(self.features.matrix[rows], self.features.categorical),
            None if self.propensities is None else self.propensities[rows],
            None if self.weights is None else self.weights[rows],
            None if self.clusters is None else self.clusters[rows],
        )
