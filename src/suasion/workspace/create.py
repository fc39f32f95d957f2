"""Write a workspace from a file: mapping, traits, segment, messages and a campaign to read and correct."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

from suasion.declarations import closest
from suasion.errors import InputError, WorkspaceError
from suasion.expressions import Type, quote
from suasion.ingest import LINE_NUMBER, ColumnGuess, Guess, guess
from suasion.rules import Basis, Gate, Jurisdiction, Occasion, Purpose, Use, load_packs

T = TypeVar("T")

MOST_LEVELS = 100
"""A text column with more values than this names individuals rather than kinds of people."""


@dataclass(frozen=True)
class Answers:
    """What a file does not say by itself.

    Parameters
    ----------
    treatment : str
        Column that says what was done to each person.
    control : str
        Its value where nothing was done.
    outcome : str
        Column with what the campaign hopes for.
    purpose : Purpose
    vouched_by : str
        Who vouches that everybody in the file is an adult and that no message exposes third persons or
        discourages voting; empty if nobody does.
    """

    treatment: str
    control: str
    outcome: str
    purpose: Purpose
    vouched_by: str = ""


def create(
    folder: Path, file: Path, answers: Answers, at: datetime, territory: str = Jurisdiction.UNKNOWN
) -> Guess:
    """Write the files of a workspace around one finished experiment.

    The rows are taken as held for a research replay: they may be learned from and evaluated, and nobody
    in them can be contacted. Whoever has another ground writes it into ``sources/``.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    file : Path
        CSV or Parquet; it stays where it is.
    answers : Answers
    at : datetime
        Now; its day is taken for when the rows were true, and for the day of review.
    territory : str
        ISO code of the place whose law applies.

    Returns
    -------
    Guess
        What was guessed, for showing.

    Raises
    ------
    WorkspaceError
        The folder holds something already.
    InputError
        An answer names a column or value that the file does not have.
    """
    check_vacant(folder)
    found = guess(file)
    _check(found, answers)
    for name, text in _files(folder, file, found, answers, at, territory).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return found


def check_vacant(folder: Path) -> None:
    """Raise WorkspaceError where a new workspace would write over something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"a workspace in {folder}", "the folder is not empty", "Name another folder.")


def _check(found: Guess, answers: Answers) -> None:
    names = [column.name for column in found.columns]
    for asked, name in (("treatment", answers.treatment), ("outcome", answers.outcome)):
        if name not in names:
            raise InputError(f"{asked} column '{name}'", "not in the file", closest(name, names))
    values = found.column(answers.treatment).values
    if not values:
        todo = "Name a column with 2 to 12 values, or write sources/ by hand."
        raise InputError(f"treatment column '{answers.treatment}'", "too many or too few values", todo)
    if answers.control not in values:
        raise InputError(
            f"control '{answers.control}'", "no value of the treatment", closest(answers.control, values)
        )
    if answers.outcome == answers.treatment:
        raise InputError("the outcome", "it is also the treatment", "Name another column.")


def _files(
    folder: Path, file: Path, found: Guess, answers: Answers, at: datetime, territory: str
) -> dict[str, str]:
    today = at.date()
    arms = _arms(found.column(answers.treatment).values, answers.control)
    traits = _traits(found, answers)
    features = _features(traits, answers, at, territory)
    name = _slug(file.stem)
    place = os.path.relpath(file.resolve(), (folder / "sources").resolve())
    files = {
        "suasion.toml": _settings(file.stem, answers.purpose, territory),
        f"sources/{name}.toml": _source(place, found, answers, arms, traits, today, territory),
        "traits/people.toml": "\n".join(_trait(key, column) for key, column in traits.items()),
        "segments/everybody.toml": 'label = "Everybody in the file"\nwhere = "true"\n',
        f"campaigns/{name}.toml": _campaign(name, found, answers, arms, traits, features),
    }
    return files | {f"messages/{arm}.toml": _message(arm, answers, today) for arm in list(arms)[1:]}


def _settings(name: str, purpose: Purpose, territory: str) -> str:
    lines = [
        f"name = {_text(name)}",
        '# The place whose law applies, as ISO code; "ZZ": unknown, the rules of every place are judged.',
        f"territory = {_text(territory)}",
        'currency = "USD"',
        f"purpose = {_text(purpose)}",
    ]
    return "\n".join(lines) + "\n"


def _source(
    place: str,
    found: Guess,
    answers: Answers,
    arms: dict[str, str],
    traits: dict[str, ColumnGuess],
    today: date,
    territory: str,
) -> str:
    identifier = found.identifiers[0]
    treatment = quote(answers.treatment)
    lines = [
        f"file = {_text(place)}",
        'licence = "not stated"',
        f"purposes = [{_text(answers.purpose)}]",
        "# May be learned from and evaluated; nobody in it can be contacted.",
        'basis = "research_replay"',
        f"observed_on = {today.isoformat()}",
        f"territory = {_text(territory)}",
        "",
        "[identifiers]",
        f"record = {_text(identifier)}" + ("  # the line number" if identifier == LINE_NUMBER else ""),
        *(
            line
            for column in found.columns
            if column.role == "household"
            for line in ("", "[household]", f"column = {_text(column.name)}")
        ),
        "",
        "[traits]",
        *(f"{key} = {_text(column.name)}" for key, column in traits.items()),
        "",
        "[treatment]",
        f"column = {_text(answers.treatment)}",
        "# Given out by chance? If not, say false: probabilities are then estimated.",
        "randomized = true",
        "",
        "[treatment.arms]",
        *(f"{arm} = {_text(f'{treatment} = {_literal(value)}')}" for arm, value in arms.items()),
        "",
        "[outcomes]",
        f"{_slug(answers.outcome)} = {{ column = {_text(answers.outcome)}, category = "
        f"{_text(found.column(answers.outcome).category or 'behavior')} }}",
    ]
    return "\n".join([*lines, *_attested(found, answers.vouched_by)]) + "\n"


def _attested(found: Guess, by: str) -> list[str]:
    """That everybody is an adult, if somebody vouches for it and the file does not tell it itself."""
    aged = [column.name for column in found.columns if column.category == "age"]
    if aged:
        said = f"# Not attested: the file itself tells ages ({_text(aged[0])}). A trait of whole years"
        return ["", said, '# with fact = "age" in traits/ lets the rules read them.']
    if not by:
        return []
    why = 'why = "stated when the workspace was made"'
    return ["", "[[attest]]", 'fact = "adult"', "value = true", f"who = {_text(by)}", why]


def _trait(key: str, column: ColumnGuess) -> str:
    is_age = column.why == "an age" and column.type is Type.INTEGER
    lines = [
        f"[traits.{key}]",
        f"type = {_text(column.type)}",
        f"category = {_text('age' if is_age else column.category or 'behavior')}",
        f"label = {_text(column.name)}",
    ]
    return "\n".join([*lines, *(['fact = "age"'] if is_age else [])]) + "\n"


def _message(arm: str, answers: Answers, today: date) -> str:
    text = f'[variants.only]\ntext = "What the arm {arm} was told."\n'
    if not answers.vouched_by:
        return text + "# Not reviewed: planning refuses it until a [review] says what was found.\n"
    return (
        f"{text}\n[review]\nby = {_text(answers.vouched_by)}\non = {today.isoformat()}\n"
        "exposes_third_persons = false\ndiscourages_voting = false\n"
    )


def _campaign(
    name: str,
    found: Guess,
    answers: Answers,
    arms: dict[str, str],
    traits: dict[str, ColumnGuess],
    features: list[str],
) -> str:
    left_out = [key for key in traits if key not in features]
    control, *others = arms
    lines = [
        f"sponsor = {_text(answers.vouched_by or 'not stated')}",
        f"purpose = {_text(answers.purpose)}",
        f"source = {_text(name)}",
        'segment = "everybody"',
        f"control = {_text(control)}",
        f"outcome = {_text(_slug(answers.outcome))}",
        *([f"# Left out, for a rule would refuse them: {', '.join(left_out)}"] if left_out else []),
        f"features = [{', '.join(map(_text, features))}]",
        "# Enough for 30 % of the rows at a cost of 1 each: put in your own money.",
        f"budget = {max(1, round(0.3 * found.rows))}.0",
    ]
    terms = (f"[treatments.{arm}]\nmessage = {_text(arm)}\ncost = 1.0" for arm in others)
    return "\n".join([*lines, "", "\n\n".join(terms)]) + "\n"


def _features(traits: dict[str, ColumnGuess], answers: Answers, at: datetime, territory: str) -> list[str]:
    """The traits that the house rules let a score use for this purpose."""
    jurisdiction = Jurisdiction(territory, at.date())
    occasion = Occasion(frozenset({Use.LEARN}), answers.purpose, "init", jurisdiction, at)
    gate = Gate(load_packs([], Path()), occasion)
    known = {"role": "score", "basis": str(Basis.RESEARCH_REPLAY), "purpose": str(answers.purpose)}
    categories = {key: column.category or "behavior" for key, column in traits.items()}
    judged = {key: gate.judge_one("trait", {**known, "category": c}) for key, c in categories.items()}
    return [key for key, verdict in judged.items() if verdict.allowed]


def _arms(values: Iterable[str], control: str) -> dict[str, str]:
    """Arm name and value, the control first."""
    ordered = [control, *sorted(value for value in values if value != control)]
    return _named(ordered, "arm", ordered)


def _traits(found: Guess, answers: Answers) -> dict[str, ColumnGuess]:
    taken = {answers.treatment, answers.outcome, *found.identifiers[:1]}
    columns = [
        column
        for column in found.columns
        if column.name not in taken
        and column.role in ("trait", "treatment")
        and not (column.type is Type.TEXT and column.distinct > MOST_LEVELS)
    ]
    return _named([column.name for column in columns], "trait", columns)


def _named(names: list[str], prefix: str, values: list[T]) -> dict[str, T]:
    """Values by slugs of their names, each once."""
    named: dict[str, T] = {}
    for name, value in zip(names, values, strict=True):
        slug = _slug(name, prefix)
        key = slug if slug not in named else f"{slug}_{len(named)}"
        named[key] = value
    return named


def _slug(name: str, prefix: str = "x") -> str:
    """A name that keys and file names may have."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return slug if slug[:1].isalpha() else f"{prefix}_{slug}".rstrip("_")


def _literal(value: str) -> str:
    """A text literal of the expression language."""
    return "'" + value.replace("'", "''") + "'"


def _text(value: str) -> str:
    """A basic string of TOML 1.0: the escapes of JSON, and DEL."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
