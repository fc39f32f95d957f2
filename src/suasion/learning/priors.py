"""What a policy starts from: batch scores of persons; and what a changed policy keeps of an old one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.errors import InputError
from suasion.learning.learn import solved

Floats = npt.NDArray[np.float64]


def given(
    policy: policies.Policy, state: policies.State, means: Floats, precisions: Floats
) -> policies.State:
    """The state with this prior in place of its own.

    Parameters
    ----------
    policy : Policy
    state : State
    means : array of float, shape (k, p)
        Of the coefficients of each arm; the first is of the constant.
    precisions : array of float, shape (k, p, p)
        In units of the reward's precision: as if learned from so many rewards. Positive definite.

    Returns
    -------
    State

    Raises
    ------
    InputError
        Other shapes, or a precision that is not positive definite.
    """
    if means.shape != state.mean.shape or precisions.shape != state.gram.shape:
        found = f"means of shape {means.shape} and precisions of shape {precisions.shape}"
        raise InputError(f"a prior for {len(policy.arms)} arms", found, "Give one model for each arm.")
    precision = (precisions + precisions.transpose(0, 2, 1)) / 2
    moment = np.einsum("aij,aj->ai", precision, means)
    return solved(replace(state, prior_precision=precision, prior_moment=moment))


def from_scores(
    policy: policies.Policy, features: npt.NDArray[np.floating], scores: Floats, worth: float
) -> policies.State:
    """Start from batch scores: what each person was expected to bring under each arm.

    The prior is the regression of the scores on the features, with the policy's ridge, and weighs as much as
    rewards of `worth` such persons an arm. How far scores are off no prior knows: a small `worth` unlearns
    them quickly.

    Parameters
    ----------
    policy : Policy
    features : array of float, shape (n, d)
    scores : array of float, shape (n, k)
        In units of the reward.
    worth : float
        Rewards for each arm, above 0.

    Returns
    -------
    State

    Raises
    ------
    InputError
        Scores that are not one for each person and arm, or not finite; a worth not above 0.

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy
    >>> policy = Policy(Kind.THOMPSON, ("a", "b"), ridge=1.0)
    >>> from_scores(policy, np.zeros((3, 0)), np.tile([0.1, 0.2], (3, 1)), worth=99).mean.round(3).tolist()
    [[0.099], [0.198]]
    """
    rows, begun = policies.design(policy, features), policies.start(policy)
    if scores.shape != (len(rows), len(policy.arms)) or not np.isfinite(scores).all() or not len(rows):
        raise InputError(
            "a prior from scores", f"scores of shape {scores.shape}", "Give one a person and arm."
        )
    if not 0 < worth < np.inf:
        raise InputError("a prior from scores", f"a worth of {worth}", "Give a number above 0.")
    share = worth / len(rows)
    precision = begun.prior_precision + share * np.einsum("ni,nj->ij", rows, rows)
    return solved(
        replace(begun, prior_precision=precision, prior_moment=share * np.einsum("nk,ni->ki", scores, rows))
    )


def carried(old: policies.Policy, state: policies.State, new: policies.Policy) -> policies.State:
    """What a policy whose arms changed keeps: arms, or levels, of the same name know what they knew.

    A new one starts from the mean of those that stay, with the ridge's precision: it is taken for one of
    their kind until it shows otherwise. Counts of guardrails stay only where the guardrails do.

    Parameters
    ----------
    old : Policy
    state : State
        Of the old one.
    new : Policy
        With the same features, measured alike, and as many factors.

    Returns
    -------
    State

    Raises
    ------
    InputError
        Features or factors differ.
    """
    if (old.center, old.scale, len(old.factors)) != (new.center, new.scale, len(new.factors)):
        found, todo = "other features or factors", "Start it anew, or from batch scores."
        raise InputError("keeping what a policy learned", found, todo)
    to, of = _staying(old.models, new.models)
    whole = ("residual", "price", "spent", "since")
    begun = replace(policies.start(new), day=state.day, **{name: getattr(state, name) for name in whole})
    kind = state.mean[of].mean(axis=0) if of else np.zeros(state.mean.shape[1])
    begun.prior_moment[:] = new.ridge * kind
    for name in ("count", "weight", "gram", "moment", "prior_precision", "prior_moment"):
        getattr(begun, name)[to] = getattr(state, name)[of]
    names = [[one.name for one in policy.guardrails] for policy in (old, new)]
    if names[0] == names[1]:
        to, of = _staying(old.arms, new.arms)
        begun.shown[to], begun.closed[to] = state.shown[of], state.closed[of]
        begun.harms[:, to] = state.harms[:, of]
    return solved(begun)


def _staying(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Places in the new and in the old of what is in both."""
    stay = [(new.index(name), at) for at, name in enumerate(old) if name in new]
    return [pair[0] for pair in stay], [pair[1] for pair in stay]
