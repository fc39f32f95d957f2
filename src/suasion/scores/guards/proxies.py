"""How well the features tell a trait that is not among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suasion.errors import CampaignError
from suasion.scores.data import Data, Floats, Ids
from suasion.scores.features import Features
from suasion.scores.guards.asked import check_names, numbered
from suasion.scores.guards.finding import Finding, Severity, listed
from suasion.scores.guards.guessing import foremost, guess, narrowed
from suasion.stats import Estimate, forecasts

FOLDS = 3
MOST = 50_000
"""Of more people, so many are looked at."""
LEAST = 100
"""A group of fewer people, or the rest being so few, is not guessed."""
GROUPS = 10
"""Most groups of a category: the most frequent."""


@dataclass(frozen=True)
class Proxy:
    """A trait and how well it can be told from the features.

    Parameters
    ----------
    trait : str
    people : int
        Whose trait is known.
    auc : Estimate, optional
        Of cross-fitted guesses: 0.5 not at all, 1 always. Of a number, whether it is above its median; of a
        category, the group told best against all others. None where people are too few, or all the same.
    group : int, optional
        Code of that group of a category.
    by : tuple of (str, float)
        The features that the guesses rest on most, with their shares in what the trees gained.
    """

    trait: str
    people: int
    auc: Estimate | None
    group: int | None
    by: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Proxies:
    """What `proxies` found: every trait, the best told first, those that could not be judged last."""

    traits: tuple[Proxy, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """A note about each trait; what follows from it is for the rules to say."""
        return tuple(Finding("proxy", Severity.NOTE, _told(proxy)) for proxy in self.traits)


def proxies(
    data: Data, names: Sequence[str], traits: Features, trait_names: Sequence[str], seed: int = 0
) -> Proxies:
    """Try to guess each trait from all features.

    Parameters
    ----------
    data : Data
        Features that a score may use; households are kept together.
    names : sequence of str
        Of the features.
    traits : Features
        Of the same people: what must not select anybody, NaN where unknown.
    trait_names : sequence of str
        None of them a feature.
    seed : int
        Of the folds.

    Returns
    -------
    Proxies

    Raises
    ------
    CampaignError
        Arrays that do not fit, infinite values, or a trait that is a feature.

    Examples
    --------
    >>> import numpy as np
    >>> chance = np.random.default_rng(0)
    >>> woman = chance.integers(0, 2, 1000).astype(float)
    >>> shoes, visits = woman + chance.normal(size=1000), chance.normal(size=1000)
    >>> data = Data(Features(np.column_stack([shoes, visits]), ()))
    >>> (found,) = proxies(data, ["shoes", "visits"], Features(woman[:, None], (0,)), ["sex"]).traits
    >>> 0.7 < found.auc.value < 0.8, found.by[0][0]
    (True, 'shoes')
    """
    check_names(data.features, names)
    check_names(traits, trait_names)
    if len(traits.matrix) != data.n or set(names) & set(trait_names):
        both = sorted(set(names) & set(trait_names))
        found = (
            f"traits of {len(traits.matrix)} people, features of {data.n}, both: {', '.join(both) or 'none'}"
        )
        todo = "Give traits of the same people that are no features."
        raise CampaignError("a check for proxies", found, todo)
    fold = _folds(data, seed)
    features = narrowed(data.features)
    judged = [
        _proxy(name, features, names, traits.matrix[:, i], i in traits.categorical, fold, data.clusters)
        for i, name in enumerate(trait_names)
    ]
    return Proxies(tuple(sorted(judged, key=lambda proxy: -proxy.auc.value if proxy.auc else 1.0)))


def _folds(data: Data, seed: int) -> Ids:
    """A fold for each person, households kept together; -1 for those beyond about `MOST`."""
    units = numbered(data.clusters, data.n)
    count = int(units.max(initial=-1)) + 1
    luck = np.random.default_rng(seed)
    fold = luck.permutation(np.arange(count) % FOLDS)
    fold[luck.random(count) >= MOST / max(data.n, 1)] = -1
    return fold[units]


def _proxy(
    name: str,
    features: Features,
    names: Sequence[str],
    values: Floats,
    categorical: bool,
    fold: Ids,
    clusters: Ids | None,
) -> Proxy:
    known = np.flatnonzero(~np.isnan(values) & (fold >= 0))
    here = Features(features.matrix[known], features.categorical)
    alike = None if clusters is None else clusters[known]
    best: Proxy | None = None
    for group, yes in _questions(values[known], categorical):
        if not _askable(yes, fold[known]):
            continue
        guesses, shares = guess(here, yes, fold[known])
        auc = forecasts.auc(yes, _ranked(guesses, fold[known]), alike)
        if best is None or best.auc is None or auc.value > best.auc.value:
            by = foremost(names, shares)
            best = Proxy(name, len(known), auc, group, by)
    return best or Proxy(name, len(known), None, None, ())


def _questions(values: Floats, categorical: bool) -> list[tuple[int | None, Floats]]:
    """What to guess: each frequent group against all others, or whether a number is above its median."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < 2:
        return []
    if categorical:
        frequent = levels[np.argsort(-counts, kind="stable")][: 1 if len(levels) == 2 else GROUPS]
        return [(int(level), (values == level).astype(np.float64)) for level in frequent]
    middle = float(np.median(values))
    above = values > middle if middle < values.max() else values == middle
    return [(None, above.astype(np.float64))]


def _askable(yes: Floats, fold: Ids) -> bool:
    """Whether enough people are on both sides, in every fold somebody."""
    counts = np.zeros((FOLDS, 2))
    np.add.at(counts, (fold, yes.astype(np.int64)), 1)
    return bool(counts.sum(axis=0).min() >= LEAST and counts.min() > 0)


def _ranked(guesses: Floats, fold: Ids) -> Floats:
    """Guesses of different models made comparable: how much above the mean of their fold."""
    means = np.bincount(fold, guesses) / np.bincount(fold)
    return guesses - means[fold]


def _told(proxy: Proxy) -> str:
    if proxy.auc is None:
        known = f"it is known of {proxy.people:,} people, or they are alike"
        return f"Whether the features tell '{proxy.trait}' cannot be judged: {known}."
    by = f", most of all by {listed(tuple(name for name, _ in proxy.by))}" if proxy.by else ""
    auc = f"AUC {proxy.auc.scaled(digits=2)} (0.5: not at all, 1: always)"
    return f"The features tell '{proxy.trait}' with {auc}{by}."
