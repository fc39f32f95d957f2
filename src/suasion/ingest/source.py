"""A source: where rows come from, what they may be used for, and which column means what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, StrictBool, StringConstraints, model_validator

from suasion.declarations import Declared, closest, read
from suasion.errors import ExpressionError, SourceError
from suasion.expressions import Expression, Type, parse
from suasion.rules import PERSON_FACTS, Basis, Category, Channel, Purpose

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
    """A yes-or-no column: consent to a purpose in a channel, and the evidence of it.

    `wording` is what people were shown, word for word, or `wording_file` names a file with it, beside the
    mapping; `capture` is how their answer was taken ("web form", "paper"); `said_at` names a column with the
    day or time of the answer, or is one day or time for all. A yes without these three counts as none.
    `separate`: asked for this purpose alone; `written`: signed or ticked; `confirmed` names a column with the
    time of a double opt-in, `expires` one with the last day. A time without a zone is one of UTC.
    """

    column: Text
    purpose: Purpose
    channel: Channel
    expires: Text | None = None
    wording: Text | None = None
    wording_file: Text | None = None
    capture: Text | None = None
    said_at: Text | Annotated[datetime, Strict()] | Annotated[date, Strict()] | None = None
    separate: StrictBool = False
    written: StrictBool = False
    confirmed: Text | None = None

    @property
    def said_on(self) -> str | None:
        """The day or time that holds for all rows, as ISO 8601 text in UTC; None where there is none."""
        if isinstance(self.said_at, datetime):
            at = self.said_at if self.said_at.tzinfo else self.said_at.replace(tzinfo=UTC)
            return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return self.said_at.isoformat() if isinstance(self.said_at, date) else None

    @property
    def lacking(self) -> tuple[str, ...]:
        """The keys without which no yes of the column counts."""
        return tuple(key for key in ("wording", "capture", "said_at") if getattr(self, key) is None)


class SignalColumn(Declared):
    """A column of what browsers and consent platforms say for a person.

    ``gpc``: whether Global Privacy Control was on; ``gpp``: a string of the Global Privacy Platform; ``tcf``:
    a string of the Transparency and Consent Framework, of which `vendor` is our number in its list. What they
    refuse is kept to as an opt-out of sale and sharing; what they allow, on one device and for the web, is no
    consent in any channel of ours.
    """

    kind: Literal["tcf", "gpp", "gpc"]
    column: Text
    vendor: int | None = Field(default=None, ge=1, le=65_535)

    @model_validator(mode="after")
    def _whose(self) -> SignalColumn:
        if (self.kind == "tcf") is (self.vendor is None):
            raise ValueError("give `vendor` with a TCF string, and only there")
        return self


class OutcomeColumn(Declared):
    """A column that holds an outcome, the outcome's category, and whether it is a sum of money."""

    column: Text
    category: Category
    money: bool = False


_PROVEN = {"purpose_permitted", "objected", "restricted", "sale_opted_out"}
"""Known from declarations or from the persons themselves; so is all about consent."""

ATTESTABLE = {
    name
    for name, kind in PERSON_FACTS.items()
    if kind is Type.BOOLEAN and name not in _PROVEN and not name.startswith("consent")
}


def _attestable(fact: str) -> str:
    if fact not in ATTESTABLE:
        raise ValueError(f"no fact '{fact}' that somebody can vouch for. {closest(fact, ATTESTABLE)}")
    return fact


class Attestation(Declared):
    """A fact that somebody vouches for, for every row of the source: a yes or no of `PERSON_FACTS`."""

    fact: Annotated[str, AfterValidator(_attestable)]
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
    that are not are rejects, more than one in a hundred an error. ``every_days`` says how often a new file
    comes: an older one raises an alarm.
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
    signals: tuple[SignalColumn, ...] = ()
    traits: dict[Name, Text] = Field(default_factory=dict)
    treatment: PastTreatment | None = None
    outcomes: dict[Name, OutcomeColumn] = Field(default_factory=dict)
    attest: tuple[Attestation, ...] = ()
    every_days: float | None = Field(default=None, gt=0, le=3660)


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
    return source.model_copy(update={"consents": tuple(_worded(path, one) for one in source.consents)})


def _worded(path: Path, consent: ConsentColumn) -> ConsentColumn:
    """With the words of its file in it, so that whoever edits them must ingest again."""
    if consent.wording_file is None:
        return consent
    asked = f"{path.parent.name}/{path.name}: consents: wording_file"
    if consent.wording is not None:
        raise SourceError(asked, "a wording, too", "Give one of them.")
    file = path.parent / consent.wording_file
    if not file.resolve().is_relative_to(path.parent.resolve()):
        raise SourceError(asked, "a file outside of the folder", "Put it beside the mapping.")
    try:
        words = file.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise SourceError(asked, "no such file in UTF-8", "Put it beside the mapping.") from None
    if not words:
        raise SourceError(asked, "an empty file", "Write down what people were shown.")
    return consent.model_copy(update={"wording": words})


def _check(path: Path, source: Source) -> None:
    """What pydantic cannot say: the rules between keys."""
    _check_columns(path, source)
    kinds = [signal.kind for signal in source.signals]
    if len(kinds) > len(set(kinds)):
        asked = f"{path.parent.name}/{path.name}: signals"
        raise SourceError(asked, "two columns of one kind", "Keep one column for each kind.")
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
    taken |= {one.column: f"signals.{one.kind}" for one in source.signals}
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
