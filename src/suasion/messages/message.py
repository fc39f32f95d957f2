"""A message: its variants, what stands in where a trait is not known, and its review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from suasion.declarations import Declared, closest, read
from suasion.errors import CampaignError
from suasion.expressions import Value
from suasion.messages import harm
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


_PEOPLE_SAY = ("exposes_third_persons", "discourages_voting")
"""Where words find nothing, a person must say so."""


class Review(Declared):
    """What a named person found in a message. What review does not say is unknown, and unknown is no.

    `overruled` gives a reason for each finding of the review by words that does not hold. `topics` and
    `stance` tag what the message says, so that nobody hears only one side; they are about the message, never
    about the opinions of people, and no rule judges by them.
    """

    by: str = Field(min_length=1)
    on: date
    exposes_third_persons: bool | None = None
    discourages_voting: bool | None = None
    personal_price: bool | None = None
    price_disclosed: bool | None = None
    states_preference: bool | None = None
    directed_to_children: bool | None = None
    vulnerable_group: bool | None = None
    ai_made: bool | None = None
    overruled: dict[str, Annotated[str, Field(min_length=3)]] = Field(default_factory=dict)
    topics: tuple[Name, ...] = ()
    stance: Name | None = None

    @property
    def found(self) -> dict[str, bool]:
        """What the reviewer says, by fact."""
        said = self.model_dump(exclude={"by", "on", "overruled", "topics", "stance"})
        return {fact: value for fact, value in said.items() if value is not None}


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
    """What is said, as written in ``messages/NAME.toml``; `claims` are its checkable statements."""

    name: str
    variants: dict[Name, Variant] = Field(min_length=1)
    fallbacks: dict[Name, Fallback] = Field(default_factory=dict)
    written_by: str | None = Field(default=None, min_length=1)
    claims: tuple[harm.Claim, ...] = ()
    review: Review | None = None

    @property
    def digest(self) -> str:
        """Digest of all that is said, fallbacks included: an approval holds for this and nothing else."""
        said = self.model_dump(mode="json", include={"variants", "fallbacks", "claims"})
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

    def harms(self, variant: str | None, votes: Sequence[harm.Vote] = ()) -> harm.Harm:
        """What words tell of a variant.

        Parameters
        ----------
        variant : str, optional
            None for all of them together.
        votes : sequence of Vote
            The official table.

        Returns
        -------
        Harm
        """
        chosen = self.variants if variant is None else {variant: self.variant(variant)}
        parts: dict[str, str] = {}
        for one in chosen.values():
            for part, source in one.parts.items():
                parts[part] = f"{parts[part]}\n{source}" if part in parts else source
        reasons = self.review.overruled if self.review else {}
        more = [one for one in self.fallbacks.values() if isinstance(one, str)]
        return harm.review(parts, more, self.claims, votes, reasons)

    def judge(
        self,
        gate: Gate,
        votes: Sequence[harm.Vote] = (),
        variant: str | None = None,
        by: str | None = None,
        place: str | None = None,
    ) -> Verdict:
        """Whether the rules let this message be planned, or, where somebody approves it, be sent.

        What words tell is true whatever the reviewer says, unless it is overruled by name and reason.

        Parameters
        ----------
        gate : Gate
        votes : sequence of Vote
            The official table.
        variant : str, optional
        by : str, optional
            Who approves it; else the reviewer counts as the second person.
        place : str, optional
            Where it is said; that of the occasion unless given.

        Returns
        -------
        Verdict
        """
        said = self.review.found if self.review else {}
        told = self.harms(variant, votes).facts
        facts: dict[str, Value | None] = {
            **said,
            **{fact: value or said.get(fact, value) for fact, value in told.items()},
        }
        for fact in _PEOPLE_SAY:  # words alone cannot tell that there is none
            facts[fact] = True if told[fact] else said.get(fact)
        return gate.judge_one("message", {**facts, "second_person": self._seconded(by)}, place)

    def _seconded(self, by: str | None) -> bool | None:
        """Whether another than the writer has looked at it; None where that is not known."""
        other = by or (self.review.by if self.review else None)
        if self.written_by is None or other is None:
            return None
        return " ".join(other.split()).casefold() != " ".join(self.written_by.split()).casefold()

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
