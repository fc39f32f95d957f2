"""Guess what the columns of a file mean, so that a person has to answer few questions.

A guess rests on names and on the first rows, is the same each time, and says why. It may be wrong: the
candidates for each question come in order of likelihood, for the user to choose from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from suasion.errors import SourceError
from suasion.expressions import Type
from suasion.ingest.cells import Cells
from suasion.ingest.file import cells_of, layout_of
from suasion.ingest.kinds import KINDS
from suasion.ingest.source import LINE_NUMBER
from suasion.ingest.words import (
    AGE,
    EMAIL,
    HOUSEHOLD,
    IDENTIFIER,
    OUTCOME,
    PHONE,
    TREATMENT,
    category_of,
    is_control,
    match,
)

GUESS_ROWS = 100_000
MOST_ARMS = 12
MOST_CELLS = 0.9  # share of the cells that must look like an address or a telephone number

Role = Literal["identifier", "household", "email", "phone", "treatment", "outcome", "trait", "ignored"]

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_CODE = r"0\d+"  # digits that are no number: a zip code, a telephone number
_PHONE = r"\+?[\d ()./-]{7,20}"


@dataclass(frozen=True)
class Seen:
    """What the first rows show of a column: counts of cells, and its values if they are few."""

    present: int
    distinct: int
    emails: int
    phones: int
    types: frozenset[Type]
    values: tuple[str, ...]


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to be, and why.

    ``missing`` and ``distinct`` count cells of the rows looked at. ``values`` are the values of a column
    that has 2 to 12, most frequent first, else empty. ``category`` is that of a sensitive trait.
    """

    name: str
    type: Type
    role: Role
    why: str
    missing: int
    distinct: int
    values: tuple[str, ...]
    category: str | None

    @property
    def control(self) -> str | None:
        """The value that reads like "nothing was done", if the column is a treatment."""
        return next((value for value in self.values if is_control(value)), None)


@dataclass(frozen=True)
class Guess:
    """What a file seems to hold.

    ``identifiers``, ``treatments`` and ``outcomes`` are columns that may answer each question, the best
    first; ``identifiers`` ends with ``#line``. ``rows`` is the number of rows looked at.
    """

    path: Path
    rows: int
    columns: tuple[ColumnGuess, ...]
    identifiers: tuple[str, ...]
    treatments: tuple[str, ...]
    outcomes: tuple[str, ...]

    def column(self, name: str) -> ColumnGuess:
        """The guess about one column."""
        return next(column for column in self.columns if column.name == name)


def guess(path: Path, encoding: str | None = None) -> Guess:
    """Look at the first 100,000 rows of a file.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file.
    encoding : str, optional
        As in a mapping.

    Returns
    -------
    Guess
        A role, a type and a reason for each column, and candidates for the identifier, the treatment and
        the outcome.

    Raises
    ------
    SourceError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "test.csv"
    >>> _ = path.write_text("member_id,arm,age,visit\\n7,control,31,0\\n8,letter,18,1\\n9,letter,31,1\\n")
    >>> found = guess(path)
    >>> [(column.name, column.role, column.why) for column in found.columns]  # doctest: +NORMALIZE_WHITESPACE
    [('member_id', 'identifier', 'unique, named like an identifier'), ('arm', 'treatment', 'named like one'),
     ('age', 'trait', 'an age'), ('visit', 'outcome', 'named like one')]
    >>> found.column("arm").control
    'control'
    """
    layout = layout_of(path, encoding)
    unreadable = dict(layout.unreadable)
    places = [i for i, name in enumerate(layout.names) if name and name not in unreadable]
    if not places:
        raise SourceError(f"file {path}", "no column can be read", "Give a file with plain, named columns.")
    cells = cells_of(layout, places, GUESS_ROWS)
    with duckdb.connect() as engine:
        engine.register("cells", cells.table)
        seen = {layout.names[place]: _look(engine, f"c{i}") for i, place in enumerate(places)}
    return _guess(path, cells, seen, unreadable)


def _look(engine: duckdb.DuckDBPyConnection, cell: str) -> Seen:
    fits = ", ".join(
        f"count({kind.typed(kind.cell(cell))}) = count({kind.cell(cell)})" for kind in KINDS.values()
    )
    row = engine.execute(
        f"SELECT count({cell}), count(DISTINCT {cell}), count_if(regexp_full_match({cell}, ?)), "
        f"count_if(regexp_full_match({cell}, ?)), bool_or(regexp_full_match({cell}, ?)), {fits} FROM cells",
        [_EMAIL, _PHONE, _CODE],
    ).fetchone()
    assert row is not None
    present, distinct, emails, phones, codes, *fit = row
    few = engine.execute(
        f"SELECT {cell} FROM cells WHERE {cell} IS NOT NULL "
        f"GROUP BY {cell} ORDER BY count(*) DESC, {cell} LIMIT ?",
        [MOST_ARMS if 2 <= distinct <= MOST_ARMS else 0],
    ).fetchall()
    types = frozenset(kind for kind, fitting in zip(KINDS, fit, strict=True) if fitting and not codes)
    return Seen(present, distinct, emails, phones, types, tuple(value for (value,) in few))


def _guess(path: Path, cells: Cells, seen: dict[str, Seen], unreadable: dict[str, str]) -> Guess:
    rows = cells.table.num_rows
    identifiers = _identifiers(rows, seen)
    treatments = _treatments(seen, identifiers)
    outcomes = _outcomes(seen, identifiers, treatments)
    columns = [_column(name, one, rows, identifiers, treatments, outcomes) for name, one in seen.items()]
    columns += [
        ColumnGuess(name, Type.TEXT, "ignored", f"holds {kind}", 0, 0, (), None)
        for name, kind in unreadable.items()
    ]
    return Guess(path, rows, tuple(columns), (*identifiers, LINE_NUMBER), treatments, outcomes)


def _identifiers(rows: int, seen: dict[str, Seen]) -> tuple[str, ...]:
    """Columns whose every row has a value of its own; those named like an identifier first."""
    unique = [
        name
        for name, one in seen.items()
        if one.present == one.distinct == rows and _type(one) in (Type.TEXT, Type.INTEGER)
        if not _contact(name, one) and not match(name, OUTCOME)
    ]
    return tuple(sorted(unique, key=lambda name: -match(name, IDENTIFIER)))


def _treatments(seen: dict[str, Seen], identifiers: tuple[str, ...]) -> tuple[str, ...]:
    """Columns with 2 to 12 values; by name, then by whether a value reads like a control, then few first."""
    few = [name for name, one in seen.items() if one.values and name not in identifiers]

    def unlikely(name: str) -> tuple[int, bool, bool, bool, int]:
        values = seen[name].values
        named = match(name, TREATMENT)
        known = bool(match(name, OUTCOME) or category_of(name))
        worded = not any(is_control(value) and value.strip("0.") for value in values)
        return -named, known, worded, _type(seen[name]) is not Type.TEXT, len(values)

    return tuple(sorted(few, key=unlikely))


def _outcomes(
    seen: dict[str, Seen], identifiers: tuple[str, ...], treatments: tuple[str, ...]
) -> tuple[str, ...]:
    """Numeric columns named like an outcome, then binary columns, the last of the file first."""
    known = set(identifiers)
    if treatments and match(treatments[0], TREATMENT):
        known.add(treatments[0])
    fits = [name for name, one in seen.items() if name not in known and one.present and _is_measure(one)]
    named = [name for name in fits if match(name, OUTCOME)]
    binary = [name for name in reversed(fits) if name not in named and seen[name].distinct == 2]
    return tuple(sorted(named, key=lambda name: -match(name, OUTCOME)) + binary)


def _is_measure(one: Seen) -> bool:
    return bool(one.types & {Type.BOOLEAN, Type.NUMBER})


def _type(one: Seen) -> Type:
    """The narrowest type that all values have; whole numbers are no dates and two of them may be a yes."""
    if not one.present:
        return Type.TEXT
    if Type.BOOLEAN in one.types and one.distinct <= 2:
        return Type.BOOLEAN
    order = (Type.INTEGER, Type.NUMBER, Type.DATE)
    return next((kind for kind in order if kind in one.types), Type.TEXT)


def _contact(name: str, one: Seen) -> Literal["email", "phone"] | None:
    if not one.present:
        return None
    if one.emails >= MOST_CELLS * one.present:
        return "email"
    telephone = one.phones >= MOST_CELLS * one.present and Type.DATE not in one.types
    return "phone" if telephone and match(name, PHONE) else None


def _column(
    name: str,
    one: Seen,
    rows: int,
    identifiers: tuple[str, ...],
    treatments: tuple[str, ...],
    outcomes: tuple[str, ...],
) -> ColumnGuess:
    role, why = _role(name, one, identifiers, treatments, outcomes)
    category = category_of(name) if role in ("trait", "treatment", "outcome") else None
    return ColumnGuess(name, _type(one), role, why, rows - one.present, one.distinct, one.values, category)


def _role(
    name: str, one: Seen, identifiers: tuple[str, ...], treatments: tuple[str, ...], outcomes: tuple[str, ...]
) -> tuple[Role, str]:
    if not one.present:
        return "ignored", "empty"
    contact = _contact(name, one)
    if contact:
        return contact, "looks like one" if not match(name, EMAIL + PHONE) else "named and looks like one"
    if name in identifiers[:1]:
        return "identifier", "unique, named like an identifier" if match(name, IDENTIFIER) else "unique"
    if match(name, HOUSEHOLD) == 2:
        return "household", "named like one"
    if name in treatments[:1] and match(name, TREATMENT):
        return "treatment", "named like one"
    if name in outcomes and match(name, OUTCOME):
        return "outcome", "named like one"
    return "trait", _trait_hint(name)


def _trait_hint(name: str) -> str:
    if match(name, AGE):
        return "an age" if match(name, ("age",)) else "a date or year of birth"
    category = category_of(name)
    return f"sensitive: {category}" if category else "nothing else fits"
