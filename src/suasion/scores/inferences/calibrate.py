"""Turn what a model says into chances that come true as often as they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, log_expit

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Chances = Callable[[Floats], Floats]
"""From log odds, as a model says them, to chances."""


NEARLY = 1e-9
"""No line makes anybody's chance surer than that."""


def logistic(said: Floats, outcome: Floats, weights: Floats) -> Chances:
    """A line through the log odds (Platt 1999, in Advances in Large Margin Classifiers, 61).

    The targets are drawn in by his rule, so that classes a line can part do not become certainties. A line
    that falls would turn the ranking round, and becomes level.

    Parameters
    ----------
    said : array of float, shape (n,)
        Log odds by models that have not seen these persons.
    outcome : array of float, shape (n,)
        0 or 1.
    weights : array of float, shape (n,)
        They sum to the number of persons that they are worth.

    Returns
    -------
    callable

    Examples
    --------
    >>> said, one = np.array([-1.0, -1.0, 1.0, 1.0]), np.ones(4)
    >>> logistic(said, np.array([0.0, 1.0, 0.0, 1.0]), one)(np.array([5.0])).round(3)
    array([0.5])
    """
    yes, no = float(weights @ outcome), float(weights @ (1 - outcome))
    target = np.where(outcome == 1, (yes + 1) / (yes + 2), 1 / (no + 2))
    total = weights.sum()

    def loss(line: Floats) -> tuple[float, Floats]:
        odds = line[0] * said + line[1]
        lost = -weights @ (target * log_expit(odds) + (1 - target) * log_expit(-odds))
        off = weights * (expit(odds) - target)
        return float(lost / total), np.array([off @ said, off.sum()]) / total

    mean = (yes + 1) / (yes + no + 2)
    level = float(np.log(mean / (1 - mean)))
    slope, height = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    if slope <= 0:
        return lambda odds: np.full(len(odds), expit(level))
    return lambda odds: np.clip(expit(slope * odds + height), NEARLY, 1 - NEARLY)


def isotonic(said: Floats, outcome: Floats, weights: Floats) -> Chances:
    """Steps that only rise, joined at their centers so that equal chances stay rare.

    Source: pool-adjacent-violators (Barlow, Bartholomew, Bremner, Brunk 1972, Statistical Inference under
    Order Restrictions), centered (Oron, Flournoy 2017, Statistics in Biopharmaceutical Research 9:258). Each
    step counts one person more, of the average, so that nobody is told 0 or 1.

    Parameters
    ----------
    said, outcome, weights
        As in `logistic`.

    Returns
    -------
    callable

    Examples
    --------
    >>> said, one = np.arange(4.0), np.ones(4)
    >>> isotonic(said, np.array([0.0, 0.0, 1.0, 1.0]), one)(np.array([-9.0, 1.5, 9.0])).round(3)
    array([0.167, 0.5  , 0.833])
    """
    places, index = np.unique(said, return_inverse=True)
    heavy = np.bincount(index, weights)
    shares = np.bincount(index, weights * outcome) / heavy
    blocks = isotonic_regression(shares, weights=heavy).blocks[:-1]
    mass = np.add.reduceat(heavy, blocks)
    centers = np.add.reduceat(heavy * places, blocks) / mass
    mean = float(weights @ outcome / weights.sum())
    steps = (np.add.reduceat(heavy * shares, blocks) + mean) / (mass + 1)
    # A short step is drawn in more than a long one: it may not come to lie below the step before.
    rising = isotonic_regression(steps, weights=mass).x
    return lambda odds: np.interp(odds, centers, rising)


CALIBRATIONS = {"logistic": logistic, "isotonic": isotonic}


def calibrate(said: Floats, outcome: Floats, weights: Floats, fold_of: Ids) -> tuple[str, Floats, Chances]:
    """Calibrate out of fold, by whichever way is nearer to what came out.

    Parameters
    ----------
    said, outcome, weights
        As in `logistic`.
    fold_of : array of int64, shape (n,)
        A person's chance comes from a map that was made on other folds.

    Returns
    -------
    str
        The way: a key of `CALIBRATIONS`.
    array of float, shape (n,)
        Chances of these persons.
    callable
        The map made on all of them, for others.
    """
    tried = {name: _crossed(way, said, outcome, weights, fold_of) for name, way in CALIBRATIONS.items()}
    best = min(tried, key=lambda name: float(weights @ (tried[name] - outcome) ** 2))
    return best, tried[best], CALIBRATIONS[best](said, outcome, weights)


def _crossed(
    way: Callable[[Floats, Floats, Floats], Chances],
    said: Floats,
    outcome: Floats,
    weights: Floats,
    fold_of: Ids,
) -> Floats:
    chances = np.empty(len(said))
    for fold in np.unique(fold_of):
        inside, outside = fold_of != fold, fold_of == fold
        chances[outside] = way(said[inside], outcome[inside], weights[inside])(said[outside])
    return chances
