"""What each decision of a log tells of a policy: the estimators, a decision at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from suasion.errors import UndefinedError
from suasion.learning.ope.logged import DUST, Floats, Logged

Method = Literal["ips", "snips", "dr", "switch"]
NAMES = {"ips": "IPS", "snips": "SNIPS", "dr": "DR", "switch": "SWITCH-DR"}
THRESHOLDS = 20


@dataclass(frozen=True)
class Told:
    """An estimate as influence values, and what could hide in the weights that it does not use.

    Parameters
    ----------
    value : float
    influence : array of float, shape (n,)
        Its mean is the value.
    low, high : array of float, shape (n,)
        The least and the most that what is cut away adds; zeros where nothing is.
    used : array of float, shape (n,)
        Weights as used.
    expected, squared : array of float, shape (n,), or None
        What they, and their squares, were expected to be before an arm was drawn; None where the log does not
        hold the probabilities of all arms.
    clipped : float
        Share of decisions whose weight was cut.
    threshold : float or None
        Where weights were cut.
    """

    value: float
    influence: Floats
    low: Floats
    high: Floats
    used: Floats
    expected: Floats | None
    squared: Floats | None
    clipped: float
    threshold: float | None

    def minus(self, other: Told) -> Told:
        """The paired difference."""
        return Told(
            self.value - other.value,
            self.influence - other.influence,
            self.low - other.high,
            self.high - other.low,
            self.used,
            self.expected,
            self.squared,
            max(self.clipped, other.clipped),
            self.threshold,
        )


def told(logged: Logged, target: Floats, method: Method, clip: float | None, model: Floats | None) -> Told:
    """Influence values of one method; `model` is that of `expected`, for DR and SWITCH."""
    if clip is not None and not clip > 0:
        raise UndefinedError("clipped weights", f"a largest weight of {clip}", "Give one above 0.")
    if method == "snips":
        if clip is not None:
            raise UndefinedError("SNIPS", "a clip", "Clip IPS or DR: what a clip hides is known of those.")
        return _normalized(logged, target)
    known = np.zeros_like(target) if model is None else model
    if method == "switch":
        return _switched(logged, target, known, clip)
    return _told(logged, target, known, clip, np.minimum)


Cut = Callable[[Floats, float], Floats]
"""Weights as used, of all weights and a threshold."""


def _told(logged: Logged, target: Floats, model: Floats, at: float | None, cut: Cut) -> Told:
    """IPS where the model is 0 (Horvitz and Thompson 1952, JASA 47:663), else DR (Dudik et al. 2014)."""
    rows, weights = np.arange(logged.n), logged.weights(target)
    used = weights if at is None else cut(weights, at)
    surprise = logged.rewards - model[rows, logged.arms]
    influence = (target * model).sum(axis=1) + used * surprise
    low, high = (np.zeros(logged.n),) * 2 if at is None else _hidden(logged, target, model, at, cut)
    clipped = float((used < weights * (1 - DUST)).mean())
    first, second = _foreseen(logged, target, at, cut)
    return Told(float(influence.mean()), influence, low, high, used, first, second, clipped, at)


def _weights_used(target: Floats, probabilities: Floats, at: float | None, cut: Cut) -> Floats:
    """The weight that each arm would have had, as used; shape (n, k)."""
    ratio = np.divide(target, probabilities, out=np.zeros_like(target), where=probabilities > 0)
    return ratio if at is None else cut(ratio, at)


def _foreseen(
    logged: Logged, target: Floats, at: float | None, cut: Cut
) -> tuple[Floats | None, Floats | None]:
    if logged.probabilities is None:
        return None, None
    used = _weights_used(target, logged.probabilities, at, cut)
    first = used * logged.probabilities
    return first.sum(axis=1), (first * used).sum(axis=1)


def _hidden(logged: Logged, target: Floats, model: Floats, at: float, cut: Cut) -> tuple[Floats, Floats]:
    """The least and the most that the part of the policy adds which was cut away, decision by decision."""
    if logged.bounds is None:
        todo = "Give the bounds of rewards: without them nobody knows what a clip hides."
        raise UndefinedError("clipped weights", "rewards without bounds", todo)
    low, high = logged.bounds
    if logged.probabilities is None:
        weights, here = logged.weights(target), model[np.arange(logged.n), logged.arms]
        away = weights - cut(weights, at)
        return away * (low - here), away * (high - here)
    used = _weights_used(target, logged.probabilities, at, cut)
    away = np.maximum(target - used * logged.probabilities, 0.0)
    return (away * (low - model)).sum(axis=1), (away * (high - model)).sum(axis=1)


def _kept(weights: Floats, at: float) -> Floats:
    """Weights up to the threshold; above it, the model alone speaks."""
    return np.where(weights <= at * (1 + DUST), weights, 0.0)


def _switched(logged: Logged, target: Floats, model: Floats, at: float | None) -> Told:
    """SWITCH-DR, cut where the variance and the square of what may hide are least together.

    Source: Wang, Agarwal, Dudik 2017, ICML (arXiv 1612.01205), sections 3 and 4; the threshold is one of 20
    from 1 to the largest weight, evenly spaced in logarithms.
    """
    weights = logged.weights(target)
    largest = max(float(weights.max()), 1.0)
    grid = np.geomspace(1.0, largest, THRESHOLDS) if at is None else np.array([at])
    tried = [_told(logged, target, model, float(one), _kept) for one in grid]
    return min(tried, key=_squared_error)


def _squared_error(one: Told) -> float:
    hidden = max(abs(float(one.low.mean())), abs(float(one.high.mean())))
    return float(one.influence.var()) / len(one.influence) + hidden**2


def _normalized(logged: Logged, target: Floats) -> Told:
    """SNIPS with the linear part of a ratio (Swaminathan and Joachims 2015, NeurIPS 28; Owen 2013, ch. 9)."""
    weights, none = logged.weights(target), np.zeros(logged.n)
    total = float(weights.sum())
    value = float(weights @ logged.rewards) / total if total > 0 else 0.0
    scale = total / logged.n if total > 0 else 1.0
    influence = value + weights * (logged.rewards - value) / scale
    first, second = _foreseen(logged, target, None, np.minimum)
    return Told(value, influence, none, none, weights, first, second, 0.0, None)
