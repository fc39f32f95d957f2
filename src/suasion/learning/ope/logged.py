"""What a log of decisions must hold so that other policies can be judged by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
DUST = 1e-9
"""Two ways to compute the same probability may differ by so much."""
ROUNDED = 1e-6
"""Probabilities that were stored as float32 may differ by so much."""


@dataclass(frozen=True)
class Logged:
    """Decisions that chance made with known probabilities, and what came of them; rows in order of time.

    The holdout, which saw none of the arms, is no part of it: probabilities are those of `given_shown`.

    Parameters
    ----------
    arms : array of int, shape (n,)
        What was shown, 0 to k - 1.
    rewards : array of float, shape (n,)
        What came of it, once its horizon has passed.
    received : array of float, shape (n,)
        Probability with which that arm was shown, at that time, for that person.
    probabilities : array of float, shape (n, k), optional
        Of all arms. Only with them is it known what the log could never have shown.
    features : array of float, shape (n, d), optional
        Of the person when it was decided; NaN is missing.
    clusters : array of int, shape (n,), optional
        The person: decisions of one person are not independent.
    bounds : tuple of float, optional
        Least and largest reward possible, (0, 1) for clicks.
    adaptive : bool
        The logging policy learned from these decisions: models of rewards then learn from earlier ones only.

    Raises
    ------
    UndefinedError
        No decisions, shapes that do not fit, rewards that are not finite or out of bounds, probabilities that
        are not above 0 and up to 1, or that contradict each other.
    """

    arms: Ids
    rewards: Floats
    received: Floats
    probabilities: Floats | None = None
    features: Floats | None = None
    clusters: Ids | None = None
    bounds: tuple[float, float] | None = None
    adaptive: bool = False

    def __post_init__(self) -> None:
        columns = (self.arms, self.rewards, self.received, self.probabilities, self.features, self.clusters)
        lengths = {len(column) for column in columns if column is not None}
        if len(lengths) > 1 or not self.n or not np.issubdtype(self.arms.dtype, np.integer):
            _refuse(f"columns of lengths {sorted(lengths)}, or arms not whole", "Give one row a decision.")
        if not np.isfinite(self.rewards).all():
            todo = "Leave out all decisions whose horizon has not passed, whatever came of them."
            _refuse("rewards that are not finite", todo)
        if not ((self.received > 0) & (self.received <= 1 + DUST)).all():
            _refuse("probabilities of what was shown outside (0, 1]", "Give those that were logged.")
        if self.bounds is not None and not self._within(*self.bounds):
            _refuse("rewards out of bounds", "Give the least and the largest reward possible.")
        if self.probabilities is not None:
            self._check_all(self.probabilities)

    @property
    def n(self) -> int:
        """Number of decisions."""
        return len(self.arms)

    def first(self, n: int) -> Logged:
        """The first `n` decisions."""

        def cut(column: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64] | None:
            return None if column is None else column[:n]

        return replace(
            self,
            arms=self.arms[:n],
            rewards=self.rewards[:n],
            received=self.received[:n],
            probabilities=cut(self.probabilities),
            features=cut(self.features),
            clusters=None if self.clusters is None else self.clusters[:n],
        )

    def weights(self, target: Floats) -> Floats:
        """How much more often the target would have shown what was shown; shape (n,).

        Raises
        ------
        UndefinedError
            The target is not one distribution over the arms for each decision.
        """
        self._check_target(target)
        return target[np.arange(self.n), self.arms] / self.received

    def _within(self, low: float, high: float) -> bool:
        return low < high and low <= self.rewards.min() and self.rewards.max() <= high

    def _check_all(self, probabilities: Floats) -> None:
        if not _distributions(probabilities) or not 0 <= self.arms.min() <= self.arms.max() < len(
            probabilities[0]
        ):
            _refuse("rows of probabilities that do not sum to 1, or an arm beyond", "Give (n, k) of them.")
        if np.abs(probabilities[np.arange(self.n), self.arms] - self.received).max() > ROUNDED:
            _refuse("two different probabilities of what was shown", "Give those that were logged.")

    def _check_target(self, target: Floats) -> None:
        wide = self.arms.max() + 1 if self.probabilities is None else self.probabilities.shape[1]
        fits = target.ndim == 2 and len(target) == self.n and target.shape[1] >= wide
        if not fits or (self.probabilities is not None and target.shape[1] != wide) or self.arms.min() < 0:
            todo = "Give the probability of each arm for each decision."
            raise UndefinedError("a target policy", f"probabilities of shape {target.shape}", todo)
        if not _distributions(target):
            todo = "Give probabilities from 0 to 1 whose rows sum to 1."
            raise UndefinedError("a target policy", "rows that are no distributions", todo)


def given_shown(probabilities: Floats) -> Floats:
    """The probability of each arm, given that any was shown: what a log without its holdout is judged by.

    Parameters
    ----------
    probabilities : array of float, shape (n, k)
        Of a policy with a holdout, whose rows sum to what the holdout leaves.

    Returns
    -------
    array of float, shape (n, k)
        Rows sum to 1.

    Raises
    ------
    UndefinedError
        Somebody to whom no arm was open, or who had more than all.

    Examples
    --------
    >>> given_shown(np.array([[0.3, 0.6]])).round(3).tolist()
    [[0.333, 0.667]]
    """
    shown = probabilities.sum(axis=1, keepdims=True)
    if not ((shown > 0) & (shown <= 1 + ROUNDED)).all():
        _refuse("rows of probabilities that sum to 0, or above 1", "Leave out those to whom no arm was open.")
    return probabilities / shown


def _distributions(rows: Floats) -> bool:
    fits = rows.ndim == 2 and bool(np.isfinite(rows).all()) and rows.min() >= 0
    return fits and float(np.abs(rows.sum(axis=1) - 1).max()) <= ROUNDED


def _refuse(found: str, todo: str) -> None:
    raise UndefinedError("a log of decisions", found, todo)
