"""What a policy is: how arms are chosen, within which bounds; and what it has learned so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from suasion.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

GUESSED = 10.0
"""A policy's first guess of the spread of rewards counts as so many rewards."""


class Kind(StrEnum):
    """How arms are chosen.

    ``fixed``: by declared shares. ``thompson``: each with the probability that it is the best, as far as is
    known. ``squarecb``: the less, the worse it looks beside the best.
    """

    FIXED = "fixed"
    THOMPSON = "thompson"
    SQUARECB = "squarecb"


@dataclass(frozen=True)
class Guardrail:
    """A harm that switches an arm off.

    Parameters
    ----------
    name : str
        The event that is the harm.
    limit : float
        The highest rate that is borne, in (0, 1).
    confidence : float
        An arm is switched off when its rate is above the limit with at least this posterior probability.
    """

    name: str
    limit: float
    confidence: float = 0.99

    def __post_init__(self) -> None:
        if not (0 < self.limit < 1 and 0.5 <= self.confidence < 1):
            raise InputError(
                f"guardrail '{self.name}'",
                f"a limit of {self.limit} with confidence {self.confidence}",
                "Give a limit between 0 and 1, and a confidence from 0.5 to below 1.",
            )


@dataclass(frozen=True)
class Budget:
    """What may be spent, and when; outside of that time no arm is shown.

    Parameters
    ----------
    amount : float
        Above 0.
    since, until : float
        From the first moment to before the second, in seconds since 1970.
    """

    amount: float
    since: float
    until: float

    def __post_init__(self) -> None:
        if not (0 < self.amount < math.inf and -math.inf < self.since < self.until < math.inf):
            found = f"{self.amount} from {self.since} to {self.until}"
            raise InputError("a policy's budget", found, "Give an amount above 0, and a time that passes.")


@dataclass(frozen=True)
class Policy:
    """A policy as declared.

    Parameters
    ----------
    kind : Kind
    arms : tuple of str
        In the order of all arrays.
    exploration : float
        The least probability of each arm that a person may get.
    holdout : float
        The share of persons who get no arm; probabilities of a person sum to what is left.
    shares : tuple of float
        Of a fixed policy: its arms' shares, which sum to 1.
    center, scale : tuple of float
        Features are measured from `center` in units of `scale`; both have one number for each feature.
    features : tuple of str
        Their names, where they have any: what was learned of others is not of these.
    costs : tuple of float
        What showing each arm costs; of factors, what each level adds. Nothing where left out.
    budget : Budget, optional
    factors : tuple of tuple of str
        Levels of each factor, where arms are their combinations: ``red+short`` and so on, the last factor
        varying fastest. Then there is one model for each level, not for each arm.
    spread : float
        A first guess of the standard deviation of a reward.
    keep : float
        What a day leaves of what was learned before it, in (0, 1]: below 1 where the world drifts.
    ridge : float
        Prior precision of each coefficient, in units of the reward's precision.
    prior : tuple of tuple of float
        Of each model the coefficients that are expected before anything was learned; 0 where left out.
    worth : float
        As so many rewards of each model they weigh, and fade as those do: of persons whose features do not
        depend on each other, and differ from the centers by one unit in the mean of squares.
    gamma : float
        Of SquareCB: how fast it settles.
    guardrails : tuple of Guardrail

    Raises
    ------
    InputError
        Something of this does not fit together.

    Examples
    --------
    >>> Policy(Kind.THOMPSON, ("a", "b"), exploration=0.05, holdout=0.02).free(2)
    0.88
    """

    kind: Kind
    arms: tuple[str, ...]
    exploration: float = 0.0
    holdout: float = 0.0
    shares: tuple[float, ...] = ()
    center: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    features: tuple[str, ...] = ()
    costs: tuple[float, ...] = ()
    budget: Budget | None = None
    factors: tuple[tuple[str, ...], ...] = ()
    spread: float = 0.5
    keep: float = 1.0
    ridge: float = 5.0
    prior: tuple[tuple[float, ...], ...] = ()
    worth: float = 0.0
    gamma: float = 30.0
    guardrails: tuple[Guardrail, ...] = ()

    def __post_init__(self) -> None:
        for found in self._wrong():
            raise InputError(f"a policy of kind '{self.kind}'", found, "Correct the placement's policy.")

    def _wrong(self) -> list[str]:
        """What does not fit together."""
        k, fixed = len(self.arms), self.kind is Kind.FIXED
        positive = (*self.scale, self.spread, self.ridge, self.gamma)
        tests = {
            "no arms, or one named twice": 0 < k == len(set(self.arms)),
            "a holdout that is not from 0 to below 1": 0 <= self.holdout < 1,
            "an exploration that all arms cannot get": 0 <= k * self.exploration <= 1 - self.holdout + 1e-12,
            "shares that do not sum to 1, one each arm": not fixed or self._shared(),
            "shares for a policy that is not fixed": fixed or not self.shares,
            "not as many centers as scales": len(self.center) == len(self.scale),
            "not as many names as features": not self.features or len(self.features) == len(self.center),
            "costs that are not one each arm or level, from 0 on": not self.costs
            or (len(self.costs) == len(self.models) and all(0 <= cost < math.inf for cost in self.costs)),
            "factors of which the arms are not the combinations": not self.factors
            or self.arms == tuple(map("+".join, product(*self.factors))),
            "a scale, spread, ridge or gamma that is not above 0": all(
                0 < one < math.inf for one in positive
            ),
            "a center that is no number": all(map(math.isfinite, self.center)),
            "a prior that is not one of 1 + features for each model": not self.prior or self._expected(),
            "a prior's worth that is below 0, or of no prior": self.worth == 0
            or (bool(self.prior) and 0 < self.worth < math.inf),
            "a day that leaves nothing, or more than there was": 0 < self.keep <= 1,
        }
        return [found for found, fits in tests.items() if not fits]

    def _shared(self) -> bool:
        least = min(self.shares, default=-1)
        floor = least * (1 - self.holdout) >= self.exploration - 1e-12
        one_each = len(self.shares) == len(self.arms) and least >= 0
        return one_each and abs(sum(self.shares) - 1) < 1e-9 and floor

    def _expected(self) -> bool:
        each = [len(one) == 1 + len(self.center) and all(map(math.isfinite, one)) for one in self.prior]
        return len(each) == len(self.models) and all(each)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of what is learned about: arms, or the levels of factors, ``0.red`` and so on."""
        levels = tuple(f"{at}.{name}" for at, factor in enumerate(self.factors) for name in factor)
        return levels or self.arms

    @cached_property
    def parts(self) -> Ints:
        """The models that each arm is made of, by number; shape (k, f), f being 1 without factors."""
        ends = np.cumsum([0, *map(len, self.factors)])
        numbers = [range(ends[at], ends[at + 1]) for at in range(len(self.factors))]
        made = list(product(*numbers)) if numbers else [(at,) for at in range(len(self.arms))]
        return np.array(made, np.int64)

    @cached_property
    def arm_costs(self) -> Floats:
        """What showing each arm costs, shape (k,)."""
        each = np.array(self.costs or (0.0,) * len(self.models))
        return each[self.parts].sum(axis=1)

    def free(self, open_arms: int) -> float:
        """The probability that floors and holdout leave to choose with, where so many arms are open."""
        return 1 - self.holdout - open_arms * self.exploration


@dataclass(frozen=True, eq=False)
class State:
    """What a policy has learned: a Bayesian linear model of the reward for each of its m models.

    There is one for each of its k arms; of a policy of factors, one for each level. p is 1 + the number of
    features; the first coefficient is of the constant 1.

    Parameters
    ----------
    version : int
        By which the ledger counts; 0 before anything was learned.
    day : int
        The day, since 1970, up to which older days count less.
    count : array of int64, shape (m,)
        Rewards learned from.
    weight : array of float, shape (m,)
        The same, older days counting less.
    gram : array of float, shape (m, p, p)
        Sum of the outer products of features, so weighted, with those that the prior is worth.
    moment : array of float, shape (m, p)
        Sum of features times reward, so weighted, with those that the prior is worth.
    prior_precision : array of float, shape (m, p, p)
        In units of the reward's precision.
    prior_moment : array of float, shape (m, p)
        Prior precision times prior mean.
    covariance : array of float, shape (m, p, p)
        The inverse of prior precision + gram.
    mean : array of float, shape (m, p)
        Posterior mean of the coefficients.
    residual : float
        Sum of squares of what was not foreseen, so weighted.
    price : float
        What one unit of cost must bring, in rewards.
    spent : float
        What exposures within the time of the budget cost so far.
    since : float
        The approval from which on guardrails count, in seconds since 1970.
    shown : array of int64, shape (k,)
        Exposures that guardrails count.
    harms : array of int64, shape (g, k)
        Harms that they count.
    closed : array of bool, shape (k,)
        Arms switched off.
    """

    version: int
    day: int
    count: Ints
    weight: Floats
    gram: Floats
    moment: Floats
    prior_precision: Floats
    prior_moment: Floats
    covariance: Floats
    mean: Floats
    residual: float
    price: float
    spent: float
    since: float
    shown: Ints
    harms: Ints
    closed: Bools


def start(policy: Policy, day: int = 0) -> State:
    """What a policy knows before anything: every coefficient is about that of its prior.

    Parameters
    ----------
    policy : Policy
    day : int
        On which it starts, counted from 1970.

    Examples
    --------
    >>> start(Policy(Kind.THOMPSON, ("a", "b"), center=(40.0,), scale=(10.0,))).mean.shape
    (2, 2)
    """
    k, m, p = len(policy.arms), len(policy.models), 1 + len(policy.center)
    mean, one = np.array(policy.prior or np.zeros((m, p)), np.float64), np.tile(np.eye(p), (m, 1, 1))
    return State(
        version=0,
        day=day,
        count=np.zeros(m, np.int64),
        weight=np.zeros(m),
        gram=policy.worth * one,
        moment=policy.worth * mean,
        prior_precision=policy.ridge * one,
        prior_moment=policy.ridge * mean,
        covariance=one / (policy.ridge + policy.worth),
        mean=mean,
        residual=0.0,
        price=0.0,
        spent=0.0,
        since=0.0,
        shown=np.zeros(k, np.int64),
        harms=np.zeros((len(policy.guardrails), k), np.int64),
        closed=np.zeros(k, np.bool_),
    )


def design(policy: Policy, features: npt.NDArray[np.floating]) -> Floats:
    """Features as the models see them, after a constant 1.

    Parameters
    ----------
    policy : Policy
    features : array of float, shape (n, d)

    Returns
    -------
    array of float, shape (n, 1 + d)

    Raises
    ------
    InputError
        Not as many features as the policy has, or values that are missing.
    """
    rows, d = features.shape[0], len(policy.center)
    if features.ndim != 2 or features.shape[1] != d:
        raise InputError("a choice", f"features of shape {features.shape}", f"Give {d} for each person.")
    made = np.ones((rows, 1 + d))
    np.subtract(features, policy.center, out=made[:, 1:])
    made[:, 1:] /= policy.scale
    if not np.isfinite(made).all():
        raise InputError("a choice", "features that are missing or not finite", "Fill them first.")
    return made
