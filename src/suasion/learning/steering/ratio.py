"""Is each variant seen as often as it was drawn? Where it is not, nothing that is measured holds."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
from scipy.special import logsumexp

from suasion.errors import UndefinedError
from suasion.learning.steering.alarm import ALPHA, Alarm, Floats, Ids, coarse, counted
from suasion.stats import sequential

NAME = "sample_ratio"
_STAKES = np.power(0.5, np.arange(1, 11), dtype=np.float64)
"""Parts of 1 that are bet, from one half to a thousandth: large faults are found soon, small ones late."""
_TUNED_FOR = 10_000


def sample_ratio(
    about: str,
    variants: Sequence[str],
    shown: Ids,
    chances: Floats,
    holdouts: Floats,
    standing: bool = False,
) -> Alarm | None:
    """Compare what was seen with the chances that were stored when it was drawn.

    Of any one exposure, the indicator of a variant over its stored chance has the mean 1, whatever the
    policy knew and however it changed: a bet on more or less is a martingale (Waudby-Smith and Ramdas 2024,
    Journal of the Royal Statistical Society B 86:1; Ville 1939). Half of the money is bet on the generic
    variant, either way, the other half on too many of a treatment: too few may be because it was closed to
    some. The alarm is raised when the bets have made 100 of 1.

    Parameters
    ----------
    about : str
    variants : sequence of str
        The generic one first.
    shown : array of int, shape (n,)
        Place in `variants` of what each person was shown first; whoever sees it again counts once.
    chances : array of float, shape (n,)
        Stored, of what was shown.
    holdouts : array of float, shape (n,)
        Chance of the generic variant, when each was drawn.
    standing : bool
        Whether it is raised already: then it ends when the bets have lost what they had won.

    Returns
    -------
    Alarm or None

    Raises
    ------
    UndefinedError
        Shapes that do not fit, or chances that are none.

    Examples
    --------
    >>> shown = np.repeat([0, 1, 2], [200, 900, 900])
    >>> chances = np.repeat([0.1, 0.45, 0.45], [200, 900, 900])
    >>> sample_ratio("x", ("plain", "a", "b"), shown, chances, np.full(2000, 0.1)) is None
    True
    >>> sample_ratio("x", ("plain", "a", "b"), shown[100:], chances[100:], np.full(1900, 0.1)) is None
    False
    """
    told = np.concatenate([chances, holdouts])
    fits = shown.shape == chances.shape == holdouts.shape and bool(((told > 0) & (told <= 1)).all())
    if not fits or len(variants) < 2:
        found = f"{len(shown)} exposure(s), {len(chances)} chance(s), {len(holdouts)} of the generic variant"
        raise UndefinedError("a sample ratio", found, "Give the stored chance of each exposure.")
    if not len(shown):
        return None
    won = _won(len(variants), shown, 1 / chances, float(holdouts.min()))
    if won < (0.0 if standing else -log(ALPHA)):
        return None
    return _said(about, variants, shown, chances, float(holdouts.mean()))


def _won(k: int, shown: Ids, weights: Floats, holdout: float) -> float:
    """Logarithm of what all bets have made of 1; none can lose more, whatever the least holdout was."""
    down = -_STAKES / (1 / holdout - 1)
    bets = [_wealth(weights[shown == 0], len(shown), np.concatenate([_STAKES, down]))]
    bets += [_wealth(weights[shown == arm], len(shown), _STAKES) for arm in range(1, k)]
    halves = [-log(2 * len(bets[0])), *[-log(2 * (k - 1) * len(_STAKES))] * (k - 1)]
    return float(logsumexp(np.concatenate([bet + of for bet, of in zip(bets, halves, strict=True)])))


def _wealth(weights: Floats, n: int, stakes: Floats) -> Floats:
    """Logarithm of what each stake has made of 1, where `weights` are of the exposures of one variant."""
    hits = 1 + stakes[:, None] * (weights - 1)
    return np.log(hits).sum(axis=1) + (n - len(weights)) * np.log1p(-stakes)


def _said(about: str, variants: Sequence[str], shown: Ids, chances: Floats, holdout: float) -> Alarm:
    n = len(shown)
    generic = sequential.Counts(np.array([(shown == 0).sum()]), np.array([n]))
    (share,) = sequential.rate_sequence(generic, holdout, _TUNED_FOR, 1 - ALPHA)
    sums = np.bincount(shown, 1 / chances, len(variants)) / n
    parts = ", ".join(f"{name} {coarse(part):.2g}" for name, part in zip(variants, sums, strict=True))
    found = (
        f"of {counted(n)} people who saw something, a share of {coarse((shown == 0).mean()):.2g} saw "
        f"{variants[0]}, for which {holdout:.2g} were drawn; seen for each one that was due: {parts}"
    )
    todo = (
        "Look whether the site shows every variant, and tells of each that it was seen; until then nothing "
        "that is measured here holds."
    )
    return Alarm(NAME, about, found, todo, {"generic share": share} if share else {})
