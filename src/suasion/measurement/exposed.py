"""What the variants of a placement changed, told from exposures whose chances moved as a policy learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, fsum, sqrt

import numpy as np
import numpy.typing as npt

from suasion.errors import UndefinedError
from suasion.stats import Estimate, sequential

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

METHOD = "AIPW by the stored probabilities"
LEAST_SEEN = 30
"""Exposures of each of two variants that a comparison takes."""
LEAST_CAME = 10
"""Exposures that a comparison takes with what is hoped for, and without."""
PRIOR = 50.0
"""Exposures that the mean of everybody counts for where that of a variant is foreseen."""
TIGHTEST, USUAL = 10_000, 0.1
"""Exposures, and variance of an outcome, for which intervals are tightest; chosen before anybody looked."""
TOO_FAR = 4.5
"""Standard deviations between exposures and chances that chance does not explain."""
DUST = 1e-9


@dataclass(frozen=True)
class Exposed:
    """First exposures whose horizon has passed, in order of time, but of those to whom nothing else was open.

    Parameters
    ----------
    names : tuple of str
        Of the variants; the generic one first.
    arms : array of int64, shape (n,)
        Variant that was seen, by number; -1 where it is none of these any more.
    chances : array of float, shape (n,)
        With which it was chosen.
    costs : array of float, shape (n,)
        What showing it cost.
    came : array of float, shape (n,)
        What followed of what is hoped for within the horizon.

    Raises
    ------
    UndefinedError
        Columns that are not one of each, or chances that are none.
    """

    names: tuple[str, ...]
    arms: Ids
    chances: Floats
    costs: Floats
    came: Floats

    def __post_init__(self) -> None:
        columns = self.arms, self.chances, self.costs, self.came
        asked, told = "exposures of a placement", all(np.isfinite(one).all() for one in columns[2:])
        if len({len(one) for one in columns}) > 1 or not told:
            raise UndefinedError(asked, "columns that are not one of each", "Give one row an exposure.")
        if not ((self.chances > 0) & (self.chances < 1)).all():
            todo = "Leave out those to whom nothing else was open."
            raise UndefinedError(asked, "chances that are not between 0 and 1", todo)

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.arms)

    def of(self, arm: int) -> Flags:
        """Exposures to a variant."""
        return self.arms == arm

    def weights(self, arm: int) -> Floats:
        """One over the chance where the variant was seen, else 0."""
        return np.where(self.of(arm), 1 / self.chances, 0.0)

    @property
    def spent(self) -> float:
        """What all of them cost."""
        return fsum(self.costs.tolist())


@dataclass(frozen=True)
class Change:
    """What a variant, or all together, changed against the generic one.

    Parameters
    ----------
    variant : str
        Empty where it is all that was shown together.
    people, outcomes : int
        Who saw it, and how many of them did what is hoped for.
    effect : Estimate or None
        Outcomes that it brings a person more; None where that is not known. Of all together: a person who was
        exposed, whatever was seen. Of a variant: if everybody saw it.
    cost_per_extra : Estimate or None
        Money for one outcome more; None where there may be none.
    more : int or None
        Exposures that it takes beyond those there are until it can be told, or told from nothing; 0 where it
        is, None where no number would do or nobody can say.
    text : str
        The same in one sentence.
    """

    variant: str
    people: int
    outcomes: int
    effect: Estimate | None
    cost_per_extra: Estimate | None
    more: int | None
    text: str


def together(exposed: Exposed, holdout: float) -> Change:
    """What all that was shown changed, against showing everybody the generic variant.

    The mean outcome of everybody is what was shown; what the generic variant alone would have brought is told
    by those who saw it, each for one over the chance of it. Only that chance is needed, which the holdout
    keeps from becoming small. See `_compared` for the interval.

    Parameters
    ----------
    exposed : Exposed
    holdout : float
        Least chance of the generic variant, as declared.

    Returns
    -------
    Change

    Examples
    --------
    >>> at = np.arange(4000)
    >>> arms, came = np.where(at % 5, 1, 0), np.where(at % 5, at % 2 == 0, at % 20 == 0) * 1.0
    >>> chances = np.where(arms, 0.8, 0.2)
    >>> found = together(Exposed(("plain", "bus"), arms, chances, 0.5 * arms, came), 0.2)
    >>> found.effect.value > 0.1, found.effect.excludes_zero, found.cost_per_extra.value < 5
    (True, True, True)
    """
    generic = exposed.weights(0)
    parts = exposed.came - _told_by(exposed, 0)
    alike = generic * (1 / exposed.chances - 1)
    usual = 1 / holdout - 1
    shown = ~exposed.of(0)
    seen = np.array([int((~shown).sum()), int(shown.sum())], np.int64)
    of = _Compared("", parts, alike, usual, seen, int(exposed.came[shown].sum()), holdout)
    found = _compared(exposed, of)
    return _with_cost(found, exposed.costs)


def alone(exposed: Exposed, arm: int, holdout: float, exploration: float) -> Change:
    """What one variant would change if everybody saw it, against showing everybody the generic one.

    Parameters
    ----------
    exposed : Exposed
    arm : int
        Number of the variant, from 1.
    holdout, exploration : float
        Least chances of the generic variant, and of each other, as declared.

    Returns
    -------
    Change
    """
    of_arm = exposed.of(arm)
    parts = _told_by(exposed, arm) - _told_by(exposed, 0)
    alike = (exposed.weights(arm) + exposed.weights(0)) / exposed.chances
    usual = 1 / holdout + (len(exposed.names) - 1) / (1 - holdout)
    seen = np.array([int(exposed.of(0).sum()), int(of_arm.sum())], np.int64)
    name, came = exposed.names[arm], int(exposed.came[of_arm].sum())
    found = _compared(exposed, _Compared(name, parts, alike, usual, seen, came, min(holdout, exploration)))
    if found.effect is None or (unlike := _unlike(exposed, arm, exploration)) is None:
        return _with_cost(found, exposed.costs[of_arm])
    return unknown(found, unlike)


def variants(exposed: Exposed, holdout: float, exploration: float) -> tuple[Change, ...]:
    """Each variant `alone`, in order."""
    return tuple(alone(exposed, arm, holdout, exploration) for arm in range(1, len(exposed.names)))


def filled(exposed: Exposed, holdout: float) -> str | None:
    """What speaks against comparing with the generic variant at all; None where nothing does."""
    return _unlike(exposed, 0, holdout) if exposed.n else None


@dataclass(frozen=True)
class _Compared:
    """Two ways to show, as the interval needs them.

    `parts` of the mean difference, one an exposure; `alike`, whose mean times the variance of outcomes is
    that of a part if no variant changed anything; `usual`, the same mean as it is planned for; how many saw
    the generic variant and the other; what came of the other; the least chance of either.
    """

    variant: str
    parts: Floats
    alike: Floats
    usual: float
    seen: Ids
    came: int
    least: float


def _told_by(exposed: Exposed, arm: int) -> Floats:
    """What each exposure says of the mean outcome if everybody saw a variant: foreseen, and what was missed.

    What is foreseen is the weighted mean of the variant before this exposure, so that chance alone decides
    what is missed (Robins, Rotnitzky, Zhao 1994, JASA 89:846; for policies that learn on the way Bibaut et
    al. 2021, NeurIPS 34).
    """
    weights = exposed.weights(arm)
    overall = _before(exposed.came) / np.maximum(np.arange(exposed.n), 1)
    foreseen = (PRIOR * overall + _before(weights * exposed.came)) / (PRIOR + _before(weights))
    return foreseen + weights * (exposed.came - foreseen)


def _before(values: Floats) -> Floats:
    """Sums of all earlier ones."""
    return np.cumsum(values) - values


def _compared(exposed: Exposed, of: _Compared) -> Change:
    """The mean of the parts; its interval holds however the policy learned, and however often one looks.

    Given all that was before, the expectation of a part is what the exposure adds to the difference, whatever
    the policy learned: chance draws from the stored probability. So the sum of what is left is a martingale,
    and the mean estimates the mean of effects that may drift. The interval is the asymptotic confidence
    sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2024, Annals of Statistics 52:2613, for martingales
    and means that change with time): it needs no variance that settles, as a fixed interval would, which it
    does not where policies learn (Hadad, Hirshberg, Zhan, Wager, Athey 2021, PNAS 118:e2014602118). Their
    weights, which make it settle, would tell of a mean over some times more than others, which is another one
    where effects drift.
    """
    people, came = int(of.seen[1]), of.came
    if (thin := _too_thin(exposed, of)) is not None:
        text = f"Not known: {thin[1]} It would take about {thin[0]:,} more exposures."
        return Change(of.variant, people, came, None, None, thin[0], text)
    n = exposed.n
    value = float(of.parts.mean())
    own = float(of.parts.std(ddof=1)) / sqrt(n)
    alike = sqrt(float(exposed.came.var(ddof=1)) * float(of.alike.mean()) / n)
    errors = sequential.steadied(np.array([own]), np.array([alike]), of.seen[None, :])
    looks = sequential.Looks(np.array([value]), errors, of.seen[None, :])
    tuned_for = sqrt(USUAL * of.usual / TIGHTEST)
    found = sequential.sequence(looks, tuned_for).latest
    if found is None:
        text = "Not known: all outcomes so far are alike."
        return Change(of.variant, people, came, None, None, None, text)
    effect = Estimate(found.value, found.low, found.high, n, f"{METHOD}, {found.method}", found.level)
    longer = sequential.how_much_longer(looks, tuned_for, units="exposures")
    return Change(of.variant, people, came, effect, None, longer.more, longer.text)


def _too_thin(exposed: Exposed, of: _Compared) -> tuple[int, str] | None:
    """How many more exposures are needed before anything can be said, and why; None where it can."""
    n, fewest, came = exposed.n, int(of.seen.min()), int(np.count_nonzero(exposed.came))
    if fewest < LEAST_SEEN:
        rate = max(fewest / n, of.least) if n else of.least
        which = of.variant if of.seen[1] < of.seen[0] else exposed.names[0]
        said = f"'{which}' was seen {fewest:,} times." if which else f"Variants were seen {fewest:,} times."
        return ceil((LEAST_SEEN - fewest) / rate), said
    rarer = min(came, n - came)
    if rarer < LEAST_CAME:
        return ceil(
            (LEAST_CAME - rarer) * n / max(rarer, 1)
        ), f"What is hoped for came {came:,} of {n:,} times."
    return None


def _unlike(exposed: Exposed, arm: int, least: float) -> str | None:
    """Whether a variant was seen as often as its chances say: weights are 1 on average.

    The variance of a weight is at most 1 / least - 1.
    """
    weights, seen = exposed.weights(arm), exposed.of(arm)
    far = abs(float(weights.sum()) - exposed.n)
    spread = float(weights.var()) if seen.sum() >= LEAST_SEEN else 1 / least - 1
    if far <= 1 + TOO_FAR * sqrt(spread * exposed.n):
        return None
    share = float(weights.mean())
    name = f"'{exposed.names[arm]}'"
    if arm == 0:
        told = "Send 'Experiment Viewed' for it as for the others: we heard of others than chance chose."
        return (
            f"Not known: the generic variant {name} was seen {share:.2f} times as often as it should. {told}"
        )
    told = "It was not open to everybody all the time, or we did not hear of all who saw it."
    return f"Not known: {name} was seen {share:.2f} times as often as its chances say. {told}"


def unknown(found: Change, text: str) -> Change:
    """The change as one that is not known, and why."""
    return replace(found, effect=None, cost_per_extra=None, more=None, text=text)


def _with_cost(found: Change, costs: Floats) -> Change:
    """With what one outcome more costs, where those who saw it cost so much."""
    effect = found.effect
    if effect is None or effect.low <= 0 or (cost := float(costs.mean())) <= 0:
        return found
    low, value, high = (cost / end for end in (effect.high, effect.value, effect.low))
    price = Estimate(value, low, high, effect.n, f"cost over {effect.method}", effect.level)
    return replace(found, cost_per_extra=price)
