"""A message: its variants, what stands in where a trait is not known, and its review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from suasion.declarations import Declared, closest, read
from suasion.errors import CampaignError
from suasion.messages.language import names
from suasion.profiles import Trait
from suasion.rules import Category, Gate, Verdict

MOST_SOURCE = 100_000
"""Characters of a template."""
MOST_VALUE = 1_000
"""Characters of a trait in a message: with the limits of the language it bounds what is held in memory."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Source = Annotated[str, Field(min_length=1, max_length=MOST_SOURCE)]
_IN_64_BITS = Field(gt=-(2**63), lt=2**63)
Fallback = (
    bool
    | Annotated[int, _IN_64_BITS]
    | Annotated[float, _IN_64_BITS]
    | Annotated[str, Field(max_length=MOST_VALUE)]
    | date
)


class Review(Declared):
    """What a named person found in a message. What review does not say is unknown, and unknown is no.

    `topics` and `stance` tag what the message says, so that nobody hears only one side; they are about the
    message, never about the opinions of people, and no rule judges by them.
    """

    by: str = Field(min_length=1)
    on: date
    exposes_third_persons: bool | None = None
    discourages_voting: bool | None = None
    topics: tuple[Name, ...] = ()
    stance: Name | None = None


class Variant(Declared):
    """One version of a message: templates whose fields are traits."""

    subject: Source | None = None
    text: Source
    html: Source | None = None

    @property
    def parts(self) -> dict[str, str]:
        """The templates there are, by ``subject``, ``text`` and ``html``."""
        parts = {"subject": self.subject, "text": self.text, "html": self.html}
        return {part: source for part, source in parts.items() if source is not None}


class Message(Declared):
    """What is said, as written in ``messages/NAME.toml``."""

    name: str
    variants: dict[Name, Variant] = Field(min_length=1)
    fallbacks: dict[Name, Fallback] = Field(default_factory=dict)
    review: Review | None = None

    @property
    def digest(self) -> str:
        """Digest of all that is said, fallbacks included: an approval holds for this and nothing else."""
        said = self.model_dump(mode="json", include={"variants", "fallbacks"})
        return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()

    def variant(self, name: str | None = None) -> Variant:
        """One version.

        Parameters
        ----------
        name : str, optional
            May be left out where there is only one.

        Returns
        -------
        Variant

        Raises
        ------
        CampaignError
            No such variant, or several and none is named.
        """
        if name is None and len(self.variants) == 1:
            return next(iter(self.variants.values()))
        if name not in self.variants:
            found = "several variants, and none is named" if name is None else f"unknown variant '{name}'"
            raise CampaignError(f"message '{self.name}'", found, closest(name or "", self.variants))
        return self.variants[name]

    def judge(self, gate: Gate) -> Verdict:
        """Whether the rules let this message be planned.

        Parameters
        ----------
        gate : Gate

        Returns
        -------
        Verdict
        """
        found = self.review.model_dump(exclude={"by", "on", "topics", "stance"}) if self.review else {}
        return gate.judge_one("message", found)

    def tags(self, of: Literal["stance", "topics"]) -> frozenset[str]:
        """What review tagged the message with; nothing where nobody did.

        Parameters
        ----------
        of : "stance" or "topics"

        Returns
        -------
        frozenset of str

        Examples
        --------
        >>> review = Review(by="Ada", on=date(2026, 11, 1), topics=("buses", "bikes"), stance="for")
        >>> message = Message(name="m", variants={"a": Variant(text="Come.")}, review=review)
        >>> sorted(message.tags("topics")), sorted(message.tags("stance"))
        (['bikes', 'buses'], ['for'])
        """
        if self.review is None:
            return frozenset()
        stance = self.review.stance
        return frozenset(self.review.topics if of == "topics" else [] if stance is None else [stance])


def message_from(path: Path) -> Message:
    """Read a message.

    Parameters
    ----------
    path : Path
        ``messages/NAME.toml``.

    Returns
    -------
    Message

    Raises
    ------
    CampaignError
        Absent or malformed. What its templates say is not looked into: `proof` does that.
    """
    return read(path, Message, CampaignError, name=path.stem)


def fields(variant: Variant) -> frozenset[str]:
    """The names of the traits that a variant uses.

    Examples
    --------
    >>> fields(Variant(subject="{{ first_name }}!", text="Come{% if age > 64 %} by bus{% endif %}.")) == {
    ...     "age", "first_name"
    ... }
    True
    """
    return frozenset().union(*map(names, variant.parts.values()))


def used_traits(variant: Variant, catalogue: Mapping[str, Trait]) -> tuple[tuple[str, Category], ...]:
    """The traits that a variant uses and their categories, for the rules to judge.

    Parameters
    ----------
    variant : Variant
    catalogue : mapping of str to Trait

    Returns
    -------
    tuple of (name, category)
        By name.

    Raises
    ------
    CampaignError
        A field is no trait.
    """
    for name in sorted(fields(variant)):
        if name not in catalogue:
            raise CampaignError("a field of a message", f"unknown trait '{name}'", closest(name, catalogue))
    return tuple((name, catalogue[name].category) for name in sorted(fields(variant)))
