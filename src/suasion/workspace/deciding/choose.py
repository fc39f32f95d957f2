"""From a placement's policy, and what it has learned, to chances for one person at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numba
import numpy as np
import numpy.typing as npt

from suasion.allocation import placement as declared
from suasion.allocation import policies
from suasion.learning import pacing

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SPREAD = 0.5
"""A first guess of the standard deviation of a reward that is 0 or 1."""


def policy_of(placement: declared.Placement) -> policies.Policy:
    """The policy of a placement: its arms are the treatments, and nobody of them is the generic variant.

    Parameters
    ----------
    placement : Placement

    Returns
    -------
    policies.Policy

    Raises
    ------
    InputError
        What is declared does not fit together.
    """
    arms, terms = placement.treatments, placement.policy
    shares = [terms.shares.get(arm, 1 / len(arms)) for arm in arms] if terms.kind == "fixed" else []
    scales = [terms.scales.get(feature, (0.0, 1.0)) for feature in placement.features]
    of_arms = [placement.variants[arm].cost for arm in arms]
    of_levels = [level.cost for levels in placement.factors.values() for level in levels.values()]
    money, spread, prior = placement.budget, math.hypot(*placement.weights.values()), terms.prior
    return policies.Policy(
        kind=policies.Kind(terms.kind),
        arms=arms,
        factors=tuple(map(tuple, placement.factors.values())),
        exploration=placement.exploration,
        holdout=placement.holdout,
        shares=tuple(shares),
        center=tuple(center for center, _ in scales),
        scale=tuple(scale for _, scale in scales),
        features=placement.features,
        costs=tuple(of_levels or of_arms) if any(of_arms) else (),
        budget=None if money is None else policies.Budget(money.amount, money.since, money.until),
        spread=SPREAD * spread,
        keep=terms.keep,
        prior=() if prior is None else _means(prior, arms),
        worth=0.0 if prior is None else prior.worth,
        guardrails=tuple(
            policies.Guardrail(event, harm.limit, harm.confidence)
            for event, harm in placement.guardrails.items()
        ),
    )


def _means(prior: declared.PriorTerms, arms: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """What is expected of each arm; of one that the prior does not know, the mean of those it knows."""
    usual = tuple(fmean(column) for column in zip(*prior.means.values(), strict=True))
    return tuple(prior.means.get(arm, usual) for arm in arms)


@dataclass(frozen=True)
class Chooser:
    """A policy and its state, laid out for one person at a time.

    Parameters
    ----------
    policy : policies.Policy
    state : policies.State
    center, scale : array of float, shape (d,)
    burden : array of float, shape (m,)
        Of models.
    shares : array of float, shape (k,)
        Of a fixed policy; else without meaning.
    sharp : float
    all_open : array of bool, shape (k,)
        Arms that no guardrail switched off, and that what is left of the budget pays for.
    """

    policy: policies.Policy
    state: policies.State
    center: Floats
    scale: Floats
    burden: Floats
    shares: Floats
    sharp: float
    all_open: Bools

    @staticmethod
    def of(policy: policies.Policy, state: policies.State) -> Chooser:
        """Lay it out."""
        scaled = np.array(policy.center, np.float64), np.array(policy.scale, np.float64)
        shares = np.array(policy.shares or (0.0,) * len(policy.arms))
        terms = policies.burden(policy, state), shares, policies.sharpness(policy, state)
        left = math.inf if policy.budget is None else policy.budget.amount - state.spent
        return Chooser(policy, state, *scaled, *terms, ~state.closed & pacing.affordable(policy, left))

    def runs(self, at: float) -> bool:
        """Whether a time, in seconds since 1970, is within that of the budget."""
        budget = self.policy.budget
        return budget is None or budget.since <= at < budget.until

    def draw(
        self, features: npt.NDArray[np.float32], is_open: Bools, luck: float, *, treated: bool = False
    ) -> tuple[int, float]:
        """The variant for one person, and its probability, as `policies.probabilities` gives it.

        Parameters
        ----------
        features : array of float32, shape (d,)
        is_open : array of bool, shape (k,)
        luck : float
            The person's number in [0, 1).
        treated : bool
            Whether it is certain to be a treatment, for another was drawn before.

        Returns
        -------
        int
            Number of the treatment; -1 for the generic variant, certainly where no treatment is open.
        float
        """
        kind, state = self.policy.kind, self.state
        arm, chance = _drawn(
            kind is policies.Kind.FIXED,
            kind is policies.Kind.THOMPSON,
            features,
            (
                self.center,
                self.scale,
                state.mean,
                state.covariance,
                self.burden,
                self.shares,
                self.policy.parts,
            ),
            is_open,
            (self.sharp, self.policy.exploration, self.policy.holdout),
            luck,
            treated,
        )
        return arm, chance

    def chance(
        self, features: npt.NDArray[np.float32], is_open: Bools, arm: int, *, treated: bool = False
    ) -> float:
        """The probability that `draw` gives this arm, -1 for the generic variant."""
        made = policies.probabilities(self.policy, self.state, features[None], is_open[None])[0]
        total = float(made.sum())
        if total <= 0:
            return float(arm < 0)
        whole = total if treated else 1.0
        return float(made[arm]) / whole if arm >= 0 else 1.0 - total / whole


@numba.njit(cache=True, nogil=True)
def _drawn(fixed, thompson, features, learned, is_open, terms, luck, treated):  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]
    """One draw, without anything of Python's between the steps: they cost more than the sums."""
    center, scale, mean, covariance, burden, shares, parts = learned
    sharp, exploration, holdout = terms
    k, p = len(parts), mean.shape[1]
    made = np.zeros(k)
    total = 0.0
    if fixed:
        for a in range(k):
            if is_open[a]:
                total += shares[a]
        for a in range(k):
            if is_open[a] and total > 0:
                made[a] = shares[a] * (1.0 - holdout) / total
    else:
        row = np.ones(p)
        for j in range(p - 1):
            row[1 + j] = (features[j] - center[j]) / scale[j]
        room, arms = np.empty((5, max(k, p))), np.empty(k, np.int64)
        known = mean, covariance, burden, sharp, (exploration, holdout)
        policies.one_row(thompson, row, is_open, parts, *known, room, arms, made)
    total = 0.0
    for a in range(k):
        total += made[a]
    if total <= 0.0:
        return -1, 1.0
    if treated:
        for a in range(k):
            made[a] /= total
    arm = policies.draw_one(made, luck)
    return arm, made[arm] if arm >= 0 else 1.0 - total
