"""What a policy starts from: batch scores of persons; and what a changed policy keeps of an old one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.errors import InputError
from suasion.learning.learn import solved

Floats = npt.NDArray[np.float64]


def from_scores(policy: policies.Policy, features: npt.NDArray[np.floating], scores: Floats) -> Floats:
    """The prior that batch scores make: what each person was expected to bring under each arm.

    It is the regression of the scores on the features, with the policy's ridge. How far scores are off no
    prior knows: a small `worth` unlearns them quickly.

    Parameters
    ----------
    policy : Policy
        Without factors.
    features : array of float, shape (n, d)
    scores : array of float, shape (n, k)
        In units of the reward.

    Returns
    -------
    array of float, shape (k, 1 + d)
        Coefficients of each arm, as a policy's `prior` has them.

    Raises
    ------
    InputError
        Scores that are not one for each person and arm, or not finite.

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy
    >>> policy = Policy(Kind.THOMPSON, ("a", "b"), ridge=1.0)
    >>> from_scores(policy, np.zeros((99, 0)), np.tile([0.1, 0.2], (99, 1))).round(3).tolist()
    [[0.099], [0.198]]
    """
    rows = policies.design(policy, features)
    if scores.shape != (len(rows), len(policy.arms)) or not np.isfinite(scores).all() or not len(rows):
        raise InputError(
            "a prior from scores", f"scores of shape {scores.shape}", "Give one a person and arm."
        )
    precision = np.eye(rows.shape[1]) * policy.ridge + rows.T @ rows
    return np.asarray(np.linalg.solve(precision, rows.T @ scores).T, np.float64)


def alike(old: policies.Policy, new: policies.Policy) -> bool:
    """Whether one can go on with what the other learned: the same features, measured alike; the same prior.

    Parameters
    ----------
    old, new : Policy

    Returns
    -------
    bool
    """
    priors = [dict(zip(one.models, one.prior, strict=False)) for one in (old, new)]
    same = all(priors[1].get(name) == means for name, means in priors[0].items() if name in new.models)
    return same and _measured(old) == _measured(new)


def _measured(policy: policies.Policy) -> tuple[object, ...]:
    measured = policy.features, policy.center, policy.scale
    return *measured, len(policy.factors), policy.worth, bool(policy.prior)


def carried(old: policies.Policy, state: policies.State, new: policies.Policy) -> policies.State:
    """What a policy whose arms changed keeps: arms, or levels, of the same name know what they knew.

    A new one starts from its prior; without one from the mean of those that stay, with the ridge's precision:
    it is taken for one of their kind until it shows otherwise. Counts of guardrails stay only where the
    guardrails do.

    Parameters
    ----------
    old : Policy
    state : State
        Of the old one.
    new : Policy
        It is `alike`.

    Returns
    -------
    State

    Raises
    ------
    InputError
        It is not.
    """
    if not alike(old, new):
        found, todo = "other features or factors, or another prior", "Start it anew."
        raise InputError("keeping what a policy learned", found, todo)
    to, of = _staying(old.models, new.models)
    whole = ("residual", "price", "spent", "since")
    begun = replace(policies.start(new), day=state.day, **{name: getattr(state, name) for name in whole})
    kind = state.mean[of].mean(axis=0) if of else np.zeros(state.mean.shape[1])
    if not new.prior:
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
