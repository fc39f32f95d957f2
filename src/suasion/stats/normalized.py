"""The Qini coefficient of raw outcomes: how much of the perfect ranking's gain a ranking has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats.estimate import Estimate
from suasion.stats.influence import Floats, Ids, Sample, sample


def qini(
    outcomes: Floats,
    treated: npt.NDArray[np.bool_],
    scores: Floats,
    rng: np.random.Generator,
    clusters: Ids | None = None,
    draws: int = 200,
) -> Estimate:
    """Area between Qini curve and random line, over the same of the perfect ranking.

    The Qini curve counts, among the top k, the outcomes of the treated minus those of control scaled to
    their number (Radcliffe 2007, Direct Marketing Analytics Journal 1(3):14); the perfect ranking puts
    outcomes of the treated first and those of control last (Devriendt, Moldovan, Verbeke 2018, Big Data 6:13;
    scikit-uplift's ``qini_auc_score``). Equal scores are one straight piece of the curve. The interval is by
    the bootstrap of persons or clusters (Efron 1979, Annals of Statistics 7:1), value +- t times its error.

    Parameters
    ----------
    outcomes : array of float, shape (n,)
        What each person did: 0 or 1, a count, or money, 0 or more.
    treated : array of bool, shape (n,)
        Whom chance treated, with one probability for all.
    scores : array of float, shape (n,)
        What ranks the people; the highest is treated first.
    rng : numpy.random.Generator
        Draws the bootstrap.
    clusters : array of int, shape (n,), optional
        Household of each person.
    draws : int
        Bootstrap samples, at least 20.

    Returns
    -------
    Estimate
        1 for the perfect ranking, 0 for a random one; it may fall below -1.

    Raises
    ------
    UndefinedError
        An empty arm, nothing a perfect ranking could gain, or what `mean` refuses.

    Examples
    --------
    >>> outcomes, treated = np.array([1.0, 0, 0, 1.0] * 50), np.array([True, True, False, False] * 50)
    >>> scores = outcomes * np.where(treated, 1, -1)
    >>> qini(outcomes, treated, scores, np.random.default_rng(0)).value
    1.0
    """
    trial = _trial(outcomes, treated, (scores,), clusters)
    return _bootstrap(trial, "normalized Qini", rng, draws)


def compare(
    outcomes: Floats,
    treated: npt.NDArray[np.bool_],
    first: Floats,
    second: Floats,
    rng: np.random.Generator,
    clusters: Ids | None = None,
    draws: int = 200,
) -> Estimate:
    """How much better the first ranking is than the second on the same people, paired.

    Parameters
    ----------
    outcomes, treated, rng, clusters, draws
        As for `qini`; both rankings are told on the same bootstrap samples.
    first, second : array of float, shape (n,)
        Scores of two models.

    Returns
    -------
    Estimate
        Normalized Qini of the first minus that of the second.

    Raises
    ------
    UndefinedError
        As `qini`.

    Examples
    --------
    >>> outcomes, treated = np.array([1.0, 0, 0, 1.0] * 50), np.array([True, True, False, False] * 50)
    >>> scores, constant = outcomes * np.where(treated, 1, -1), np.zeros(200)
    >>> compare(outcomes, treated, scores, constant, np.random.default_rng(0)).value
    1.0
    """
    trial = _trial(outcomes, treated, (first, second), clusters)
    return _bootstrap(trial, "normalized Qini, paired difference", rng, draws)


@dataclass(frozen=True)
class _Sorted:
    """A trial in the order of a ranking, the highest score first.

    `columns` tells of each person: treated, control, outcome if treated, outcome if control. A block of equal
    scores begins at each of `starts`.
    """

    order: Ids
    starts: Ids
    columns: Floats

    def area(self, counts: Floats) -> float:
        """Area between the Qini curve and the random line, with each person counted so often."""
        blocks = np.add.reduceat(self.columns * counts[self.order], self.starts, axis=1)
        treated, control, gained, lost = np.pad(blocks.cumsum(axis=1), ((0, 0), (1, 0)))
        ratio = np.divide(treated, control, out=np.zeros_like(treated), where=control > 0)
        people, height = treated + control, gained - lost * ratio
        return float(np.trapezoid(height, people) - people[-1] * height[-1] / 2)


@dataclass(frozen=True)
class _Trial:
    """A trial in the order of one or two rankings, and of the perfect one."""

    people: Sample
    rankings: tuple[_Sorted, ...]
    perfect: _Sorted

    def value(self, counts: Floats) -> float:
        """Normalized Qini of the first ranking, minus that of the second if there is one."""
        most = self.perfect.area(counts)
        areas = [ranking.area(counts) for ranking in self.rankings]
        return (areas[0] - sum(areas[1:])) / most if most > 0 else float("nan")


def _trial(
    outcomes: Floats, treated: npt.NDArray[np.bool_], scores: tuple[Floats, ...], clusters: Ids | None
) -> _Trial:
    asked = "normalized Qini"
    people, columns = sample(asked, (outcomes, np.asarray(treated, np.float64), *scores), clusters, None)
    outcomes, arm, *scores_of = columns
    if not np.isin(arm, (0, 1)).all() or not 0 < arm.mean() < 1:
        raise UndefinedError(
            asked, "an empty arm, or more than two", "Mark the treated by 1 and control by 0."
        )
    told = np.stack([arm, 1 - arm, outcomes * arm, outcomes * (1 - arm)])
    perfect = outcomes * (2 * arm - 1)
    return _Trial(people, tuple(_sort(told, score) for score in scores_of), _sort(told, perfect))


def _sort(told: Floats, scores: Floats) -> _Sorted:
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    return _Sorted(order, starts, told[:, order])


def _bootstrap(trial: _Trial, name: str, rng: np.random.Generator, draws: int) -> Estimate:
    if draws < 20:
        raise UndefinedError(name, f"{draws} bootstrap draws", "Ask for 20 or more.")
    value = trial.value(trial.people.weights)
    if not np.isfinite(value):
        raise UndefinedError(
            name, "nothing that a perfect ranking could gain", "It takes outcomes that differ."
        )
    count = trial.people.count
    picks = (np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(draws))
    drawn = np.array([trial.value(pick[trial.people.units].astype(np.float64)) for pick in picks])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < 0.9 * draws:
        found = f"{draws - len(drawn)} of {draws} bootstrap samples without outcomes"
        raise UndefinedError(name, found, "It takes more persons with an outcome.")
    return trial.people.estimate_with(value, float(drawn.std(ddof=1)), f"{name}, bootstrap")
