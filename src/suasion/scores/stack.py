"""Combine what learners say of people they have not seen, no further than it came true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
TEMPERATURE = 4.0
"""In variances of a gain; from here on exponential weights do nearly as well as the best learner."""
TRUST = 0.25
"""Standard deviation, before the data are seen, of the slope of gains on what learners say; its mean is 1."""


@dataclass(frozen=True)
class Stack:
    """How much of each learner's differences between people is believed.

    Parameters
    ----------
    weights : array of float, shape (learners, k)
        Not negative; they sum to less than 1: the rest is for "everybody is alike".
    slopes : array of float, shape (k,)
        By how much the weighted sum is stretched or shrunk.
    """

    weights: Floats
    slopes: Floats

    def combined(self, differences: Floats) -> Floats:
        """Differences from the average effect as believed.

        Parameters
        ----------
        differences : array of float, shape (learners, m, k)

        Returns
        -------
        array of float, shape (m, k)
        """
        out = np.zeros(differences.shape[1:])
        # Learner by learner: a sum over an axis adds up in another order for one person than for many.
        for weight, said in zip(self.weights, differences, strict=True):
            out += weight * said
        return out * self.slopes


def stack(differences: Floats, gains: Floats, clusters: Ids | None, weights: Floats | None) -> Stack:
    """Weigh learners, and "everybody is alike", by how well they predicted.

    Exponential weights of the DR loss (Leung and Barron 2006, IEEE Transactions on Information Theory
    52:3396; Dalalyan and Tsybakov 2008, Machine Learning 72:39): with few data all learners that do no harm
    have a say, with many the best. Then the slope of gains on the weighted sum, halfway to 1 where it is as
    uncertain as `TRUST`.

    Parameters
    ----------
    differences : array of float, shape (learners, n, k)
        Predicted effects of people that the model has not seen, less their average.
    gains : array of float, shape (n, k)
        AIPW gains, less their average.
    clusters : array of int64, shape (n,), optional
    weights : array of float, shape (n,), optional

    Returns
    -------
    Stack
    """
    mass = np.ones(len(gains)) if weights is None else weights / weights.mean()
    noise = np.maximum(np.average(gains**2, axis=0, weights=mass), 1e-300)
    lowered = np.tensordot(differences * (2 * gains - differences), mass, axes=([1], [0]))
    score = np.vstack([lowered / noise / TEMPERATURE, np.zeros(gains.shape[1])])
    found = np.exp(score - score.max(axis=0))
    found = (found / found.sum(axis=0))[:-1]
    joint = (found[:, None] * differences).sum(axis=0)
    slopes = [_slope(joint[:, a], gains[:, a], clusters, mass) for a in range(gains.shape[1])]
    return Stack(found, np.array(slopes))


def _slope(said: Floats, gains: Floats, clusters: Ids | None, mass: Floats) -> float:
    """The slope of gains on what was said, drawn to 1 by its uncertainty."""
    information = float(mass @ said**2)
    if information <= 0:
        return 1.0
    slope = float(mass @ (said * gains)) / information
    scores = mass * said * (gains - slope * said)
    if clusters is not None:
        scores = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=scores)
    variance = float(scores @ scores) / information**2
    return max(0.0, 1 + (slope - 1) * TRUST**2 / (TRUST**2 + variance))
