"""A source: where rows come from, what they may be used for, and which column means what."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails

from suasion.errors import ExpressionError, SourceError
from suasion.expressions import Expression, Type, parse
from suasion.rules import Basis, Category, Channel, Purpose

LINE_NUMBER = "#line"
"""The special column whose value is the line number of the row."""

ContactKind = Literal["email", "phone", "postal"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]

_TO_DO = {
    "string_pattern_mismatch": "Write lower-case letters, digits and '_', a letter first.",
    "too_short": "Give at least one.",
}


@dataclass(frozen=True)
class HouseholdColumn:
    """The column that says who lives together."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    column: Text


@dataclass(frozen=True)
class ConsentColumn:
    """A yes-or-no column: consent to a purpose in a channel."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    column: Text
    purpose: Purpose
    channel: Channel


@dataclass(frozen=True)
class OutcomeColumn:
    """A column that holds an outcome, and the outcome's category."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    column: Text
    category: Category


@dataclass(frozen=True)
class Attestation:
    """A fact that somebody vouches for, for every row of the source."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    fact: Literal["adult"]
    value: StrictBool
    who: Text
    why: Text


@dataclass(frozen=True)
class PastTreatment:
    """What was done to each person in a finished campaign or experiment.

    ``arms`` maps the name of an arm to a condition on the column; the first arm is the control. A row
    without a value in the column is in no arm, whatever the conditions say about NULL.
    ``probability`` names a column with the probability of the arm that was received;
    ``probabilities`` are known constants by arm instead.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    column: Text
    arms: Annotated[dict[Text, Text], Field(min_length=2)]
    type: Type = Type.TEXT
    probability: Text | None = None
    probabilities: dict[Text, Share] = field(default_factory=dict)
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


@dataclass(frozen=True)
class Source:
    """A file, its licence and purposes, and the meaning of its columns.

    The fields are the keys of ``sources/NAME.toml``; ``name`` is ``NAME``. Columns that no key names
    are not read. Without ``encoding``, a file without a byte order mark is taken for UTF-8: single lines
    that are not are rejects, more than one in a hundred an error.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
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
    contacts: dict[ContactKind, Text] = field(default_factory=dict)
    consents: tuple[ConsentColumn, ...] = ()
    traits: dict[Name, Text] = field(default_factory=dict)
    treatment: PastTreatment | None = None
    outcomes: dict[Name, OutcomeColumn] = field(default_factory=dict)
    attest: tuple[Attestation, ...] = ()


_adapter = TypeAdapter(Source)


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
    tree = _toml(path)
    if "name" in tree:
        raise SourceError(
            f"{path}: name", "a key that is not known", "The name of the file is the name of the source."
        )
    try:
        source = _adapter.validate_python({**tree, "name": path.stem})
    except ValidationError as error:
        raise _first(path, tree, error.errors(include_url=False)) from None
    _check(path, source)
    return source


def did_you_mean(wrong: str, known: list[str]) -> str:
    """A sentence that offers the nearest known name, and all of them.

    Examples
    --------
    >>> did_you_mean("agee", ["age", "sex"])
    "Did you mean 'age'? Known: age, sex."
    """
    near = get_close_matches(wrong.casefold(), [name.casefold() for name in known], n=1)
    guess = [f"Did you mean '{name}'? " for name in known if name.casefold() in near][:1]
    return "".join(guess) + f"Known: {', '.join(known) or 'none'}."


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SourceError(
            f"source {path}", "no such file", "Write the mapping, or correct the name."
        ) from None
    except OSError as error:
        raise SourceError(f"source {path}", f"{error.strerror}", "Make the file readable.") from None
    except UnicodeDecodeError:
        raise SourceError(f"source {path}", "not UTF-8", "Save the mapping as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"source {path}", f"not TOML: {error}", "Correct that line.") from None


def _first(path: Path, tree: dict[str, Any], errors: list[ErrorDetails]) -> SourceError:
    """The first error of pydantic as ours, with the number of the others."""
    error = min(errors, key=lambda one: one["type"] != "unexpected_keyword_argument")
    key = ".".join(str(part) for part in error["loc"] if part != "[key]")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    if error["type"] == "unexpected_keyword_argument":
        todo = did_you_mean(str(error["loc"][-1]), _keys(error["loc"][:-1]))
        return SourceError(f"{path}: {key}", f"a key that is not known{more}", todo)
    if error["type"] == "missing":
        return SourceError(f"{path}: {key}", f"the key is missing{more}", "Add it.")
    found = f"{_shown(error['input'])}: {error['msg'][0].lower()}{error['msg'][1:]}{more}"
    return SourceError(f"{path}: {key}", found, _TO_DO.get(error["type"], "Correct it."))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that a place of the mapping may have."""
    nouns = {
        "household": HouseholdColumn,
        "consents": ConsentColumn,
        "treatment": PastTreatment,
        "outcomes": OutcomeColumn,
        "attest": Attestation,
    }
    noun = nouns[str(location[0])] if location else Source
    assert is_dataclass(noun)
    return [one.name for one in fields(noun) if one.name != "name"]


def _check(path: Path, source: Source) -> None:
    """What pydantic cannot say: the rules between keys."""
    _check_columns(path, source)
    pairs = [(consent.purpose, consent.channel) for consent in source.consents]
    for purpose, channel in pairs:
        if pairs.count((purpose, channel)) > 1:
            raise SourceError(
                f"{path}: consents",
                f"two columns for {purpose} by {channel}",
                "Keep one column for each pair.",
            )
    if source.treatment is not None:
        _check_probabilities(path, source.treatment)
        _check_arms(path, source.treatment)


def _check_columns(path: Path, source: Source) -> None:
    for kind, column in source.contacts.items():
        if column == LINE_NUMBER:
            raise SourceError(
                f"{path}: contacts.{kind}", "'#line'", "Only an identifier can be the line number."
            )


def _check_arms(path: Path, treatment: PastTreatment) -> None:
    try:
        _ = treatment.conditions
    except ExpressionError as error:
        raise SourceError(f"{path}: treatment.arms: {error.asked}", error.found, error.todo) from None


def _check_probabilities(path: Path, treatment: PastTreatment) -> None:
    known = treatment.probabilities
    if known and treatment.probability is not None:
        raise SourceError(
            f"{path}: treatment",
            "both probability and probabilities",
            "Give a column or constants, not both.",
        )
    for arm in known:
        if arm not in treatment.arms:
            todo = did_you_mean(arm, list(treatment.arms))
            raise SourceError(f"{path}: treatment.probabilities.{arm}", "an arm that is not known", todo)
    total = sum(known.values())
    if total > 1 + 1e-6 or (len(known) == len(treatment.arms) and total < 1 - 1e-6):
        raise SourceError(
            f"{path}: treatment.probabilities",
            f"they add up to {total:g}",
            "Probabilities of all arms make 1.",
        )
