"""What a policy learned as bytes, the same on every machine, and as versions in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from suasion.allocation import policies
from suasion.errors import BusyError, DamageError, InputError
from suasion.learning.priors import alike, carried
from suasion.ledger import Ledger, draws

_MAGIC = b"suasion policy 3\n"
_NUMBERS = ("residual", "price", "spent", "since")
_SCALARS = ("day", *_NUMBERS)
_ARRAYS = tuple(one.name for one in fields(policies.State) if one.name not in (*_SCALARS, "version"))
_KINDS = {"count": "<i8", "shown": "<i8", "harms": "<i8", "closed": "|b1"}


TRIES = 20
"""So often another process may be first."""


class Learned(NamedTuple):
    """A state, and up to where it was learned.

    Parameters
    ----------
    state : State
    until : int
    said : tuple of (str, dict)
        What the public log is to say of it, each with its kind.
    """

    state: policies.State
    until: int
    said: tuple[tuple[str, Mapping[str, Any]], ...] = ()


def to_bytes(policy: policies.Policy, state: policies.State) -> bytes:
    """The state as bytes: the same state always gives the same, whatever its version.

    A line that names the format, one of JSON (arms, features, guardrails, and some numbers, floats in
    hexadecimal digits), then the arrays in the order of `State`, little-endian.

    Parameters
    ----------
    policy : Policy
    state : State

    Returns
    -------
    bytes

    Examples
    --------
    >>> from suasion.allocation.policies import Kind, Policy, start
    >>> policy = Policy(Kind.THOMPSON, ("a", "b"))
    >>> from_bytes(policy, to_bytes(policy, start(policy))).count.tolist()
    [0, 0]
    """
    numbers = {name: float(getattr(state, name)).hex() for name in _NUMBERS}
    head = json.dumps({**_shape(policy), **numbers, "day": state.day}, sort_keys=True, separators=(",", ":"))
    parts = [_MAGIC, head.encode(), b"\n"]
    for name in _ARRAYS:
        parts.append(np.ascontiguousarray(getattr(state, name), _KINDS.get(name, "<f8")).tobytes())
    return b"".join(parts)


def from_bytes(policy: policies.Policy, made: bytes, version: int = 0) -> policies.State:
    """The state that `to_bytes` made bytes of.

    Where the policy's arms, levels or guardrails have changed since, arms of the same name know what they
    knew (`carried`). Where its features have, or what they are measured by, or its prior, nothing can be
    kept: it starts anew.

    Parameters
    ----------
    policy : Policy
    made : bytes
    version : int
        By which the ledger counts it.

    Returns
    -------
    State

    Raises
    ------
    DamageError
        No state.
    """
    head, told = _told(made)
    try:
        center, scale = (tuple(map(float.fromhex, told[name])) for name in ("center", "scale"))
        guards = tuple(policies.Guardrail(name, 0.5) for name in told["guardrails"])
        arms, features = (tuple(map(str, told[name])) for name in ("arms", "features"))
        prior = tuple(tuple(map(float.fromhex, one[1:])) for one in told["prior"])
        old = policies.Policy(
            policies.Kind.THOMPSON,
            arms,
            center=center,
            scale=scale,
            features=features,
            guardrails=guards,
            factors=tuple(tuple(map(str, levels)) for levels in told["factors"]),
            prior=prior,
            worth=float.fromhex(told["worth"]),
        )
        numbers = {"day": int(told["day"]), **{n: float.fromhex(told[n]) for n in _NUMBERS}}
    except (KeyError, ValueError, TypeError, InputError) as error:
        raise _damaged("bytes that are no state") from error
    state = replace(_filled(old, made[head:]), version=version, **numbers)
    before, now = _shape(old), _shape(policy)
    if before == now:
        return state
    if alike(old, policy):
        return replace(carried(old, state, policy), version=version)
    return replace(policies.start(policy, state.day), version=version)


def _told(made: bytes) -> tuple[int, dict[str, Any]]:
    """Where the arrays begin, and what the line of JSON says."""
    end = made.find(b"\n", len(_MAGIC))
    try:
        told = json.loads(made[len(_MAGIC) : end]) if made.startswith(_MAGIC) and end > 0 else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise _damaged("bytes that are no state")
    return end + 1, told


def _filled(policy: policies.Policy, body: bytes) -> policies.State:
    """A state whose arrays are these bytes."""
    begun, at = policies.start(policy), 0
    arrays = dict[str, npt.NDArray[Any]]()
    for name in _ARRAYS:
        like = getattr(begun, name)
        part = body[at : at + like.nbytes]
        if len(part) != like.nbytes:
            raise _damaged("bytes that end too soon")
        arrays[name] = np.frombuffer(part, _KINDS.get(name, "<f8")).reshape(like.shape).astype(like.dtype)
        at += like.nbytes
    if at != len(body):
        raise _damaged("bytes beyond the end")
    return replace(begun, **arrays)


def newest(ledger: Ledger, placement: str, policy: policies.Policy) -> policies.State:
    """What a placement's policy knows, with its version; where nothing was learned, what it starts from.

    Raises
    ------
    DamageError
        See `from_bytes`.
    """
    found = draws.policies.newest(ledger, placement)
    return policies.start(policy) if found is None else from_bytes(policy, found.state or b"", found.version)


def advance(
    ledger: Ledger,
    placement: str,
    policy: policies.Policy,
    begun: policies.State,
    more: Callable[[policies.State, int], Learned | None],
    at: datetime,
) -> policies.State:
    """Learn what there is to learn since the newest version, and write the next.

    Several processes may do so at once: of two that learned from the same version one writes, and the other
    learns again from what that one wrote, so that nothing is learned twice, and a process that is killed
    leaves the version it began with.

    Parameters
    ----------
    ledger : Ledger
    placement : str
    policy : Policy
    begun : State
        What it starts from where no version is.
    more : callable
        Given a state and up to where it was learned (-1 for `begun`): the state after all that is there to
        learn by now, and up to where that is; None where nothing is. Pure, but for reading.
    at : datetime

    Returns
    -------
    State
        The newest, with its version.

    Raises
    ------
    BusyError
        Other processes were first, again and again.
    """
    for _ in range(TRIES):
        found = draws.policies.newest(ledger, placement)
        version, until = (found.version, found.learned_until) if found else (0, -1)
        state = from_bytes(policy, found.state or b"", version) if found else begun
        learned = more(state, until)
        if learned is None:
            return state
        said = tuple((kind, f"placement:{placement}", body) for kind, body in learned.said)
        packed = to_bytes(policy, learned.state)
        made = draws.policies.append(ledger, placement, version, packed, learned.until, at, said)
        if made is not None:
            return replace(learned.state, version=made.version)
    found, todo = "other processes that learn at the same time", "Let one process learn."
    raise BusyError(f"learning at placement '{placement}'", found, todo)


def _shape(policy: policies.Policy) -> dict[str, Any]:
    """What a state's arrays are of."""
    return {
        "arms": list(policy.arms),
        "center": [float(one).hex() for one in policy.center],
        "features": list(policy.features),
        "scale": [float(one).hex() for one in policy.scale],
        "guardrails": [guardrail.name for guardrail in policy.guardrails],
        "factors": [list(levels) for levels in policy.factors],
        "prior": [
            [name, *(float(one).hex() for one in means)]
            for name, means in zip(policy.models, policy.prior, strict=False)
        ],
        "worth": float(policy.worth).hex(),
    }


def _damaged(found: str) -> DamageError:
    return DamageError("the state of a policy", found, "Replay it from the events, or restore the ledger.")
