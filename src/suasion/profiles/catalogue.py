"""The traits a workspace knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from suasion.declarations import Declared, closest, read
from suasion.errors import WorkspaceError
from suasion.expressions import Type
from suasion.rules import PERSON_FACTS, Category

_PROVEN = {"basis", "purpose_permitted", "hour", "contacts_today"} | {
    name for name in PERSON_FACTS if name.startswith("consent")
}
"""Facts that are known otherwise: from declarations, from evidence, or by the clock."""

FACT_TYPES = {"place": (Type.TEXT,)} | {
    name: (kind, Type.DATE) if name.endswith("_days") else (kind,)
    for name, kind in PERSON_FACTS.items()
    if name not in _PROVEN
}
"""What a trait may tell the rules, and as what."""


_OF: dict[str, Type] = {"count": Type.INTEGER, "days_since": Type.INTEGER, "sum": Type.NUMBER}
"""Of what type a trait is that is computed so; the first and the last value are of any."""


class Computed(Declared):
    """How a trait is computed from what persons did.

    `of` the events named `event`, of the last `days` days or of all: ``count`` them, ``sum`` a property, take
    its ``first`` or ``last`` value, or count the ``days_since`` the last one. Days are those of UTC, and
    today is the last of them. A property in an object is named with a dot, as ``address.city``.
    """

    event: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    of: Literal["count", "sum", "last", "first", "days_since"]
    property: Annotated[str, StringConstraints(min_length=1)] | None = None
    days: int | None = Field(default=None, ge=1, le=36_500)

    @model_validator(mode="after")
    def _has_what_it_takes(self) -> Self:
        if (self.property is None) is (self.of in ("sum", "last", "first")):
            raise ValueError("give `property` with sum, last and first, and only there")
        return self


class Trait(Declared):
    """What is known of a kind of attribute.

    `category` decides whether rules let it select people. `fact` says that the rules may read it as this
    fact about the person: ``place``, as text, or one of `PERSON_FACTS`, of its type; one that counts days may
    be a date, from which they are counted. A trait whose `provenance` is ``inferred`` comes from no source:
    it is a score that `suasion infer` stores, always a number and never a fact. One with `computed` comes
    from events, and is no fact either.
    """

    type: Type
    category: Category
    label: str = Field(min_length=1)
    fact: str | None = None
    provenance: Literal["observed", "inferred", "computed"] = "observed"
    computed: Computed | None = None

    @model_validator(mode="before")
    @classmethod
    def _says_that_it_is_computed(cls, told: Any) -> Any:
        if isinstance(told, dict) and "computed" in told:
            return {"provenance": "computed", **told}
        return told

    @model_validator(mode="after")
    def _is_computed_as_it_says(self) -> Self:
        if (self.provenance == "computed") is (self.computed is None):
            raise ValueError("a trait is computed where it says how, in `computed`, and nowhere else")
        if self.computed is None:
            return self
        if self.fact is not None:
            raise ValueError("what is computed from events is no fact that rules read")
        wanted = _OF.get(self.computed.of, self.type)
        if self.type is not wanted or self.type is Type.DATE:
            raise ValueError(f"{self.computed.of} of type {self.type}, where it is of type {wanted}")
        return self

    @model_validator(mode="after")
    def _is_of_the_type_of_its_fact(self) -> Self:
        if self.fact is None:
            return self
        if self.fact not in FACT_TYPES:
            raise ValueError(f"no fact '{self.fact}' that a trait may tell. {closest(self.fact, FACT_TYPES)}")
        if self.type not in FACT_TYPES[self.fact]:
            wanted = " or ".join(FACT_TYPES[self.fact])
            raise ValueError(f"fact '{self.fact}' of type {self.type}, where rules read {wanted}")
        return self


class Catalogue(Declared):
    """One file of ``traits/``."""

    traits: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Trait]


def catalogue_from(folder: Path) -> dict[str, Trait]:
    """Read all files of ``traits/``.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    dict of str to Trait
        In the order of files and of lines.

    Raises
    ------
    WorkspaceError
        A file is malformed, two define the same trait, one is named ``person``, or an inferred one is not a
        plain number.
    """
    catalogue: dict[str, Trait] = {}
    for path in sorted(folder.glob("*.toml")):
        for name, trait in read(path, Catalogue, WorkspaceError).traits.items():
            if name == "person":
                raise WorkspaceError(
                    f"traits/{path.name}", "a trait named 'person'", "Rename it: ids use it."
                )
            if name in catalogue:
                raise WorkspaceError(f"traits/{path.name}", f"a second trait '{name}'", "Remove one.")
            if trait.provenance == "inferred" and (trait.type is not Type.NUMBER or trait.fact):
                found, todo = f"the inferred trait '{name}' is a fact or no number", "Make it a plain number."
                raise WorkspaceError(f"traits/{path.name}", found, todo)
            catalogue[name] = trait
    return catalogue


def types(catalogue: Mapping[str, Trait]) -> dict[str, Type]:
    """The type of each trait, as expressions want it."""
    return {name: trait.type for name, trait in catalogue.items()}


def observed(catalogue: Mapping[str, Trait]) -> dict[str, Trait]:
    """The traits that sources tell."""
    return {name: trait for name, trait in catalogue.items() if trait.provenance == "observed"}


def computed(catalogue: Mapping[str, Trait]) -> dict[str, Computed]:
    """How those traits are computed that are."""
    return {name: trait.computed for name, trait in catalogue.items() if trait.computed is not None}
