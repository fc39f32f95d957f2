"""An inferred trait as it is declared: from what it is learned, for what, for whom, and until when."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from suasion.declarations import Declared, read
from suasion.errors import WorkspaceError
from suasion.rules import Category, Purpose

Days = Annotated[int, Field(ge=1, le=3650, strict=True)]


class FromOutcome(Declared):
    """A propensity: who is likely to do what a source recorded of others.

    `outcome` is a yes or no of the source; `weight` a trait that says how many people each person of a survey
    stands for. Where the source is an experiment, only its control is learned from.
    """

    source: str
    outcome: str
    weight: str | None = None


class FromList(Declared):
    """A lookalike: who is like those on a list, which is a segment, or everybody in a source.

    `category` says what being in the source tells of a person; a segment's traits say it themselves.
    """

    segment: str | None = None
    source: str | None = None
    category: Category | None = None


class Inference(Declared):
    """One file of ``inferences/``: it has a table ``[propensity]`` or ``[lookalike]``.

    `trait` is where the score is stored, for the persons of `segment` and for `purpose` alone; after `days`
    it is unknown again. By `groups`, which are not learned from, the card says whether chances come true.
    """

    name: str
    trait: str
    purpose: Purpose
    segment: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    days: Days
    groups: tuple[str, ...] = ()
    propensity: FromOutcome | None = None
    lookalike: FromList | None = None

    @property
    def kind(self) -> Literal["propensity", "lookalike"]:
        """Which of the two it is."""
        return "lookalike" if self.propensity is None else "propensity"

    @property
    def source(self) -> str | None:
        """The source of the outcome or of the list."""
        return (self.propensity or self.lookalike or FromList()).source

    @property
    def learns(self) -> str:
        """The outcome of a propensity."""
        return "" if self.propensity is None else self.propensity.outcome

    @property
    def weight(self) -> str | None:
        """The trait of the survey weight, where there is one."""
        return None if self.propensity is None else self.propensity.weight

    @property
    def digest(self) -> str:
        """Digest of the declaration."""
        return hashlib.blake2b(self.model_dump_json().encode(), digest_size=16).hexdigest()


def inference_from(path: Path) -> Inference:
    """Read a file of ``inferences/``.

    Parameters
    ----------
    path : Path
        ``inferences/NAME.toml``.

    Returns
    -------
    Inference

    Raises
    ------
    WorkspaceError
        Absent, malformed, or contradicting itself.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "churn.toml"
    >>> _ = path.write_text('''
    ... trait = "churn_risk"
    ... purpose = "commercial"
    ... segment = "customers"
    ... features = ["recency"]
    ... days = 90
    ... propensity = { source = "last_year", outcome = "left" }
    ... ''')
    >>> inference_from(path).kind
    'propensity'
    """
    declared = read(path, Inference, WorkspaceError, name=path.stem)
    asked = f"inferences/{path.name}"
    if (declared.propensity is None) is (declared.lookalike is None):
        found, todo = "not one of [propensity] and [lookalike]", "Say from what it is learned, once."
        raise WorkspaceError(asked, found, todo)
    seeds = declared.lookalike
    if seeds is not None and (seeds.segment is None) is (seeds.source is None):
        raise WorkspaceError(f"{asked}: lookalike", "not one of segment and source", "Name one list.")
    if seeds is not None and seeds.segment is not None and seeds.category is not None:
        found = "a category of a segment"
        raise WorkspaceError(f"{asked}: lookalike", found, "Leave it out: its traits say it.")
    for key, names in (("features", declared.features), ("groups", declared.groups)):
        if len(set(names)) < len(names):
            raise WorkspaceError(f"{asked}: {key}", "a name twice", "Name each once.")
    if {declared.trait, declared.weight} & set(declared.features):
        found = "the trait that is inferred, or the weight, among them"
        raise WorkspaceError(f"{asked}: features", found, "Leave it out.")
    return declared
