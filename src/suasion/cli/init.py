"""``suasion init``: a workspace from a file, with at most four questions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from suasion.cli import show
from suasion.cli.show import AsJson
from suasion.errors import InputError
from suasion.ingest import Guess, guess
from suasion.rules import Jurisdiction, Purpose
from suasion.workspace import Answers, check_vacant, create

MOST_COLUMNS = 3
"""Columns whose values are offered as the control; any other is named by ``--control``."""
VOUCH = "everybody in the file is an adult, and no message exposes third persons or discourages voting"


def init(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file of people.")],
    folder: Annotated[Path | None, typer.Argument(help="Where to; the file's name by default.")] = None,
    control: Annotated[
        str | None, typer.Option(help="Treatment column and its value for nothing: COLUMN=VALUE.")
    ] = None,
    outcome: Annotated[str | None, typer.Option(help="Column with what the campaign hopes for.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(help="What the data may be used for.")] = None,
    vouched_by: Annotated[
        str | None, typer.Option(help=f"Your name, if you vouch that {VOUCH}; empty if not.")
    ] = None,
    territory: Annotated[
        str, typer.Option(help="ISO code of the place whose law applies.")
    ] = Jurisdiction.UNKNOWN,
    as_json: AsJson = False,
) -> None:
    """Write a workspace around a file; what cannot be guessed is asked, at most four questions."""
    target = folder or Path(file.stem)
    check_vacant(target)
    found = guess(file)
    treatment, value = _control(found, control)
    answers = Answers(
        treatment=treatment,
        control=value,
        outcome=outcome or _choose("--outcome", "Which column is the outcome you hope for?", found.outcomes),
        purpose=purpose or Purpose(_choose("--purpose", "What may the data be used for?", list(Purpose))),
        vouched_by=_vouched(vouched_by),
    )
    create(target, file, answers, datetime.now(UTC), territory)
    if as_json:
        show.emit({"workspace": str(target), "answers": answers, "columns": found.columns})
        return
    rows = [(column.name, column.role, column.type, column.why) for column in found.columns]
    show.table("Columns", ("column", "role", "type", "why"), rows)
    show.screen.print(f"Wrote {escape(str(target))}. Read the files, correct them, then:")
    show.screen.print(f"  suasion run -w {escape(str(target))}")


def _control(found: Guess, given: str | None) -> tuple[str, str]:
    if given is not None:
        for column in found.columns:
            if given.startswith(f"{column.name}="):
                return column.name, given.removeprefix(f"{column.name}=")
        raise InputError(f"--control '{given}'", "no column of the file before '='", "Write COLUMN=VALUE.")
    pairs = {
        f"{name} = {value}": (name, value)
        for name in found.treatments[:MOST_COLUMNS]
        for value in sorted(found.column(name).values, key=lambda v: v != found.column(name).control)
    }
    if not pairs:
        todo = "Give --control COLUMN=VALUE, or write sources/ by hand."
        raise InputError("the treatment", "no column with 2 to 12 values", todo)
    return pairs[_choose("--control COLUMN=VALUE", "Which value says that nothing was done?", list(pairs))]


def _vouched(given: str | None) -> str:
    if given is not None or not sys.stdin.isatty():
        return given or ""
    return str(
        typer.prompt(f"Your name, if you vouch that {VOUCH} (empty: no)", default="", show_default=False)
    )


def _choose(option: str, question: str, candidates: Sequence[str]) -> str:
    """Ask for one of the candidates; without a terminal the answer must be an option."""
    if not sys.stdin.isatty():
        raise InputError(question, "no terminal to ask on", f"Give {option}.")
    if not candidates:
        return str(typer.prompt(question))
    for number, candidate in enumerate(candidates, 1):
        show.screen.print(f"  {number}. {escape(candidate)}")
    picked = int(typer.prompt(question, default=1, type=int))
    if not 1 <= picked <= len(candidates):
        raise InputError(question, f"answer {picked}", f"Give a number from 1 to {len(candidates)}.")
    return candidates[picked - 1]
