"""Money that placements share: what is declared, and what each has of it now, as the log says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from suasion.allocation import placement as declared
from suasion.declarations import Declared, read
from suasion.errors import CampaignError, SuasionError
from suasion.ledger import Ledger, log

FOLDER = "budgets"
MOVED = "moved"
"""Kind of a row of the log: how what was left was divided."""
_HOUR = 3600.0


class Part(Declared):
    """A placement that has a part of the money; `least` is the share that it always gets."""

    least: float = Field(default=0.1, gt=0, lt=1)


class SharedBudget(Declared):
    """Money that placements share, as written in ``budgets/NAME.toml``.

    It is divided evenly at first, and anew every so many hours, by what each placement brings for it. It runs
    from `begins` to `ends`: whole days of UTC, both included.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    label: str = Field(min_length=1)
    terms: declared.BudgetTerms
    every_hours: float = Field(default=24, ge=1, le=24 * 31)
    parts: dict[str, Part] = Field(min_length=2)

    @model_validator(mode="before")
    @classmethod
    def _with_terms(cls, content: Any) -> Any:
        """Amount and days stand beside the rest in the file."""
        if not isinstance(content, dict) or "terms" in content:
            return content
        names = declared.BudgetTerms.model_fields
        terms = {key: value for key, value in content.items() if key in names}
        return {**{key: value for key, value in content.items() if key not in names}, "terms": terms}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(self.least.values()) > 1:
            raise ValueError("parts: the least shares sum to more than 1")
        return self

    @property
    def record(self) -> str:
        """The name in the log."""
        return f"budget:{self.name}"

    @property
    def least(self) -> dict[str, float]:
        """The least share of each part."""
        return {name: part.least for name, part in self.parts.items()}

    @property
    def evenly(self) -> dict[str, float]:
        """How it is divided before anything is known; nobody gets less than the least."""
        floor, n = sum(self.least.values()), len(self.parts)
        return {name: least + (1 - floor) / n for name, least in self.least.items()}

    @property
    def divides(self) -> dict[str, Any]:
        """What a division is of: what was divided by other terms says nothing of these."""
        return {**self.terms.model_dump(mode="json"), "every_hours": self.every_hours}

    def number(self, at: float) -> int:
        """How often it was time to divide it anew; 0 in the first hours."""
        return int((min(at, self.terms.until) - self.terms.since) // (self.every_hours * _HOUR))

    def moment(self, number: int) -> float:
        """When it is time for the division of a number, seconds since 1970."""
        return self.terms.since + number * self.every_hours * _HOUR


class Funds(declared.BudgetTerms):
    """What a placement may spend of shared money, from the moment when it was divided."""

    from_moment: float

    @property
    def since(self) -> float:
        """Its first moment, seconds since 1970."""
        return self.from_moment


@dataclass(frozen=True)
class Divided:
    """How the money stands.

    Parameters
    ----------
    number : int
        Of the division.
    left : float
        What there was to divide.
    shares : dict of str to float
    """

    number: int
    left: float
    shares: dict[str, float]


def shared_budgets(folder: Path) -> dict[str, SharedBudget]:
    """All money that placements share, by name.

    Raises
    ------
    CampaignError
        A file is malformed, or a placement is in two of them, or has money of its own as well.
    """
    paths = sorted((folder / FOLDER).glob("*.toml"))
    found = {path.stem: read(path, SharedBudget, CampaignError, name=path.stem) for path in paths}
    owners = dict[str, str]()
    for name, budget in found.items():
        for part in budget.parts:
            asked = f"budgets/{name}.toml: parts.{part}"
            if part in owners:
                todo = "Leave it in one of them."
                raise CampaignError(asked, f"the placement is in budgets/{owners[part]}.toml, too", todo)
            owners[part] = name
    return found


def check_parts(budget: SharedBudget, placements: Mapping[str, declared.Placement]) -> None:
    """See that every part is a placement that spends, and has no money of its own.

    Raises
    ------
    CampaignError
        One is not.
    """
    for name in budget.parts:
        asked, placement = f"budgets/{budget.name}.toml: parts.{name}", placements.get(name)
        if placement is None:
            raise CampaignError(
                asked, "no such placement, or its file is wrong", "See `suasion placement list`."
            )
        if placement.budget is not None and not isinstance(placement.budget, Funds):
            raise CampaignError(asked, "the placement has a [budget] of its own", "Leave out one of the two.")
        if not any(variant.cost for variant in placement.variants.values()):
            raise CampaignError(asked, "no variant of the placement has a cost", "Say what each costs.")


def divided(ledger: Ledger, budget: SharedBudget) -> Divided:
    """How the money was divided last, by the terms and among the parts that it has now."""
    with ledger.reading() as connection:
        row = log.newest(connection, MOVED, budget.record)
    said = {} if row is None else row.content
    if said.get("of") != budget.divides or said["after"].keys() != budget.parts.keys():
        return Divided(0, budget.terms.amount, budget.evenly)
    return Divided(said["number"], said["left"], said["after"])


def funded(folder: Path, ledger: Ledger, placement: declared.Placement) -> declared.Placement:
    """A placement with its part of shared money as its budget, where it has one.

    What it may spend counts from the moment when the money was divided last. Who approves a placement does
    not approve this: money is no part of what is said.

    Raises
    ------
    CampaignError
        The shared budget is malformed, or does not fit the placement.
    """
    spends = any(variant.cost for variant in placement.variants.values())
    if not (folder / FOLDER).is_dir() or not spends:
        return placement
    for budget in shared_budgets(folder).values():
        if placement.name in budget.parts:
            check_parts(budget, {**dict.fromkeys(budget.parts, placement), placement.name: placement})
            return placement.model_copy(
                update={"budget": _funds(budget, divided(ledger, budget), placement.name)}
            )
    return placement


def all_funded(
    folder: Path, ledger: Ledger, placements: Mapping[str, declared.Placement]
) -> dict[str, declared.Placement]:
    """All of them as `funded`; those whose shared money is declared wrongly are left out, as others are."""
    made = dict[str, declared.Placement]()
    for name, placement in placements.items():
        try:
            made[name] = funded(folder, ledger, placement)
        except SuasionError:
            continue
    return made


def _funds(budget: SharedBudget, stands: Divided, name: str) -> Funds:
    begun = budget.moment(stands.number)
    return Funds(
        amount=max(stands.left * stands.shares[name], 1e-9),
        begins=datetime.fromtimestamp(begun, UTC).date(),
        ends=budget.terms.ends,
        from_moment=begun,
    )
