"""Effects that grow, or shrink, with what people do anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.scores.features import Features
from suasion.scores.learners.sample import ByArm, Sample

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Response:
    """Effects as a line in the usual response.

    Parameters
    ----------
    arms : ByArm
    shares : array of float, shape (arms,)
        Of people in each arm: what is usual.
    level, slopes : array of float, shape (k,)
    """

    arms: ByArm
    shares: Floats
    level: Floats
    slopes: Floats

    def effects(self, features: Features) -> Floats:
        """The line at each person's usual response; shape (m, k)."""
        usual = np.zeros(len(features.matrix))
        # Not by a product of matrices: its last digits depend on who else is asked about.
        for arm, share in zip(self.arms.arms, self.shares, strict=True):
            usual += share * arm.predict(features)
        return self.level + usual[:, None] * self.slopes


def learn_response(sample: Sample) -> Response:
    """Fit gains by a line in the expected outcome.

    How people respond anyway takes far fewer data to learn than how they are changed, and effects often
    grow or shrink with it.

    Parameters
    ----------
    sample : Sample

    Returns
    -------
    Response
    """
    shares = sample.chances.mean(axis=0)
    usual = sample.expected @ shares
    weights = np.ones(len(usual)) if sample.data.weights is None else sample.data.weights
    center = np.average(usual, weights=weights)
    spread = float(np.average((usual - center) ** 2, weights=weights))
    average = np.average(sample.gains, axis=0, weights=weights)
    together = np.average((usual - center)[:, None] * sample.gains, axis=0, weights=weights)
    # Where the usual response is the same for all, its spread is what rounding left over.
    slopes = together / spread if spread > 1e-12 * sample.outcome.var() else np.zeros_like(average)
    return Response(sample.by_arm, shares, average - slopes * center, slopes)
