"""A source: where rows come from, what they may be used for, and which column means what."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from suasion.declarations import Declared, closest, read
from suasion.errors import ExpressionError, SourceError
from suasion.expressions import Expression, Type, parse
from suasion.rules import Basis, Category, Channel, Purpose

LINE_NUMBER = "#line"
"""The special column whose value is the line number of the row."""

ContactKind = Literal["email", "phone", "postal"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class HouseholdColumn(Declared):
    """The column that says who lives together."""

    column: Text


class ConsentColumn(Declared):
    """A yes-or-no column: consent to a purpose in a channel; `expires` names a column with its last day."""

    column: Text
    purpose: Purpose
    channel: Channel
    expires: Text | None = None


class OutcomeColumn(Declared):
    """A column that holds an outcome, the outcome's category, and whether it is a sum of money."""

    column: Text
    category: Category
    money: bool = False


class Attestation(Declared):
    """A fact that somebody vouches for, for every row of the source."""

    fact: Literal["adult"]
    value: StrictBool
    who: Text
    why: Text


class PastTreatment(Declared):
    """What was done to each person in a finished campaign or experiment.

    ``arms`` maps the name of an arm to a condition on the column; the first arm is the control. A row
    without a value in the column is in no arm, whatever the conditions say about NULL.
    ``probability`` names a column with the probability of the arm that was received;
    ``probabilities`` are known constants by arm instead.
    """

    column: Text
    arms: Annotated[dict[Text, Text], Field(min_length=2)]
    type: Type = Type.TEXT
    probability: Text | None = None
    probabilities: dict[Text, Share] = Field(default_factory=dict)
    randomized: StrictBool = False

    @property
    def control(self) -> str:
        """The first arm."""
        return next(iter(self.arms))

    @cached_property
    def conditions(self) -> dict[str, Expression]:
        """The conditions of the arms, parsed."""
        catalogue = {self.column: self.type}
        return {arm: parse(text, catalogue, f"arm '{arm}'") for arm, text in self.arms.items()}


class Source(Declared):
    """A file, its licence and purposes, and the meaning of its columns.

    The fields are the keys of ``sources/NAME.toml``; ``name`` is ``NAME``. Columns that no key names
    are not read. Without ``encoding``, a file without a byte order mark is taken for UTF-8: single lines
    that are not are rejects, more than one in a hundred an error.
    """

    name: Name
    file: Text
    licence: Text
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    basis: Basis
    observed_on: date
    territory: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    identifiers: Annotated[dict[Name, Text], Field(min_length=1)]
    encoding: Text | None = None
    household: HouseholdColumn | None = None
    contacts: dict[ContactKind, Text] = Field(default_factory=dict)
    consents: tuple[ConsentColumn, ...] = ()
    traits: dict[Name, Text] = Field(default_factory=dict)
    treatment: PastTreatment | None = None
    outcomes: dict[Name, OutcomeColumn] = Field(default_factory=dict)
    attest: tuple[Attestation, ...] = ()


def load_source(path: Path) -> Source:
    """Read and check a mapping.

    Parameters
    ----------
    path : Path
        ``sources/NAME.toml``.

    Returns
    -------
    Source
        The mapping; the file it names is not opened.

    Raises
    ------
    SourceError
        The mapping is absent, is not TOML, or has a missing, unknown or impossible key.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "shop.toml"
    >>> _ = path.write_text('''
    ... file = "shop.csv"
    ... licence = "our own"
    ... purposes = ["commercial"]
    ... basis = "contract"
    ... observed_on = 2026-01-31
    ... territory = "DE"
    ... identifiers = { customer = "id" }
    ... ''')
    >>> load_source(path).identifiers
    {'customer': 'id'}
    """
    source = read(path, Source, SourceError, name=path.stem)
    _check(path, source)
    return source


def _check(path: Path, source: Source) -> None:
    """What pydantic cannot say: the rules between keys."""
    _check_columns(path, source)
    pairs = [(consent.purpose, consent.channel) for consent in source.consents]
    for purpose, channel in pairs:
        if pairs.count((purpose, channel)) > 1:
            raise SourceError(
                f"{path.parent.name}/{path.name}: consents",
                f"two columns for {purpose} by {channel}",
                "Keep one column for each pair.",
            )
    if source.treatment is not None:
        _check_probabilities(path, source.treatment)
        _check_arms(path, source.treatment)


def _check_columns(path: Path, source: Source) -> None:
    """A column has one meaning: mapped twice, it could escape the category that the rules judge."""
    taken = {column: f"identifiers.{kind}" for kind, column in source.identifiers.items()}
    taken |= {column: f"contacts.{kind}" for kind, column in source.contacts.items()}
    taken |= {one.column: f"outcomes.{name}" for name, one in source.outcomes.items()}
    if source.treatment is not None:
        taken[source.treatment.column] = "treatment"
    for trait, column in source.traits.items():
        if column in taken:
            asked, found = (
                f"{path.parent.name}/{path.name}: traits.{trait}",
                f"column '{column}' is also {taken[column]}",
            )
            raise SourceError(asked, found, "Map a column once.")
        taken[column] = f"traits.{trait}"
    for kind, column in source.contacts.items():
        if column == LINE_NUMBER:
            raise SourceError(
                f"{path.parent.name}/{path.name}: contacts.{kind}",
                "'#line'",
                "Only an identifier can be the line number.",
            )


def _check_arms(path: Path, treatment: PastTreatment) -> None:
    try:
        _ = treatment.conditions
    except ExpressionError as error:
        raise SourceError(
            f"{path.parent.name}/{path.name}: treatment.arms: {error.asked}", error.found, error.todo
        ) from None


def _check_probabilities(path: Path, treatment: PastTreatment) -> None:
    known = treatment.probabilities
    if known and treatment.probability is not None:
        raise SourceError(
            f"{path.parent.name}/{path.name}: treatment",
            "both probability and probabilities",
            "Give a column or constants, not both.",
        )
    for arm in known:
        if arm not in treatment.arms:
            todo = closest(arm, treatment.arms)
            raise SourceError(
                f"{path.parent.name}/{path.name}: treatment.probabilities.{arm}",
                "an arm that is not known",
                todo,
            )
    total = sum(known.values())
    if total > 1 + 1e-6 or (len(known) == len(treatment.arms) and total < 1 - 1e-6):
        raise SourceError(
            f"{path.parent.name}/{path.name}: treatment.probabilities",
            f"they add up to {total:g}",
            "Probabilities of all arms make 1.",
        )
