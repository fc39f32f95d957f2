"""What a learner of effects is given: people, what they got and did, and what was expected of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from suasion.errors import CampaignError
from suasion.scores.data import Data
from suasion.scores.features import Features
from suasion.scores.learners.boosted import Boosted, boost

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]


ENOUGH = 200_000
"""More people hardly improve sixty small trees."""


class EffectModel(Protocol):
    """Whatever says what treatments change."""

    def effects(self, features: Features) -> Floats:
        """The effect of each treatment against control on m people; shape (m, k), in units of the outcome."""
        ...


@dataclass(frozen=True)
class ByArm:
    """One outcome model for each arm, the control first: the T-learner."""

    arms: tuple[Boosted, ...]

    def expected(self, features: Features) -> Floats:
        """Outcome expected under each arm; shape (m, arms)."""
        return np.column_stack([arm.predict(features) for arm in self.arms])

    def effects(self, features: Features) -> Floats:
        """Differences to the control; shape (m, k)."""
        expected = self.expected(features)
        return expected[:, 1:] - expected[:, :1]


@dataclass(frozen=True)
class Sample:
    """People of an experiment, with expectations by models that have not seen them.

    Parameters
    ----------
    data : Data
        Of n people.
    treatments : array of int64, shape (n,)
        0 is the control.
    outcome : array of float, shape (n,)
    expected : array of float, shape (n, arms)
        Outcome expected under each arm.
    chances : array of float, shape (n, arms)
        Probability of each arm.
    seed : int
        Of all that is left to chance.

    Raises
    ------
    CampaignError
        An arm without people, a number that is not finite.
    """

    data: Data
    treatments: Ids
    outcome: Floats
    expected: Floats
    chances: Floats
    seed: int = 0

    def __post_init__(self) -> None:
        asked, arms = f"effects learned from {self.data.n} people", self.chances.shape[1]
        if absent := sorted(set(range(arms)) - set(self.treatments.tolist())):
            raise CampaignError(
                asked, f"nobody in arm(s) {absent}", "Leave the arm out, or treat more people."
            )
        for name in ("outcome", "expected", "chances"):
            if lost := int((~np.isfinite(getattr(self, name))).sum()):
                raise CampaignError(asked, f"{lost} of '{name}' not finite", "Leave those people out.")

    def take(self, rows: Ids) -> Sample:
        """These people alone."""
        return Sample(
            self.data.take(rows),
            self.treatments[rows],
            self.outcome[rows],
            self.expected[rows],
            self.chances[rows],
            self.seed,
        )

    @cached_property
    def aipw(self) -> Floats:
        """The AIPW score of each person for each arm (Robins, Rotnitzky, Zhao 1994); shape (n, arms)."""
        return aipw(self.expected, self.treatments, received(self.chances, self.treatments), self.outcome)

    @cached_property
    def gains(self) -> Floats:
        """AIPW scores of the treatments less that of the control; shape (n, k)."""
        return self.aipw[:, 1:] - self.aipw[:, :1]

    @cached_property
    def surplus(self) -> Floats:
        """Outcome less what was expected of the person; shape (n,)."""
        return self.outcome - (self.expected * self.chances).sum(axis=1)

    @cached_property
    def surprise(self) -> Floats:
        """For each treatment, got it (0 or 1) less the probability of it; shape (n, k)."""
        return np.eye(self.chances.shape[1])[self.treatments][:, 1:] - self.chances[:, 1:]

    @cached_property
    def by_arm(self) -> ByArm:
        """An outcome model for each arm."""
        arms = (_some(np.flatnonzero(self.treatments == arm)) for arm in range(self.count + 1))
        return ByArm(tuple(self.boosted(rows, self.outcome[rows]) for rows in arms))

    def boosted(
        self, rows: Ids, target: Floats, extra: Floats | None = None, *, gentle: bool = False
    ) -> Boosted:
        """A model of what some of the people show, with their weights, times `extra` where given."""
        weights = None if self.data.weights is None else self.data.weights[rows]
        if extra is not None:
            weights = extra if weights is None else weights * extra
        return boost(self.data.features, rows, target, weights=weights, gentle=gentle)

    @property
    def count(self) -> int:
        """Number of treatments."""
        return self.chances.shape[1] - 1


Learner = Callable[[Sample], EffectModel]


def _some(rows: Ids) -> Ids:
    """At most `ENOUGH` of the rows, evenly spread."""
    return rows[:: math.ceil(len(rows) / ENOUGH) or 1]


def received(chances: Floats, treatments: Ids) -> Floats:
    """The probability of what each person received; shape (n,)."""
    return chances[np.arange(len(treatments)), treatments]


def aipw(expected: Floats, treatments: Ids, received: Floats, outcome: Floats) -> Floats:
    """The AIPW score of each person for each arm: ``m_arm + 1{got arm} / P(arm) * (outcome - m_arm)``.

    Parameters
    ----------
    expected : array of float, shape (n, arms)
    treatments : array of int64, shape (n,)
    received : array of float, shape (n,)
        Probability of what each person received.
    outcome : array of float, shape (n,)

    Returns
    -------
    array of float, shape (n, arms)
    """
    scores = expected.copy()
    rows = np.arange(len(treatments))
    scores[rows, treatments] += (outcome - expected[rows, treatments]) / received
    return scores
