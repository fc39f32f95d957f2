"""LightGBM as a learner of outcomes and effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from suasion.scores.features import Features
from suasion.scores.learner import learn
from suasion.scores.trees import Trees, trees_of

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
BLOCK = 100_000


OUTCOME_ROUNDS = 60
EFFECT_ROUNDS = 40


@dataclass(frozen=True)
class Boosted:
    """A fitted model of one number.

    Parameters
    ----------
    trees : Trees
    binary : bool
        Whether the sum of the trees is a log-odds.
    """

    trees: Trees
    binary: bool

    def predict(self, features: Features) -> Floats:
        """What is expected of m people; shape (m,)."""
        n = len(features.matrix)
        # Block by block, so that a second matrix of everybody never exists.
        blocks = (np.arange(a, min(a + BLOCK, n)) for a in range(0, n, BLOCK))
        sums = np.concatenate([self.trees.sums(features, block) for block in blocks] or [np.empty(0)])
        return expit(sums) if self.binary else sums


def boost(
    features: Features,
    rows: Ids,
    target: Floats,
    *,
    weights: Floats | None,
    gentle: bool = False,
) -> Boosted:
    """Fit a regression or, for a 0/1 target, a classification.

    Parameters
    ----------
    features : Features
        Of n people.
    rows : array of int64, shape (m,)
        Whom to learn from.
    target : array of float, shape (m,)
    weights : array of float, shape (m,), optional
        Only their ratios matter.
    gentle : bool
        For targets that are nearly all noise, as gains are.

    Returns
    -------
    Boosted
    """
    # LightGBM counts weights against its smoothing: an average of 1 leaves that as it is.
    ratios = None if weights is None else weights / weights.mean()
    rounds = EFFECT_ROUNDS if gentle else OUTCOME_ROUNDS
    model = learn(features, rows, target, rounds=rounds, weights=ratios, gentle=gentle)
    return Boosted(trees_of(model), model.params["objective"] == "binary")
