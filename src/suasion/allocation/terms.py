"""What a placement may say of its variants, its policy, its money and what must not happen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, StringConstraints, model_validator

from suasion.declarations import Declared

_NAME = r"[a-z][a-z0-9_]{0,63}"
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
Combined = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(\+{_NAME})*$")]
Event = Annotated[str, StringConstraints(min_length=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MOST_WORTH = 1e6
"""Rewards that a prior may weigh."""
Cost = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False, strict=True)]


class ShownVariant(Declared):
    """What a client shows: any `value` of TOML but dates, as it is; `message` names words under review.

    `cost` is of the first exposure of a person, in the money of the workspace.
    """

    value: JsonValue
    message: str | None = None
    variant: str | None = None
    cost: Cost = 0.0

    @property
    def words(self) -> str:
        """All texts in the value; of a value without any, the value as JSON."""
        return "\n".join(_texts(self.value)) or json.dumps(self.value)


class Level(Declared):
    """One way of one factor, such as a headline: a part of the value, and of the cost."""

    value: dict[str, JsonValue] = Field(min_length=1)
    cost: Cost = 0.0


class PriorTerms(Declared):
    """What is expected of treatments before any was shown, such as `suasion placement prior` makes of scores.

    `means` are of treatments: the reward of a person whose features are all at their centers, then what one
    unit of each feature adds; a treatment without any is taken for the mean of them. It weighs as much as
    `worth` rewards of each treatment, and fades as rewards do.
    """

    worth: Annotated[Finite, Field(gt=0, le=MOST_WORTH)]
    means: Annotated[dict[Name, tuple[Annotated[float, Field(ge=-1e6, le=1e6)], ...]], Field(min_length=1)]


class PolicyTerms(Declared):
    """How variants are chosen: by `shares` that stay as they are, or by what is learned.

    `shares` are of the treatments among each other; alike where they are left out. `scales` says of features
    from which center and in which unit they are measured, ``age = [45, 15]``; from 0 in units of 1 otherwise.
    `keep` is what a day leaves of what was learned before it: below 1 where the world drifts. `prior` is from
    what learning begins.
    """

    kind: Literal["fixed", "thompson", "squarecb"] = "fixed"
    shares: dict[str, Share] = Field(default_factory=dict)
    scales: dict[str, tuple[Finite, Annotated[Finite, Field(gt=0)]]] = Field(default_factory=dict)
    keep: Share = 1.0
    prior: PriorTerms | None = None


class Challenger(PolicyTerms):
    """Another policy, on trial: once its estimate was shown and approved, it decides for a `share`.

    `margin` is how much less a decision it may bring than the champion, which is the placement's policy; 0.05
    at most: the outcome is worth 1, so that with a wide margin anything at all might go live and stay.
    """

    share: Annotated[float, Field(gt=0, le=0.5)] = 0.2
    margin: Annotated[Finite, Field(ge=0, le=0.05)] = 0.0

    @property
    def terms(self) -> PolicyTerms:
        """The policy alone."""
        return PolicyTerms(**{name: getattr(self, name) for name in PolicyTerms.model_fields})


class BudgetTerms(Declared):
    """What may be spent on exposures from `begins` to `ends`: whole days of UTC, both included."""

    amount: float = Field(ge=0.01, le=1e15, allow_inf_nan=False, strict=True)
    begins: date = Field(ge=date(2000, 1, 1))
    ends: date = Field(lt=date(2200, 1, 1))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends < self.begins:
            raise ValueError("a budget that ends before it begins")
        return self

    @property
    def since(self) -> float:
        """Its first moment, seconds since 1970."""
        return _midnight(self.begins)

    @property
    def until(self) -> float:
        """The moment after its last, seconds since 1970."""
        return _midnight(self.ends + timedelta(days=1))


class HarmTerms(Declared):
    """How often an event may happen to persons shown a variant, within the horizon.

    A variant is switched off when its rate is above the `limit` with the probability `confidence`.
    """

    limit: float = Field(gt=0, lt=1)
    confidence: float = Field(default=0.99, ge=0.5, lt=1)


def combinations(factors: Mapping[str, Mapping[str, Any]], most: int) -> dict[str, dict[str, Any]]:
    """All combinations of one level of each factor, as variants: values merged, costs added.

    Parameters
    ----------
    factors : mapping of str to mapping
        Levels by name, as they are written.
    most : int
        Combinations.

    Returns
    -------
    dict of str to dict
        By names such as ``short+red``; the last factor varies fastest.

    Raises
    ------
    ValueError
        There are more, or two factors set the same key.

    Examples
    --------
    >>> one, other = {"a": {"value": {"title": "A"}}}, {"x": {"value": {"url": "/x"}}}
    >>> combinations({"headline": one, "image": other}, 99)
    {'a+x': {'value': {'title': 'A', 'url': '/x'}, 'cost': 0}}
    """
    if (count := prod(map(len, factors.values()))) > most:
        raise ValueError(f"factors: {count} combinations; {most} at most")
    made = dict[str, dict[str, Any]]()
    for chosen in product(*(levels.items() for levels in factors.values())):
        value = dict[str, Any]()
        for name, level in chosen:
            if twice := sorted(value.keys() & level["value"].keys()):
                raise ValueError(f"factors: '{name}' sets '{twice[0]}', which another factor sets, too")
            value |= level["value"]
        cost = sum(level.get("cost", 0) for _, level in chosen)
        made["+".join(name for name, _ in chosen)] = {"value": value, "cost": cost}
    return made


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
