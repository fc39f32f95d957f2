"""A placement: a place where a client asks what to show to a person."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from suasion.allocation.terms import (
    BudgetTerms,
    Challenger,
    Combined,
    Event,
    Finite,
    HarmTerms,
    Level,
    Name,
    PolicyTerms,
    PriorTerms,
    ShownVariant,
    combinations,
)
from suasion.declarations import Declared, closest, read
from suasion.errors import CampaignError
from suasion.messages import Review
from suasion.rules import Channel, Purpose

LEAST_HOLDOUT = 0.02
MOST_VARIANTS = 100
MOST_WEIGHT = 1e6
_Levels = Annotated[dict[Name, Level], Field(min_length=2)]


class Placement(Declared):
    """A placement, as written in ``placements/NAME.toml``.

    `generic` is the variant that is shown without permission and to the holdout; it is no treatment.
    `features` are traits, numbers or yes and no. `outcome` is the event that is hoped for within
    `horizon_hours`. `exploration` is the least probability of every treatment. `review` is about the words in
    values of variants that name no message; `disclosure` is as in a campaign.

    `goals` are further events, by what one is worth beside the outcome, which is worth 1; below 0 for what is
    feared. `guardrails` are events that may not happen too often. `factors` take the place of variants but
    the generic one: treatments are then all combinations of one level of each; the policy learns of levels.
    `challenger` is another policy, on trial.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    label: str = Field(min_length=1)
    purpose: Purpose
    channel: Channel = Channel.WEB
    sponsor: str = Field(min_length=1)
    imprint: str | None = Field(default=None, min_length=1)
    generic: str
    segment: str | None = None
    features: tuple[str, ...] = ()
    outcome: str = Field(min_length=1)
    horizon_hours: float = Field(default=24, gt=0, le=24 * 90)
    holdout: float = Field(default=0.05, ge=LEAST_HOLDOUT, lt=1)
    exploration: float = Field(default=0.01, gt=0, lt=1)
    factors: Annotated[dict[Name, _Levels], Field(max_length=10)] = Field(default_factory=dict)
    variants: dict[Combined, ShownVariant] = Field(min_length=2, max_length=MOST_VARIANTS)
    policy: PolicyTerms = PolicyTerms()
    challenger: Challenger | None = None
    budget: BudgetTerms | None = None
    goals: dict[Event, Finite] = Field(default_factory=dict)
    guardrails: dict[Event, HarmTerms] = Field(default_factory=dict)
    review: Review | None = None
    written_by: str | None = Field(default=None, min_length=1)
    disclosure: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _with_combinations(cls, content: Any) -> Any:
        """Add the combinations of factors to the variants; what is malformed its own field tells."""
        try:
            factors, variants = content["factors"], content["variants"]
            if not factors:
                return content
            if len(factors) < 2 or variants.keys() != {content["generic"]}:
                raise ValueError("factors: give two at least, and no variant but the generic one")
            return {**content, "variants": {**variants, **combinations(factors, MOST_VARIANTS - 1)}}
        except (KeyError, TypeError, AttributeError):
            return content

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self._check_named("generic", self.generic)
        if len(set(self.features)) < len(self.features):
            raise ValueError("a name twice in features")
        if self.holdout + self.exploration * len(self.treatments) > 1:
            raise ValueError("holdout and the exploration of all treatments sum to more than 1")
        if not self.factors and (combined := [name for name in self.variants if "+" in name]):
            raise ValueError(f"variants: '{combined[0]}' is the name of a combination of factors")
        self._check_policy("policy", self.policy)
        if self.challenger is not None:
            self._check_policy("challenger", self.challenger)
        self._check_terms()
        return self

    def _check_named(self, asked: str, name: str) -> None:
        if name not in self.variants:
            raise ValueError(f"{asked}: no variant '{name}'. {closest(name, self.variants)}")

    def _check_policy(self, where: str, terms: PolicyTerms) -> None:
        for name in terms.shares:
            self._check_named(f"{where}.shares", name)
        if unknown := sorted(terms.scales.keys() - {*self.features}):
            raise ValueError(
                f"{where}.scales: no feature '{unknown[0]}'. {closest(unknown[0], self.features)}"
            )
        if terms.prior is not None:
            self._check_prior(f"{where}.prior", terms.kind, terms.prior)
        shares = terms.shares
        if not shares:
            return
        if terms.kind != "fixed":
            raise ValueError(f"{where}.shares are for the kind 'fixed'; what is learned has none")
        if shares.keys() != {*self.treatments} or abs(sum(shares.values()) - 1) > 1e-9:
            raise ValueError(f"{where}.shares: give one for each variant but the generic one; they sum to 1")
        if min(shares.values()) * (1 - self.holdout) < self.exploration - 1e-12:
            raise ValueError(f"{where}.shares: one is below the exploration, the least of every treatment")

    def _check_prior(self, where: str, kind: str, prior: PriorTerms) -> None:
        many = 1 + len(self.features)
        if kind == "fixed" or self.factors:
            raise ValueError(f"{where}: for what learns, and for variants that are no combinations")
        if any(len(one) != many for one in prior.means.values()):
            raise ValueError(f"{where}.means: give {many} for each variant: 1 + the number of features")

    def _check_terms(self) -> None:
        if self.variants[self.generic].cost:
            raise ValueError("the generic variant costs nothing: it is what remains when money is spent")
        if self.budget is not None and not any(one.cost for one in self.variants.values()):
            raise ValueError("budget: no variant has a cost")
        if self.outcome in self.goals:
            raise ValueError("goals: the outcome is one already, with the weight 1")
        if not all(0 < abs(weight) <= MOST_WEIGHT for weight in self.goals.values()):
            raise ValueError(f"goals: a weight that is 0, or beyond {MOST_WEIGHT:,.0f}")

    @property
    def weights(self) -> dict[str, float]:
        """The events that are rewards, with what one is worth; the outcome first."""
        return {self.outcome: 1.0, **self.goals}

    @property
    def events(self) -> frozenset[str]:
        """The events that are kept of persons exposed: rewards and harms."""
        return frozenset({*self.weights, *self.guardrails})

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of all variants, the generic one first."""
        return (self.generic, *self.treatments)

    @property
    def treatments(self) -> tuple[str, ...]:
        """The names of the variants that are treatments, in the order of the file."""
        return tuple(name for name in self.variants if name != self.generic)

    @property
    def challenging(self) -> Placement | None:
        """The same placement, as if the challenger were its policy; None without one."""
        if self.challenger is None:
            return None
        return self.model_copy(update={"policy": self.challenger.terms, "challenger": None})

    @property
    def record(self) -> str:
        """The name in the log, of approvals and of assignments."""
        return f"placement:{self.name}"

    @property
    def digest(self) -> str:
        """Digest of the declaration: a changed placement is another one, and waits for its approval."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def placement_from(path: Path) -> Placement:
    """Read a placement.

    Parameters
    ----------
    path : Path
        ``placements/NAME.toml``; the file's stem is its name.

    Returns
    -------
    Placement

    Raises
    ------
    CampaignError
        Absent, malformed, or contradicting itself.
    """
    return read(path, Placement, CampaignError, name=path.stem)
