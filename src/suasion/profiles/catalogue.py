"""The traits a workspace knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from suasion.declarations import Declared, read
from suasion.errors import WorkspaceError
from suasion.expressions import Type
from suasion.rules import Category


class Trait(Declared):
    """What is known of a kind of attribute.

    `category` decides whether rules let it select people. `fact` says that the rules may read it as this
    fact about the person. A trait whose `provenance` is ``inferred`` comes from no source: it is a score
    that `suasion infer` stores, always a number and never a fact.
    """

    type: Type
    category: Category
    label: str = Field(min_length=1)
    fact: Literal["age"] | None = None
    provenance: Literal["observed", "inferred"] = "observed"


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
