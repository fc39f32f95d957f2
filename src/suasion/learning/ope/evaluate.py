"""The value of a policy, estimated on the log of another, and whether the log can tell it at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suasion.learning.ope.expected import expected
from suasion.learning.ope.interval import Moves, moves, summed
from suasion.learning.ope.logged import DUST, Floats, Logged
from suasion.learning.ope.told import NAMES, Method, Told, told
from suasion.stats import Estimate, mean

LEAST_ESS = 100.0
"""Decisions that a log must be worth: no single one then carries more than a tenth of the weight."""
LEAST_TELLING = 5.0
"""Decisions that an interval must rest on.

In simulated logs of 4 to 30 expected rewards, evenly weighted or not, intervals that rest on five or more
hold the truth in 95 to 98 of 100, and in 87 where 4 rewards are expected and weights are uneven; asking for
more would keep the logs that were lucky, and hold less often.
"""
SLACK = 1e-3
"""A mean weight that is off 1 by less moves no estimate that anybody would notice."""
FITTING = 2.0
"""Half-widths of its interval that the mean weight may be off 1: about four standard errors."""


@dataclass(frozen=True)
class Evaluation:
    """What a log says of a policy; of the worse of two, where it is their difference.

    Parameters
    ----------
    estimate : Estimate or None
        Mean reward a decision; None where the log cannot tell.
    reason : str or None
        Why not.
    error : float
        Standard error.
    ess : float
        Independent decisions under the policy itself that the log is worth (Kish 1965).
    largest_weight : float
        The most that one decision counts.
    clipped_share : float
        Share of decisions whose weight was cut.
    threshold : float or None
        The weight at which they were.
    unsupported : float or None
        Share of the policy's probability on arms that the log could not show; None where the log does not
        hold the probabilities of all arms.
    """

    estimate: Estimate | None
    reason: str | None
    error: float
    ess: float
    largest_weight: float
    clipped_share: float
    threshold: float | None
    unsupported: float | None

    def as_dict(self) -> dict[str, object]:
        """The evaluation for JSON."""
        named = {name: value for name, value in vars(self).items() if name != "estimate"}
        return {"estimate": None if self.estimate is None else self.estimate.as_dict(), **named}


def evaluate(logged: Logged, target: Floats, method: Method = "dr", clip: float | None = None) -> Evaluation:
    """Mean reward a decision if the target had decided.

    Parameters
    ----------
    logged : Logged
    target : array of float, shape (n, k)
        The probability of each arm that the policy would give, at each decision of the log. It must not have
        been learned from these decisions.
    method : {"dr", "ips", "snips", "switch"}
        Doubly robust (Dudik, Langford, Li 2011, ICML; 2014, Statistical Science 29:485), inverse propensity
        (Horvitz and Thompson 1952, JASA 47:663), self-normalized (Swaminathan and Joachims 2015, NeurIPS
        28), or SWITCH-DR (Wang, Agarwal, Dudik 2017, ICML), whose threshold is the one that makes variance
        and squared largest bias least together.
    clip : float, optional
        The most a decision may count in IPS and DR; the threshold of SWITCH where it is not to be chosen.

    Returns
    -------
    Evaluation
        Its interval is that of influence values, robust to clusters, with Student's t on the degrees of
        freedom of their variance, and mended for their skewness (see `interval`). Where weights are cut, it
        reaches from the least to the most that what was cut away may be worth.

    Raises
    ------
    UndefinedError
        A target that does not fit the log, or weights cut where rewards have no bounds.

    Examples
    --------
    >>> luck = np.random.default_rng(1)
    >>> arms = luck.integers(0, 2, 4000)
    >>> clicks = (luck.random(4000) < np.where(arms == 1, 0.3, 0.1)).astype(float)
    >>> log = Logged(arms, clicks, np.full(4000, 0.5), np.full((4000, 2), 0.5))
    >>> found = evaluate(log, np.tile([0.1, 0.9], (4000, 1)))
    >>> print(found.estimate.scaled(digits=2), round(found.ess))
    0.28 (0.27 to 0.30) 2439
    """
    model = _model(logged, target, method)
    one = told(logged, target, method, clip, model)
    return _evaluation(logged, (target,), (one,), one, NAMES[method])


def difference(
    logged: Logged, target: Floats, against: Floats, method: Method = "dr", clip: float | None = None
) -> Evaluation:
    """The value of the target minus that of another policy, paired: on the same decisions.

    Parameters
    ----------
    logged, target, method, clip
        As for `evaluate`.
    against : array of float, shape (n, k)
        Probabilities of the other policy.

    Returns
    -------
    Evaluation
        Its diagnostics are those of the worse of the two.

    Raises
    ------
    UndefinedError
        As `evaluate`.

    Examples
    --------
    >>> arms = np.arange(4000) % 2
    >>> rewards = arms * 0.5 + np.arange(4000) % 5 / 10
    >>> log = Logged(arms, rewards, np.full(4000, 0.5))
    >>> first, second = np.tile([0.0, 1.0], (4000, 1)), np.tile([1.0, 0.0], (4000, 1))
    >>> difference(log, first, second, "snips").estimate.scaled(digits=2)
    '0.50 (0.49 to 0.51)'
    """
    model = _model(logged, target, method)
    ones = (told(logged, target, method, clip, model), told(logged, against, method, clip, model))
    return _evaluation(logged, (target, against), ones, ones[0].minus(ones[1]), f"{NAMES[method]}, paired")


def _model(logged: Logged, target: Floats, method: Method) -> Floats | None:
    logged.weights(target)  # says what is wrong with a target before anything is learned
    return expected(logged, target.shape[1]) if method in ("dr", "switch") else None


def _evaluation(
    logged: Logged, targets: tuple[Floats, ...], ones: tuple[Told, ...], asked: Told, name: str
) -> Evaluation:
    lacking = _unsupported(logged, targets)
    ess = min(_worth(logged, one) for one in ones)
    reasons = (_reason(logged, target, one) for target, one in zip(targets, ones, strict=True))
    known = moves(asked.influence, logged.clusters)
    reason = next((why for why in reasons if why), None) or _too_few(known)
    return Evaluation(
        estimate=None if reason else _estimate(logged, asked, name),
        reason=reason,
        error=known.error if known else 0.0,
        ess=ess,
        largest_weight=max(float(one.used.max()) for one in ones),
        clipped_share=asked.clipped,
        threshold=asked.threshold,
        unsupported=lacking,
    )


def _estimate(logged: Logged, asked: Told, name: str) -> Estimate:
    """From the lower end for the least that may hide to the upper end for the most."""
    least, most = asked.influence + asked.low, asked.influence + asked.high
    down, up = moves(least, logged.clusters), moves(most, logged.clusters)
    low = asked.value + float(asked.low.mean()) - (down.below if down else 0.0)
    high = asked.value + float(asked.high.mean()) + (up.above if up else 0.0)
    units = logged.n if logged.clusters is None else len(np.unique(logged.clusters))
    return Estimate(asked.value, low, high, units, name if logged.clusters is None else f"{name}, clustered")


def _unsupported(logged: Logged, targets: tuple[Floats, ...]) -> float | None:
    if logged.probabilities is None:
        return None
    never = logged.probabilities <= 0
    return max(float((target * never).sum(axis=1).mean()) for target in targets)


def _worth(logged: Logged, one: Told) -> float:
    """Kish's effective number of persons; not above what the probabilities let expect, where all are known.

    A weight so rare that the log never drew it shows in no weight of the log; in the probabilities it does.
    """
    persons = np.arange(logged.n) if logged.clusters is None else logged.clusters
    sums = summed(one.used, persons)
    seen = float(sums.sum()) ** 2 / max(float(sums @ sums), DUST)
    if one.expected is None or one.squared is None:
        return seen
    sums = summed(one.expected, persons)
    squares = float(sums @ sums) + float((one.squared - one.expected**2).sum())
    return min(seen, float(sums.sum()) ** 2 / max(squares, DUST))


def _reason(logged: Logged, target: Floats, one: Told) -> str | None:
    """Why the log cannot tell the value of a policy; None where it can."""
    lacking, ess = _unsupported(logged, (target,)) or 0.0, _worth(logged, one)
    if lacking > DUST and one.threshold is None:
        return f"{lacking:.1%} of what the policy would show, the log could never have shown."
    if ess < LEAST_ESS:
        return f"The log is worth {ess:.0f} decisions of the policy; it takes {LEAST_ESS:.0f}."
    weights = mean(logged.weights(target) if one.expected is None else one.used, logged.clusters)
    share = 1.0 if one.expected is None else float(one.expected.mean())
    if abs(weights.value - share) > FITTING * (weights.high - weights.value) + SLACK:
        return (
            f"Weights should average {share:.3f} and average {weights.value:.3f}: the log does not show what "
            "its probabilities say, or could never have shown some of what the policy would."
        )
    return None


def _too_few(known: Moves | None) -> str | None:
    """Few decisions that tell anything, such as a handful of clicks, give no interval by their variance."""
    if known is None:
        return "All that the log tells of the policy is alike: nothing tells how sure it is."
    if known.telling >= LEAST_TELLING:
        return None
    found = f"The estimate rests on the rewards of {known.telling:.0f} decisions"
    return f"{found}; it takes {LEAST_TELLING:.0f}, or the exact sequence."
